/*
 * Backtraces by frame pointers.
 *
 * The kernel keeps RBP as a frame pointer everywhere, and a trap frame begins with such a link, so
 * one chain leads through interrupts and from one stack to another. Every word is checked to be
 * mapped before it is read: the stack may be what is broken.
 */
#include <ntddk.h>
#include "kd.h"
#include "ldr.h"
#include "mm.h"
#include "processor.h"

static BOOLEAN KiReadStack(ULONG64 Address, PULONG64 Value)
{
    if (Address % 8 != 0 || Address < MM_DIRECT_MAP_BASE || !MmIsAddressValid((PVOID)Address)) {
        return FALSE;
    }
    *Value = *(const ULONG64 *)Address;
    return TRUE;
}

static void KiPrintRoutine(ULONG64 Rip)
{
    CHAR Name[96];

    LdrFormatAddress((PVOID)Rip, Name, sizeof(Name));
    KdPrintf("  %016llx  %s\n", Rip, Name);
}

void KiPrintBacktrace(const KTRAP_FRAME *Frame, ULONG Limit)
{
    ULONG64 Rip = Frame->Rip, Rbp = Frame->Rbp, Next;

    KiPrintRoutine(Rip);
    /* A call to nowhere: who called has not been left yet as far as RBP is concerned. */
    if (LdrFindModule((PVOID)Rip) == NULL && KiReadStack(Frame->Rsp, &Next)) {
        KiPrintRoutine(Next);
    }
    while (--Limit != 0 && KiReadStack(Rbp + 8, &Rip) && KiReadStack(Rbp, &Next) && Rip != 0) {
        KiPrintRoutine(Rip);
        if (Next == Rbp) {
            break;
        }
        Rbp = Next;
    }
}
