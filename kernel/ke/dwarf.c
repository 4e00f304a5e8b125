/*
 * Reads the call frame information (DWARF) of the kernel's routines, which its compiler leaves in
 * .eh_frame and which cfi.inc makes for assembly.
 *
 * .eh_frame_hdr is an index of routines, sorted by address. An entry (FDE) belongs to one routine;
 * the entry that it points to (CIE) holds what many have in common. Both hold little programs
 * which, run up to the instruction in question, tell where the frame begins (the CFA: RSP before
 * the call) and where the caller's registers are. Nothing is trusted: all reads of the tables stay
 * within them, those of the stack are checked, every loop ends with its bytes. No locks, any IRQL.
 */
#include <ntddk.h>
#include "dwarf.h"

/* How pointers are written: format in the low half, relative to what in the high one. */
#define ENCODING_ABSOLUTE 0x00
#define ENCODING_UDATA4 0x03
#define ENCODING_SDATA4 0x0B
#define ENCODING_RELATIVE 0x10
#define INDEX_ENCODINGS 0x3B031B01 /* version 1, pointer, count, table relative to the index */

ULONG64 KiTake(KI_CURSOR *Cursor, ULONG Size)
{
    ULONG64 Value = 0;

    if (Cursor->Bad || Cursor->End - Cursor->At < Size) {
        Cursor->Bad = TRUE;
        return 0;
    }
    memcpy(&Value, Cursor->Tables->Bytes + Cursor->At, Size);
    Cursor->At += Size;
    return Value;
}

/* A number of seven bits a byte, the low ones first. */
ULONG64 KiTakeNumber(KI_CURSOR *Cursor, BOOLEAN Signed)
{
    ULONG64 Value = 0;
    ULONG Shift = 0;
    UCHAR Byte;

    do {
        Byte = (UCHAR)KiTake(Cursor, 1);
        if (Shift < 64) {
            Value |= (ULONG64)(Byte & 0x7F) << Shift;
            Shift += 7;
        }
    } while (Byte & 0x80);
    if (Signed && (Byte & 0x40) && Shift < 64) {
        Value |= ~0ULL << Shift;
    }
    return Value;
}

static ULONG64 KiTakePointer(KI_CURSOR *Cursor, UCHAR Encoding)
{
    ULONG64 Here = Cursor->Tables->Address + Cursor->At;
    ULONG64 Value = 0;

    switch (Encoding & 0x0F) {
    case ENCODING_ABSOLUTE:
        Value = KiTake(Cursor, 8);
        break;
    case ENCODING_UDATA4:
        Value = KiTake(Cursor, 4);
        break;
    case ENCODING_SDATA4:
        Value = (ULONG64)(LONG64)(LONG)KiTake(Cursor, 4);
        break;
    default:
        Cursor->Bad = TRUE;
    }
    if ((Encoding & 0xF0) == ENCODING_RELATIVE) {
        Value += Here;
    } else if ((Encoding & 0xF0) != 0) {
        Cursor->Bad = TRUE;
    }
    return Value;
}

/* A cursor over the entry (length first) at Offset. */
static KI_CURSOR KiOpenEntry(const KI_DWARF_TABLES *Tables, ULONG64 Offset)
{
    KI_CURSOR Cursor = {Tables, 0, Tables->Size, Offset >= Tables->Size};
    ULONG Length;

    if (!Cursor.Bad) {
        Cursor.At = (ULONG)Offset;
        Length = (ULONG)KiTake(&Cursor, 4);
        if (Length > Cursor.End - Cursor.At) {
            Cursor.Bad = TRUE;
        } else {
            Cursor.End = Cursor.At + Length;
        }
    }
    return Cursor;
}

/* By bisection, the offset of the last entry of the index that begins at or below Rip; 0: there is
 * none. */
