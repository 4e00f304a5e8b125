/*
 * Promises: the serial port writes all it is given, in order, also by many threads at a time and
 * beside the kernel's own output; reads pend until there is input, can be cancelled one by one, and
 * end with their file; none of that disturbs the console, which reads the same port.
 */
#include "kmt.h"

#define THREADS 4
#define LINES 20
#define READS 50

static HANDLE Open(ULONG Options)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\??\\COM1");
    OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle = NULL;

    ZwOpenFile(&Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
               FILE_SHARE_READ | FILE_SHARE_WRITE, Options);
    return Handle;
}

static LONG64 Write(HANDLE Handle, PCSTR Text)
{
    IO_STATUS_BLOCK StatusBlock;
    NTSTATUS Status = ZwWriteFile(Handle, NULL, NULL, NULL, &StatusBlock, (PVOID)Text,
                                  (ULONG)strlen(Text), NULL, NULL);

    return NT_SUCCESS(Status) ? (LONG64)StatusBlock.Information : -1;
}

static VOID TestWrites(HANDLE Handle)
{
    static const CHAR Dots[] = "# ..............................................................\n";
    LONG Whole = 0;

    for (ULONG Length = 1; Length < sizeof(Dots) - 1; Length++) {
        CHAR Line[sizeof(Dots)];

        memcpy(Line, Dots, Length);
        strcpy(Line + Length, "\n");
        Whole += Write(Handle, Length == 1 ? "\n" : Line) == (Length == 1 ? 1 : Length + 1);
    }
    KMT_EQUAL(Whole, sizeof(Dots) - 2, "writes of every length are written");
    KMT_EQUAL(Write(Handle, ""), 0, "a write of nothing ends at once");
}

/* A read that the driver gets as an IRP of our own, so that it can be cancelled. */
typedef struct _PENDING_READ {
    PIRP Irp;
    UCHAR Buffer[16];
    KEVENT Done;
    NTSTATUS Status;
} PENDING_READ, *PPENDING_READ;

static NTSTATUS NTAPI ReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPENDING_READ Read = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    Read->Status = Irp->IoStatus.Status;
    KeSetEvent(&Read->Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS StartRead(PPENDING_READ Read, PFILE_OBJECT FileObject, BOOLEAN Cancelled)
{
    PDEVICE_OBJECT DeviceObject = IoGetRelatedDeviceObject(FileObject);
    PIO_STACK_LOCATION Stack;

    KeInitializeEvent(&Read->Done, NotificationEvent, FALSE);
    Read->Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    Read->Irp->AssociatedIrp.SystemBuffer = Read->Buffer;
    Read->Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Stack = IoGetNextIrpStackLocation(Read->Irp);
    Stack->MajorFunction = IRP_MJ_READ;
    Stack->FileObject = FileObject;
    Stack->Parameters.Read.Length = sizeof(Read->Buffer);
    IoSetCompletionRoutine(Read->Irp, ReadDone, Read, TRUE, TRUE, TRUE);
    if (Cancelled) {
        IoCancelIrp(Read->Irp);
    }
    return IoCallDriver(DeviceObject, Read->Irp);
}

static PENDING_READ Reads[READS];

static VOID TestReads(HANDLE Handle)
{
    PFILE_OBJECT FileObject;
    LONG Pending = 0, Cancelled = 0, Left = 0;

    ObReferenceObjectByHandle(Handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&FileObject, NULL);
    for (ULONG i = 0; i < READS; i++) {
        Pending += StartRead(&Reads[i], FileObject, i == READS - 1) == STATUS_PENDING;
    }
    KMT_EQUAL(Pending, READS, "reads pend");
    KMT_EQUAL(KmtWait(&Reads[READS - 1].Done, 1000), STATUS_SUCCESS,
              "one that was cancelled before it began ends");
    for (ULONG i = 0; i < READS; i += 2) {
        IoCancelIrp(Reads[i].Irp);
    }
    ZwClose(Handle);
    for (ULONG i = 0; i < READS; i++) {
        Left += KmtWait(&Reads[i].Done, 1000) != STATUS_SUCCESS;
        Cancelled += Reads[i].Status == STATUS_CANCELLED;
        IoFreeIrp(Reads[i].Irp);
    }
    KMT_EQUAL(Left, 0, "all end, some cancelled, the rest with their file");
    KMT_EQUAL(Cancelled, READS, "as cancelled");
    ObDereferenceObject(FileObject);
}

static volatile LONG Failures;

static VOID NTAPI Writer(PVOID Context)
{
    CHAR Line[] = "# writer X\n";
    HANDLE Handle = Open(FILE_SYNCHRONOUS_IO_NONALERT);

    Line[9] = (CHAR)('1' + (ULONG_PTR)Context);
    for (ULONG i = 0; i < LINES; i++) {
        DbgPrint("# kernel %c\n", Line[9]);
        if (Write(Handle, Line) != sizeof(Line) - 1) {
            InterlockedIncrement(&Failures);
        }
    }
    ZwClose(Handle);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID TestThreads(VOID)
{
    PETHREAD Threads[THREADS];

    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Writer, (PVOID)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    DbgPrint("\n"); /* the lines of both kinds may have run into each other */
    KMT_EQUAL(Failures, 0, "many threads write beside the kernel's own output");
}

static VOID KmtRun(VOID)
{
    HANDLE Handle = Open(FILE_SYNCHRONOUS_IO_NONALERT);

    if (KMT_CHECK(Handle != NULL, "the port opens")) {
        TestWrites(Handle);
        ZwClose(Handle);
        TestReads(Open(0));
        TestThreads();
    }
}
