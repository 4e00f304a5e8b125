/*
 * pageable.c - paged pool and pageable sections of drivers that really are not there (debug kernel
 * only).
 *
 * Switched on, their pages are mapped but not present, and who touches one at DISPATCH_LEVEL or
 * above, or with interrupts off, stops the machine: at the first touch, not on the day the page
 * happens to be on disk. Since drivers raise the IRQL by a move to CR8, nothing tells when memory
 * should vanish; so it is there for single instructions only:
 *
 *      page fault         the page becomes present; the trap flag is set and interrupts are masked,
 * so that exactly one instruction runs more page faults   of the same instruction, for its other
 * pages: the same debug exception    the pages vanish again, and the flags become what the
 * instruction left
 *
 * Interrupts being masked, the thread does not move and nothing else runs between the two. A
 * repeated string instruction traps after each iteration; it keeps its pages for a number of them.
 * Any other exception of the instruction ends the step first (MmCancelStep). NMIs leave it alone.
 *
 * Pages locked by MDLs stay present, and pageable sections lose MI_PTE_PAGEABLE while they are
 * locked. The pools' own bookkeeping, which works on free blocks under spin locks, is exempt
 * (MmEnterPoolInternals).
 *
 * What is not exact: page tables are shared, so while one processor runs its one instruction
 * another may touch the same page unnoticed, and may remember its translation for a while. So a
 * mistake may be missed, one time in many; nothing is ever reported that is none. A POPF or PUSHF
 * that touches pageable memory keeps its meaning; an instruction that faults and is then skipped by
 * a debugger does not.
 *
 * Entries of pageable pages change by compare-exchange. The step of a processor is its own, with
 * interrupts off.
 */
#include "mi.h"
#include "debugger.h"
#include "kd.h"
#include "ldr.h"
#include "ex.h"

#if DBG

#define EFLAGS_TF 0x100ULL
#define STEP_FLAGS (EFLAGS_TF | EFLAGS_IF)
#define DR6_STEP 0x4000ULL
#define DR6_NONE 0xFFFF0FF0ULL
#define PF_PRESENT 0x1
/* An instruction touches two pages at most by each of: its own bytes, its source, its
 * destination. */
#define STEP_PAGES 8
#define STEP_ITERATIONS 64 /* of a string instruction, before interrupts are let in */

/* Instructions that look at or change the flags that a step changes. */
#define OPCODE_PUSHF 0x9C
#define OPCODE_POPF 0x9D
#define OPCODE_CLI 0xFA
#define OPCODE_STI 0xFB

/* Legend: c only this processor, with interrupts off or, Exempt, at DISPATCH_LEVEL and above. */
typedef struct _MI_STEP {
    ULONG Pages;            /* c  0: none in progress */
    ULONG Iterations;       /* c */
    ULONG64 Rip;            /* c */
    ULONG64 Flags;          /* c  STEP_FLAGS as they were */
    UCHAR Opcode;           /* c */
    PVOID Page[STEP_PAGES]; /* c */
    LONG Exempt;            /* c  levels of the pools' bookkeeping */
    ULONG64 Faults;         /* c  ever */
} DECLSPEC_ALIGN(64) MI_STEP, *PMI_STEP;

static MI_STEP MiSteps[KI_MAX_PROCESSORS];
static volatile BOOLEAN MiVanishing; /* the switch; only MmSetVanishing changes it */

KI_DEBUGGER_TEXT static PMI_STEP MiCurrentStep(void)
{
    return &MiSteps[KeGetCurrentPrcb()->Number];
}

void MmEnterPoolInternals(void)
{
    MiCurrentStep()->Exempt++;
}

void MmLeavePoolInternals(void)
{
    MiCurrentStep()->Exempt--;
}

BOOLEAN MmIsVanishing(void)
{
    return MiVanishing;
}

