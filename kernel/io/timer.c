/*
 * timer.c - a device's timer, called once a second.
 *
 * All devices' timers share one kernel timer and DPC, which run only while some timer is started.
 * IopTimerLock guards the list and is held while routines are called: so a routine is not running
 * any more when IoStopTimer returns, and a routine must not start or stop timers itself.
 */
#include "iop.h"

#define IOP_TIMER_PERIOD_MS 1000
#define IOP_MS_100NS 10000

struct _IO_TIMER {
    SHORT Type;                /* i  IO_TYPE_TIMER */
    BOOLEAN Started;           /* IopTimerLock */
    LIST_ENTRY Link;           /* IopTimerLock */
    PIO_TIMER_ROUTINE Routine; /* i */
    PVOID Context;             /* i */
    PDEVICE_OBJECT Device;     /* i */
};

static KSPIN_LOCK IopTimerLock;
KI_RANKED_LOCK(IopTimerLock, LOCK_ORDER_IO_TIMER);
static LIST_ENTRY IopTimerList = {&IopTimerList, &IopTimerList};
static ULONG IopStartedTimers; /* IopTimerLock */
static KTIMER IopTimer;
static KDPC IopTimerDpc;

/* Once a second while any timer is started. A routine may start a packet or take the driver's
 * locks, which is why IopTimerLock comes before drivers' own in the order of locks. */
static VOID NTAPI IopTimerDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&IopTimerLock);
    for (PLIST_ENTRY Link = IopTimerList.Flink; Link != &IopTimerList; Link = Link->Flink) {
        PIO_TIMER Timer = CONTAINING_RECORD(Link, struct _IO_TIMER, Link);
        if (Timer->Started) {
            Timer->Routine(Timer->Device, Timer->Context);
            IopCheckIrql((PVOID)Timer->Routine, NULL, DISPATCH_LEVEL);
        }
    }
    KeReleaseSpinLockFromDpcLevel(&IopTimerLock);
}

void IopInitializeTimers(void)
{
    KeInitializeTimer(&IopTimer);
    KeInitializeDpc(&IopTimerDpc, IopTimerDpcRoutine, NULL);
}

NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT Device, PIO_TIMER_ROUTINE TimerRoutine,
                                 PVOID Context)
{
    PIO_TIMER Timer = Device->Timer;
    if (Timer == NULL) {
        Timer = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Timer), IOP_TAG);
        if (Timer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Timer->Type = IO_TYPE_TIMER;
        Timer->Device = Device;
        Device->Timer = Timer;
        ExInterlockedInsertTailList(&IopTimerList, &Timer->Link, &IopTimerLock);
    }
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopTimerLock);
    Timer->Routine = TimerRoutine;
    Timer->Context = Context;
    KeReleaseSpinLock(&IopTimerLock, OldIrql);
    return STATUS_SUCCESS;
}

/* Starts or stops one timer, and with the first and last the kernel timer. Lock held. */
static void IopSwitchTimer(PIO_TIMER Timer, BOOLEAN Start)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)IOP_TIMER_PERIOD_MS * IOP_MS_100NS};
    if (Timer->Started == Start) {
        return;
    }
    Timer->Started = Start;
    if (Start && IopStartedTimers++ == 0) {
        KeSetTimerEx(&IopTimer, Due, IOP_TIMER_PERIOD_MS, &IopTimerDpc);
    } else if (!Start && --IopStartedTimers == 0) {
        KeCancelTimer(&IopTimer);
    }
}

static void IopSetTimerState(PDEVICE_OBJECT Device, BOOLEAN Start)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopTimerLock);
    IopSwitchTimer(Device->Timer, Start);
    KeReleaseSpinLock(&IopTimerLock, OldIrql);
}

VOID NTAPI IoStartTimer(PDEVICE_OBJECT Device)
{
    IopSetTimerState(Device, TRUE);
}

VOID NTAPI IoStopTimer(PDEVICE_OBJECT Device)
{
    IopSetTimerState(Device, FALSE);
}

/* The device is being deleted; its driver need not have stopped the timer. */
void IopDeleteTimer(PDEVICE_OBJECT Device)
{
    PIO_TIMER Timer = Device->Timer;
    if (Timer == NULL) {
        return;
    }
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopTimerLock);
    IopSwitchTimer(Timer, FALSE);
    RemoveEntryList(&Timer->Link);
    KeReleaseSpinLock(&IopTimerLock, OldIrql);
    Device->Timer = NULL;
    ExFreePoolWithTag(Timer, IOP_TAG);
}
