/*
 * The seeded random scheduler (debug kernel only): makes rare orders of events frequent, and the
 * same ones again from the same seed.
 *
 * With a seed (`seed=N` on the command line, or the command `seed N`), whoever gets to a point (it
 * drops the dispatcher lock or a spin lock, lowers the IRQL, or is about to raise it or to wait)
 * may find, by a draw, that now comes first
 *
 *      another ready thread, of any priority, here;
 *      this thread's move to another processor that it may use;
 *      whatever DPCs were held back;
 *      a pause, in which other processors get ahead.
 *
 * The same happens at random instants between points, by the clock, so between any two
 * instructions. DPCs of medium and low importance that were queued here may be held back until the
 * next point or tick. Nothing happens that could not happen anyway: to a thread a point looks like
 * an interrupt, or like a faster processor beside it; only the promise that the highest priority
 * runs is suspended, which code for several processors cannot build on.
 *
 * A switch is not made at the point: it is asked for, by a flag and a dispatch interrupt, which
 * below DISPATCH_LEVEL comes before the next instruction. So it takes the path of every preemption.
 * Draws come from one generator per processor, which only that processor advances, with interrupts
 * off: one processor under `-icount` repeats every run exactly, and so do several, because QEMU
 * then runs them in turns that depend on nothing but instructions.
 */
#include "dispatch.h"
#include "processor.h"
#include "hal.h"
#include "kd.h"
#include "kidebug.h"
#include "mm.h"
#include "stacktrace.h"

#if DBG

#define LONGEST_RUN_100NS 2000 /* the clock interferes after at most so long: 200 us */
#define LONGEST_PAUSE 64       /* in PAUSEs */

/* c: only this processor, interrupts off. */
typedef struct _KI_SCHEDULE {
    ULONG64 State;      /* c  of the generator */
    ULONG64 Next100ns;  /* c  when the clock interferes next: interrupt time */
    BOOLEAN SwitchAway; /* c  the next dispatch interrupt is to switch */
    ULONG64 Points, Switches, Moves;
} KI_SCHEDULE, *PKI_SCHEDULE;

static KI_SCHEDULE KiSchedule[KI_MAX_PROCESSORS];
static BOOLEAN KiSeeded; /* changes only by command */
static ULONG64 KiSeed;

static PKI_SCHEDULE KiCurrentSchedule(void)
{
    return &KiSchedule[KeGetCurrentPrcb()->Number];
}

/* 0 to Limit - 1. Splitmix: every state is good, so seeds 1, 2, 3 are as different as any. */
static ULONG KiDraw(PKI_SCHEDULE Schedule, ULONG Limit)
{
    ULONG64 z = (Schedule->State += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (ULONG)((z ^ (z >> 31)) >> 32) % Limit;
}

static void KiPause(ULONG Count)
{
    while (Count-- > 0) {
        YieldProcessor();
    }
}

/* What a point's draw says. */
typedef struct _KI_CHOICE {
    BOOLEAN Interrupt; /* a dispatch interrupt: DPCs, and the switch if one is wanted */
    ULONG Pauses;
} KI_CHOICE;

static KI_CHOICE KiChoose(BOOLEAN MaySwitch)
{
    PKI_SCHEDULE Schedule = KiCurrentSchedule();
    KI_CHOICE Choice = {FALSE, 0};
    ULONG Draw = KiDraw(Schedule, 32);

    Schedule->Points += 1;
    if (Draw < 4 && MaySwitch) {
        Schedule->SwitchAway = TRUE;
        Choice.Interrupt = TRUE;
    } else if (Draw < 6 && MaySwitch) {
        Choice.Interrupt = TRUE;
    } else if (Draw < 9 && KeNumberProcessors > 1) {
        Choice.Pauses = KiDraw(Schedule, LONGEST_PAUSE);
    }
    return Choice;
}

void KiPerturb(void)
{
    BOOLEAN Enabled;
    KI_CHOICE Choice;

    if (!KiSeeded) {
        return;
    }
    Enabled = KiDisableInterrupts();
    Choice = KiChoose(Enabled && KeGetCurrentIrql() < DISPATCH_LEVEL);
    if (Choice.Interrupt) {
        KiRequestDispatchInterrupt();
    }
    KiRestoreInterrupts(Enabled); /* here it comes */
    KiPause(Choice.Pauses);
}

/* A ready thread of this processor's, each with the same chance, or NULL. Lock held. */
static PKTHREAD KiDrawReadyThread(PKPRCB Prcb, PKI_SCHEDULE Schedule)
{
    ULONG Left = Prcb->ReadyCount != 0 ? KiDraw(Schedule, Prcb->ReadyCount) : 0;

    for (ULONG Priority = 0; Priority < KI_PRIORITY_LEVELS; Priority++) {
        PLIST_ENTRY Head = &Prcb->ReadyList[Priority];
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
            PKTHREAD Thread = CONTAINING_RECORD(Link, KTHREAD, ReadyListEntry);
            if (Left-- == 0 && (Thread->Affinity & Prcb->SetMember) != 0) {
                return Thread;
            }
        }
    }
    return NULL;
}