static ULONG KiFindEntry(const KI_DWARF_TABLES *Tables, ULONG64 Rip)
{
    KI_CURSOR Cursor = {Tables, 0, Tables->Size, FALSE};
    LONG64 Wanted = (LONG64)(Rip - Tables->Address);
    ULONG Low = 0, High, First = 12;

    if ((ULONG)KiTake(&Cursor, 4) != INDEX_ENCODINGS) {
        return 0;
    }
    KiTake(&Cursor, 4); /* where .eh_frame begins */
    High = (ULONG)KiTake(&Cursor, 4);
    if (Cursor.Bad || High > (Tables->Size - First) / 8) {
        return 0;
    }
    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        Cursor.At = First + Middle * 8;
        if ((LONG)KiTake(&Cursor, 4) <= Wanted) {
            Low = Middle + 1;
        } else {
            High = Middle;
        }
    }
    if (Low == 0) {
        return 0;
    }
    Cursor.At = First + Low * 8 - 4;
    return (ULONG)KiTake(&Cursor, 4);
}

static void KiSetRule(KI_PROGRAM *Program, ULONG64 Register, KI_RULE_KIND Kind, LONG64 Value)
{
    if (Register < RULES) {
        Program->Row.Rule[Register] = (KI_RULE){Kind, (LONG)Value};
    }
}

/* Where the expression (its length first) stands; the cursor goes on behind it. */
static LONG KiTakeExpression(KI_CURSOR *Cursor)
{
    ULONG Start = Cursor->At;
    ULONG64 Length = KiTakeNumber(Cursor, FALSE);

    if (Length > Cursor->End - Cursor->At) {
        Cursor->Bad = TRUE;
    } else {
        Cursor->At += (ULONG)Length;
    }
    return (LONG)Start;
}

static BOOLEAN KiSaveRow(KI_PROGRAM *Program)
{
    if (Program->SavedRows == SAVED_ROWS) {
        return FALSE;
    }
    Program->Saved[Program->SavedRows++] = Program->Row;
    return TRUE;
}

static BOOLEAN KiRestoreRow(KI_PROGRAM *Program)
{
    if (Program->SavedRows == 0) {
        return FALSE;
    }
    Program->Row = Program->Saved[--Program->SavedRows];
    return TRUE;
}

static void KiSetCfa(KI_PROGRAM *Program, BOOLEAN IsExpression, ULONG64 Register, LONG64 Value)
{
    Program->Row.CfaIsExpression = IsExpression;
    Program->Row.CfaRegister = (UCHAR)(Register & 0xF);
    Program->Row.CfaValue = (LONG)Value;
}

/* Instructions about the CFA; FALSE: another, or nonsense. */
static BOOLEAN KiRunCfaInstruction(KI_PROGRAM *Program, KI_CURSOR *Cursor, UCHAR Code)
{
    KI_ROW *Row = &Program->Row;
    ULONG64 Register = Row->CfaRegister;

    switch (Code) {
    case 0x0C: /* def_cfa */
        Register = KiTakeNumber(Cursor, FALSE);
        KiSetCfa(Program, FALSE, Register, (LONG64)KiTakeNumber(Cursor, FALSE));
        return Register < 16;
    case 0x0D: /* def_cfa_register */
        Register = KiTakeNumber(Cursor, FALSE);
        KiSetCfa(Program, FALSE, Register, Row->CfaValue);
        return Register < 16;
    case 0x0E: /* def_cfa_offset */
        KiSetCfa(Program, FALSE, Register, (LONG64)KiTakeNumber(Cursor, FALSE));
        return TRUE;
    case 0x0F: /* def_cfa_expression */
        KiSetCfa(Program, TRUE, 0, KiTakeExpression(Cursor));
        return TRUE;
    case 0x12: /* def_cfa_sf */
        Register = KiTakeNumber(Cursor, FALSE);
        KiSetCfa(Program, FALSE, Register,
                 (LONG64)KiTakeNumber(Cursor, TRUE) * Program->DataFactor);
        return Register < 16;
    case 0x13: /* def_cfa_offset_sf */
        KiSetCfa(Program, FALSE, Register,
                 (LONG64)KiTakeNumber(Cursor, TRUE) * Program->DataFactor);
        return TRUE;
    default:
        return FALSE;
    }
}

