/*
 * timer.c - timers with handles and names.
 *
 * The body begins with a KTIMER. One that is to call a routine has a DPC that queues an APC to the
 * thread that armed it; the timer holds a reference to that thread for as long. Whoever arms,
 * cancels or deletes the timer first takes all of that back: timer, DPC and APC, in this order,
 * each of which sets the next one off. When an APC is not queued any more it may still be running,
 * with a copy of what it needs: nothing of the object.
 *
 * Setter, a fast mutex, serializes those who arm and cancel. It is theirs alone: expiry takes no
 * lock.
 *
 * A thread has a list of the timers that are armed for it, and cancels them when it ends. The list
 * has no references: a timer leaves it when it is disarmed, at the latest when it is deleted.
 * ObpTimerListLock guards all such lists and is taken inside of Setter; the thread that ends goes
 * the other way, and therefore takes a timer off its list first. A list that will have no more
 * timers has no Flink.
 */
#include "obp.h"

POBJECT_TYPE ExTimerObjectType;

typedef struct _OBP_TIMER {
    KTIMER Timer;
    FAST_MUTEX Setter;
    PKTHREAD Thread; /* Setter  whom the APC is for, referenced; NULL: there is none */
    LIST_ENTRY Link; /* ObpTimerListLock  of Thread->TimerList, or empty: taken off by the thread */
    KDPC Dpc;
    KAPC Apc;
} OBP_TIMER, *POBP_TIMER;

/* What arming needs beside the timer. */
typedef struct _OBP_TIMER_SETTING {
    LARGE_INTEGER DueTime;
    PTIMER_APC_ROUTINE Routine;
    PVOID Context;
    ULONG PeriodMs, ToleranceMs;
} OBP_TIMER_SETTING, *POBP_TIMER_SETTING;

static KSPIN_LOCK ObpTimerListLock;
KI_RANKED_LOCK(ObpTimerListLock, LOCK_ORDER_OB_TIMER);

/* The caller's routine is the normal routine itself: the DPC gives the time in two halves. */
static VOID NTAPI ObpTimerKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
                                        PVOID *NormalContext, PVOID *LowTime, PVOID *HighTime)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(LowTime);
    UNREFERENCED_PARAMETER(HighTime);
}

/* A thread that has ended, or has not run the routine for the last expiry yet, does not get it. */
static VOID NTAPI ObpTimerDpc(PKDPC Dpc, PVOID Context, PVOID LowTime, PVOID HighTime)
{
    POBP_TIMER Timer = Context;
    LARGE_INTEGER Now;
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(LowTime);
    UNREFERENCED_PARAMETER(HighTime);
    KeQuerySystemTime(&Now);
    KeInsertQueueApc(&Timer->Apc, (PVOID)(ULONG_PTR)Now.LowPart, (PVOID)(LONG_PTR)Now.HighPart,
                     EVENT_INCREMENT);
}

/* FALSE: the current thread has cancelled its timers and will soon not be there to call. */
static BOOLEAN ObpListTimer(POBP_TIMER Timer)
{
    PLIST_ENTRY Head = &KeGetCurrentThread()->TimerList;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ObpTimerListLock);
    BOOLEAN Open = Head->Flink != NULL;
    if (Open) {
        InsertTailList(Head, &Timer->Link);
    }
    KeReleaseSpinLock(&ObpTimerListLock, OldIrql);
    return Open;
}

/* It may be off its list already. */
static void ObpUnlistTimer(POBP_TIMER Timer)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ObpTimerListLock);
    RemoveEntryList(&Timer->Link);
    KeReleaseSpinLock(&ObpTimerListLock, OldIrql);
}

/* Afterwards nothing of the timer is anywhere any more. */
static void ObpDisarm(POBP_TIMER Timer)
{
    KeCancelTimer(&Timer->Timer);
    if (Timer->Thread == NULL) {
        return;
    }
    KeFlushQueuedDpcs();
    KeRemoveQueueApc(&Timer->Apc);
    ObpUnlistTimer(Timer);
    ObfDereferenceObject(Timer->Thread);
    Timer->Thread = NULL;
}

static void ObpDeleteTimer(PVOID Object)
{
    ObpDisarm(Object);
}

