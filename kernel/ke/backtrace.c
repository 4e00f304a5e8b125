/*
 * Backtraces for the crash screen.
 *
 * Three kinds of frames are walked. The kernel's own routines keep RBP as a frame pointer. Drivers'
 * routines are undone by their images' unwind data (unwind.c). An interrupted routine's registers
 * are all in the trap frame that the stub's RBP points to, on whatever stack. Every word is checked to
 * be mapped before it is read: the stack may be what is broken.
 */
#include <ntddk.h>
#include "kd.h"
#include "ldr.h"
#include "mm.h"
#include "processor.h"
#include "unwind.h"

extern CHAR KiTextStart[], KiTextEnd[]; /* linker.ld */

/* Stacks and images are in the system range; an address elsewhere is no link of a chain. */
static BOOLEAN KiMayRead(ULONG64 Address)
{
    return Address >= MM_DIRECT_MAP_BASE && MmIsAddressValid((PVOID)Address);
}

BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size)
{
    if (!KiMayRead(Address) || !KiMayRead(Address + Size - 1)) {
        return FALSE;
    }
    memcpy(Value, (const void *)Address, Size);
    return TRUE;
}

static void KiPrintRoutine(ULONG64 Rip)
{
    CHAR Name[96];

    LdrFormatAddress((PVOID)Rip, Name, sizeof(Name));
    KdPrintf("  %016llx  %s\n", Rip, Name);
}

static BOOLEAN KiIsWithin(ULONG64 Address, const CHAR *Start, const CHAR *End)
{
    return Address >= (ULONG64)Start && Address < (ULONG64)End;
}

static void KiLoadWalk(PKI_STACK_WALK Walk, const KTRAP_FRAME *Frame)
{
    *Walk = (KI_STACK_WALK){Frame->Rip,
                            {Frame->Rax, Frame->Rcx, Frame->Rdx, Frame->Rbx, Frame->Rsp, Frame->Rbp,
                             Frame->Rsi, Frame->Rdi, Frame->R8, Frame->R9, Frame->R10, Frame->R11,
                             Frame->R12, Frame->R13, Frame->R14, Frame->R15}};
}

static BOOLEAN KiStepKernelFrame(PKI_STACK_WALK Walk)
{
    ULONG64 Rbp = Walk->Register[KiRegisterRbp];

    if (KiIsWithin(Walk->Rip, KiTrapEntryStart, KiTrapEntryEnd)) {
        if (!KiMayRead(Rbp) || !KiMayRead(Rbp + sizeof(KTRAP_FRAME) - 1)) {
            return FALSE;
        }
        KiLoadWalk(Walk, (const KTRAP_FRAME *)Rbp);
        return TRUE;
    }
    Walk->Register[KiRegisterRsp] = Rbp + 16;
    return KiReadMemory(Rbp + 8, &Walk->Rip, 8) &&
           KiReadMemory(Rbp, &Walk->Register[KiRegisterRbp], 8);
}

static BOOLEAN KiStepFrame(PKI_STACK_WALK Walk)
{
    PLDR_MODULE Module = LdrFindModule((PVOID)Walk->Rip);

    if (KiIsWithin(Walk->Rip, KiTextStart, KiTextEnd)) {
        return KiStepKernelFrame(Walk);
    }
    if (Module != NULL) {
        return KiUnwindImageFrame(Walk, (ULONG64)Module->Base, Module->Size);
    }
    /* A call to nowhere: its return address is on top. */
    if (!KiReadMemory(Walk->Register[KiRegisterRsp], &Walk->Rip, 8)) {
        return FALSE;
    }
    Walk->Register[KiRegisterRsp] += 8;
    return LdrFindModule((PVOID)Walk->Rip) != NULL;
}

/* Calls leave a frame each; code that was interrupted has nothing to do with what runs now. */
PVOID KeFindDriverCaller(void)
{
    KI_STACK_WALK Walk = {.Rip = (ULONG64)KeFindDriverCaller};

    Walk.Register[KiRegisterRbp] = (ULONG64)__builtin_frame_address(0);
    while (KiIsWithin(Walk.Rip, KiTextStart, KiTextEnd)) {
        if (KiIsWithin(Walk.Rip, KiTrapEntryStart, KiTrapEntryEnd) || !KiStepKernelFrame(&Walk)) {
            return NULL;
        }
    }
    return LdrFindModule((PVOID)Walk.Rip) != NULL ? (PVOID)Walk.Rip : NULL;
}

void KiPrintBacktrace(const KTRAP_FRAME *Frame, ULONG Limit)
{
    KI_STACK_WALK Walk;

    KiLoadWalk(&Walk, Frame);
    do {
        KiPrintRoutine(Walk.Rip);
    } while (--Limit != 0 && KiStepFrame(&Walk) && Walk.Rip != 0);
}