/* Instructions that give one register its rule. */
static BOOLEAN KiRunRuleInstruction(KI_PROGRAM *Program, KI_CURSOR *Cursor, UCHAR Code)
{
    ULONG64 Register = KiTakeNumber(Cursor, FALSE);

    switch (Code) {
    case 0x05: /* offset_extended, _sf, val_offset, _sf */
    case 0x11:
    case 0x14:
    case 0x15: {
        LONG64 Value = (LONG64)KiTakeNumber(Cursor, Code == 0x11 || Code == 0x15);
        KiSetRule(Program, Register, Code < 0x14 ? KiRuleOffset : KiRuleValueOffset,
                  Value * Program->DataFactor);
        return TRUE;
    }
    case 0x06: /* restore_extended */
        if (Register < RULES) {
            Program->Row.Rule[Register] = Program->Initial.Rule[Register];
        }
        return TRUE;
    case 0x07:
        KiSetRule(Program, Register, KiRuleUndefined, 0);
        return TRUE;
    case 0x08:
        KiSetRule(Program, Register, KiRuleSame, 0);
        return TRUE;
    case 0x09: { /* register */
        ULONG64 Other = KiTakeNumber(Cursor, FALSE);
        KiSetRule(Program, Register, KiRuleRegister, (LONG64)Other);
        return Other < 16;
    }
    case 0x10: /* expression, val_expression */
    case 0x16:
        KiSetRule(Program, Register, Code == 0x10 ? KiRuleExpression : KiRuleValueExpression,
                  KiTakeExpression(Cursor));
        return TRUE;
    default:
        return FALSE;
    }
}

/* Bytes of code behind which the next instruction's row begins; *Advance tells whether it is
 * such. */
static ULONG64 KiTakeAdvance(KI_PROGRAM *Program, KI_CURSOR *Cursor, UCHAR Code, PBOOLEAN Advance)
{
    *Advance = TRUE;
    if (Code >> 6 == 1) {
        return (ULONG64)(Code & 0x3F) * Program->CodeFactor;
    }
    if (Code >= 0x02 && Code <= 0x04) {
        return KiTake(Cursor, 1U << (Code - 2)) * Program->CodeFactor;
    }
    *Advance = FALSE;
    return 0;
}

/* All others: short forms, and those without a register. */
static BOOLEAN KiRunInstruction(KI_PROGRAM *Program, KI_CURSOR *Cursor, UCHAR Code)
{
    ULONG Register = Code & 0x3F;

    if (Code >> 6 == 2) {
        KiSetRule(Program, Register, KiRuleOffset,
                  (LONG64)KiTakeNumber(Cursor, FALSE) * Program->DataFactor);
        return TRUE;
    }
    if (Code >> 6 == 3) {
        if (Register < RULES) {
            Program->Row.Rule[Register] = Program->Initial.Rule[Register];
        }
        return TRUE;
    }
    switch (Code) {
    case 0x00: /* nop */
        return TRUE;
    case 0x0A:
        return KiSaveRow(Program);
    case 0x0B:
        return KiRestoreRow(Program);
    case 0x2E: /* bytes of arguments: of no concern */
        KiTakeNumber(Cursor, FALSE);
        return TRUE;
    default:
        return KiRunCfaInstruction(Program, Cursor, Code) ||
               KiRunRuleInstruction(Program, Cursor, Code);
    }
}

