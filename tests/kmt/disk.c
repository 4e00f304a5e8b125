/* MACHINE: disk=new
 * Promises: the disk driver reads what was written, at any place, in any length, from and to
 * buffers that begin anywhere; more requests at once than the device takes, from several threads,
 * do not disturb each other; a flush is done; what does not fit is refused and moves
 * nothing. */
#include "kmt.h"
#include <ntdddisk.h>

#define SECTOR 512
#define TAG 'ksiD'
#define THREADS 4
#define ROUNDS 12
#define MOST (200 * SECTOR) /* a request of more pages than go into one piece */

static ULONG64 Length;
static HANDLE Disk;

/* A handle of one's own: synchronous requests through one wait for each other. */
static HANDLE Open(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Harddisk0\\Partition0");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Io;
    HANDLE Handle = NULL;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    ZwOpenFile(&Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &Io,
               FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    return Handle;
}

static NTSTATUS Transfer(HANDLE Handle, BOOLEAN Write, ULONG64 Offset, PVOID Buffer, ULONG Bytes,
                         PULONG_PTR Moved)
{
    LARGE_INTEGER Place = {.QuadPart = (LONGLONG)Offset};
    IO_STATUS_BLOCK Io = {.Information = 0};
    NTSTATUS Status;

    if (Write) {
        Status = ZwWriteFile(Handle, NULL, NULL, NULL, &Io, Buffer, Bytes, &Place, NULL);
    } else {
        Status = ZwReadFile(Handle, NULL, NULL, NULL, &Io, Buffer, Bytes, &Place, NULL);
    }
    *Moved = Io.Information;
    return Status;
}

static NTSTATUS Control(ULONG Code, PVOID Output, ULONG OutputLength, PULONG_PTR Returned)
{
    IO_STATUS_BLOCK Io = {.Information = 0};
    NTSTATUS Status =
        ZwDeviceIoControlFile(Disk, NULL, NULL, NULL, &Io, Code, NULL, 0, Output, OutputLength);
    *Returned = Io.Information;
    return Status;
}

static VOID Fill(PUCHAR Buffer, ULONG Bytes, PULONG Seed)
{
    for (ULONG i = 0; i < Bytes; i++) {
        Buffer[i] = (UCHAR)KmtRandom(Seed);
    }
}

static VOID TestControls(VOID)
{
    GET_LENGTH_INFORMATION Info;
    DISK_GEOMETRY Geometry;
    ULONG_PTR Returned;

    KMT_EQUAL(Control(IOCTL_DISK_GET_LENGTH_INFO, &Info, sizeof(Info), &Returned), STATUS_SUCCESS,
              "the disk tells its length");
    KMT_EQUAL(Returned, sizeof(Info), "in so many bytes");
    Length = Info.Length.QuadPart;
    KMT_EQUAL(Length, 1 << 20, "which is a megabyte");
    KMT_EQUAL(Control(IOCTL_DISK_GET_LENGTH_INFO, &Info, 7, &Returned), STATUS_BUFFER_TOO_SMALL,
              "not into 7 bytes");
    KMT_EQUAL(Control(IOCTL_DISK_GET_DRIVE_GEOMETRY, &Geometry, sizeof(Geometry), &Returned),
              STATUS_SUCCESS, "the disk tells its geometry");
    KMT_EQUAL(Geometry.BytesPerSector, SECTOR, "with the size of sectors");
    KMT_EQUAL(Control(IOCTL_DISK_GET_DRIVE_GEOMETRY, &Geometry, 23, &Returned),
              STATUS_BUFFER_TOO_SMALL, "not into 23 bytes");
    KMT_EQUAL(Control(CTL_CODE(IOCTL_DISK_BASE, 0x7FF, METHOD_BUFFERED, FILE_ANY_ACCESS), NULL, 0,
                      &Returned),
              STATUS_INVALID_DEVICE_REQUEST, "another control is refused");
}

/* A disk that cannot be written to says so when asked, and when it is written to. */
static BOOLEAN TestWritable(PUCHAR Buffer)
{
    ULONG_PTR Moved;
    NTSTATUS Writable = Control(IOCTL_DISK_IS_WRITABLE, NULL, 0, &Moved);

    RtlZeroMemory(Buffer, SECTOR);
    KMT_EQUAL(Transfer(Disk, TRUE, 0, Buffer, SECTOR, &Moved), Writable,
              "a write does what the disk says of itself");
    KMT_EQUAL(Moved, NT_SUCCESS(Writable) ? SECTOR : 0, "as far as it says");
    if (Writable == STATUS_MEDIA_WRITE_PROTECTED) {
        KMT_EQUAL(Transfer(Disk, FALSE, 0, Buffer, SECTOR, &Moved), STATUS_SUCCESS,
                  "a protected disk is read");
        return FALSE;
    }
    return KMT_CHECK(NT_SUCCESS(Writable), "the disk can be written to");
}

static VOID TestRefusals(PUCHAR Buffer)
{
    static const struct {
        ULONG64 FromEnd; /* offset is the length less this */
        ULONG Bytes;
        PCSTR Text;
    } Cases[] = {
        {512, 1024, "a request beyond the end is refused"}, {1, 512, "one between sectors, too"},
        {4096, 100, "and one of part of a sector"},         {0, 512, "and one behind the end"},
        {(ULONG64)-512, 512, "and one further behind"},
    };
    ULONG_PTR Moved;

    for (ULONG i = 0; i < ARRAYSIZE(Cases); i++) {
        for (ULONG Write = 0; Write < 2; Write++) {
            NTSTATUS Status = Transfer(Disk, Write != 0, Length - Cases[i].FromEnd, Buffer,
                                       Cases[i].Bytes, &Moved);
            KMT_CHECK(Status == STATUS_INVALID_PARAMETER && Moved == 0, Cases[i].Text);
        }
    }
    KMT_EQUAL(Transfer(Disk, FALSE, 0, Buffer, 0, &Moved), STATUS_SUCCESS, "nothing can be read");
    KMT_EQUAL(Moved, 0, "and that is what is read");
}

/* The same bytes come back to another place in memory, and their neighbours stay. */
static VOID TestPlaces(PUCHAR Out, PUCHAR In)
{
    static const ULONG Lengths[] = {SECTOR, 3 * SECTOR, 14 * 4096, 15 * 4096 + SECTOR, MOST};
    ULONG Seed = 7, Differences = 0, Short = 0, Overruns = 0;
    ULONG_PTR Moved;

    for (ULONG i = 0; i < ARRAYSIZE(Lengths); i++) {
        for (ULONG Skew = 0; Skew < 4; Skew++) {
            ULONG Bytes = Lengths[i], OutSkew = Skew * 1365 % 4096, InSkew = Skew * 3;
            Fill(Out + OutSkew, Bytes, &Seed);
            RtlFillMemory(In, InSkew + Bytes + 16, 0xA5);
            Short += !NT_SUCCESS(
                Transfer(Disk, TRUE, (ULONG64)i * 7 * SECTOR, Out + OutSkew, Bytes, &Moved));
            Short += Moved != Bytes;
            Short += !NT_SUCCESS(
                Transfer(Disk, FALSE, (ULONG64)i * 7 * SECTOR, In + InSkew, Bytes, &Moved));
            Short += Moved != Bytes;
            Differences += RtlCompareMemory(Out + OutSkew, In + InSkew, Bytes) != Bytes;
            Overruns += In[InSkew + Bytes] != 0xA5 || (InSkew != 0 && In[InSkew - 1] != 0xA5);
        }
    }
    KMT_EQUAL(Short, 0, "requests of all lengths, from buffers anywhere, are done in full");
    KMT_EQUAL(Differences, 0, "and what was written is read");
    KMT_EQUAL(Overruns, 0, "and nothing beside it is touched");
}

static volatile LONG Failures;

/* Each thread has a part of the disk. */
static VOID NTAPI Worker(PVOID Context)
{
    ULONG Number = (ULONG)(ULONG_PTR)Context, Seed = 100 + Number;
    ULONG64 Base = Length / THREADS * Number;
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * 65536, TAG);
    HANDLE Handle = Open();
    ULONG_PTR Moved;

    for (ULONG i = 0; i < ROUNDS && Buffer != NULL; i++) {
        ULONG Bytes = (KmtRandom(&Seed) % 128 + 1) * SECTOR;
        ULONG64 Place = Base + (ULONG64)(KmtRandom(&Seed) % 128) * SECTOR;
        Fill(Buffer, Bytes, &Seed);
        if (!NT_SUCCESS(Transfer(Handle, TRUE, Place, Buffer, Bytes, &Moved)) ||
            !NT_SUCCESS(Transfer(Handle, FALSE, Place, Buffer + 65536, Bytes, &Moved)) ||
            RtlCompareMemory(Buffer, Buffer + 65536, Bytes) != Bytes) {
            InterlockedIncrement(&Failures);
        }
    }
    ZwClose(Handle);
    if (Buffer != NULL) {
        ExFreePoolWithTag(Buffer, TAG);
    } else {
        InterlockedIncrement(&Failures);
    }
}

