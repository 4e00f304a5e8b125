/*
 * One step up the stack through a routine of the kernel: applies the rules that dwarf.c finds for
 * an instruction to the registers there. A few rules, those of interrupted code, are expressions:
 * programs for a small stack machine. Nothing is trusted, as in dwarf.c. No locks, any IRQL.
 */
#include <ntddk.h>
#include "dwarf.h"

#define EXPRESSION_DEPTH 8

/* What unwind.h calls DWARF's registers 0 to 15. */
static const UCHAR KiDwarfRegister[16] = {0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};

typedef struct _KI_EVALUATION {
    ULONG64 Value[EXPRESSION_DEPTH];
    ULONG Count;
    KI_STEP Step;
} KI_EVALUATION;

static void KiPush(KI_EVALUATION *Stack, ULONG64 Value)
{
    if (Stack->Count == EXPRESSION_DEPTH) {
        Stack->Step = KiStepBadTables;
    } else {
        Stack->Value[Stack->Count++] = Value;
    }
}

static ULONG64 KiPopValue(KI_EVALUATION *Stack)
{
    if (Stack->Count == 0) {
        Stack->Step = KiStepBadTables;
        return 0;
    }
    return Stack->Value[--Stack->Count];
}

/* Operations on the two values on top. */
static void KiCombine(KI_EVALUATION *Stack, UCHAR Code)
{
    ULONG64 Top = KiPopValue(Stack), Below = KiPopValue(Stack);

    switch (Code) {
    case 0x1A:
        KiPush(Stack, Below & Top);
        break;
    case 0x1C:
        KiPush(Stack, Below - Top);
        break;
    case 0x22:
        KiPush(Stack, Below + Top);
        break;
    case 0x24:
        KiPush(Stack, Top < 64 ? Below << Top : 0);
        break;
    case 0x29:
        KiPush(Stack, Below == Top);
        break;
    case 0x2A:
        KiPush(Stack, (LONG64)Below >= (LONG64)Top);
        break;
    default:
        Stack->Step = KiStepBadTables;
    }
}

static void KiRunOperation(KI_EVALUATION *Stack, KI_CURSOR *Cursor, const KI_STACK_WALK *Walk)
{
    UCHAR Code = (UCHAR)KiTake(Cursor, 1);
    ULONG64 Value;

    if (Code >= 0x30 && Code <= 0x4F) { /* lit */
        KiPush(Stack, Code - 0x30);
    } else if (Code >= 0x70 && Code < 0x80) { /* breg */
        Value = KiTakeNumber(Cursor, TRUE);
        KiPush(Stack, Walk->Register[KiDwarfRegister[Code - 0x70]] + Value);
    } else if (Code == 0x80) { /* breg16: the address itself */
        KiPush(Stack, Walk->Rip + KiTakeNumber(Cursor, TRUE));
    } else if (Code == 0x06) { /* deref */
        if (!KiReadMemory(KiPopValue(Stack), &Value, 8)) {
            Stack->Step = KiStepNoStack;
            return;
        }
        KiPush(Stack, Value);
    } else if (Code == 0x08) { /* const1u */
        KiPush(Stack, KiTake(Cursor, 1));
    } else if (Code == 0x23) { /* plus_uconst */
        Value = KiTakeNumber(Cursor, FALSE);
        KiPush(Stack, KiPopValue(Stack) + Value);
    } else {
        KiCombine(Stack, Code);
    }
}

/* The expression at offset Start; one about a register begins with the CFA on its stack. */
static KI_STEP KiEvaluate(const KI_DWARF_TABLES *Tables, LONG Start, const KI_STACK_WALK *Walk,
                          const ULONG64 *Cfa, PULONG64 Result)
{
    KI_CURSOR Cursor = {Tables, (ULONG)Start, Tables->Size, FALSE};
    KI_EVALUATION Stack = {.Step = KiStepDone};
    ULONG64 Length = KiTakeNumber(&Cursor, FALSE);

    Cursor.End = Cursor.At + (ULONG)Length; /* checked when it was passed */
    if (Cfa != NULL) {
        KiPush(&Stack, *Cfa);
    }
    while (Cursor.At < Cursor.End && Stack.Step == KiStepDone && !Cursor.Bad) {
        KiRunOperation(&Stack, &Cursor, Walk);
    }
    if (Cursor.Bad || Stack.Step != KiStepDone) {
        return Cursor.Bad ? KiStepBadTables : Stack.Step;
    }
    *Result = KiPopValue(&Stack);
    return Stack.Step;
}

static KI_STEP KiApplyRule(const KI_DWARF_TABLES *Tables, const KI_RULE *Rule,
                           const KI_STACK_WALK *Walk, ULONG64 Cfa, PULONG64 Value)
{
    ULONG64 At = Cfa + (ULONG64)(LONG64)Rule->Value;
    KI_STEP Step;

    switch (Rule->Kind) {
    case KiRuleValueOffset:
        *Value = At;
        return KiStepDone;
    case KiRuleRegister:
        *Value = Walk->Register[KiDwarfRegister[Rule->Value]];
        return KiStepDone;
    case KiRuleExpression:
        Step = KiEvaluate(Tables, Rule->Value, Walk, &Cfa, &At);
        if (Step != KiStepDone) {
            return Step;
        }
        return KiReadMemory(At, Value, 8) ? KiStepDone : KiStepNoStack;
    case KiRuleValueExpression:
        return KiEvaluate(Tables, Rule->Value, Walk, &Cfa, Value);
    case KiRuleOffset:
        return KiReadMemory(At, Value, 8) ? KiStepDone : KiStepNoStack;
    default:
        return KiStepDone; /* as it is */
    }
}

/* The caller's registers; Walk is the caller's only when all of them could be found. */
static KI_STEP KiApplyRow(PKI_STACK_WALK Walk, const KI_PROGRAM *Program,
                          const KI_DWARF_TABLES *Tables)
{
    const KI_ROW *Row = &Program->Row;
    KI_STACK_WALK Caller = *Walk;
    ULONG64 Cfa =
        Walk->Register[KiDwarfRegister[Row->CfaRegister]] + (ULONG64)(LONG64)Row->CfaValue;
    KI_STEP Step = KiStepDone;

    if (Row->CfaIsExpression) {
        Step = KiEvaluate(Tables, Row->CfaValue, Walk, NULL, &Cfa);
    }
    if (Row->Rule[RETURN_ADDRESS].Kind == KiRuleUndefined) {
        return KiStepOutermost;
    }
    Caller.Register[KiRegisterRsp] = Cfa;
    for (ULONG i = 0; i < RULES && Step == KiStepDone; i++) {
        PULONG64 Value = i == RETURN_ADDRESS ? &Caller.Rip : &Caller.Register[KiDwarfRegister[i]];
        Step = KiApplyRule(Tables, &Row->Rule[i], Walk, Cfa, Value);
    }
    if (Step == KiStepDone) {
        Caller.Interrupted = Program->Signal;
        *Walk = Caller;
    }
    return Step;
}

KI_STEP KiUnwindDwarfFrame(PKI_STACK_WALK Walk, const KI_DWARF_TABLES *Tables)
{
    KI_PROGRAM Program;
    KI_STEP Step;

    memset(&Program, 0, sizeof(Program));
    Step = KiFindRow(&Program, Tables, Walk->Interrupted ? Walk->Rip : Walk->Rip - 1);
    return Step == KiStepDone ? KiApplyRow(Walk, &Program, Tables) : Step;
}
