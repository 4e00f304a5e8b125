/*
 * Promises: ZwCancelIoFile ends the calling thread's requests on one file and waits for them;
 * ZwCancelIoFileEx finds those of other threads, all or one, also of threads that are attached to
 * another process and wait there; cancellation may race with completion and with the thread's end,
 * and each request ends once, in one of the two ways, and nothing is lost.
 */
#include "kmtdevice.h"

#include <ntexapi.h>

#define NAME L"\\Device\\KmtIoCancel"
#define REQUESTS 8
#define ROUNDS 150

static PDEVICE_OBJECT Device;
static KSPIN_LOCK Lock;
static LIST_ENTRY Pending; /* Lock  of IRP.Tail.Overlay.ListEntry */
static volatile LONG Started, Finished, Cancelled;
static BOOLEAN Stop;

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI Cancel(PDEVICE_OBJECT Object, PIRP Irp)
{
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(Object);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Lock, &OldIrql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Lock, OldIrql);
    InterlockedIncrement(&Cancelled);
    KmtComplete(Irp, STATUS_CANCELLED, 0);
}

/* Every request waits until it is cancelled or finished; the lock guards list and cancel
 * routine. */
static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    KIRQL OldIrql;
    UNREFERENCED_PARAMETER(Object);
    InterlockedIncrement(&Started);
    KeAcquireSpinLock(&Lock, &OldIrql);
    IoMarkIrpPending(Irp);
    InsertTailList(&Pending, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
        KeReleaseSpinLock(&Lock, OldIrql);
        InterlockedIncrement(&Cancelled);
        KmtComplete(Irp, STATUS_CANCELLED, 0);
        return STATUS_PENDING;
    }
    KeReleaseSpinLock(&Lock, OldIrql);
    return STATUS_PENDING;
}

/* Completes the first request that is not being cancelled. FALSE: there is none. */
static BOOLEAN FinishOne(VOID)
{
    PIRP Found = NULL;
    KIRQL OldIrql;
    KeAcquireSpinLock(&Lock, &OldIrql);
    for (PLIST_ENTRY Link = Pending.Flink; Link != &Pending && Found == NULL; Link = Link->Flink) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, Tail.Overlay.ListEntry);
        if (IoSetCancelRoutine(Irp, NULL) != NULL) {
            Found = Irp;
        }
    }
    if (Found != NULL) {
        RemoveEntryList(&Found->Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&Lock, OldIrql);
    if (Found != NULL) {
        InterlockedIncrement(&Finished);
        KmtComplete(Found, STATUS_SUCCESS, 1);
    }
    return Found != NULL;
}

static HANDLE Open(VOID)
{
    HANDLE Handle = NULL;
    KmtOpen(&Handle, NAME, FILE_READ_DATA | SYNCHRONIZE, 0);
    return Handle;
}

static NTSTATUS StartRead(HANDLE Handle, PIO_STATUS_BLOCK Iosb)
{
    static UCHAR Byte;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    Iosb->Status = STATUS_PENDING;
    return ZwReadFile(Handle, NULL, NULL, NULL, Iosb, &Byte, 1, &Zero, NULL);
}

static VOID TestOwn(VOID)
{
    HANDLE First = Open(), Second = Open(), Event;
    IO_STATUS_BLOCK Iosb[3], Answer;
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    StartRead(First, &Iosb[0]);
    StartRead(First, &Iosb[1]);
    StartRead(Second, &Iosb[2]);
    KMT_EQUAL(ZwCancelIoFile(First, &Answer), STATUS_SUCCESS, "a file's requests are cancelled");
    KMT_CHECK(Iosb[0].Status == STATUS_CANCELLED && Iosb[1].Status == STATUS_CANCELLED,
              "and have ended when the call returns");
    KMT_EQUAL(Iosb[2].Status, STATUS_PENDING, "another file's have not");
    KMT_EQUAL(Answer.Status, STATUS_SUCCESS, "the status block says so");
    KMT_EQUAL(ZwCancelIoFile(First, &Answer), STATUS_SUCCESS, "nothing to cancel is no error");
    KMT_EQUAL(ZwCancelIoFileEx(First, NULL, &Answer), STATUS_NOT_FOUND, "but here it is one");
    StartRead(Second, &Iosb[0]);
    KMT_EQUAL(ZwCancelIoFileEx(Second, &Iosb[1], &Answer), STATUS_NOT_FOUND, "no such request");
    KMT_EQUAL(ZwCancelIoFileEx(Second, &Iosb[0], &Answer), STATUS_SUCCESS, "one request");
    ZwWaitForSingleObject(Second, FALSE, NULL);
    KMT_CHECK(Iosb[0].Status == STATUS_CANCELLED && Iosb[2].Status == STATUS_PENDING,
              "alone is cancelled");
    FinishOne();
    KmtSleep(1);
    KMT_EQUAL(Iosb[2].Status, STATUS_SUCCESS, "the other is completed");
    KMT_EQUAL(ZwCancelIoFile(Event, &Answer), STATUS_OBJECT_TYPE_MISMATCH, "an event is no file");
    KMT_EQUAL(ZwCancelIoFileEx(Event, NULL, &Answer), STATUS_OBJECT_TYPE_MISMATCH, "nor here");
    ZwClose(Event);
    ZwClose(First);
    ZwClose(Second);
    KMT_EQUAL(ZwCancelIoFile(First, &Answer), STATUS_INVALID_HANDLE, "a closed handle");
    KMT_EQUAL(ZwCancelIoFileEx(NULL, NULL, &Answer), STATUS_INVALID_HANDLE, "no handle");
}

