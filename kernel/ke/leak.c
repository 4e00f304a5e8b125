/*
 * leak.c - what the kernel's own lists still hold of a driver that goes: timers, DPCs, APCs, its
 * threads.
 *
 * Each list is walked once under its lock. What is found is only noted; what comes of it is the
 * loader's business. A thread that stands in the driver's code is found by its stack, which is
 * searched for addresses in the image first: most have none, and a walk by unwind tables is slow.
 * One that runs walks its stack itself, interrupted. Nothing of the driver can be added meanwhile
 * but by code of its own, which would be one more leak.
 */
#include <ntddk.h>
#include "leak.h"
#include "processor.h"
#include "unwind.h"

#define KI_LEAK_FRAMES 64
#define KI_LEAK_LOOKS 100 /* at a thread that begins or ceases to run each time */

static void KiFindTimer(PKTIMER Timer, PLDR_LEAKS Leaks)
{
    PKDPC Dpc = Timer->Dpc;
    PVOID Routine = Dpc != NULL ? (PVOID)Dpc->DeferredRoutine : NULL;

    if (LdrIsInImage(Leaks, Timer) || LdrIsInImage(Leaks, Dpc) || LdrIsInImage(Leaks, Routine)) {
        LdrNoteLeak(Leaks, LdrLeakTimer, Timer, Routine);
    }
}

static void KiFindTimers(PLIST_ENTRY Head, PLDR_LEAKS Leaks)
{
    for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        KiFindTimer(CONTAINING_RECORD(Entry, KTIMER, TimerListEntry), Leaks);
    }
}

/* The lock is held for the whole wheel, so that no timer escapes by moving to another slot. */
static void KiFindWheelLeaks(PKI_TIMER_WHEEL Wheel, PLDR_LEAKS Leaks)
{
    KIRQL OldIrql = KiLockDispatcher();

    KiFindTimers(&Wheel->Moving, Leaks);
    for (ULONG Level = 0; Level < KI_WHEEL_LEVELS; Level++) {
        for (ULONG Slot = 0; Slot < KI_WHEEL_SLOTS; Slot++) {
            KiFindTimers(&Wheel->Slot[Level][Slot], Leaks);
        }
    }
    KiUnlockDispatcher(OldIrql);
}

static void KiFindQueueLeaks(PKI_DPC_QUEUE Queue, PLDR_LEAKS Leaks)
{
    BOOLEAN Enabled = KiDisableInterrupts();

    KiAcquireRawLock(&Queue->Lock);
    for (PLIST_ENTRY Entry = Queue->ListHead.Flink; Entry != &Queue->ListHead;
         Entry = Entry->Flink) {
        PKDPC Dpc = CONTAINING_RECORD(Entry, KDPC, DpcListEntry);
        PVOID Routine = (PVOID)Dpc->DeferredRoutine;

        if (LdrIsInImage(Leaks, Dpc) || LdrIsInImage(Leaks, Routine)) {
            LdrNoteLeak(Leaks, LdrLeakDpc, Dpc, Routine);
        }
    }
    KiReleaseRawLock(&Queue->Lock);
    KiRestoreInterrupts(Enabled);
}

void KeFindLeaks(PLDR_LEAKS Leaks)
{
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KiFindWheelLeaks(KiProcessorBlock[i]->TimerWheel, Leaks);
        KiFindQueueLeaks(&KiProcessorBlock[i]->Dpc, Leaks);
        KiFindQueueLeaks(&KiProcessorBlock[i]->Processor->DpcThread.Queue, Leaks);
    }
    KiFindWheelLeaks(&KiNoWakeWheel, Leaks);
    KiFindInterruptLeaks(Leaks);
    KiFindCallbackLeaks(Leaks);
}

static void KiFindApcs(PLIST_ENTRY Head, PLDR_LEAKS Leaks)
{
    for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        PKAPC Apc = CONTAINING_RECORD(Entry, KAPC, ApcListEntry);
        const PVOID Routines[] = {(PVOID)Apc->NormalRoutine, (PVOID)Apc->KernelRoutine,
                                  (PVOID)Apc->RundownRoutine};

        for (ULONG i = 0; i < ARRAYSIZE(Routines); i++) {
            if (LdrIsInImage(Leaks, Routines[i]) || LdrIsInImage(Leaks, Apc)) {
                LdrNoteLeak(Leaks, LdrLeakApc, Apc, Routines[i]);
                break;
            }
        }
    }
}

/* Whether any word on the stack of a thread that does not run looks like a return address into the
 * image. */
