/*
 * Promises: semaphores, mutants and timers have handles and names as events do; what they count,
 * who owns them and when they expire is as for the objects that drivers make themselves; a timer
 * calls its routine in the thread that armed it, and not after it was cancelled, armed anew or
 * deleted; it is cancelled when that thread ends, unless another has armed it meanwhile; waits for
 * many handles take all or one. Wrong arguments have their status and leave nothing behind.
 */
#include "kmtob.h"

static NTSTATUS WaitFor(HANDLE Handle, LONGLONG Milliseconds)
{
    LARGE_INTEGER Timeout = KmtMs(Milliseconds);
    return ZwWaitForSingleObject(Handle, FALSE, &Timeout);
}

static VOID TestSemaphore(VOID)
{
    SEMAPHORE_BASIC_INFORMATION Basic;
    HANDLE Handle, Second;
    LONG Previous = 99;
    ULONG Length = 0;
    KMT_EQUAL(ZwCreateSemaphore(&Handle, SEMAPHORE_ALL_ACCESS,
                                ObNamed(NULL, L"\\BaseNamedObjects\\KmtSem", 0), 1, 3),
              STATUS_SUCCESS, "a semaphore");
    KMT_EQUAL(ZwOpenSemaphore(&Second, SEMAPHORE_MODIFY_STATE,
                              ObNamed(NULL, L"\\BaseNamedObjects\\KmtSem", 0)),
              STATUS_SUCCESS, "by its name");
    KMT_EQUAL(ZwReleaseSemaphore(Second, 2, &Previous), STATUS_SUCCESS, "released twice");
    KMT_EQUAL(Previous, 1, "the count before");
    KMT_EQUAL(ZwReleaseSemaphore(Second, 1, NULL), STATUS_SEMAPHORE_LIMIT_EXCEEDED, "no further");
    KMT_EQUAL(ZwReleaseSemaphore(Second, MAXLONG, &Previous), STATUS_SEMAPHORE_LIMIT_EXCEEDED,
              "by no number");
    KMT_EQUAL(ZwReleaseSemaphore(Second, 0, NULL), STATUS_INVALID_PARAMETER, "not by nothing");
    KMT_EQUAL(ZwReleaseSemaphore(Second, -1, NULL), STATUS_INVALID_PARAMETER, "or less");
    KMT_EQUAL(ZwQuerySemaphore(Handle, SemaphoreBasicInformation, &Basic, sizeof(Basic), &Length),
              STATUS_SUCCESS, "its state");
    KMT_CHECK(Basic.CurrentCount == 3 && Basic.MaximumCount == 3 && Length == 8, "is told");
    for (ULONG i = 0; i < 3; i++) {
        KMT_EQUAL(WaitFor(Handle, 0), STATUS_SUCCESS, "taken");
    }
    KMT_EQUAL(WaitFor(Handle, 0), STATUS_TIMEOUT, "and used up");
    KMT_EQUAL(ZwSetEvent(Handle, NULL), STATUS_OBJECT_TYPE_MISMATCH, "it is no event");
    ZwClose(Second);
    ZwClose(Handle);
    KMT_EQUAL(ZwCreateSemaphore(&Handle, 0, NULL, 0, 0), STATUS_INVALID_PARAMETER, "no limit");
    KMT_EQUAL(ZwCreateSemaphore(&Handle, 0, NULL, 2, 1), STATUS_INVALID_PARAMETER, "over it");
    KMT_EQUAL(ZwCreateSemaphore(&Handle, 0, NULL, -1, 1), STATUS_INVALID_PARAMETER, "below 0");
    KMT_EQUAL(ZwCreateSemaphore(NULL, 0, NULL, 1, 1), STATUS_ACCESS_VIOLATION, "no place");
    KMT_EQUAL(ZwOpenSemaphore(NULL, 0, NULL), STATUS_ACCESS_VIOLATION, "no place either");
    KMT_EQUAL(ZwOpenSemaphore(&Handle, 0, ObNamed(NULL, L"\\BaseNamedObjects\\KmtSem", 0)),
              STATUS_OBJECT_NAME_NOT_FOUND, "it is gone");
    KMT_EQUAL(ZwReleaseSemaphore(NULL, 1, NULL), STATUS_INVALID_HANDLE, "no handle");
}

static HANDLE Mutant;

static VOID NTAPI TakeAndEnd(PVOID Context)
{
    *(NTSTATUS *)Context = WaitFor(Mutant, 0);
}

static VOID NTAPI TryRelease(PVOID Context)
{
    *(NTSTATUS *)Context = ZwReleaseMutant(Mutant, NULL);
}