static void ObpDumpTimer(PVOID Object, PKD_CONSOLE Console)
{
    POBP_TIMER Timer = Object;
    KdConsolePrint(Console, "    %s, %s, period %u ms\n",
                   KeIsTimerArmed(&Timer->Timer) ? "Armed" : "Not armed",
                   KeReadStateTimer(&Timer->Timer) ? "signalled" : "not signalled",
                   Timer->Timer.Period);
}

static const OB_TYPE_INITIALIZER ObpTimerInitializer = {
    .Name = L"Timer",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = TIMER_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | TIMER_QUERY_STATE,
                       STANDARD_RIGHTS_WRITE | TIMER_MODIFY_STATE,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, TIMER_ALL_ACCESS},
    .Dump = ObpDumpTimer,
    .InvalidAttributes = OBJ_OPENLINK,
    .Delete = ObpDeleteTimer,
    .DispatcherOffset = offsetof(OBP_TIMER, Timer.Header),
};

NTSTATUS ObpCreateTimerType(void)
{
    return ObCreateType(&ObpTimerInitializer, &ExTimerObjectType);
}

NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, TIMER_TYPE TimerType)
{
    POBP_TIMER Timer;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(TimerHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (TimerType != NotificationTimer && TimerType != SynchronizationTimer) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObAllocateObject(ExTimerObjectType, sizeof(*Timer), (PVOID *)&Timer);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeTimerEx(&Timer->Timer, TimerType);
    ExInitializeFastMutex(&Timer->Setter);
    return ObEnterObject(Timer, ObjectAttributes, DesiredAccess, NULL, TimerHandle);
}

NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(TimerHandle, DesiredAccess, ObjectAttributes, ExTimerObjectType);
}

static NTSTATUS ObpReferenceTimer(HANDLE Handle, ACCESS_MASK Access, POBP_TIMER *Timer)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    return ObReferenceObjectByHandle(Handle, Access, ExTimerObjectType, KernelMode, (PVOID *)Timer,
                                     NULL);
}

/* Others that want the timer meanwhile wait; a critical region, not a raised IRQL, keeps this
 * thread's APCs off, as flushing DPCs wants PASSIVE_LEVEL. */
static void ObpLockTimer(POBP_TIMER Timer)
{
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Timer->Setter);
}

static void ObpUnlockTimer(POBP_TIMER Timer)
{
    ExReleaseFastMutexUnsafe(&Timer->Setter);
    KeLeaveCriticalRegion();
}

/* Prepares the call of a routine in this thread; FALSE when it is too late for that. */
static BOOLEAN ObpPrepareCall(POBP_TIMER Timer, const OBP_TIMER_SETTING *Setting)
{
    if (!ObpListTimer(Timer)) {
        return FALSE;
    }
    Timer->Thread = KeGetCurrentThread();
    ObfReferenceObject(Timer->Thread);
    KeInitializeApc(&Timer->Apc, Timer->Thread, OriginalApcEnvironment, ObpTimerKernelRoutine, NULL,
                    (PKNORMAL_ROUTINE)(PVOID)Setting->Routine, KernelMode, Setting->Context);
    KeInitializeDpc(&Timer->Dpc, ObpTimerDpc, Timer);
    return TRUE;
}

/* Answers whether it was signalled. */
static BOOLEAN ObpArm(POBP_TIMER Timer, const OBP_TIMER_SETTING *Setting)
{
    ObpLockTimer(Timer);
    ObpDisarm(Timer);
    BOOLEAN Signalled = KeReadStateTimer(&Timer->Timer);
    BOOLEAN TooLate = Setting->Routine != NULL && !ObpPrepareCall(Timer, Setting);
    KeSetCoalescableTimer(&Timer->Timer, Setting->DueTime, Setting->PeriodMs, Setting->ToleranceMs,
                          Timer->Thread != NULL ? &Timer->Dpc : NULL);
    if (TooLate) {
        KeCancelTimer(&Timer->Timer); // as it would be with the thread
    }
    ObpUnlockTimer(Timer);
    return Signalled;
}

/* A timer off the list of the thread that ends, referenced; one that is being deleted needs nobody
 * else. NULL: there is none, and will be none. */
static POBP_TIMER ObpTakeThreadTimer(PLIST_ENTRY Head)
{
    POBP_TIMER Timer = NULL;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&ObpTimerListLock);
    while (Timer == NULL && !IsListEmpty(Head)) {
        PLIST_ENTRY Link = RemoveHeadList(Head);
        InitializeListHead(Link);
        POBP_TIMER First = CONTAINING_RECORD(Link, OBP_TIMER, Link);
        Timer = ObReferenceObjectSafe(First) ? First : NULL;
    }
    if (Timer == NULL) {
        Head->Flink = NULL;
    }
    KeReleaseSpinLock(&ObpTimerListLock, OldIrql);
    return Timer;
}

