/*
 * Ex timers: timers made and freed by the system, whose callbacks never overlap.
 *
 * Each one is a KTIMER, which may be waited for, with a DPC that calls the driver. The DPC has a
 * fixed processor; so its runs come one after the other, and one that ends can tell whether another
 * will follow: the timer is armed, or the DPC is queued again. The last run of a deleted timer
 * frees it. When deletion finds neither, it queues the DPC for that alone.
 *
 * EX_TIMER.Lock guards Deleted and what belongs to the deletion; it is held while the timer is
 * armed or cancelled, so that nothing is armed after the deletion, and not during callbacks.
 */
#include <ntddk.h>
#include "ke.h"

#define EX_TIMER_TAG 'miTE'
#define EX_TIMER_ATTRIBUTES (EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION)

struct _EX_TIMER {
    KTIMER Timer; /* first: a handle of an Ex timer may be waited for */
    KDPC Dpc;
    PEXT_CALLBACK Callback; /* i */
    PVOID Context;          /* i */
    ULONG Attributes;       /* i */
    KSPIN_LOCK Lock;
    BOOLEAN Deleted; /* Lock  set once; the rest stays as it is then */
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
    PKEVENT DeleteEvent; /* for a deletion that waits; else NULL */
};

/* A timer that nobody refers to any more. */
static void ExpFreeTimer(PEX_TIMER Timer)
{
    PEXT_DELETE_CALLBACK Callback = Timer->DeleteCallback;
    PVOID Context = Timer->DeleteContext;
    PKEVENT Event = Timer->DeleteEvent;

    ExFreePoolWithTag(Timer, EX_TIMER_TAG);
    if (Callback != NULL) {
        Callback(Context);
    }
    if (Event != NULL) {
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    }
}

static BOOLEAN ExpIsTimerDeleted(PEX_TIMER Timer)
{
    BOOLEAN Deleted;

    KeAcquireSpinLockAtDpcLevel(&Timer->Lock);
    Deleted = Timer->Deleted;
    KeReleaseSpinLockFromDpcLevel(&Timer->Lock);
    return Deleted;
}

/* Whether no further run of the DPC will come, of a timer that is deleted. In this order: a timer
 * that is not armed any more has queued its DPC. */
static BOOLEAN ExpIsLastRun(PEX_TIMER Timer)
{
    return !KeIsTimerArmed(&Timer->Timer) && *(PVOID volatile *)&Timer->Dpc.DpcData == NULL;
}

/* The timer expired; or, with the timer itself as argument, there is nothing to do but to free
 * it. */
static KDEFERRED_ROUTINE ExpTimerDpc;
static VOID NTAPI ExpTimerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PEX_TIMER Timer = Context;
    BOOLEAN WasDeleted = ExpIsTimerDeleted(Timer);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    if (Argument1 != Timer && Timer->Callback != NULL) {
        Timer->Callback(Timer, Timer->Context);
    }
    if (WasDeleted) {
        KeCancelTimer(&Timer->Timer); /* the last period of a timer that was to expire once more */
    }
    if (ExpIsTimerDeleted(Timer) && ExpIsLastRun(Timer)) {
        ExpFreeTimer(Timer);
    }
}

PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    PEX_TIMER Timer;

    if ((Attributes & ~EX_TIMER_ATTRIBUTES) != 0 ||
        ((Attributes & EX_TIMER_NO_WAKE) && (Attributes & EX_TIMER_HIGH_RESOLUTION))) {
        return NULL;
    }
    Timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Timer), EX_TIMER_TAG);
    if (Timer == NULL) {
        return NULL;
    }
    RtlZeroMemory(Timer, sizeof(*Timer));
    KeInitializeTimerEx(&Timer->Timer, Attributes & EX_TIMER_NOTIFICATION ? NotificationTimer
                                                                          : SynchronizationTimer);
    KeInitializeDpc(&Timer->Dpc, ExpTimerDpc, Timer);
    KeSetTargetProcessorDpc(&Timer->Dpc, (CCHAR)KeGetCurrentProcessorNumber());
    KeSetImportanceDpc(&Timer->Dpc, MediumHighImportance); /* at once on that processor, too */
    KeInitializeSpinLock(&Timer->Lock);
    Timer->Callback = Callback;
    Timer->Context = CallbackContext;
    Timer->Attributes = Attributes;
    return Timer;
}

/* A tolerance of less than a clock tick does not allow to wait for one. */
static KI_TIMER_ARMING ExpTimerArming(PEX_TIMER Timer, LONGLONG Period,
                                      const EXT_SET_PARAMETERS *Parameters)
{
    LONGLONG Tolerance =
        Parameters != NULL ? Parameters->NoWakeTolerance : EX_TIMER_UNLIMITED_TOLERANCE;
    KI_TIMER_ARMING Arming = {.Period100ns = (ULONG64)Period, .Dpc = &Timer->Dpc};

    if (Timer->Attributes & EX_TIMER_NO_WAKE) {
        Arming.NoWake = (BOOLEAN)(Tolerance < 0 || Tolerance >= KI_TICK_100NS);
        Arming.Tolerance100ns = Arming.NoWake ? 0 : (ULONG64)Tolerance;
    }
    return Arming;
}

BOOLEAN NTAPI ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                         PEXT_SET_PARAMETERS Parameters)
{
    KI_TIMER_ARMING Arming = ExpTimerArming(Timer, Period, Parameters);
    BOOLEAN WasSet = FALSE;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    KI_ASSERT(Period >= 0);
    KeAcquireSpinLock(&Timer->Lock, &OldIrql);
    if (!Timer->Deleted) {
        WasSet = KeArmTimer(&Timer->Timer, (LARGE_INTEGER){.QuadPart = DueTime}, &Arming);
    }
    KeReleaseSpinLock(&Timer->Lock, OldIrql);
    return WasSet;
}

BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    UNREFERENCED_PARAMETER(Parameters);
    return KeCancelTimer(&Timer->Timer);
}

/* The timer may be gone when this returns. */
static BOOLEAN ExpDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel,
                              const EXT_DELETE_PARAMETERS *Parameters, PKEVENT Event)
{
    BOOLEAN Cancelled = FALSE;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Timer->Lock, &OldIrql);
    KI_ASSERT(!Timer->Deleted);
    Timer->Deleted = TRUE;
    Timer->DeleteEvent = Event;
    if (Parameters != NULL) {
        Timer->DeleteCallback = Parameters->DeleteCallback;
        Timer->DeleteContext = Parameters->DeleteContext;
    }
    if (Cancel) {
        Cancelled = KeCancelTimer(&Timer->Timer);
    }
    if (!KeIsTimerArmed(&Timer->Timer)) {
        /* Fails when the DPC is queued already: then that run is the last one. */
        KeInsertQueueDpc(&Timer->Dpc, Timer, NULL);
    }
    KeReleaseSpinLock(&Timer->Lock, OldIrql);
    return Cancelled;
}

BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                            PEXT_DELETE_PARAMETERS Parameters)
{
    BOOLEAN Cancelled;
    KEVENT Event;

    KI_ASSERT_IRQL_MAX(Wait ? APC_LEVEL : DISPATCH_LEVEL);
    KI_ASSERT(Cancel || !Wait);
    if (!Wait) {
        return ExpDeleteTimer(Timer, Cancel, Parameters, NULL);
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Cancelled = ExpDeleteTimer(Timer, Cancel, Parameters, &Event);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return Cancelled;
}
