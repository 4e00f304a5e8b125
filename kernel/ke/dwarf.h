/*
 * dwarf.h - what reading (dwarf.c) and applying (dwarfframe.c) call frame information share.
 * Numbers of registers are DWARF's here.
 */
#ifndef _KE_DWARF_H_
#define _KE_DWARF_H_

#include "unwind.h"

#define RETURN_ADDRESS 16 /* DWARF's number of it; those below are registers */
#define RULES 17
#define SAVED_ROWS 4

typedef struct _KI_CURSOR {
    const KI_DWARF_TABLES *Tables;
    ULONG At, End; /* offsets in the tables */
    BOOLEAN Bad;   /* something was read beyond End */
} KI_CURSOR;

typedef enum _KI_RULE_KIND {
    KiRuleSame,
    KiRuleUndefined,
    KiRuleOffset,          /* saved at CFA + Value */
    KiRuleValueOffset,     /* is CFA + Value */
    KiRuleRegister,        /* is in register Value */
    KiRuleExpression,      /* saved where the expression at offset Value says */
    KiRuleValueExpression, /* is what that says */
} KI_RULE_KIND;

typedef struct _KI_RULE {
    KI_RULE_KIND Kind;
    LONG Value;
} KI_RULE;

/* What is known at one instruction. */
typedef struct _KI_ROW {
    BOOLEAN CfaIsExpression;
    UCHAR CfaRegister;
    LONG CfaValue; /* offset, or where the expression stands */
    KI_RULE Rule[RULES];
} KI_ROW;

typedef struct _KI_PROGRAM {
    KI_ROW Row, Initial, Saved[SAVED_ROWS];
    ULONG SavedRows;
    ULONG CodeFactor;
    LONG DataFactor;
    UCHAR Encoding;
    BOOLEAN HasAugmentation, Signal;
} KI_PROGRAM;

/* Size bytes as a number; KiTakeNumber: one of seven bits a byte. Both set Bad at the end, and
 * answer 0. */
ULONG64 KiTake(KI_CURSOR *Cursor, ULONG Size);
ULONG64 KiTakeNumber(KI_CURSOR *Cursor, BOOLEAN Signed);

/* The row that holds at Rip, for a Program that was zeroed. */
KI_STEP KiFindRow(KI_PROGRAM *Program, const KI_DWARF_TABLES *Tables, ULONG64 Rip);

#endif