static MUTANT_BASIC_INFORMATION MutantState(VOID)
{
    MUTANT_BASIC_INFORMATION Basic = {7, 7, 7};
    ZwQueryMutant(Mutant, MutantBasicInformation, &Basic, sizeof(Basic), NULL);
    return Basic;
}

static VOID TestMutant(VOID)
{
    HANDLE Second;
    LONG Previous = 99;
    NTSTATUS Status = -1;
    KMT_EQUAL(ZwCreateMutant(&Mutant, MUTANT_ALL_ACCESS,
                             ObNamed(NULL, L"\\BaseNamedObjects\\KmtMutant", OBJ_KERNEL_HANDLE),
                             TRUE),
              STATUS_SUCCESS, "a mutant, owned");
    KMT_CHECK(MutantState().CurrentCount == 0 && MutantState().OwnedByCaller == TRUE,
              "by its creator");
    KMT_EQUAL(WaitFor(Mutant, 0), STATUS_SUCCESS, "again");
    KmtJoin(KmtStartThread(TryRelease, &Status));
    KMT_EQUAL(Status, STATUS_MUTANT_NOT_OWNED, "nobody else can release it");
    KMT_EQUAL(ZwReleaseMutant(Mutant, &Previous), STATUS_SUCCESS, "released once");
    KMT_EQUAL(Previous, -1, "of two times");
    KMT_EQUAL(ZwReleaseMutant(Mutant, NULL), STATUS_SUCCESS, "and twice");
    KMT_EQUAL(ZwReleaseMutant(Mutant, NULL), STATUS_MUTANT_NOT_OWNED, "not more");
    KmtJoin(KmtStartThread(TakeAndEnd, &Status));
    KMT_EQUAL(Status, STATUS_SUCCESS, "another takes it and ends");
    KMT_CHECK(MutantState().AbandonedState == TRUE && MutantState().CurrentCount == 1,
              "it is abandoned");
    KMT_EQUAL(WaitFor(Mutant, 0), STATUS_ABANDONED, "who takes it then is told");
    KMT_EQUAL(
        ZwOpenMutant(&Second, SYNCHRONIZE, ObNamed(NULL, L"\\BaseNamedObjects\\KmtMutant", 0)),
        STATUS_SUCCESS, "by its name");
    KMT_CHECK(ObBodyOf(Second) == ObBodyOf(Mutant), "the same");
    ZwClose(Second);
    ZwClose(Mutant);
    KMT_CHECK(!KeAreApcsDisabled(), "an owned mutant that is deleted leaves no trace");
    KMT_EQUAL(ZwCreateMutant(NULL, 0, NULL, FALSE), STATUS_ACCESS_VIOLATION, "no place");
    KMT_EQUAL(ZwReleaseMutant((HANDLE)0x7FFFFFF0, NULL), STATUS_INVALID_HANDLE, "no handle");
}

static volatile LONG Calls;
static PETHREAD volatile Caller;
static LARGE_INTEGER CallTime;

static VOID NTAPI TimerRoutine(PVOID Context, ULONG Low, LONG High)
{
    Caller = (PETHREAD)KeGetCurrentThread();
    CallTime.LowPart = Low;
    CallTime.HighPart = High;
    InterlockedAdd(Context, 1);
}

static TIMER_BASIC_INFORMATION TimerState(HANDLE Timer)
{
    TIMER_BASIC_INFORMATION Basic = {{{0, 0}}, FALSE};
    ZwQueryTimer(Timer, TimerBasicInformation, &Basic, sizeof(Basic), NULL);
    return Basic;
}

static VOID TestTimer(VOID)
{
    LARGE_INTEGER Soon = KmtMs(1), Late = KmtMs(100000);
    BOOLEAN State = 9;
    HANDLE Timer, Second;
    KMT_EQUAL(ZwCreateTimer(&Timer, TIMER_ALL_ACCESS,
                            ObNamed(NULL, L"\\BaseNamedObjects\\KmtTimer", 0), NotificationTimer),
              STATUS_SUCCESS, "a timer");
    KMT_EQUAL(
        ZwOpenTimer(&Second, TIMER_QUERY_STATE, ObNamed(NULL, L"\\BaseNamedObjects\\KmtTimer", 0)),
        STATUS_SUCCESS, "by its name");
    KMT_EQUAL(WaitFor(Timer, 0), STATUS_TIMEOUT, "not armed, not signalled");
    KMT_EQUAL(ZwSetTimer(Timer, &Late, NULL, NULL, FALSE, 0, &State), STATUS_SUCCESS, "armed");
    KMT_EQUAL(State, FALSE, "it was not signalled");
    KMT_CHECK(TimerState(Second).RemainingTime.QuadPart > 0 && !TimerState(Second).TimerState,
              "how long it has");
    KMT_EQUAL(ZwSetTimer(Timer, &Soon, NULL, NULL, TRUE, 0, NULL), STATUS_TIMER_RESUME_IGNORED,
              "armed anew; it cannot wake the machine");
    KMT_EQUAL(WaitFor(Second, 60000), STATUS_SUCCESS, "it expires");
    KMT_CHECK(TimerState(Second).RemainingTime.QuadPart <= 0 && TimerState(Second).TimerState,
              "and that is told");
    KMT_EQUAL(ZwCancelTimer(Timer, &State), STATUS_SUCCESS, "cancelled afterwards");
    KMT_EQUAL(State, TRUE, "it stays signalled");
    ZwClose(Second);
    ZwClose(Timer);
}