/* Between list and Setter somebody else may have armed it for himself, or have cancelled it. */
void ObCancelThreadTimers(void)
{
    PKTHREAD Thread = KeGetCurrentThread();
    POBP_TIMER Timer;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    while ((Timer = ObpTakeThreadTimer(&Thread->TimerList)) != NULL) {
        ObpLockTimer(Timer);
        if (Timer->Thread == Thread) {
            ObpDisarm(Timer);
        }
        ObpUnlockTimer(Timer);
        ObfDereferenceObject(Timer);
    }
}

static NTSTATUS ObpSetTimer(HANDLE TimerHandle, const OBP_TIMER_SETTING *Setting,
                            BOOLEAN ResumeTimer, PBOOLEAN PreviousState)
{
    POBP_TIMER Timer;
    NTSTATUS Status = ObpReferenceTimer(TimerHandle, TIMER_MODIFY_STATE, &Timer);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    BOOLEAN Signalled = ObpArm(Timer, Setting);
    if (PreviousState != NULL) {
        *PreviousState = Signalled;
    }
    ObfDereferenceObject(Timer);
    return ResumeTimer ? STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime,
                          PTIMER_APC_ROUTINE TimerApcRoutine, PVOID TimerContext,
                          BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState)
{
    if (Period < 0) {
        return STATUS_INVALID_PARAMETER_6;
    }
    if (ObIsBadPointer(DueTime)) {
        return STATUS_ACCESS_VIOLATION;
    }
    return ObpSetTimer(
        TimerHandle,
        &(OBP_TIMER_SETTING){*DueTime, TimerApcRoutine, TimerContext, (ULONG)Period, 0},
        ResumeTimer, PreviousState);
}

NTSTATUS NTAPI ZwSetTimerEx(HANDLE TimerHandle,
                            TIMER_SET_INFORMATION_CLASS TimerSetInformationClass,
                            PVOID TimerSetInformation, ULONG TimerSetInformationLength)
{
    PTIMER_SET_COALESCABLE_TIMER_INFO Info = TimerSetInformation;
    if (TimerSetInformationClass != TimerSetCoalescableTimer) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (TimerSetInformationLength != sizeof(*Info)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(Info)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (Info->Period > MAXLONG || Info->TolerableDelay > MAXLONG) {
        return STATUS_INVALID_PARAMETER;
    }
    return ObpSetTimer(TimerHandle,
                       &(OBP_TIMER_SETTING){Info->DueTime, Info->TimerApcRoutine,
                                            Info->TimerContext, Info->Period, Info->TolerableDelay},
                       Info->WakeContext != NULL, Info->PreviousState);
}

NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState)
{
    POBP_TIMER Timer;
    NTSTATUS Status = ObpReferenceTimer(TimerHandle, TIMER_MODIFY_STATE, &Timer);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpLockTimer(Timer);
    ObpDisarm(Timer);
    ObpUnlockTimer(Timer);
    if (CurrentState != NULL) {
        *CurrentState = KeReadStateTimer(&Timer->Timer);
    }
    ObfDereferenceObject(Timer);
    return Status;
}

NTSTATUS NTAPI ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass,
                            PVOID TimerInformation, ULONG Length, PULONG ReturnLength)
{
    PTIMER_BASIC_INFORMATION Basic = TimerInformation;
    POBP_TIMER Timer;
    NTSTATUS Status = ObpBeginQuery(
        &(OBP_QUERY){TimerHandle, ExTimerObjectType, TIMER_QUERY_STATE, sizeof(*Basic)},
        TimerInformationClass, Basic, Length, ReturnLength, (PVOID *)&Timer);
    if (NT_SUCCESS(Status)) {
        LONGLONG Now = (LONGLONG)KiQueryInterruptTime100ns();
        Basic->RemainingTime.QuadPart = (LONGLONG)Timer->Timer.DueTime.QuadPart - Now;
        Basic->TimerState = KeReadStateTimer(&Timer->Timer);
        ObfDereferenceObject(Timer);
    }
    return Status;
}
