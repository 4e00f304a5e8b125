/*
 * Promise: what a debugger shows is there to be seen. A resource is held and waited for, a timer is
 * armed, an APC and a DPC are held back, a queued spin lock has an owner and, with two processors,
 * another one waiting, all at the same moment, when DebugTargetStop is called;
 * tests/host/test_gdb.py looks at them there. Afterwards each comes to its end.
 */
#include "kmt.h"

static ERESOURCE Resource;
static KEVENT WaiterComing;
static KTIMER Timer;
static KDPC TimerDpc, Dpc;
static KAPC Apc;
static KSPIN_LOCK QueuedLock;
static KEVENT ApcDone;
static volatile LONG DpcRuns, Acquired, Held;

static VOID NTAPI DebugTargetTimer(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TheDpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI DebugTargetDpc(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TheDpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement(&DpcRuns);
}

static VOID NTAPI DebugTargetKernelApc(PKAPC TheApc, PKNORMAL_ROUTINE *Normal, PVOID *Context,
                                       PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(TheApc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI DebugTargetNormalApc(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeSetEvent(&ApcDone, IO_NO_INCREMENT, FALSE);
}

/* The critical region keeps the APC waiting for as long as the resource does. */
static VOID NTAPI DebugTargetWaiter(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeEnterCriticalRegion();
    KmtCome(&WaiterComing);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID NTAPI DebugTargetSpinner(PVOID Context)
{
    KLOCK_QUEUE_HANDLE Handle;

    UNREFERENCED_PARAMETER(Context);
    KeSetSystemAffinityThread(2);
    while (!Held) {
        KmtSleep(1);
    }
    KeAcquireInStackQueuedSpinLock(&QueuedLock, &Handle);
    InterlockedIncrement(&Acquired);
    KeReleaseInStackQueuedSpinLock(&Handle);
}

/* Nothing happens here: a debugger's breakpoint does. */
__declspec(noinline) static VOID DebugTargetStop(PKLOCK_QUEUE_HANDLE Handle)
{
    __asm__ volatile("" : : "r"(Handle) : "memory");
}

/* The lock word is the last handle in the queue. */
static VOID HoldLocked(VOID)
{
    KLOCK_QUEUE_HANDLE Handle;

    KeAcquireInStackQueuedSpinLock(&QueuedLock, &Handle);
    InterlockedExchange(&Held, 1);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    while (KmtProcessors() > 1 && *(volatile KSPIN_LOCK *)&QueuedLock == (KSPIN_LOCK)&Handle) {
        YieldProcessor();
    }
    DebugTargetStop(&Handle);
    KMT_EQUAL(DpcRuns, 0, "the DPC waits while the IRQL is DISPATCH_LEVEL");
    KeReleaseInStackQueuedSpinLock(&Handle);
}

static VOID RunWithSpinner(VOID)
{
    PETHREAD Spinner;

    if (KmtProcessors() == 1) {
        HoldLocked();
        return;
    }
    KeSetSystemAffinityThread(1);
    Spinner = KmtStartThread(DebugTargetSpinner, NULL);
    HoldLocked();
    KmtJoin(Spinner);
    KeRevertToUserAffinityThread();
    KMT_EQUAL(Acquired, 1, "the other processor gets the lock");
}

static VOID KmtRun(VOID)
{
    PETHREAD Waiter;

    ExInitializeResourceLite(&Resource);
    KeInitializeSpinLock(&QueuedLock);
    KeInitializeEvent(&ApcDone, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, DebugTargetDpc, NULL);
    KeSetTargetProcessorDpc(&Dpc, 0);
    KeInitializeDpc(&TimerDpc, DebugTargetTimer, NULL);
    KeInitializeTimer(&Timer);
    KeSetTimerEx(&Timer, KmtMs(3600 * 1000), 60000, &TimerDpc);

    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeInitializeEvent(&WaiterComing, SynchronizationEvent, FALSE);
    Waiter = KmtStartThread(DebugTargetWaiter, NULL);
    KmtAwaitComing(&WaiterComing); /* a waiter is counted a moment before it waits */
    KeInitializeApc(&Apc, Waiter, OriginalApcEnvironment, DebugTargetKernelApc, NULL,
                    DebugTargetNormalApc, KernelMode, NULL);
    KMT_CHECK(KeInsertQueueApc(&Apc, NULL, NULL, 0), "an APC is queued");
    RunWithSpinner();
    KMT_CHECK(KeReadStateEvent(&ApcDone) == 0,
              "the APC waits while its thread is in a critical region");
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
    KmtJoin(Waiter);
    KeFlushQueuedDpcs();
    KMT_EQUAL(DpcRuns, 1, "the DPC has run");
    KMT_CHECK(KeReadStateEvent(&ApcDone) != 0, "the APC has run");
    KMT_CHECK(KeCancelTimer(&Timer), "the timer was armed");
    ExDeleteResourceLite(&Resource);
}