static KEVENT Ready;
static IO_STATUS_BLOCK OthersIosb;

static VOID NTAPI WaitInOther(PVOID Context)
{
    StartRead((HANDLE)Context, &OthersIosb);
    KeSetEvent(&Ready, IO_NO_INCREMENT, FALSE);
    ZwWaitForSingleObject((HANDLE)Context, FALSE, NULL);
}

static VOID TestOthers(VOID)
{
    HANDLE Handle = Open();
    IO_STATUS_BLOCK Answer;
    KeInitializeEvent(&Ready, NotificationEvent, FALSE);
    PETHREAD Thread = KmtStartThread(WaitInOther, Handle);
    KmtWait(&Ready, 60000);
    KMT_EQUAL(ZwCancelIoFile(Handle, &Answer), STATUS_SUCCESS, "only this thread's");
    KMT_EQUAL(OthersIosb.Status, STATUS_PENDING, "another thread's goes on");
    KMT_EQUAL(ZwCancelIoFileEx(Handle, NULL, &Answer), STATUS_SUCCESS, "another thread's");
    KmtJoin(Thread);
    KMT_EQUAL(OthersIosb.Status, STATUS_CANCELLED, "is cancelled");
    ZwClose(Handle);
}

static PEPROCESS Elsewhere;
static KEVENT Leave;

/* Asks while it is attached, and waits for the answer there. */
static VOID NTAPI WaitAttached(PVOID Context)
{
    KAPC_STATE State;
    KeStackAttachProcess(Elsewhere, &State);
    WaitInOther(Context);
    KeUnstackDetachProcess(&State);
}

/* Asks before it is attached: the answer waits until it is back. */
static VOID NTAPI AskThenAttach(PVOID Context)
{
    KAPC_STATE State;
    StartRead((HANDLE)Context, &OthersIosb);
    KeStackAttachProcess(Elsewhere, &State);
    KeSetEvent(&Ready, IO_NO_INCREMENT, FALSE);
    KmtWait(&Leave, 60000);
    KeUnstackDetachProcess(&State);
    ZwWaitForSingleObject((HANDLE)Context, FALSE, NULL);
}

/* Comes and goes until the request has been cancelled; it waits for that away now and then, and so
 * takes nothing meanwhile that is not sent there. */
static VOID NTAPI AttachOften(PVOID Context)
{
    KAPC_STATE State;
    StartRead((HANDLE)Context, &OthersIosb);
    for (ULONG i = 0; !KeReadStateEvent(&Leave); i++) {
        KeStackAttachProcess(Elsewhere, &State);
        if (i % 16 == 15) {
            KmtWait(&Leave, 60000);
        }
        KeUnstackDetachProcess(&State);
    }
    ZwWaitForSingleObject((HANDLE)Context, FALSE, NULL);
}

