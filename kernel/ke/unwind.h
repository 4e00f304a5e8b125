/* unwind.h - walking a stack frame by frame, for the crash screen (model: unwind.c). */
#ifndef _KE_UNWIND_H_
#define _KE_UNWIND_H_

#include <ntdef.h>

/* Registers in the order unwind codes number them. */
enum {
    KiRegisterRsp = 4,
    KiRegisterRbp = 5,
    KiRegisterCount = 16
};

typedef struct _KI_STACK_WALK {
    ULONG64 Rip;
    ULONG64 Register[KiRegisterCount];
} KI_STACK_WALK, *PKI_STACK_WALK;

/* Copies Size bytes (1, 2, 4, 8) from Address; FALSE when they cannot be read. */
BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size);

/* From a routine of the PE image at [Base, Base + Size) to its caller. FALSE: the image's unwind data
 * or the stack make no sense. */
BOOLEAN KiUnwindImageFrame(PKI_STACK_WALK Walk, ULONG64 Base, ULONG Size);

#endif