static BOOLEAN KiMayStandIn(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    for (PVOID *At = Thread->KernelStack; At < (PVOID *)Thread->StackBase; At++) {
        if (LdrIsInImage(Leaks, *At)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The first address of a walk, from its caller on, in the image. */
static PVOID KiFindInWalk(PKI_STACK_WALK Walk, PLDR_LEAKS Leaks)
{
    for (ULONG i = 0; i < KI_LEAK_FRAMES && KiStepFrame(Walk) == KiStepDone; i++) {
        if (LdrIsInImage(Leaks, (PVOID)Walk->Rip)) {
            return (PVOID)Walk->Rip;
        }
    }
    return NULL;
}

/* It has been started and has not ended; a signalled one only waits to be buried. */
static BOOLEAN KiIsAlive(PKTHREAD Thread)
{
    return Thread->Header.SignalState == 0 &&
           Thread->ApcState.ApcListHead[KernelMode].Flink != NULL;
}

/* For a thread that does not run; FALSE: it does. */
static BOOLEAN KiFindWaitingCode(PKTHREAD Thread, PLDR_LEAKS Leaks, PVOID *Code)
{
    KI_STACK_WALK Walk;
    KIRQL OldIrql = KiLockDispatcher(); /* it does not begin to run meanwhile */
    BOOLEAN Runs = Thread->State == Running;

    if (!Runs && KiIsAlive(Thread) && KiMayStandIn(Thread, Leaks)) {
        KiStartWalkAtThread(&Walk, Thread);
        *Code = KiFindInWalk(&Walk, Leaks);
    }
    KiUnlockDispatcher(OldIrql);
    return !Runs;
}

/* A thread that runs on some processor. */
typedef struct _KI_RUNNING {
    PKTHREAD Thread;
    PLDR_LEAKS Leaks;
    PVOID Code;   /* out */
    BOOLEAN Seen; /* out */
} KI_RUNNING, *PKI_RUNNING;

/* The routine of a DPC that has been taken from the queue and is about to be called, or has just
 * returned: nothing of it is on the stack, but nobody has waited for its end. */
static PVOID KiFindTakenDpc(PLDR_LEAKS Leaks)
{
    PKI_DPC_QUEUE Queue = &KeGetCurrentPrcb()->Dpc;

    return Queue->Running != NULL && LdrIsInImage(Leaks, (PVOID)Queue->Routine)
               ? (PVOID)Queue->Routine
               : NULL;
}

/* On all processors. The walk goes through the interrupt to what it interrupted. An idle thread
 * counts as running always: while it does not, nothing but its loop is on its stack. */
static ULONG_PTR NTAPI KiLookAtRunning(ULONG_PTR Argument)
{
    PKI_RUNNING Look = (PKI_RUNNING)Argument;
    KI_STACK_WALK Walk;

    if (KeGetCurrentThread() == Look->Thread) {
        KiCaptureRegisters(&Walk);
        Look->Code = KiFindInWalk(&Walk, Look->Leaks);
        if (Look->Code == NULL) {
            Look->Code = KiFindTakenDpc(Look->Leaks);
        }
        Look->Seen = TRUE;
    } else if (KeGetCurrentPrcb()->IdleThread == Look->Thread) {
        Look->Seen = TRUE;
    }
    return 0;
}

/* Where a thread is, or will return to, in the image; NULL: nowhere. */
static PVOID KiFindCode(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    KI_RUNNING Look = {Thread, Leaks, NULL, FALSE};

    for (ULONG i = 0; i < KI_LEAK_LOOKS && !Look.Seen; i++) {
        if (KiFindWaitingCode(Thread, Leaks, &Look.Code)) {
            break;
        }
        KeIpiGenericCall(KiLookAtRunning, (ULONG_PTR)&Look);
    }
    return Look.Code;
}

static void KiFindThread(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    if (LdrIsInImage(Leaks, (PVOID)Thread->StartAddress)) {
        KIRQL OldIrql = KiLockDispatcher();
        BOOLEAN Alive = KiIsAlive(Thread);
        KiUnlockDispatcher(OldIrql);
        if (Alive) {
            LdrNoteLeak(Leaks, LdrLeakThread, Thread, (PVOID)Thread->StartAddress);
        }
        return;
    }
    PVOID Code = KiFindCode(Thread, Leaks);
    if (Code != NULL) {
        LdrNoteLeak(Leaks, LdrLeakCode, Thread, Code);
    }
}

void KeFindThreadLeaks(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    KiFindThread(Thread, Leaks);
    KIRQL OldIrql = KiLockDispatcher();
    if (KiIsAlive(Thread)) {
        for (UCHAR i = 0; i <= Thread->ApcStateIndex; i++) {
            KiFindApcs(&Thread->ApcStatePointer[i]->ApcListHead[KernelMode], Leaks);
            KiFindApcs(&Thread->ApcStatePointer[i]->ApcListHead[UserMode], Leaks);
        }
    }
    KiUnlockDispatcher(OldIrql);
}