static VOID TestTimerRoutine(VOID)
{
    LARGE_INTEGER Soon = KmtMs(1), Late = KmtMs(100000), Start;
    TIMER_SET_COALESCABLE_TIMER_INFO Info = {.DueTime = Soon,
                                             .TimerApcRoutine = TimerRoutine,
                                             .TimerContext = (PVOID)&Calls,
                                             .Period = 1};
    ULONG Looks = 0;
    HANDLE Timer;
    ZwCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, SynchronizationTimer);
    KeQuerySystemTime(&Start);
    ZwSetTimer(Timer, &Soon, TimerRoutine, (PVOID)&Calls, FALSE, 0, NULL);
    while (Calls == 0 && KmtLookAgain(&Looks)) {
    }
    KMT_CHECK(Calls == 1 && Caller == (PETHREAD)KeGetCurrentThread(), "the routine, in its thread");
    KMT_CHECK(CallTime.QuadPart >= Start.QuadPart, "with the time");
    KMT_EQUAL(ZwSetTimerEx(Timer, TimerSetCoalescableTimer, &Info, sizeof(Info)), STATUS_SUCCESS,
              "again and again");
    while (Calls < 5 && KmtLookAgain(&Looks)) {
    }
    KMT_CHECK(Calls >= 5, "it is called again and again");
    KeEnterCriticalRegion();
    KmtSleep(30);
    LONG Before = Calls;
    ZwCancelTimer(Timer, NULL);
    KeLeaveCriticalRegion();
    KmtSleep(30);
    KMT_EQUAL(Calls, Before, "cancelled, a call that waits for the thread is not made");
    ZwSetTimer(Timer, &Soon, TimerRoutine, (PVOID)&Calls, FALSE, 1, NULL);
    ZwSetTimer(Timer, &Late, NULL, NULL, FALSE, 0, NULL);
    Before = Calls;
    KmtSleep(30);
    KMT_EQUAL(Calls, Before, "armed anew without a routine, none is made");
    ZwSetTimer(Timer, &Soon, TimerRoutine, (PVOID)&Calls, FALSE, 1, NULL);
    ZwClose(Timer);
    Before = Calls;
    KmtSleep(30);
    KMT_EQUAL(Calls, Before, "nor by a timer that is gone");
}

static HANDLE Ended[3]; /* timers that a thread has armed before it ended */

static VOID NTAPI ArmAndEnd(PVOID Context)
{
    LARGE_INTEGER Late = KmtMs(100000);
    UNREFERENCED_PARAMETER(Context);
    ZwSetTimer(Ended[0], &Late, TimerRoutine, (PVOID)&Calls, FALSE, 0, NULL);
    ZwSetTimer(Ended[1], &Late, NULL, NULL, FALSE, 0, NULL);
    ZwSetTimer(Ended[2], &Late, TimerRoutine, (PVOID)&Calls, FALSE, 1, NULL);
    ZwSetTimer(Ended[2], &Late, NULL, NULL, FALSE, 0, NULL);
}

/* A period that goes on in a thread that is ending: the calls that are queued do not keep it from
 * that. */
static VOID NTAPI EndAmongCalls(PVOID Context)
{
    LARGE_INTEGER Now = KmtMs(0);
    UNREFERENCED_PARAMETER(Context);
    ZwSetTimer(Ended[0], &Now, TimerRoutine, (PVOID)&Calls, FALSE, 1, NULL);
    for (LONG Before = Calls; Calls < Before + 3;) {
        KmtSleep(1);
    }
}

