/*
 * Promises: a thread that is woken with an increment starts at its base plus the increment, 15 at
 * most, and comes down to its base one step for each quantum that it uses up: the staircase of the
 * book's figure 7-7, printed. A second boost lifts it to the higher of the two and does not add up;
 * a thread at its base stays there; real-time priorities have no staircase.
 */
#include "kmt.h"

#define STEPS 32
#define TRIES 5
#define TAIL_MS 120 /* some quanta at the base */
#define LIMIT_MS 20000

typedef struct _STAIRCASE {
    KEVENT Go;
    LONG BaseIncrement;      /* over the process's 8 */
    KPRIORITY RealTime;      /* if not 0 */
    KPRIORITY Base;          /* where it is to end */
    ULONG Steps;             /* stairs seen */
    KPRIORITY Stairs[STEPS]; /* their heights */
    ULONGLONG Begins[STEPS]; /* and when they began */
} STAIRCASE, *PSTAIRCASE;

static VOID NoteStair(PSTAIRCASE Case)
{
    KPRIORITY Now = KeQueryPriorityThread(KeGetCurrentThread());
    if (Case->Steps < STEPS && (Case->Steps == 0 || Case->Stairs[Case->Steps - 1] != Now)) {
        Case->Begins[Case->Steps] = KmtNow();
        Case->Stairs[Case->Steps++] = Now;
    }
}

static VOID NTAPI ComeDown(PVOID Context)
{
    PSTAIRCASE Case = Context;
    ULONGLONG Limit, End = 0;
    KeSetBasePriorityThread(KeGetCurrentThread(), Case->BaseIncrement);
    if (Case->RealTime != 0) {
        KeSetPriorityThread(KeGetCurrentThread(), Case->RealTime);
    }
    KeWaitForSingleObject(&Case->Go, Executive, KernelMode, FALSE, NULL);
    Limit = KmtNow() + LIMIT_MS * 10000ULL;
    while (End == 0 || KmtNow() < End) {
        NoteStair(Case);
        if (End == 0 && (Case->Stairs[Case->Steps - 1] == Case->Base || KmtNow() > Limit)) {
            End = KmtNow() + TAIL_MS * 10000ULL;
        }
    }
}

static VOID RunStaircase(PSTAIRCASE Case, KPRIORITY Increment)
{
    PETHREAD Thread;
    Case->Steps = 0;
    KeInitializeEvent(&Case->Go, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(ComeDown, Case);
    KmtAwaitWaiters(&Case->Go, 1);
    KeSetEvent(&Case->Go, Increment, FALSE);
    KmtJoin(Thread);
}

static VOID Print(const STAIRCASE *Case)
{
    for (ULONG i = 0; i < Case->Steps; i++) {
        ULONGLONG After = Case->Begins[i] - Case->Begins[0];
        DbgPrint("# %3I64u ms  %2d %.*s\n", After / 10000, Case->Stairs[i], Case->Stairs[i],
                 "################");
    }
}

static BOOLEAN IsMonotone(const STAIRCASE *Case)
{
    for (ULONG i = 1; i < Case->Steps; i++) {
        if (Case->Stairs[i] >= Case->Stairs[i - 1]) {
            return FALSE;
        }
    }
    return TRUE;
}

/* All heights from Top to the base, each once: nothing was missed. */
static BOOLEAN IsComplete(const STAIRCASE *Case, KPRIORITY Top)
{
    return Case->Steps == (ULONG)(Top - Case->Base + 1) && Case->Stairs[0] == Top &&
           Case->Stairs[Case->Steps - 1] == Case->Base && IsMonotone(Case);
}

/* A host that holds the processor up for a quantum may hide a stair: so there are some tries. */
static VOID CheckStaircase(LONG BaseIncrement, KPRIORITY Increment, KPRIORITY Top, PCSTR Text)
{
    STAIRCASE Case = {.BaseIncrement = BaseIncrement, .Base = 8 + BaseIncrement};
    BOOLEAN Monotone = TRUE, Complete = FALSE;
    for (int i = 0; i < TRIES && !Complete; i++) {
        RunStaircase(&Case, Increment);
        Monotone = Monotone && IsMonotone(&Case) && Case.Stairs[Case.Steps - 1] == Case.Base;
        Complete = IsComplete(&Case, Top);
    }
    Print(&Case);
    KMT_CHECK(Monotone, "down, never up, to the base");
    KMT_CHECK(Complete, Text);
}

static VOID NTAPI BoostTwice(PVOID Context)
{
    KPRIORITY *Found = Context;
    KEVENT Event;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    for (int i = 0; i < 3; i++) {
        LARGE_INTEGER Timeout = KmtMs(1);
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout);
        Found[i] = KeQueryPriorityThread(KeGetCurrentThread());
    }
}

static PKEVENT ToBoost;

static VOID NTAPI WaitTwice(PVOID Context)
{
    KPRIORITY *Found = Context;
    for (int i = 0; i < 2; i++) {
        KeWaitForSingleObject(ToBoost, Executive, KernelMode, FALSE, NULL);
        Found[i] = KeQueryPriorityThread(KeGetCurrentThread());
    }
}

/* Wakes a thread first with one increment, then with another, before a quantum has passed. Returns
 * its priority then. */
static KPRIORITY WakeTwice(KPRIORITY First, KPRIORITY Second)
{
    KPRIORITY Found[2] = {0};
    KEVENT Event;
    PETHREAD Thread;
    ToBoost = &Event;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    Thread = KmtStartThread(WaitTwice, Found);
    KmtAwaitWaiters(&Event, 1);
    KeSetEvent(&Event, First, FALSE);
    KmtAwaitWaiters(&Event, 1);
    KeSetEvent(&Event, Second, FALSE);
    KmtJoin(Thread);
    return Found[1];
}

/* On a host that stops it for two ticks the thread has used up a quantum after all. */
static VOID CheckTwice(KPRIORITY First, KPRIORITY Second, KPRIORITY Expected, PCSTR Text)
{
    KPRIORITY Found = 0;
    for (int i = 0; i < TRIES && Found != Expected; i++) {
        Found = WakeTwice(First, Second);
    }
    KMT_EQUAL(Found, Expected, Text);
}

static VOID KmtRun(VOID)
{
    STAIRCASE RealTime = {.RealTime = 18, .Base = 18};
    KPRIORITY Found[3];
    CheckStaircase(0, 5, 13, "from 13 in five steps: 13 12 11 10 9 8");
    CheckStaircase(2, 2, 12, "from 12 to a base of 10");
    CheckStaircase(0, 20, 15, "from 15 when the increment is more");
    CheckTwice(5, 2, 13, "a smaller boost does not take a greater one back");
    CheckTwice(2, 5, 13, "a greater one counts from the base, too");
    RunStaircase(&RealTime, 5);
    KMT_CHECK(RealTime.Steps == 1 && RealTime.Stairs[0] == 18, "a real-time thread stays at 18");
    KmtJoin(KmtStartThread(BoostTwice, Found));
    KMT_CHECK(Found[0] == 8 && Found[1] == 8 && Found[2] == 8, "a timeout boosts nobody");
}