static VOID TestAttached(VOID)
{
    HANDLE Process = NULL, Handle = Open();
    IO_STATUS_BLOCK Answer;
    ZwCreateProcessEx(&Process, PROCESS_ALL_ACCESS, NULL, NtCurrentProcess(), 0, NULL, NULL, NULL,
                      0);
    ObReferenceObjectByHandle(Process, 0, *PsProcessType, KernelMode, (PVOID *)&Elsewhere, NULL);
    KeInitializeEvent(&Leave, NotificationEvent, FALSE);

    KeClearEvent(&Ready);
    PETHREAD Thread = KmtStartThread(WaitAttached, Handle);
    KmtWait(&Ready, 60000);
    KMT_EQUAL(ZwCancelIoFileEx(Handle, NULL, &Answer), STATUS_SUCCESS, "a thread's that is away");
    KmtJoin(Thread);
    KMT_EQUAL(OthersIosb.Status, STATUS_CANCELLED, "is cancelled, and the thread told there");

    KeClearEvent(&Ready);
    Thread = KmtStartThread(AskThenAttach, Handle);
    KmtWait(&Ready, 60000);
    KMT_EQUAL(ZwCancelIoFileEx(Handle, &OthersIosb, &Answer), STATUS_SUCCESS,
              "that it went after the request makes no difference");
    KMT_EQUAL(OthersIosb.Status, STATUS_PENDING, "but to when the thread is told");
    KeSetEvent(&Leave, IO_NO_INCREMENT, FALSE);
    KmtJoin(Thread);
    KMT_EQUAL(OthersIosb.Status, STATUS_CANCELLED, "when it is back");

    for (ULONG Round = 0; Round < 10; Round++) {
        KeClearEvent(&Leave);
        Thread = KmtStartThread(AttachOften, Handle);
        while (ZwCancelIoFileEx(Handle, NULL, &Answer) == STATUS_NOT_FOUND) {
            KmtSleep(1);
        }
        KeSetEvent(&Leave, IO_NO_INCREMENT, FALSE);
        KmtJoin(Thread);
        KMT_EQUAL(OthersIosb.Status, STATUS_CANCELLED, "one that comes and goes meanwhile");
    }
    ZwClose(Handle);
    ZwClose(Process);
    ObDereferenceObject(Elsewhere);
}

static IO_STATUS_BLOCK Blocks[4][REQUESTS];

/* Starts requests and leaves them to whoever comes: the finisher, the canceller, or its own end. */
static VOID NTAPI Requester(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    PIO_STATUS_BLOCK Iosb = Blocks[Seed % 4];
    HANDLE Handle = Open();
    IO_STATUS_BLOCK Answer;
    for (ULONG i = 0; i < REQUESTS; i++) {
        StartRead(Handle, &Iosb[i]);
        if (KmtRandom(&Seed) % 4 == 0) {
            ZwCancelIoFileEx(Handle, &Iosb[KmtRandom(&Seed) % (i + 1)], &Answer);
        }
    }
    if (KmtRandom(&Seed) % 2) {
        ZwCancelIoFile(Handle, &Answer);
        LONG Left = 0;
        for (ULONG i = 0; i < REQUESTS; i++) {
            Left += Iosb[i].Status == STATUS_PENDING;
        }
        if (Left != 0) {
            InterlockedIncrement(&KmtFailures);
        }
    }
    // Otherwise the thread ends with requests under way; a round's threads have one block each.
    ZwClose(Handle);
}

static VOID NTAPI Finisher(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    while (!Stop) {
        if (!FinishOne()) {
            KmtSleep(1);
        }
    }
}

static VOID TestRaces(VOID)
{
    PETHREAD Threads[4], Finishers[2];
    ULONG Looks = 0;
    Started = Finished = Cancelled = 0;
    for (ULONG i = 0; i < 2; i++) {
        Finishers[i] = KmtStartThread(Finisher, NULL);
    }
    for (ULONG Round = 0; Round < ROUNDS / 4; Round++) {
        for (ULONG i = 0; i < 4; i++) {
            Threads[i] = KmtStartThread(Requester, (PVOID)(ULONG_PTR)(Round * 4 + i + 1));
        }
        for (ULONG i = 0; i < 4; i++) {
            KmtJoin(Threads[i]);
        }
    }
    Stop = TRUE;
    for (ULONG i = 0; i < 2; i++) {
        KmtJoin(Finishers[i]);
    }
    KMT_CHECK(IsListEmpty(&Pending), "no request is left");
    KMT_EQUAL(Started, ROUNDS / 4 * 4 * REQUESTS, "all have been made");
    KMT_EQUAL(Finished + Cancelled, Started, "each has ended once");
    /* A file whose last request is finished by an APC is closed by a worker. */
    while (Device->ReferenceCount != 0 && KmtLookAgain(&Looks)) {
    }
    KMT_EQUAL(Device->ReferenceCount, 0, "no file is left");
    KMT_EQUAL(KmtFailures, 0, "ZwCancelIoFile waited for all");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Read;
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Pending);
    Device = KmtCreateDevice(NAME, 0, FALSE);
    TestOwn();
    TestOthers();
    TestAttached();
    TestRaces();
    IoDeleteDevice(Device);
}
