/*
 * trap.h - the frame that every interrupt and exception leaves on the stack. trap.asm fills it from
 * offsets the C compiler computed (ke/asmoffsets.c); handlers read it, the crash screen prints it.
 */
#ifndef _TRAP_H_
#define _TRAP_H_

#include <ntdef.h>

typedef struct DECLSPEC_ALIGN(16) _KTRAP_FRAME {
    /* Copies of Rbp and Rip. The stub's RBP points here, so that following frame pointers leads
     * from the handler into the interrupted routine without losing that routine itself. */
    ULONG64 LinkRbp, LinkRip;
    ULONG64 Xmm[6][2]; /* XMM0-5: what a Windows x64 routine may destroy */
    ULONG MxCsr;
    KIRQL PreviousIrql; /* set by the C handler */
    UCHAR Padding[11];
    ULONG64 Rax, Rbx, Rcx, Rdx, Rsi, Rdi, Rbp, R8, R9, R10, R11, R12, R13, R14, R15;
    ULONG64 Vector;
    /* From here on the processor pushes; where an exception has no ErrorCode, the stub pushes a
     * 0. */
    ULONG64 ErrorCode, Rip, SegCs, EFlags, Rsp, SegSs;
} KTRAP_FRAME, *PKTRAP_FRAME;

/* The processor aligns RSP to 16 before it pushes; a whole number of 16 bytes keeps it there. */
C_ASSERT(sizeof(KTRAP_FRAME) % 16 == 0 && offsetof(KTRAP_FRAME, Xmm) % 16 == 0);
C_ASSERT(offsetof(KTRAP_FRAME, SegSs) + 8 == sizeof(KTRAP_FRAME));
C_ASSERT(offsetof(KTRAP_FRAME, LinkRip) == offsetof(KTRAP_FRAME, LinkRbp) + 8);

/* Vector of a frame that KeBugCheckEx made of its caller's registers. */
#define KI_NO_VECTOR (~0ULL)

/* Exceptions of the processor, by vector. */
#define KI_TRAP_DIVIDE 0x00
#define KI_TRAP_DEBUG 0x01
#define KI_TRAP_NMI 0x02
#define KI_TRAP_BREAKPOINT 0x03
#define KI_TRAP_OVERFLOW 0x04
#define KI_TRAP_BOUND 0x05
#define KI_TRAP_INVALID_OPCODE 0x06
#define KI_TRAP_NO_FPU 0x07
#define KI_TRAP_DOUBLE_FAULT 0x08
#define KI_TRAP_INVALID_TSS 0x0A
#define KI_TRAP_SEGMENT_NOT_PRESENT 0x0B
#define KI_TRAP_STACK_SEGMENT 0x0C
#define KI_TRAP_GENERAL_PROTECTION 0x0D
#define KI_TRAP_PAGE_FAULT 0x0E
#define KI_TRAP_FLOATING_ERROR 0x10
#define KI_TRAP_ALIGNMENT 0x11
#define KI_TRAP_MACHINE_CHECK 0x12
#define KI_TRAP_SIMD_ERROR 0x13
#define KI_TRAP_CONTROL_PROTECTION 0x15
#define KI_TRAP_FAIL_FAST 0x29     /* int 29h: RtlFailFast, code in RCX */
#define KI_TRAP_ASSERTION 0x2C     /* int 2Ch: NT_ASSERT of Windows' headers */
#define KI_TRAP_DEBUG_SERVICE 0x2D /* int 2Dh: a driver asks the debugger by itself */

#endif
