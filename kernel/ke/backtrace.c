/*
 * Walking stacks, from any routine to those that called it: for the crash screen,
 * RtlCaptureStackBackTrace, and whoever wants to know where a thread waits.
 *
 * A walk holds the registers of one routine; a step replaces them with its caller's, by what the
 * routine's image says of its frames. The kernel's own tables are DWARF's (dwarf.c; cfi.inc for
 * assembly, through which a walk gets from a handler to what it interrupted, on whatever stack),
 * drivers' are those of PE images (unwind.c). Nothing is trusted, since the stack may be what is
 * broken: words are read only where they are mapped, a caller's frame must lie above, its code in a
 * module. A step that cannot be made says why. No locks, any IRQL.
 */
#include <ntddk.h>
#include "kd.h"
#include "ldr.h"
#include "mm.h"
#include "processor.h"
#include "unwind.h"

extern CHAR KiTextStart[], KiTextEnd[], KiUnwindIndexStart[], KiUnwindEnd[]; /* linker.ld */

/* Stacks and images are in the system range; an address elsewhere is no link of a chain. */
static BOOLEAN KiMayRead(ULONG64 Address)
{
    return Address >= MM_DIRECT_MAP_BASE && MmIsAddressValid((PVOID)Address);
}

BOOLEAN KiReadMemory(ULONG64 Address, PVOID Value, ULONG Size)
{
    if (!KiMayRead(Address) ||
        ((Address ^ (Address + Size - 1)) >= PAGE_SIZE && !KiMayRead(Address + Size - 1))) {
        return FALSE;
    }
    memcpy(Value, (const void *)Address, Size);
    return TRUE;
}

static BOOLEAN KiIsWithin(ULONG64 Address, const CHAR *Start, const CHAR *End)
{
    return Address >= (ULONG64)Start && Address < (ULONG64)End;
}

void KiStartWalkAtFrame(PKI_STACK_WALK Walk, const KTRAP_FRAME *Frame)
{
    *Walk = (KI_STACK_WALK){Frame->Rip,
                            {Frame->Rax, Frame->Rcx, Frame->Rdx, Frame->Rbx, Frame->Rsp, Frame->Rbp,
                             Frame->Rsi, Frame->Rdi, Frame->R8, Frame->R9, Frame->R10, Frame->R11,
                             Frame->R12, Frame->R13, Frame->R14, Frame->R15},
                            Frame->Vector != KI_NO_VECTOR};
}

/* A thread that does not run stands behind its last switch away. */
void KiStartWalkAtThread(PKI_STACK_WALK Walk, PKTHREAD Thread)
{
    RtlZeroMemory(Walk, sizeof(*Walk));
    Walk->Rip = (ULONG64)KiSwapResume;
    Walk->Register[KiRegisterRsp] = (ULONG64)Thread->KernelStack;
    Walk->Interrupted = TRUE;
}

/* A return address is all that is known of the caller of code that nobody has. */
static KI_STEP KiStepLeaf(PKI_STACK_WALK Walk)
{
    ULONG64 Rip;

    if (!KiReadMemory(Walk->Register[KiRegisterRsp], &Rip, 8)) {
        return KiStepNoStack;
    }
    Walk->Rip = Rip;
    Walk->Register[KiRegisterRsp] += 8;
    Walk->Interrupted = FALSE;
    return KiStepDone;
}

static KI_STEP KiStepKernelFrame(PKI_STACK_WALK Walk)
{
    KI_DWARF_TABLES Tables = {(const UCHAR *)KiUnwindIndexStart,
                              (ULONG)(KiUnwindEnd - KiUnwindIndexStart),
                              (ULONG64)KiUnwindIndexStart};
    KI_STEP Step = KiUnwindDwarfFrame(Walk, &Tables);

    /* Assembly without an entry calls nobody, and pushes nothing. */
    if (Step == KiStepNoRoutine && Walk->Interrupted) {
        return KiStepLeaf(Walk);
    }
    return Step;
}

