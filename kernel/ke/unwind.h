/* unwind.h - walking a stack frame by frame (model: backtrace.c). */
#ifndef _KE_UNWIND_H_
#define _KE_UNWIND_H_

#include <ntdef.h>

/* Registers in the order PE unwind codes number them. */
enum {
    KiRegisterRsp = 4,
    KiRegisterRbp = 5,
    KiRegisterCount = 16
};

typedef struct _KI_STACK_WALK {
    ULONG64 Rip;
    ULONG64 Register[KiRegisterCount];
    /* Rip is where the routine was interrupted; else it is the address that a call returns to, and
     * the call itself, in front of it, says which routine that is. */
    BOOLEAN Interrupted;
} KI_STACK_WALK, *PKI_STACK_WALK;

/* How a step to the caller ended. */
typedef enum _KI_STEP {
    KiStepDone,      /* the walk has got to the caller */
    KiStepOutermost, /* there is no caller */
    KiStepNoStack,   /* the stack cannot be read where the caller should stand */
    KiStepBadTables, /* the unwind data makes no sense */
    KiStepNoRoutine, /* the tables know no routine there; the walk has not moved */
    KiStepNoCode,    /* the return address lies in no module */
    KiStepNoProgress /* the caller's frame lies not above */
} KI_STEP;

/* Copies Size bytes (1, 2, 4, 8) from Address; FALSE when they cannot be read. */
BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size);

/* From any routine to its caller (backtrace.c). */
KI_STEP KiStepFrame(PKI_STACK_WALK Walk);
/* Where threads that do not run go on, their registers on their stacks (swap.asm). */
extern CHAR KiSwapResume[];
/* The caller's own registers, behind the call (swap.asm). */
void KiCaptureRegisters(PKI_STACK_WALK Walk);

/* From a routine of the PE image at [Base, Base + Size) to its caller (unwind.c). */
KI_STEP KiUnwindImageFrame(PKI_STACK_WALK Walk, ULONG64 Base, ULONG Size);

/* The address of the entry in .pdata of the image at Base for the routine that Rva lies in; 0: it
 * has none. */
ULONG64 KiFindImageFunction(ULONG64 Base, ULONG Rva);

/* The bytes of .eh_frame_hdr and the .eh_frame behind it, and the address that they are linked
 * at. */
typedef struct _KI_DWARF_TABLES {
    const UCHAR *Bytes;
    ULONG Size;
    ULONG64 Address;
} KI_DWARF_TABLES;

/* From a routine that these tables describe to its caller (dwarf.c). */
KI_STEP KiUnwindDwarfFrame(PKI_STACK_WALK Walk, const KI_DWARF_TABLES *Tables);

#endif
