/*
 * kmt.h - what an in-guest test driver includes. A test is a driver whose DriverEntry proves its
 * promises through the real driver interface and prints TAP on the debug port; it starts
 * successfully only when all of them held.
 *
 *     #include "kmt.h"
 *
 *     static VOID KmtRun(VOID)
 *     {
 *         KMT_CHECK(1 + 1 == 2, "numbers add up");
 *     }
 *
 * A check is one line of TAP. Loops and other threads count failures and check the count once.
 */
#ifndef _KMT_H_
#define _KMT_H_

#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static VOID KmtRun(VOID);

static LONG KmtNumber;   /* checks made: the plan */
static LONG KmtFailures; /* checks that did not hold */

static inline BOOLEAN KmtReport(BOOLEAN Held, PCSTR Text, PCSTR Expression, ULONG Line)
{
    LONG Number = InterlockedIncrement(&KmtNumber);
    if (Held) {
        DbgPrint("ok %d - %s\n", Number, Text);
    } else {
        InterlockedIncrement(&KmtFailures);
        DbgPrint("not ok %d - %s\n", Number, Text);
        DbgPrint("# line %u: %s\n", Line, Expression);
    }
    return Held;
}
#define KMT_CHECK(e, Text) KmtReport((BOOLEAN)((e) ? TRUE : FALSE), Text, #e, __LINE__)
/* Two integers are the same; both are shown when they are not. */
#define KMT_EQUAL(a, b, Text)                                                                      \
    do {                                                                                           \
        LONGLONG KmtA = (LONGLONG)(a), KmtB = (LONGLONG)(b);                                       \
        if (!KmtReport((BOOLEAN)(KmtA == KmtB), Text, #a " == " #b, __LINE__)) {                   \
            DbgPrint("# got %I64d (0x%I64x), expected %I64d (0x%I64x)\n", KmtA, KmtA, KmtB, KmtB); \
        }                                                                                          \
    } while (0)

/* A relative timeout or due time of so many milliseconds. */
static inline LARGE_INTEGER KmtMs(LONGLONG Milliseconds)
{
    LARGE_INTEGER Time;
    Time.QuadPart = -Milliseconds * 10000;
    return Time;
}

static inline VOID KmtSleep(LONGLONG Milliseconds)
{
    LARGE_INTEGER Time = KmtMs(Milliseconds);
    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

/* Interrupt time now, 100 ns. */
static inline ULONGLONG KmtNow(VOID)
{
    ULONG64 Counter;
    return KeQueryInterruptTimePrecise(&Counter);
}

static inline ULONG KmtProcessors(VOID)
{
    return KeQueryActiveProcessorCount(NULL);
}

/* Waits for Object at most Milliseconds. From a second on this is no time to measure but a limit
 * for what has to come, and then it is the guest that must have seen the time pass: of half a
 * minute at least, in several waits. A host that keeps the machine from running for long makes one
 * of them time out. */
static inline NTSTATUS KmtWait(PVOID Object, LONGLONG Milliseconds)
{
    ULONG Waits = Milliseconds < 1000 ? 1 : 6;
    LARGE_INTEGER Timeout = KmtMs(Waits == 1 ? Milliseconds : max(Milliseconds, 30000) / Waits);
    NTSTATUS Status = STATUS_TIMEOUT;

    for (; Waits > 0 && Status == STATUS_TIMEOUT; Waits--) {
        Status = KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Timeout);
    }
    return Status;
}

/* Returns when so many threads wait for Object. None may leave its queue meanwhile, which only
 * grows. */
static inline VOID KmtAwaitWaiters(PVOID Object, ULONG Count)
{
    LIST_ENTRY volatile *Head = &((PDISPATCHER_HEADER)Object)->WaitListHead, *Link;
    for (;;) {
        ULONG Waiting = 0;
        for (Link = Head->Flink; Link != Head; Link = Link->Flink) {
            Waiting++;
        }
        if (Waiting >= Count) {
            return;
        }
        KmtSleep(1);
    }
}

/* A thread that is about to wait calls this, and who has started it KmtAwaitComing: that one goes
 * on only when the other waits, or has ended. Both are on processor 0, where the other one is more
 * important and leaves it to nobody else before. */
static inline VOID KmtCome(PKEVENT Coming)
{
    KeSetSystemAffinityThread(1);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    KeSetEvent(Coming, IO_NO_INCREMENT, FALSE);
}

static inline VOID KmtAwaitComing(PKEVENT Coming)
{
    KeSetSystemAffinityThread(1);
    KeWaitForSingleObject(Coming, Executive, KernelMode, FALSE, NULL);
    KeRevertToUserAffinityThread();
}

/* For a loop that looks for what has to come: sleeps and counts a look. FALSE, so as not to look
 * for ever, when the guest has seen half a minute pass, in looks of a millisecond or more. */
static inline BOOLEAN KmtLookAgain(PULONG Looks)
{
    KmtSleep(1);
    return (BOOLEAN)(++*Looks < 30000);
}

/* A system thread, as a referenced thread object; KmtJoin waits for its end and lets it go. */
static inline PETHREAD KmtStartThread(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    PVOID Thread = NULL;
    if (NT_SUCCESS(
            PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, Context))) {
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode, &Thread, NULL);
        ZwClose(Handle);
    }
    return (PETHREAD)Thread;
}

static inline VOID KmtJoin(PETHREAD Thread)
{
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

/* Returns when threads that were in this driver's routines, to return from them, have done so:
 * worker threads, for instance, that have said that they are done. They are more important than
 * this thread is while it goes round the processors, so none is left where it gets to run; twice,
 * for one that is moved to a processor where it has been. It is the base that is lowered, which the
 * end of a quantum goes back to; and a host that makes this thread starve, and the kernel help it,
 * has it go round again. */
static inline VOID KmtLetOthersReturn(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    BOOLEAN Helped;
    do {
        LONG Own = KeSetBasePriorityThread(Thread, -7); /* 8 is the process's */
        Helped = FALSE;
        for (ULONG i = 0; i < 2 * KmtProcessors(); i++) {
            KeSetSystemAffinityThread((KAFFINITY)1 << i % KmtProcessors());
            Helped = Helped || KeQueryPriorityThread(Thread) != LOW_PRIORITY + 1;
        }
        KeRevertToUserAffinityThread();
        KeSetBasePriorityThread(Thread, Own);
    } while (Helped);
}

/* Xorshift: the same numbers from the same seed on every run. */
static inline ULONG KmtRandom(PULONG Seed)
{
    *Seed ^= *Seed << 13;
    *Seed ^= *Seed >> 17;
    *Seed ^= *Seed << 5;
    return *Seed;
}

static VOID NTAPI KmtUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static PDRIVER_OBJECT KmtDriverObject;  /* for tests that make devices */
static PUNICODE_STRING KmtRegistryPath; /* for tests that depend on the service's name */

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KmtDriverObject = DriverObject;
    KmtRegistryPath = RegistryPath;
    DriverObject->DriverUnload = KmtUnload;
    KmtRun();
    DbgPrint("1..%d\n", KmtNumber);
    return KmtFailures == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

#endif