static KI_STEP KiStepAnyFrame(PKI_STACK_WALK Walk)
{
    ULONG64 Rip = Walk->Interrupted ? Walk->Rip : Walk->Rip - 1;
    PLDR_MODULE Module;

    if (KiIsWithin(Rip, KiTextStart, KiTextEnd)) {
        return KiStepKernelFrame(Walk);
    }
    Module = LdrFindModule((PVOID)Rip);
    if (Module != NULL) {
        return KiUnwindImageFrame(Walk, (ULONG64)Module->Base, Module->Size);
    }
    /* A call to nowhere: its return address is on top. */
    return Walk->Interrupted ? KiStepLeaf(Walk) : KiStepNoCode;
}

KI_STEP KiStepFrame(PKI_STACK_WALK Walk)
{
    ULONG64 Rsp = Walk->Register[KiRegisterRsp];
    KI_STEP Step = KiStepAnyFrame(Walk);

    if (Step != KiStepDone) {
        return Step;
    }
    if (Walk->Rip == 0) {
        return KiStepOutermost;
    }
    /* Only an interrupt may have come from another stack. */
    if (!Walk->Interrupted && Walk->Register[KiRegisterRsp] <= Rsp) {
        return KiStepNoProgress;
    }
    return KiStepDone;
}

/* Calls leave a frame each; code that was interrupted has nothing to do with what runs now. By
 * frame pointers, which all of the kernel's own routines keep: pools ask at each allocation. */
PVOID KeFindDriverCaller(void)
{
    ULONG64 Frame = (ULONG64)__builtin_frame_address(0), Rip = (ULONG64)KeFindDriverCaller;

    while (KiIsWithin(Rip, KiTextStart, KiTextEnd)) {
        if (KiIsWithin(Rip, KiTrapEntryStart, KiTrapEntryEnd) ||
            !KiReadMemory(Frame + 8, &Rip, 8) || !KiReadMemory(Frame, &Frame, 8)) {
            return NULL;
        }
    }
    return LdrFindModule((PVOID)Rip) != NULL ? (PVOID)Rip : NULL;
}

/* The frames are all on the thread's own stack, so nothing can fault. */
PVOID KeFindServiceCaller(void)
{
    PKTHREAD Thread = KeGetCurrentThread();
    ULONG64 *Frame = __builtin_frame_address(0), Rip = Frame[1];

    while (KiIsWithin(Rip, KiTextStart, KiTextEnd)) {
        Frame = (ULONG64 *)*Frame;
        if ((PVOID)Frame < Thread->StackLimit || (PVOID)(Frame + 2) > Thread->StackBase ||
            KiIsWithin(Rip, KiTrapEntryStart, KiTrapEntryEnd)) {
            return NULL;
        }
        Rip = Frame[1];
    }
    return (PVOID)Rip;
}

static void KiPrintRoutine(const KI_STACK_WALK *Walk)
{
    CHAR Name[96];

    (Walk->Interrupted ? LdrFormatAddress : LdrFormatReturnAddress)((PVOID)Walk->Rip, Name,
                                                                    sizeof(Name));
    KdPrintf("  %016llx  %s\n", Walk->Rip, Name);
}

/* Why a walk ends before its beginning. */
static void KiExplainStep(const KI_STACK_WALK *Walk, KI_STEP Step)
{
    static const char *const Reasons[] = {
        [KiStepNoStack] = "the stack cannot be read there",
        [KiStepBadTables] = "the image's unwind data makes no sense",
        [KiStepNoRoutine] = "no unwind data covers this address",
        [KiStepNoCode] = "this address lies in no module",
        [KiStepNoProgress] = "the caller's frame would lie below",
    };

    if (Step != KiStepDone && Step != KiStepOutermost) {
        KdPrintf("  no further: %s (rsp=%016llx rbp=%016llx)\n", Reasons[Step],
                 Walk->Register[KiRegisterRsp], Walk->Register[KiRegisterRbp]);
    }
}

void KiPrintWalk(PKI_STACK_WALK Walk, ULONG Limit)
{
    KI_STEP Step;

    do {
        KiPrintRoutine(Walk);
        Step = --Limit != 0 ? KiStepFrame(Walk) : KiStepOutermost;
    } while (Step == KiStepDone);
    KiExplainStep(Walk, Step);
}

void KiPrintBacktrace(const KTRAP_FRAME *Frame, ULONG Limit)
{
    KI_STACK_WALK Walk;

    KiStartWalkAtFrame(&Walk, Frame);
    KiPrintWalk(&Walk, Limit);
}