static VOID TestThreads(VOID)
{
    PETHREAD Thread[THREADS];

    for (ULONG i = 0; i < THREADS; i++) {
        Thread[i] = KmtStartThread(Worker, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Thread[i]);
    }
    KMT_EQUAL(Failures, 0, "threads that write and read at the same time do not meet");
}

#define FLYING 40 /* five times what the device takes at once */
static volatile LONG Landed;
static KEVENT AllLanded;

static NTSTATUS NTAPI Land(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    Failures += !NT_SUCCESS(Irp->IoStatus.Status);
    IoFreeIrp(Irp);
    if (InterlockedIncrement(&Landed) == FLYING) {
        KeSetEvent(&AllLanded, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* One sector each, into its own part of a buffer, and now and then a flush. */
static VOID TestMany(PUCHAR Buffer)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\??\\PhysicalDrive0");
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT File;
    PMDL Mdls[FLYING];

    KeInitializeEvent(&AllLanded, NotificationEvent, FALSE);
    if (!KMT_CHECK(
            NT_SUCCESS(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &DeviceObject)),
            "the disk has its other name")) {
        return;
    }
    for (ULONG i = 0; i < FLYING; i++) {
        PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
        PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
        Mdls[i] = IoAllocateMdl(Buffer + i * SECTOR, SECTOR, FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(Mdls[i]);
        Irp->MdlAddress = Mdls[i];
        Next->MajorFunction = i % 8 == 7 ? IRP_MJ_FLUSH_BUFFERS : IRP_MJ_WRITE;
        Next->FileObject = File;
        if (i % 8 != 7) {
            Next->Parameters.Write.Length = SECTOR;
            Next->Parameters.Write.ByteOffset.QuadPart = (LONGLONG)i * SECTOR;
        }
        IoSetCompletionRoutine(Irp, Land, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(DeviceObject, Irp);
    }
    KMT_EQUAL(KmtWait(&AllLanded, 60000), STATUS_SUCCESS, "forty requests at once all end");
    KeFlushQueuedDpcs(); /* Land may still be returning */
    KMT_EQUAL(Failures, 0, "well");
    for (ULONG i = 0; i < FLYING; i++) {
        IoFreeMdl(Mdls[i]);
    }
    ObDereferenceObject(File);
}

static VOID KmtRun(VOID)
{
    PUCHAR Out = ExAllocatePool2(POOL_FLAG_NON_PAGED, MOST + 2 * PAGE_SIZE, TAG);
    PUCHAR In = ExAllocatePool2(POOL_FLAG_NON_PAGED, MOST + 2 * PAGE_SIZE, TAG);

    Disk = Open();
    if (KMT_CHECK(Disk != NULL && Out != NULL && In != NULL, "the disk can be opened")) {
        TestControls();
        if (TestWritable(Out)) {
            TestRefusals(Out);
            TestPlaces(Out, In);
            TestThreads();
            TestMany(Out);
        }
        ZwClose(Disk);
    }
    ExFreePoolWithTag(Out, TAG);
    ExFreePoolWithTag(In, TAG);
}