/* A processor that Thread may run on, this one half of the times. Lock held. */
static PKPRCB KiDrawProcessor(PKPRCB Prcb, PKTHREAD Thread, PKI_SCHEDULE Schedule)
{
    ULONG Number = KiDraw(Schedule, 2 * KeNumberProcessors);

    if (Number >= KeNumberProcessors || !(Thread->Affinity & KeActiveProcessors & 1ULL << Number)) {
        return Prcb;
    }
    return KiProcessorBlock[Number];
}

/* The current thread stays ready, on a drawn processor; a drawn thread runs here instead. Lock
 * held, and no NextThread: a switch that is due is not interfered with. */
static void KiSwitchByDraw(PKPRCB Prcb, PKI_SCHEDULE Schedule)
{
    PKTHREAD Old = Prcb->CurrentThread;
    PKTHREAD New = KiDrawReadyThread(Prcb, Schedule);
    PKPRCB Target = KiDrawProcessor(Prcb, Old, Schedule);

    if (New == NULL && Target == Prcb) {
        return;
    }
    if (New != NULL) {
        KiUnlinkReadyThread(New);
        New->State = Standby;
        New->NextProcessor = (UCHAR)Prcb->Number;
        Prcb->NextThread = New;
        Schedule->Switches += 1;
    }
    Schedule->Moves += Target != Prcb;
    KiReadyThreadOn(Old, Target, (BOOLEAN)(Target != Prcb && KiDraw(Schedule, 2) != 0));
    KiSwitchAway();
    Old->NextProcessor =
        (UCHAR)KeGetCurrentPrcb()->Number; /* nothing better was found: it goes on */
}

void KiPerturbSwitch(PKPRCB Prcb)
{
    PKI_SCHEDULE Schedule = &KiSchedule[Prcb->Number];

    if (!Schedule->SwitchAway) {
        return;
    }
    Schedule->SwitchAway = FALSE;
    KiLockDispatcherAtDpcLevel();
    if (Prcb->CurrentThread != Prcb->IdleThread && Prcb->NextThread == NULL) {
        KiSwitchByDraw(Prcb, Schedule);
    }
    KiUnlockDispatcherFromDpcLevel();
}

/* An idle processor is left alone: it runs nothing that could be interfered with. */
ULONG64 KiPerturbNextClock(PKPRCB Prcb, ULONG64 Now100ns, ULONG64 Next100ns)
{
    PKI_SCHEDULE Schedule = &KiSchedule[Prcb->Number];

    if (!KiSeeded || Prcb->CurrentThread == Prcb->IdleThread) {
        return Next100ns;
    }
    if (Schedule->Next100ns <= Now100ns) {
        Schedule->Next100ns = Now100ns + 1 + KiDraw(Schedule, LONGEST_RUN_100NS);
    }
    return min(Next100ns, Schedule->Next100ns);
}

void KiPerturbClock(PKPRCB Prcb, ULONG64 Now100ns)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    PKI_SCHEDULE Schedule = &KiSchedule[Prcb->Number];

    if (KiSeeded && Schedule->Next100ns <= Now100ns) {
        Schedule->SwitchAway = TRUE;
        KiRequestDispatchInterrupt();
    }
    KiRestoreInterrupts(Enabled);
}

BOOLEAN KiPerturbDelaysDpc(void)
{
    BOOLEAN Enabled = KiDisableInterrupts();
    BOOLEAN Delay = KiSeeded && KiDraw(KiCurrentSchedule(), 4) == 0;

    KiRestoreInterrupts(Enabled);
    return Delay;
}

/* On every processor, at IPI_LEVEL: none of them is drawing. */
static ULONG_PTR NTAPI KiReseed(ULONG_PTR Seed)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    KiSchedule[Prcb->Number] =
        (KI_SCHEDULE){.State = (ULONG64)Seed * 0xD1342543DE82EF95ULL + Prcb->Number};
    KiSeeded = TRUE;
    return 0;
}

static void KiSetSeed(ULONG64 Seed)
{
    KiSeed = Seed;
    KeIpiGenericCall(KiReseed, Seed);
}

void KiStartDebugging(void)
{
    ULONG64 Seed, Pageable, Stacks;

    KiStartLockChecks();
    if (KiQueryBootOption("pageable", &Pageable) && Pageable != 0) {
        MmSetVanishing(TRUE);
    }
    if (KiQueryBootOption("stacktraces", &Stacks) && Stacks != 0) {
        ExStartStackTraces();
    }
    if (KiQueryBootOption("seed", &Seed)) {
        KiSetSeed(Seed);
    }
}

static NTSTATUS KiSeedCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Seed;

    if (Argc > 2 || (Argc == 2 && !KdParseNumber(Argv[1], &Seed) && strcmp(Argv[1], "off") != 0)) {
        return KdConsoleUsage(Console);
    }
    if (Argc == 2 && strcmp(Argv[1], "off") == 0) {
        KiSeeded = FALSE;
    } else if (Argc == 2) {
        KiSetSeed(Seed);
    } else if (!KiSeeded) {
        KdConsolePrint(Console, "threads are scheduled by priority alone\n");
    } else {
        KdConsolePrint(Console, "seed %llu\n", KiSeed);
        for (ULONG i = 0; i < KeNumberProcessors; i++) {
            KdConsolePrint(Console, "CPU %u: %llu points, %llu switches, %llu moves\n", i,
                           KiSchedule[i].Points, KiSchedule[i].Switches, KiSchedule[i].Moves);
        }
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("seed", "[N | off]", "random scheduling from a seed", KiSeedCommand);

#endif