/* The entry of a page that may vanish; NULL: no such page. */
static PMMPTE MiFindPageable(PVOID Va)
{
    BOOLEAN Possible = MiIsInWindow(&MiPoolWindows[1], Va) || MiIsInWindow(&MiImages, Va);
    PMMPTE Entry = Possible ? MiFindPte(Va) : NULL;

    return Entry != NULL && (*Entry & MI_PTE_PAGEABLE) != 0 ? Entry : NULL;
}

/* Sets or clears the present bit of an entry that is pageable still: its page may be freed
 * meanwhile, by a driver that goes on using it. */
static void MiSetPresent(PMMPTE Entry, BOOLEAN Present)
{
    MMPTE Old = *(volatile MMPTE *)Entry, New;

    do {
        if ((Old & MI_PTE_PAGEABLE) == 0) {
            return;
        }
        New = Present ? Old | MI_PTE_PRESENT : Old & ~MI_PTE_PRESENT;
    } while (
        !__atomic_compare_exchange_n(Entry, &Old, New, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

static BOOLEAN MiIsLocked(MMPTE Entry)
{
    PMMPFN Pfn = MiFindPfn((PFN_NUMBER)((Entry & MI_PTE_FRAME) >> PAGE_SHIFT));

    return Pfn != NULL && Pfn->LockCount != 0;
}

void MiShowPage(PVOID Va)
{
    PMMPTE Entry = MiFindPageable(Va);

    if (Entry != NULL) {
        MiSetPresent(Entry, TRUE);
    }
}

void MiHidePage(PVOID Va)
{
    PMMPTE Entry = MiFindPageable(Va);

    if (Entry == NULL || !MiVanishing || MiIsLocked(*Entry)) {
        return;
    }
    MiSetPresent(Entry, FALSE);
    __invlpg(Va);
    /* Locked by another processor a moment ago: its owner may touch it at any IRQL by now. Faults
     * between the two find the lock themselves. */
    if (MiIsLocked(*Entry)) {
        MiSetPresent(Entry, TRUE);
    }
}

MMPTE MiPageableBits(void)
{
    return MiVanishing ? MI_PTE_PAGEABLE : MI_PTE_PAGEABLE | MI_PTE_PRESENT;
}

/* Present and no more to vanish, at once: a step that ends on another processor hides only what is
 * pageable. */
static void MiMakeResident(PMMPTE Entry)
{
    MMPTE Old = *(volatile MMPTE *)Entry;

    while ((Old & MI_PTE_PAGEABLE) != 0 &&
           !__atomic_compare_exchange_n(Entry, &Old, (Old | MI_PTE_PRESENT) & ~MI_PTE_PAGEABLE,
                                        FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

void MiSetPageable(PVOID Start, SIZE_T Pages, BOOLEAN Pageable)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        PCHAR Va = (PCHAR)Start + i * PAGE_SIZE;

        if (Pageable) {
            __atomic_or_fetch(MiFindPte(Va), MI_PTE_PAGEABLE, __ATOMIC_SEQ_CST);
            MiHidePage(Va);
        } else {
            MiMakeResident(MiFindPte(Va));
        }
    }
}

/*** Steps. ***/

/* The instruction where no step that ends on another processor can hide it: at Rip itself a fault
 * would come in the middle of this one. */
static const UCHAR *MiInstructionAt(ULONG64 Rip)
{
    PMMPTE Entry = MiFindPageable((PVOID)Rip);

    return Entry == NULL
               ? (const UCHAR *)Rip
               : (const UCHAR *)MmPhysicalToVirtual(*Entry & MI_PTE_FRAME) + BYTE_OFFSET(Rip);
}

/* The opcode behind prefixes, as far as the page goes; 0: none of interest. */
static UCHAR MiOpcodeAt(ULONG64 Rip)
{
    const UCHAR *At = MiInstructionAt(Rip);
    ULONG Room = min(PAGE_SIZE - BYTE_OFFSET(Rip), 5U);

    for (ULONG i = 0; i < Room; i++) {
        if (At[i] != 0x66 && At[i] != 0xF2 && At[i] != 0xF3 && (At[i] & 0xF0) != 0x40) {
            return At[i];
        }
    }
    return 0;
}

/* CLI and STI in a page that has come back are done here: after STI a processor may put the trap
 * off for an instruction. FALSE: it is neither. */
static BOOLEAN MiDoMask(PKTRAP_FRAME Frame)
{
    UCHAR Opcode = *MiInstructionAt(Frame->Rip);

    if (Opcode != OPCODE_CLI && Opcode != OPCODE_STI) {
        return FALSE;
    }
    Frame->EFlags &= ~(ULONG64)EFLAGS_IF;
    Frame->EFlags |= Opcode == OPCODE_STI ? EFLAGS_IF : 0;
    Frame->Rip += 1;
    return TRUE;
}

static void MiStartStep(PMI_STEP Step, PKTRAP_FRAME Frame)
{
    Step->Rip = Frame->Rip;
    Step->Iterations = 0;
    Step->Flags = Frame->EFlags & STEP_FLAGS;
    Step->Opcode = MiOpcodeAt(Frame->Rip);
    Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | EFLAGS_TF;
}

KI_DEBUGGER_TEXT static void MiHideStepPages(PMI_STEP Step)
{
    while (Step->Pages != 0) {
        MiHidePage(Step->Page[--Step->Pages]);
    }
}

/* What the flags would be without the step. */
KI_DEBUGGER_TEXT static void MiRestoreFlags(PMI_STEP Step, PKTRAP_FRAME Frame)
{
    ULONG64 *Pushed = (ULONG64 *)Frame->Rsp;

    switch (Step->Opcode) {
    case OPCODE_POPF:
        return;
    case OPCODE_PUSHF:
        *Pushed = (*Pushed & ~STEP_FLAGS) | Step->Flags;
        break;
    }
    Frame->EFlags = (Frame->EFlags & ~STEP_FLAGS) | Step->Flags;
}

KI_DEBUGGER_TEXT BOOLEAN MmEndStep(PKTRAP_FRAME Frame)
{
    PMI_STEP Step = MiCurrentStep();

    if (Step->Pages == 0) {
        return FALSE;
    }
    __asm__ volatile("mov %0, %%dr6" : : "r"(DR6_NONE));
    if (Frame->Rip == Step->Rip && ++Step->Iterations < STEP_ITERATIONS) {
        return TRUE; /* a string instruction goes on */
    }
    MiHideStepPages(Step);
    MiRestoreFlags(Step, Frame);
    return TRUE;
}

KI_DEBUGGER_TEXT void MmCancelStep(PKTRAP_FRAME Frame)
{
    PMI_STEP Step = MiCurrentStep();

    if (Step->Pages != 0) {
        MiHideStepPages(Step);
        Step->Opcode = 0;
        MiRestoreFlags(Step, Frame);
    }
}

/* Made resident by another processor between the fault and this look. */
static BOOLEAN MiIsThereNow(PVOID Va)
{
    PMMPTE Entry = MiIsInWindow(&MiImages, Va) ? MiFindPte(Va) : NULL;

    return Entry != NULL && (*(volatile MMPTE *)Entry & MI_PTE_PRESENT) != 0;
}

MM_PAGEABLE_FAULT MmPageableFault(PKTRAP_FRAME Frame, PVOID Address)
{
    PMI_STEP Step = MiCurrentStep();
    PMMPTE Entry = Frame->ErrorCode & PF_PRESENT ? NULL : MiFindPageable(Address);

    if (Entry == NULL) {
        return (Frame->ErrorCode & PF_PRESENT) == 0 && MiIsThereNow(Address) ? MmFaultHandled
                                                                             : MmFaultOther;
    }
    if (MiIsLocked(*Entry)) {
        MiSetPresent(Entry, TRUE); /* locked while another processor hid it */
        return MmFaultHandled;
    }
    if (Step->Exempt == 0 && Frame->PreviousIrql >= DISPATCH_LEVEL) {
        return MmFaultTooHigh;
    }
    if (Step->Exempt == 0 && Step->Pages == 0 && (Frame->EFlags & EFLAGS_IF) == 0) {
        return MmFaultMasked;
    }
    MiSetPresent(Entry, TRUE);
    Step->Faults++;
    if (!MiVanishing) {
        return MmFaultHandled; /* switched off a moment ago */
    }
    if (Step->Pages == 0) {
        if (MiDoMask(Frame)) {
            MiHidePage(PAGE_ALIGN(Address));
            return MmFaultHandled;
        }
        MiStartStep(Step, Frame);
    }
    KI_ASSERT(Step->Pages < STEP_PAGES);
    Step->Page[Step->Pages++] = PAGE_ALIGN(Address);
    return MmFaultHandled;
}

/*** What a crash says about it. ***/

void MmExplainPageable(PVOID Address)
{
    EX_POOL_BLOCK Block;
    CHAR Name[80];

    if (MiFindPageable(Address) == NULL) {
        return;
    }
    MiVanishing = FALSE; /* for the look at the block: nobody goes on from here */
    MiShowPage(PAGE_ALIGN(Address));
    if (!MiIsInWindow(&MiPoolWindows[1], Address)) {
        KdPrintf(
            "    this is a pageable section of a driver: it may be on disk, so it may be touched "
            "only below DISPATCH_LEVEL, or locked\n");
        return;
    }
    KdPrintf("    this is paged pool: it may be on disk, so it may be touched only below "
             "DISPATCH_LEVEL\n");
    if (ExQueryPoolBlock(Address, &Block)) {
        LdrFormatAddress(Block.Caller, Name, sizeof(Name));
        KdPrintf("    in the block %p of %llu bytes, tag %.4s, allocated by %s\n", Block.Base,
                 (ULONG64)Block.Size, (const char *)&Block.Tag, Name);
    }
}

/*** The switch. ***/

/* Every page that is mapped in the window. Others may map and free pages meanwhile: those that see
 * the old value of the switch become exact when they are next touched, or never. */
static ULONG MiSweepWindow(PMI_WINDOW Window, BOOLEAN Present)
{
    ULONG Count = 0;

    for (ULONG i = 0; i < Window->Limit; i++) {
        PVOID Va = (PVOID)(Window->Base + ((ULONG_PTR)i << PAGE_SHIFT));
        PMMPTE Entry = MiFindPageable(Va);

        if (Entry != NULL && (Present || !MiIsLocked(*Entry))) {
            MiSetPresent(Entry, Present);
            Count++;
        }
    }
    KeFlushTlbRange((PVOID)Window->Base, Window->Limit);
    return Count;
}

ULONG MmSetVanishing(BOOLEAN On)
{
    MiVanishing = On;
    return MiSweepWindow(&MiPoolWindows[1], !On) + MiSweepWindow(&MiImages, !On);
}

static NTSTATUS MiVanishCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Faults = 0;

    if (Argc == 2 && strcmp(Argv[1], "on") == 0) {
        KdConsolePrint(Console, "%u pages have vanished\n", MmSetVanishing(TRUE));
    } else if (Argc == 2 && strcmp(Argv[1], "off") == 0) {
        KdConsolePrint(Console, "%u pages are there\n", MmSetVanishing(FALSE));
    } else if (Argc == 1) {
        for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
            Faults += MiSteps[i].Faults;
        }
        KdConsolePrint(Console, "pageable memory is %s; faults so far: %I64u\n",
                       MiVanishing ? "not there" : "resident", Faults);
    } else {
        return KdConsoleUsage(Console);
    }
    return STATUS_SUCCESS;
}

KD_COMMAND("pageable", "[on | off]", "make paged pool and pageable sections vanish",
           MiVanishCommand);

#endif
