/*
 * Promises: with threads attaching to and detaching from several processes while others queue APCs
 * to them for every environment, each APC runs exactly once, one for the original environment in
 * its thread's own process; a thread always finds the page tables of the process that it is
 * attached to; processes that come and go meanwhile, with threads of their own, take nothing with
 * them and leave nothing behind.
 */
#include "kmtprocess.h"

#define PROCESSES 3
#define WALKERS 4
#define SENDERS 2
#define MAKERS 2
#define ROUNDS 400
#define CHILDREN 25

typedef struct _WALKER {
    PETHREAD Thread;
    ULONG Seed;
    volatile LONG Stop;
} WALKER;

typedef struct _FLYING {
    KAPC Apc;
    BOOLEAN AtHome; /* for the original environment */
} FLYING;

static PEPROCESS Processes[PROCESSES];
static ULONG64 Tables[PROCESSES];
static WALKER Walkers[WALKERS];
static volatile LONG Queued, Ran, WrongPlace, WrongTables, Failed, SendersLeft;

static VOID NTAPI Land(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                       PVOID *Argument2)
{
    FLYING *Flying = CONTAINING_RECORD(Apc, FLYING, Apc);
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Flying->AtHome && PsGetCurrentProcess() != PsGetCurrentThreadProcess()) {
        InterlockedIncrement(&WrongPlace);
    }
    InterlockedIncrement(&Ran);
    ExFreePool(Flying);
}

/* A process it is sent to at random, and from there perhaps to a second one. */
static VOID Visit(PULONG Seed, ULONG Depth)
{
    ULONG Which = KmtRandom(Seed) % PROCESSES;
    KAPC_STATE State;
    KeStackAttachProcess(Processes[Which], &State);
    if (KmtRandom(Seed) % 4 == 0) {
        KmtSleep(0);
    }
    if (Depth != 0 && KmtRandom(Seed) % 2 == 0) {
        Visit(Seed, Depth - 1);
    }
    if (KmtCr3() != Tables[Which] || PsGetCurrentProcess() != Processes[Which]) {
        InterlockedIncrement(&WrongTables);
    }
    KeUnstackDetachProcess(&State);
}

static VOID NTAPI Walk(PVOID Context)
{
    WALKER *Walker = Context;
    ULONG64 Home = KmtCr3();
    for (ULONG i = 0; i < ROUNDS || !Walker->Stop; i++) {
        Visit(&Walker->Seed, 2);
        if (KmtCr3() != Home) {
            InterlockedIncrement(&WrongTables);
        }
        if (i >= ROUNDS) {
            KmtSleep(1);
        }
    }
}

static VOID NTAPI Send(PVOID Context)
{
    static const KAPC_ENVIRONMENT Environments[] = {OriginalApcEnvironment, AttachedApcEnvironment,
                                                    CurrentApcEnvironment, InsertApcEnvironment};
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    for (ULONG i = 0; i < ROUNDS; i++) {
        FLYING *Flying = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Flying), 'tseT');
        ULONG Environment = KmtRandom(&Seed) % 4;
        if (Flying == NULL) {
            continue;
        }
        Flying->AtHome = Environment == OriginalApcEnvironment;
        KeInitializeApc(&Flying->Apc, (PKTHREAD)Walkers[KmtRandom(&Seed) % WALKERS].Thread,
                        Environments[Environment], Land, NULL, NULL, KernelMode, NULL);
        InterlockedIncrement(&Queued);
        if (!KeInsertQueueApc(&Flying->Apc, NULL, NULL, 0)) {
            InterlockedIncrement(&Failed);
            ExFreePool(Flying);
        }
    }
    InterlockedDecrement(&SendersLeft);
}

/*** Processes that come and go. ***/

static VOID NTAPI Child(PVOID Context)
{
    HANDLE Event;
    UNREFERENCED_PARAMETER(Context);
    if (!NT_SUCCESS(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE))) {
        InterlockedIncrement(&Failed);
    }
}

static VOID NTAPI MakeChildren(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (ULONG i = 0; i < CHILDREN; i++) {
        PEPROCESS Process;
        HANDLE Handle = KmtMakeChild(NtCurrentProcess(), 0, &Process), Thread;
        KAPC_STATE State;
        if (Process == NULL) {
            InterlockedIncrement(&Failed);
            continue;
        }
        for (ULONG j = 0; j < 2; j++) {
            NTSTATUS Status =
                PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, Handle, NULL, Child, NULL);
            /* The first may have ended, and the process with it. */
            if (NT_SUCCESS(Status)) {
                ZwClose(Thread);
            } else if (j == 0 || Status != STATUS_PROCESS_IS_TERMINATING) {
                InterlockedIncrement(&Failed);
            }
        }
        KeStackAttachProcess(Process, &State);
        if (KmtWait(Process, 60000) != STATUS_SUCCESS) {
            InterlockedIncrement(&Failed);
        }
        KeUnstackDetachProcess(&State);
        ZwClose(Handle);
        ObDereferenceObject(Process);
    }
}

static VOID KmtRun(VOID)
{
    PETHREAD Others[SENDERS + MAKERS];
    for (ULONG i = 0; i < PROCESSES; i++) {
        KAPC_STATE State;
        Processes[i] = KmtMakeProcess();
        KeStackAttachProcess(Processes[i], &State);
        Tables[i] = KmtCr3();
        KeUnstackDetachProcess(&State);
    }
    for (ULONG i = 0; i < WALKERS; i++) {
        Walkers[i].Seed = 17 + i;
        Walkers[i].Thread = KmtStartThread(Walk, &Walkers[i]);
    }
    SendersLeft = SENDERS;
    for (ULONG i = 0; i < SENDERS; i++) {
        Others[i] = KmtStartThread(Send, (PVOID)(ULONG_PTR)(i + 5));
    }
    for (ULONG i = 0; i < MAKERS; i++) {
        Others[SENDERS + i] = KmtStartThread(MakeChildren, NULL);
    }
    for (ULONG i = 0; i < SENDERS + MAKERS; i++) {
        KmtJoin(Others[i]);
    }
    for (ULONG i = 0; i < WALKERS; i++) {
        Walkers[i].Stop = TRUE;
    }
    for (ULONG i = 0; i < WALKERS; i++) {
        KmtJoin(Walkers[i].Thread);
    }
    for (ULONG i = 0; i < PROCESSES; i++) {
        ObDereferenceObject(Processes[i]);
    }
    KMT_EQUAL(Ran, Queued, "each APC has run once");
    KMT_EQUAL(WrongPlace, 0, "those for its own process there");
    KMT_EQUAL(WrongTables, 0, "a thread has the tables of the process it is in");
    KMT_EQUAL(Failed, 0, "everything could be made, queued and waited for");
    KMT_EQUAL(SendersLeft, 0, "all senders have ended");
}
