/*
 * timer.c - timers with handles and names.
 *
 * The body begins with a KTIMER. One that is to call a routine has a DPC that queues an APC to the
 * thread that armed it; the timer holds a reference to that thread for as long. Whoever arms, cancels
 * or deletes the timer first takes all of that back: timer, DPC and APC, in this order, each of which
 * sets the next one off. When an APC is not queued any more it may still be running, with a copy of
 * what it needs: nothing of the object.
 *
 * Setter, a fast mutex, serializes those who arm and cancel. It is theirs alone: expiry takes no lock.
 */
#include "obp.h"

POBJECT_TYPE ExTimerObjectType;

typedef struct _OBP_TIMER {
    KTIMER Timer;
    FAST_MUTEX Setter;
    PKTHREAD Thread; /* Setter  whom the APC is for, referenced; NULL: there is none */
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

/* Afterwards nothing of the timer is anywhere any more. */
static void ObpDisarm(POBP_TIMER Timer)
{
    KeCancelTimer(&Timer->Timer);
    if (Timer->Thread == NULL) {
        return;
    }
    KeFlushQueuedDpcs();
    KeRemoveQueueApc(&Timer->Apc);
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
    if (ObpIsBadPointer(TimerHandle)) {
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

/* Others that want the timer meanwhile wait; a critical region, not a raised IRQL, keeps this thread's
 * APCs off, as flushing DPCs wants PASSIVE_LEVEL. */
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

/* Answers whether it was signalled. */
static BOOLEAN ObpArm(POBP_TIMER Timer, const OBP_TIMER_SETTING *Setting)
{
    PKDPC Dpc = NULL;
    ObpLockTimer(Timer);
    ObpDisarm(Timer);
    BOOLEAN Signalled = KeReadStateTimer(&Timer->Timer);
    if (Setting->Routine != NULL) {
        Timer->Thread = KeGetCurrentThread();
        ObfReferenceObject(Timer->Thread);
        KeInitializeApc(&Timer->Apc, Timer->Thread, OriginalApcEnvironment, ObpTimerKernelRoutine,
                        NULL, (PKNORMAL_ROUTINE)(PVOID)Setting->Routine, KernelMode,
                        Setting->Context);
        KeInitializeDpc(&Timer->Dpc, ObpTimerDpc, Timer);
        Dpc = &Timer->Dpc;
    }
    KeSetCoalescableTimer(&Timer->Timer, Setting->DueTime, Setting->PeriodMs, Setting->ToleranceMs,
                          Dpc);
    ObpUnlockTimer(Timer);
    return Signalled;
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
    if (ObpIsBadPointer(DueTime)) {
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
    if (ObpIsBadPointer(Info)) {
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
