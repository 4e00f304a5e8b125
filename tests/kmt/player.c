/*
 * Promises: the melody player queues a request whole or not at all, also when many threads fill its
 * queue; it refuses notes out of range; it plays notes for as long as they say, one after another;
 * a wait ends with the last note, or when it is cancelled or its file closed; a stop ends
 * everything at once.
 */
#include "kmt.h"
#include <kmelody.h>

#define THREADS 4
#define ROUNDS 200

static HANDLE Open(ULONG Options)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MELODY_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle = NULL;

    ZwOpenFile(&Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock, 0, Options);
    return Handle;
}

static NTSTATUS Control(HANDLE Handle, ULONG Code, PVOID Input, ULONG InputSize, PVOID Output,
                        ULONG OutputSize)
{
    IO_STATUS_BLOCK StatusBlock;

    return ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, Code, Input, InputSize,
                                 Output, OutputSize);
}

static NTSTATUS Stop(HANDLE Handle)
{
    return Control(Handle, IOCTL_MELODY_STOP, NULL, 0, NULL, 0);
}

static NTSTATUS Wait(HANDLE Handle)
{
    return Control(Handle, IOCTL_MELODY_WAIT, NULL, 0, NULL, 0);
}

static MELODY_STATE Query(HANDLE Handle)
{
    MELODY_STATE State = {MAXULONG, MAXULONG, 0, 0};

    Control(Handle, IOCTL_MELODY_QUERY, NULL, 0, &State, sizeof(State));
    return State;
}

static MELODY_NOTE Many[MELODY_QUEUE_LIMIT + 1];

/* Queues Count notes of Ms milliseconds. */
static NTSTATUS Play(HANDLE Handle, ULONG Count, ULONG Hertz, ULONG Ms)
{
    for (ULONG i = 0; i < Count; i++) {
        Many[i] = (MELODY_NOTE){Hertz, Ms, 0, 1};
    }
    return Control(Handle, IOCTL_MELODY_PLAY, Many, Count * sizeof(Many[0]), NULL, 0);
}

static VOID TestRefusals(HANDLE Handle)
{
    static const MELODY_NOTE Wrong[] = {
        {36, 10, 0, 1},
        {32768, 10, 0, 1},
        {440, 0, 0, 1},
        {440, MELODY_MAXIMUM_MS + 1, 0, 1},
        {440, 10, MELODY_MAXIMUM_MS + 1, 1},
        {440, 10, 0, 0},
        {440, 10, 0, MELODY_MAXIMUM_REPEAT + 1},
        {0, 0, 0, 1},
    };
    MELODY_NOTE Notes[2] = {{440, 10, 0, 1}, {440, 10, 0, 1}};
    ULONG Played = Query(Handle).Played;
    LONG Refused = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Wrong); i++) {
        Notes[1] = Wrong[i];
        Refused += Control(Handle, IOCTL_MELODY_PLAY, Notes, sizeof(Notes), NULL, 0) ==
                   STATUS_INVALID_PARAMETER;
    }
    KMT_EQUAL(Refused, ARRAYSIZE(Wrong), "notes out of range are refused");
    Refused = 0;
    for (ULONG Size = 0; Size < 2 * sizeof(Notes[0]); Size++) {
        Refused += Size != sizeof(Notes[0]) && Control(Handle, IOCTL_MELODY_PLAY, Notes, Size, NULL,
                                                       0) == STATUS_INVALID_BUFFER_SIZE;
    }
    KMT_EQUAL(Refused, 2 * sizeof(Notes[0]) - 1, "parts of notes are refused");
    KMT_EQUAL(Control(Handle, IOCTL_MELODY_QUERY, NULL, 0, Notes, sizeof(MELODY_STATE) - 1),
              STATUS_BUFFER_TOO_SMALL, "the state needs its whole buffer");
    KMT_EQUAL(Control(Handle, CTL_CODE(MELODY_DEVICE, 0x8FF, METHOD_BUFFERED, 0), NULL, 0, NULL, 0),
              STATUS_INVALID_DEVICE_REQUEST, "there is no other request");
    KMT_EQUAL(Query(Handle).Played, Played, "nothing has been played by all that");
}

static VOID TestLength(HANDLE Handle)
{
    MELODY_NOTE Notes[] = {{1000, 20, 10, 3}, {0, 50, 0, 1}, {2000, 30, 0, 1}};
    ULONG Played = Query(Handle).Played, Tries = 0;
    LONG Failed = 0, Short = 0;
    LONG64 Ms = MAXLONG;

    /* It takes longer when the host keeps the machine from running meanwhile. */
    for (; Ms >= 600 && Tries < 20; Tries++) {
        ULONGLONG Start = KmtNow();
        Control(Handle, IOCTL_MELODY_PLAY, Notes, sizeof(Notes), NULL, 0);
        Failed += Wait(Handle) != STATUS_SUCCESS;
        Ms = (LONG64)(KmtNow() - Start) / 10000;
        Short += Ms < 170;
    }
    KMT_EQUAL(Failed, 0, "a wait ends with the last note");
    KMT_CHECK(Short == 0 && Ms < 600, "which is when all have been played");
    DbgPrint("# 170 ms took %I64d\n", Ms);
    KMT_EQUAL(Query(Handle).Played, Played + Tries * ARRAYSIZE(Notes), "each once");
    KMT_EQUAL(Wait(Handle), STATUS_SUCCESS, "a wait for silence ends at once");
}

