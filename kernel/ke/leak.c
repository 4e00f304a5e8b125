/*
 * leak.c - what the kernel's own lists still hold of a driver that goes: timers, DPCs, APCs, its threads.
 *
 * Each list is walked once under its lock. What is found is only noted; what comes of it is the loader's
 * business. A thread that stands in the driver's code is found by its stack, which is searched for addresses in
 * the image first: most have none, and a walk by unwind tables is slow. Nothing of the driver can be added meanwhile but by code of its own, which would be one more leak.
 */
#include <ntddk.h>
#include "leak.h"
#include "processor.h"
#include "unwind.h"

#define KI_LEAK_FRAMES 64

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

/* Whether any word on the stack of a thread that does not run looks like a return address into the image. */
static BOOLEAN KiMayStandIn(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    for (PVOID *At = Thread->KernelStack; At < (PVOID *)Thread->StackBase; At++) {
        if (LdrIsInImage(Leaks, *At)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Where a thread will return to in the image; NULL: nowhere. Lock held, so that it does not begin to run. */
static PVOID KiFindCode(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    KI_STACK_WALK Walk;
    if (Thread->State == Running || !KiMayStandIn(Thread, Leaks)) {
        return NULL;
    }
    KiStartWalkAtThread(&Walk, Thread);
    for (ULONG i = 0; i < KI_LEAK_FRAMES && KiStepFrame(&Walk) == KiStepDone; i++) {
        if (LdrIsInImage(Leaks, (PVOID)Walk.Rip)) {
            return (PVOID)Walk.Rip;
        }
    }
    return NULL;
}

static void KiFindThread(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    if (LdrIsInImage(Leaks, (PVOID)Thread->StartAddress)) {
        LdrNoteLeak(Leaks, LdrLeakThread, Thread, (PVOID)Thread->StartAddress);
        return;
    }
    PVOID Code = KiFindCode(Thread, Leaks);
    if (Code != NULL) {
        LdrNoteLeak(Leaks, LdrLeakCode, Thread, Code);
    }
}

/* Signalled: it has ended, and only waits to be buried. */
void KeFindThreadLeaks(PKTHREAD Thread, PLDR_LEAKS Leaks)
{
    KIRQL OldIrql = KiLockDispatcher();

    if (Thread->Header.SignalState == 0 && Thread->ApcState.ApcListHead[KernelMode].Flink != NULL) {
        KiFindThread(Thread, Leaks);
        for (UCHAR i = 0; i <= Thread->ApcStateIndex; i++) {
            KiFindApcs(&Thread->ApcStatePointer[i]->ApcListHead[KernelMode], Leaks);
            KiFindApcs(&Thread->ApcStatePointer[i]->ApcListHead[UserMode], Leaks);
        }
    }
    KiUnlockDispatcher(OldIrql);
}