/* Arms the timer anew from its own routine: with the last call the thread ends. */
static VOID NTAPI EndInRoutine(PVOID Context, ULONG Low, LONG High)
{
    LARGE_INTEGER Now = KmtMs(0);
    UNREFERENCED_PARAMETER(Low);
    UNREFERENCED_PARAMETER(High);
    ZwSetTimer(Ended[0], &Now, EndInRoutine, Context, FALSE, 1, NULL);
    if (InterlockedIncrement(Context) == 3) {
        PsTerminateSystemThread(STATUS_ABANDONED);
    }
}

/* No call comes before the service has let the timer go: the thread would not return to it. */
static VOID NTAPI WaitForCalls(PVOID Context)
{
    LARGE_INTEGER Now = KmtMs(0);
    KeEnterCriticalRegion();
    ZwSetTimer(Ended[0], &Now, EndInRoutine, Context, FALSE, 0, NULL);
    KeLeaveCriticalRegion();
    for (;;) {
        KmtSleep(1000);
    }
}

static BOOLEAN IsArmed(HANDLE Timer)
{
    PKTIMER Object = ObBodyOf(Timer);
    return Object->Header.Inserted != 0;
}

static VOID TestTimersOfEndedThreads(VOID)
{
    LARGE_INTEGER Soon = KmtMs(1);
    LONG Count = 0;
    for (ULONG i = 0; i < ARRAYSIZE(Ended); i++) {
        ZwCreateTimer(&Ended[i], TIMER_ALL_ACCESS, ObNamed(NULL, NULL, OBJ_KERNEL_HANDLE),
                      NotificationTimer);
    }
    KmtJoin(KmtStartThread(ArmAndEnd, NULL));
    KMT_CHECK(!IsArmed(Ended[0]), "a timer that would call an ended thread is cancelled");
    KMT_EQUAL(WaitFor(Ended[0], 0), STATUS_TIMEOUT, "and not signalled");
    KMT_CHECK(IsArmed(Ended[1]), "one that would call nobody is not");
    KMT_CHECK(IsArmed(Ended[2]), "nor one that was armed anew so");
    KmtJoin(KmtStartThread(EndAmongCalls, NULL));
    LONG Before = Calls;
    KMT_CHECK(!IsArmed(Ended[0]), "a period ends with its thread");
    KmtSleep(30);
    KMT_EQUAL(Calls, Before, "no call comes any more");
    PETHREAD Thread = KmtStartThread(WaitForCalls, &Count);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    KMT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_ABANDONED, "a thread ends in a call");
    ObDereferenceObject(Thread);
    KMT_EQUAL(Count, 3, "which is the last");
    KMT_CHECK(!IsArmed(Ended[0]), "though it had armed the timer before");
    KMT_EQUAL(ObPointers(Ended[0]), 1, "nothing refers to the timer");
    ZwSetTimer(Ended[0], &Soon, NULL, NULL, FALSE, 0, NULL);
    KMT_EQUAL(WaitFor(Ended[0], 60000), STATUS_SUCCESS, "it can be armed by others");
    for (ULONG i = 0; i < ARRAYSIZE(Ended); i++) {
        ZwClose(Ended[i]);
    }
}