static VOID TestFull(HANDLE Handle)
{
    MELODY_STATE State;

    KMT_EQUAL(Play(Handle, 1, 0, 60000), STATUS_SUCCESS, "a long rest holds the player up");
    while (Query(Handle).Queued != 0) {
        KmtSleep(1);
    }
    KMT_EQUAL(Play(Handle, MELODY_QUEUE_LIMIT + 1, 440, 10), STATUS_INSUFFICIENT_RESOURCES,
              "more notes than the queue holds");
    KMT_EQUAL(Query(Handle).Queued, 0, "none of them is queued");
    KMT_EQUAL(Play(Handle, MELODY_QUEUE_LIMIT - 3, 440, 10), STATUS_SUCCESS, "nearly full");
    KMT_EQUAL(Play(Handle, 4, 440, 10), STATUS_INSUFFICIENT_RESOURCES, "one too many");
    KMT_EQUAL(Query(Handle).Queued, MELODY_QUEUE_LIMIT - 3, "none of them is queued");
    KMT_EQUAL(Play(Handle, 3, 440, 10), STATUS_SUCCESS, "exactly full");
    KMT_EQUAL(Play(Handle, 1, 440, 10), STATUS_INSUFFICIENT_RESOURCES, "full is full");
    KMT_EQUAL(Stop(Handle), STATUS_SUCCESS, "a stop");
    KMT_EQUAL(Wait(Handle), STATUS_SUCCESS, "ends it at once");
    State = Query(Handle);
    KMT_CHECK(State.Queued == 0 && State.Playing == 0, "nothing is left");
    KMT_EQUAL(Play(Handle, MELODY_QUEUE_LIMIT, 0, 1), STATUS_SUCCESS, "and there is room again");
    Stop(Handle);
}

/* Waits that do not end by themselves, through a handle for asynchronous requests. */
static VOID TestCancel(HANDLE Handle)
{
    HANDLE Other = Open(0);
    IO_STATUS_BLOCK StatusBlock = {.Status = STATUS_PENDING};
    PFILE_OBJECT FileObject;
    KEVENT Done;
    PIRP Irp;

    Play(Handle, 1, 0, 60000);
    KMT_EQUAL(ZwDeviceIoControlFile(Other, NULL, NULL, NULL, &StatusBlock, IOCTL_MELODY_WAIT, NULL,
                                    0, NULL, 0),
              STATUS_PENDING, "a wait pends");
    ObReferenceObjectByHandle(Other, 0, *IoFileObjectType, KernelMode, (PVOID *)&FileObject, NULL);
    ZwClose(Other);
    KmtSleep(10);
    KMT_EQUAL(StatusBlock.Status, STATUS_CANCELLED, "closing the file ends it");

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_MELODY_WAIT, FileObject->DeviceObject, NULL, 0, NULL,
                                        0, FALSE, &Done, &StatusBlock);
    KMT_EQUAL(IoCallDriver(FileObject->DeviceObject, Irp), STATUS_PENDING, "another pends");
    KMT_CHECK(IoCancelIrp(Irp), "it can be cancelled");
    KMT_EQUAL(KmtWait(&Done, 1000), STATUS_SUCCESS, "which ends it");
    KMT_EQUAL(StatusBlock.Status, STATUS_CANCELLED, "as cancelled");
    ObDereferenceObject(FileObject);
    Stop(Handle);
}

static volatile LONG Failures, Refused;

/* Fills the queue, stops, waits, all at random: every answer must be one that the interface
 * knows. */
static VOID NTAPI Hammer(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    HANDLE Handle = Open(FILE_SYNCHRONOUS_IO_NONALERT);
    MELODY_NOTE Notes[64];
    NTSTATUS Status;

    for (ULONG i = 0; i < ARRAYSIZE(Notes); i++) {
        Notes[i] = (MELODY_NOTE){i % 2 ? 500 : 0, 1, 0, 1};
    }
    for (ULONG i = 0; i < ROUNDS; i++) {
        ULONG Count = 1 + KmtRandom(&Seed) % ARRAYSIZE(Notes);

        Status = Control(Handle, IOCTL_MELODY_PLAY, Notes, Count * sizeof(Notes[0]), NULL, 0);
        InterlockedExchangeAdd(&Refused, Status == STATUS_INSUFFICIENT_RESOURCES);
        if (!NT_SUCCESS(Status) && Status != STATUS_INSUFFICIENT_RESOURCES) {
            InterlockedIncrement(&Failures);
        }
        if (Query(Handle).Queued > MELODY_QUEUE_LIMIT ||
            (KmtRandom(&Seed) % 16 == 0 && !NT_SUCCESS(Stop(Handle)))) {
            InterlockedIncrement(&Failures);
        }
    }
    ZwClose(Handle);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID TestThreads(HANDLE Handle)
{
    PETHREAD Threads[THREADS];

    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Hammer, (PVOID)(i + 1));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Failures, 0, "many threads fill and stop the player");
    DbgPrint("# %d requests found the queue full\n", Refused);
    Stop(Handle);
    KMT_EQUAL(Wait(Handle), STATUS_SUCCESS, "it still ends");
    KMT_EQUAL(Query(Handle).Queued, 0, "with an empty queue");
    TestLength(Handle);
}

static VOID KmtRun(VOID)
{
    HANDLE Handle = Open(FILE_SYNCHRONOUS_IO_NONALERT);

    if (KMT_CHECK(Handle != NULL, "the device opens")) {
        TestRefusals(Handle);
        TestLength(Handle);
        TestFull(Handle);
        TestCancel(Handle);
        TestThreads(Handle);
        ZwClose(Handle);
    }
}
