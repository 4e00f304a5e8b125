/*
 * Stacks as lists of return addresses, for drivers and for the traces that the debug kernel keeps
 * of allocations and handles. Everything is found by walking (backtrace.c): no locks, any IRQL.
 */
#include <ntifs.h>
#include "ldr.h"
#include "processor.h"
#include "unwind.h"

/* Goes on from Walk, which stands in the caller of whoever asks. */
static ULONG KiListCallers(PKI_STACK_WALK Walk, ULONG Skip, ULONG Count, PVOID *Callers)
{
    ULONG Written = 0;

    while (Written < Count && KiStepFrame(Walk) == KiStepDone && LdrFindModule((PVOID)Walk->Rip)) {
        if (Skip != 0) {
            Skip--;
        } else {
            Callers[Written++] = (PVOID)Walk->Rip;
        }
    }
    return Written;
}

/* The first step leads from here to the caller, whose own address is the first of the list. */
USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                      PULONG BackTraceHash)
{
    KI_STACK_WALK Walk;
    ULONG Count, Hash = 0;

    KiCaptureRegisters(&Walk);
    Count = KiListCallers(&Walk, FramesToSkip, min(FramesToCapture, MAXUSHORT), BackTrace);
    for (ULONG i = 0; i < Count; i++) {
        Hash += (ULONG)(ULONG_PTR)BackTrace[i];
    }
    if (BackTraceHash != NULL) {
        *BackTraceHash = Hash;
    }
    return (USHORT)Count;
}

ULONG NTAPI RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags)
{
    KI_STACK_WALK Walk;

    if (Flags & RTL_WALK_USER_MODE_STACK) {
        return 0;
    }
    KiCaptureRegisters(&Walk);
    return KiListCallers(&Walk, Flags >> RTL_STACK_WALKING_MODE_FRAMES_TO_SKIP_SHIFT, Count,
                         Callers);
}

PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    PLDR_MODULE Module = LdrFindModule(PcValue);

    *BaseOfImage = Module != NULL ? Module->Base : NULL;
    return *BaseOfImage;
}

/* The kernel is no PE image: looking for .pdata in it would read its code as headers. */
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                               PUNWIND_HISTORY_TABLE HistoryTable)
{
    PVOID Base = RtlPcToFileHeader((PVOID)ControlPc, &Base);

    UNREFERENCED_PARAMETER(HistoryTable);
    *ImageBase = (ULONG64)Base;
    if (Base == NULL || LdrFindModule(Base) == LdrQueryModule(0)) {
        return NULL;
    }
    return (PRUNTIME_FUNCTION)KiFindImageFunction((ULONG64)Base,
                                                  (ULONG)(ControlPc - (ULONG64)Base));
}
