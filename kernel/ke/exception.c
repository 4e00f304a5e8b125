/*
 * Exceptions that nobody handles. They come from the processor (trap.c) and from routines that
 * refuse an argument by raising a status; either way the registers at that moment are in a trap
 * frame. No handlers are looked for yet, so each one ends in the bugcheck that Windows gives for
 * it: in a thread, SYSTEM_THREAD_EXCEPTION_NOT_HANDLED with the records that a debugger wants; in
 * an interrupt or a DPC, KMODE_EXCEPTION_NOT_HANDLED.
 */
#include <ntddk.h>
#include "processor.h"

/* Whether the code in Frame ran in its own thread's name. At DISPATCH_LEVEL it may still be the
 * thread's own, inside a spin lock. */
static BOOLEAN KiIsThreadCode(const KTRAP_FRAME *Frame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    return (BOOLEAN)(Frame->PreviousIrql <= DISPATCH_LEVEL && !Prcb->DpcActive &&
                     Prcb->CurrentThread != NULL && Prcb->CurrentThread != Prcb->IdleThread);
}

/* What the frame knows; the flags say so. */
static void KiContextFromFrame(PCONTEXT Context, const KTRAP_FRAME *Frame)
{
    RtlZeroMemory(Context, sizeof(*Context));
    Context->ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS;
    Context->SegCs = (USHORT)Frame->SegCs;
    Context->SegSs = Context->SegDs = Context->SegEs = (USHORT)Frame->SegSs;
    Context->EFlags = (ULONG)Frame->EFlags;
    Context->Rip = Frame->Rip;
    Context->Rsp = Frame->Rsp;
    Context->Rbp = Frame->Rbp;
    Context->Rax = Frame->Rax;
    Context->Rbx = Frame->Rbx;
    Context->Rcx = Frame->Rcx;
    Context->Rdx = Frame->Rdx;
    Context->Rsi = Frame->Rsi;
    Context->Rdi = Frame->Rdi;
    Context->R8 = Frame->R8;
    Context->R9 = Frame->R9;
    Context->R10 = Frame->R10;
    Context->R11 = Frame->R11;
    Context->R12 = Frame->R12;
    Context->R13 = Frame->R13;
    Context->R14 = Frame->R14;
    Context->R15 = Frame->R15;
}

/* The records stay on this stack, which nobody leaves any more. */
void KiUnhandledException(PKTRAP_FRAME Frame, PEXCEPTION_RECORD Record)
{
    CONTEXT Context;

    Record->ExceptionAddress = (PVOID)Frame->Rip;
    if (!KiIsThreadCode(Frame)) {
        KiBugCheck(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
                   Frame->Rip, Record->ExceptionInformation[0], Record->ExceptionInformation[1],
                   Frame);
    }
    KiContextFromFrame(&Context, Frame);
    KiBugCheck(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
               Frame->Rip, (ULONG_PTR)Record, (ULONG_PTR)&Context, Frame);
}

/* From trap.asm, with the registers of KeRaiseStatus's caller. */
DECLSPEC_NORETURN void KiRaiseStatus(NTSTATUS Status, PKTRAP_FRAME Frame);
void KiRaiseStatus(NTSTATUS Status, PKTRAP_FRAME Frame)
{
    EXCEPTION_RECORD Record = {.ExceptionCode = Status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};

    Frame->PreviousIrql = KeGetCurrentIrql();
    KiUnhandledException(Frame, &Record);
}