static VOID TestBadTimers(VOID)
{
    TIMER_SET_COALESCABLE_TIMER_INFO Info = {.Period = 0x80000000U};
    LARGE_INTEGER Soon = KmtMs(1);
    HANDLE Timer;
    ZwCreateTimer(&Timer, TIMER_ALL_ACCESS, ObNamed(NULL, NULL, OBJ_KERNEL_HANDLE),
                  NotificationTimer);
    KMT_EQUAL(ZwSetTimer(Timer, &Soon, NULL, NULL, FALSE, -1, NULL), STATUS_INVALID_PARAMETER_6,
              "a negative period");
    KMT_EQUAL(ZwSetTimer(Timer, NULL, NULL, NULL, FALSE, 0, NULL), STATUS_ACCESS_VIOLATION,
              "no due time");
    KMT_EQUAL(ZwSetTimerEx(Timer, TimerSetCoalescableTimer, &Info, sizeof(Info)),
              STATUS_INVALID_PARAMETER, "a period too long");
    KMT_EQUAL(ZwSetTimerEx(Timer, TimerSetCoalescableTimer, &Info, 1), STATUS_INFO_LENGTH_MISMATCH,
              "a length of 1");
    KMT_EQUAL(ZwSetTimerEx(Timer, TimerSetCoalescableTimer, NULL, sizeof(Info)),
              STATUS_ACCESS_VIOLATION, "nothing to set");
    KMT_EQUAL(ZwSetTimerEx(Timer, MaxTimerInfoClass, &Info, sizeof(Info)),
              STATUS_INVALID_INFO_CLASS, "no class");
    KMT_EQUAL(ZwCancelTimer(NULL, NULL), STATUS_INVALID_HANDLE, "no handle");
    KMT_EQUAL(ZwQueryTimer(Timer, TimerBasicInformation, &Info, MAXULONG, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "4 GB - 1");
    KMT_EQUAL(ZwQueryTimer(Timer, (TIMER_INFORMATION_CLASS)1, &Info, 16, NULL),
              STATUS_INVALID_INFO_CLASS, "no class to query");
    KMT_EQUAL(ZwQueryTimer(Timer, TimerBasicInformation, NULL, 16, NULL), STATUS_ACCESS_VIOLATION,
              "no buffer");
    KMT_EQUAL(ZwReleaseMutant(Timer, NULL), STATUS_OBJECT_TYPE_MISMATCH, "a timer is no mutant");
    ZwClose(Timer);
    KMT_EQUAL(ZwCreateTimer(&Timer, 0, NULL, (TIMER_TYPE)2), STATUS_INVALID_PARAMETER,
              "a type that timers do not have");
    KMT_EQUAL(ZwCreateTimer(NULL, 0, NULL, NotificationTimer), STATUS_ACCESS_VIOLATION, "no place");
}

#define MANY 64

static NTSTATUS WaitMany(ULONG Count, PHANDLE Handles, WAIT_TYPE Type)
{
    LARGE_INTEGER Now = KmtMs(0);
    return ZwWaitForMultipleObjects(Count, Handles, Type, FALSE, &Now);
}

static VOID TestMultiple(VOID)
{
    static HANDLE Handles[MANY + 1];
    EVENT_BASIC_INFORMATION Basic;
    for (ULONG i = 0; i < MANY; i++) {
        ZwCreateEvent(&Handles[i], EVENT_ALL_ACCESS, NULL, SynchronizationEvent, i % 2);
    }
    KMT_EQUAL(WaitMany(MANY, Handles, WaitAny), STATUS_WAIT_0 + 1, "the first that is set");
    KMT_EQUAL(WaitMany(MANY, Handles, WaitAny), STATUS_WAIT_0 + 3, "is taken");
    KMT_EQUAL(WaitMany(MANY, Handles, WaitAll), STATUS_TIMEOUT, "not all are set");
    ZwQueryEvent(Handles[5], EventBasicInformation, &Basic, sizeof(Basic), NULL);
    KMT_CHECK(Basic.EventType == SynchronizationEvent && Basic.EventState == 1, "none is taken");
    for (ULONG i = 0; i < MANY; i++) {
        ZwSetEvent(Handles[i], NULL);
    }
    KMT_EQUAL(WaitMany(MANY, Handles, WaitAll), STATUS_SUCCESS, "all at once");
    KMT_EQUAL(WaitMany(MANY, Handles, WaitAny), STATUS_TIMEOUT, "have been taken");
    KMT_EQUAL(WaitMany(0, Handles, WaitAny), STATUS_INVALID_PARAMETER_1, "none");
    KMT_EQUAL(WaitMany(MANY + 1, Handles, WaitAny), STATUS_INVALID_PARAMETER_1, "too many");
    KMT_EQUAL(WaitMany(MAXULONG, Handles, WaitAny), STATUS_INVALID_PARAMETER_1, "4 G - 1");
    KMT_EQUAL(WaitMany(2, Handles, (WAIT_TYPE)7), STATUS_INVALID_PARAMETER_3, "any way");
    KMT_EQUAL(WaitMany(2, NULL, WaitAny), STATUS_ACCESS_VIOLATION, "no handles");
    HANDLE Two[] = {Handles[0], Handles[0]};
    KMT_EQUAL(WaitMany(2, Two, WaitAll), STATUS_INVALID_PARAMETER_MIX, "one twice");
    KMT_EQUAL(WaitMany(2, Two, WaitAny), STATUS_TIMEOUT, "or either");
    Two[1] = NULL;
    KMT_EQUAL(WaitMany(2, Two, WaitAny), STATUS_INVALID_HANDLE, "one that is none");
    KMT_EQUAL(ObPointers(Handles[0]), 1, "leaves no reference");
    KMT_EQUAL(ZwQueryEvent(Handles[0], EventBasicInformation, &Basic, 7, NULL),
              STATUS_INFO_LENGTH_MISMATCH, "a length of 7");
    for (ULONG i = 0; i < MANY; i++) {
        ZwClose(Handles[i]);
    }
}

static VOID KmtRun(VOID)
{
    TestSemaphore();
    TestMutant();
    TestTimer();
    TestTimerRoutine();
    TestTimersOfEndedThreads();
    TestBadTimers();
    TestMultiple();
}