/* Runs the instructions that hold Distance bytes into the routine. */
static BOOLEAN KiRunProgram(KI_PROGRAM *Program, KI_CURSOR *Cursor, ULONG64 Distance)
{
    ULONG64 Location = 0;

    while (Cursor->At < Cursor->End && !Cursor->Bad) {
        UCHAR Code = (UCHAR)KiTake(Cursor, 1);
        BOOLEAN Advance;
        Location += KiTakeAdvance(Program, Cursor, Code, &Advance);
        if (Location > Distance) {
            return TRUE;
        }
        if (!Advance && !KiRunInstruction(Program, Cursor, Code)) {
            return FALSE;
        }
    }
    return !Cursor->Bad;
}

/* Reads the common part and runs its program, which gives every routine's first row. */
static BOOLEAN KiReadCommon(KI_PROGRAM *Program, KI_CURSOR Cursor)
{
    CHAR Augmentation[8] = "";
    ULONG64 Id = KiTake(&Cursor, 4), Version = KiTake(&Cursor, 1);
    ULONG Length = 0, Behind;

    while (Length < sizeof(Augmentation) && (Augmentation[Length] = (CHAR)KiTake(&Cursor, 1))) {
        Length++;
    }
    if (Cursor.Bad || Id != 0 || (Version != 1 && Version != 3) || Length == sizeof(Augmentation)) {
        return FALSE;
    }
    Program->CodeFactor = (ULONG)KiTakeNumber(&Cursor, FALSE);
    Program->DataFactor = (LONG)KiTakeNumber(&Cursor, TRUE);
    if (KiTakeNumber(&Cursor, FALSE) != RETURN_ADDRESS) {
        return FALSE;
    }
    Program->HasAugmentation = Augmentation[0] == 'z';
    Behind = Cursor.At;
    if (Program->HasAugmentation) {
        ULONG64 Bytes = KiTakeNumber(&Cursor, FALSE);
        Behind = Cursor.At + (ULONG)min(Bytes, Cursor.End - Cursor.At);
    }
    for (ULONG i = 0; i < Length; i++) {
        if (Augmentation[i] == 'R') {
            Program->Encoding = (UCHAR)KiTake(&Cursor, 1);
        } else if (Augmentation[i] == 'S') {
            Program->Signal = TRUE;
        } else if (i != 0 || Augmentation[i] != 'z') {
            return FALSE; /* languages' own tables: the kernel has none */
        }
    }
    Cursor.At = Behind;
    if (!KiRunProgram(Program, &Cursor, ~0ULL)) {
        return FALSE;
    }
    Program->Initial = Program->Row;
    Program->SavedRows = 0;
    return TRUE;
}

/* Makes the row for the instruction at Rip. */
KI_STEP KiFindRow(KI_PROGRAM *Program, const KI_DWARF_TABLES *Tables, ULONG64 Rip)
{
    ULONG Offset = KiFindEntry(Tables, Rip), Pointer;
    KI_CURSOR Cursor = KiOpenEntry(Tables, Offset);
    ULONG64 Begin, Length, Back;

    if (Offset == 0) {
        return KiStepNoRoutine;
    }
    Pointer = Cursor.At;
    Back = KiTake(&Cursor, 4);
    if (Cursor.Bad || Back == 0 || Back > Pointer ||
        !KiReadCommon(Program, KiOpenEntry(Tables, Pointer - Back))) {
        return KiStepBadTables;
    }
    Begin = KiTakePointer(&Cursor, Program->Encoding);
    Length = KiTakePointer(&Cursor, Program->Encoding & 0x0F);
    if (Program->HasAugmentation) {
        ULONG64 Bytes = KiTakeNumber(&Cursor, FALSE);
        Cursor.Bad |= Bytes > Cursor.End - Cursor.At;
        Cursor.At += Cursor.Bad ? 0 : (ULONG)Bytes;
    }
    if (Cursor.Bad) {
        return KiStepBadTables;
    }
    if (Rip - Begin >= Length) {
        return KiStepNoRoutine;
    }
    return KiRunProgram(Program, &Cursor, Rip - Begin) ? KiStepDone : KiStepBadTables;
}
