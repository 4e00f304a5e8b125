/*
 * Promises, under threads on all processors for RUN_MS and ROUNDS at least: timers that are armed
 * with routines by threads which end at once, while others arm, cancel and close the same timers,
 * call their routine in the thread that armed them or not at all; in the end nothing is left: no
 * timer, no thread, no call.
 *
 * Timers lie in slots as kernel handles, where every thread finds them. Most threads that arm some
 * end while the timers expire.
 */
#include "kmtob.h"

#define RUN_MS 1200
#define ROUNDS 20
#define ATTACKERS 6
#define SLOTS 8
#define SETS 6 /* by each thread that ends */

static PVOID volatile Slots[SLOTS]; /* kernel handles; NULL: none */
static LONG volatile Taken[SLOTS];  /* how often a handle was taken out, raised before it is closed
                                     */
static ULONGLONG EndTime;
static LONG volatile Wrong, Called, Ended, Closed;

static VOID Expect(BOOLEAN Held, PCSTR What, NTSTATUS Status)
{
    if (!Held && InterlockedIncrement(&Wrong) < 10) {
        DbgPrint("# %s: %08x\n", What, Status);
    }
}

/* Context is the thread that armed it. */
static VOID NTAPI Routine(PVOID Context, ULONG Low, LONG High)
{
    UNREFERENCED_PARAMETER(Low);
    UNREFERENCED_PARAMETER(High);
    InterlockedIncrement(&Called);
    Expect(Context == KeGetCurrentThread() && KeGetCurrentIrql() == PASSIVE_LEVEL, "a call", 0);
}

static VOID Renew(ULONG Slot)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle, Old;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = ZwCreateTimer(&Handle, TIMER_ALL_ACCESS, &Attributes, NotificationTimer);
    Expect(NT_SUCCESS(Status), "a timer", Status);
    Old = NT_SUCCESS(Status) ? InterlockedExchangePointer(&Slots[Slot], Handle) : NULL;
    if (Old != NULL) {
        InterlockedIncrement(&Taken[Slot]);
        Status = ZwClose(Old);
        Expect(NT_SUCCESS(Status), "closing it", Status);
        InterlockedIncrement(&Closed);
    }
}

/* The handle may have been closed since it was read, and may be a thread's by now. */
static BOOLEAN IsExplained(NTSTATUS Status, ULONG Slot, LONG Since)
{
    return (BOOLEAN)(NT_SUCCESS(Status) || Status == STATUS_INVALID_HANDLE ||
                     (Status == STATUS_OBJECT_TYPE_MISMATCH && Taken[Slot] != Since));
}

static VOID Set(ULONG Slot, PULONG Seed, BOOLEAN WithRoutine)
{
    LONG Since = Taken[Slot];
    LARGE_INTEGER Due;
    BOOLEAN State;
    Due.QuadPart = -(LONGLONG)(KmtRandom(Seed) % 3000);
    NTSTATUS Status = ZwSetTimer(Slots[Slot], &Due, WithRoutine ? Routine : NULL,
                                 KeGetCurrentThread(), FALSE, (LONG)(KmtRandom(Seed) % 3), &State);
    Expect(IsExplained(Status, Slot, Since), "arming", Status);
}

static VOID Cancel(ULONG Slot)
{
    LONG Since = Taken[Slot];
    NTSTATUS Status = ZwCancelTimer(Slots[Slot], NULL);
    Expect(IsExplained(Status, Slot, Since), "cancelling", Status);
}

static VOID NTAPI ArmAndEnd(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    for (ULONG i = 0; i < SETS; i++) {
        Set(KmtRandom(&Seed) % SLOTS, &Seed, TRUE);
    }
    if (KmtRandom(&Seed) % 2 == 0) {
        KmtSleep(1);
    }
    InterlockedIncrement(&Ended);
}

static VOID NTAPI Attack(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 7919 + 13;
    for (ULONG i = 0; KmtNow() < EndTime || i < ROUNDS || Called == 0; i++) {
        ULONG Slot = KmtRandom(&Seed) % SLOTS;
        PETHREAD Thread;
        switch (KmtRandom(&Seed) % 8) {
        case 0:
            Renew(Slot);
            break;
        case 1:
        case 2:
            Cancel(Slot);
            break;
        case 3:
            Set(Slot, &Seed, FALSE);
            break;
        case 4:
            Set(Slot, &Seed, TRUE);
            break;
        default:
            Thread = KmtStartThread(ArmAndEnd, (PVOID)(ULONG_PTR)(KmtRandom(&Seed) | 1));
            Expect(Thread != NULL, "a thread", 0);
            if (Thread != NULL) {
                KmtJoin(Thread);
            }
        }
    }
}

static ULONG ObjectsOf(HANDLE Handle)
{
    struct {
        OBJECT_TYPE_INFORMATION Type;
        WCHAR Name[32];
    } Buffer;
    ZwQueryObject(Handle, ObjectTypeInformation, &Buffer, sizeof(Buffer), NULL);
    return Buffer.Type.TotalNumberOfObjects;
}

/* The count of the handle's type comes back to Count by itself: what worker and reaper delete. A
 * worker that came meanwhile stays for half a minute. */
static VOID CheckObjects(HANDLE Handle, ULONG Count, PCSTR Text)
{
    for (ULONG i = 0; i < 60000 && ObjectsOf(Handle) > Count; i++) {
        KmtSleep(1);
    }
    KMT_CHECK(ObjectsOf(Handle) <= Count, Text);
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[ATTACKERS];
    HANDLE Timer, Self;
    ZwCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, NotificationTimer);
    ZwDuplicateObject(NtCurrentProcess(), NtCurrentThread(), NtCurrentProcess(), &Self, 0, 0,
                      DUPLICATE_SAME_ACCESS);
    ULONG TimersBefore = ObjectsOf(Timer), ThreadsBefore = ObjectsOf(Self);
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG_PTR i = 0; i < ATTACKERS; i++) {
        Threads[i] = KmtStartThread(Attack, (PVOID)i);
    }
    for (ULONG i = 0; i < ATTACKERS; i++) {
        KmtJoin(Threads[i]);
    }
    LONG Before = Called;
    DbgPrint("# %d called, %d threads ended, %d timers closed\n", Called, Ended, Closed);
    KMT_CHECK(Called != 0 && Ended != 0 && Closed != 0, "threads end, timers call and are closed");
    KmtSleep(20);
    KMT_EQUAL(Called, Before, "no call is left");
    KMT_EQUAL(Wrong, 0, "every call was in the thread that asked for it");
    CheckObjects(Self, ThreadsBefore, "no thread is left, though timers that it armed are");
    for (ULONG Slot = 0; Slot < SLOTS; Slot++) {
        if (Slots[Slot] != NULL) {
            ZwClose(Slots[Slot]);
        }
    }
    CheckObjects(Timer, TimersBefore, "no timer is left");
    ZwClose(Self);
    ZwClose(Timer);
}
