/*
 * Promises: IoBuildSynchronousFsdRequest and IoBuildAsynchronousFsdRequest make reads, writes,
 * flushes, shutdowns and PnP requests for buffered, direct and plain devices; a synchronous one is
 * completed, told and freed by the I/O manager; of an asynchronous one the driver finds and frees
 * the parts; a buffer that is not mapped, or too little memory, makes none.
 */
#include "kmtdevice.h"

#define SIZE 5000

static PDEVICE_OBJECT Devices[3]; /* buffered, direct, neither */
static const ULONG Flags[3] = {DO_BUFFERED_IO, DO_DIRECT_IO, 0};
static UCHAR Store[SIZE]; /* what was written last */
static IO_STACK_LOCATION Seen;
static BOOLEAN Later;
static KTIMER Timer;
static KDPC Dpc;

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    IoCompleteRequest((PIRP)Context, IO_NO_INCREMENT);
}

static PVOID BufferOf(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (Device->Flags & DO_BUFFERED_IO) {
        return Irp->AssociatedIrp.SystemBuffer;
    }
    return Device->Flags & DO_DIRECT_IO
               ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority)
               : Irp->UserBuffer;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    ULONG Length = 0;
    Seen = *IoGetCurrentIrpStackLocation(Irp);
    if (Seen.MajorFunction == IRP_MJ_READ || Seen.MajorFunction == IRP_MJ_WRITE) {
        PUCHAR Buffer = BufferOf(Device, Irp);
        Length = min(Seen.Parameters.Read.Length, SIZE);
        RtlCopyMemory(Seen.MajorFunction == IRP_MJ_READ ? Buffer : Store,
                      Seen.MajorFunction == IRP_MJ_READ ? Store : Buffer, Length);
    }
    if (!Later) {
        return KmtComplete(Irp, STATUS_SUCCESS, Length);
    }
    LARGE_INTEGER Due = KmtMs(5);
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Length;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, CompleteInDpc, Irp);
    KeSetTimer(&Timer, Due, &Dpc);
    return STATUS_PENDING;
}

static VOID Fill(PUCHAR Buffer, UCHAR First)
{
    for (ULONG i = 0; i < SIZE; i++) {
        Buffer[i] = (UCHAR)(First + i * 3);
    }
}

static UCHAR Out[SIZE], In[SIZE];

static NTSTATUS Transfer(PDEVICE_OBJECT Device, ULONG Major, PVOID Buffer, PIO_STATUS_BLOCK Iosb)
{
    LARGE_INTEGER Offset = {.QuadPart = 0x123456789};
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(Major, Device, Buffer, SIZE, &Offset, &Event, Iosb);
    if (Irp == NULL) {
        return STATUS_NO_MEMORY;
    }
    NTSTATUS Status = IoCallDriver(Device, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = Iosb->Status;
    }
    return Status;
}

static VOID TestSynchronous(VOID)
{
    LONG Wrong = 0;
    for (ULONG i = 0; i < 3; i++) {
        for (Later = FALSE; Later <= TRUE; Later++) {
            IO_STATUS_BLOCK Iosb = {{STATUS_NOT_FOUND}, 0};
            Fill(Out, (UCHAR)(i * 7 + Later));
            RtlZeroMemory(In, SIZE);
            Wrong += Transfer(Devices[i], IRP_MJ_WRITE, Out, &Iosb) != STATUS_SUCCESS;
            Wrong += Iosb.Information != SIZE || Seen.MajorFunction != IRP_MJ_WRITE ||
                     Seen.Parameters.Write.Length != SIZE ||
                     Seen.Parameters.Write.ByteOffset.QuadPart != 0x123456789;
            Wrong += Transfer(Devices[i], IRP_MJ_READ, In, &Iosb) != STATUS_SUCCESS;
            Wrong += RtlCompareMemory(In, Out, SIZE) != SIZE || Seen.MajorFunction != IRP_MJ_READ;
        }
    }
    Later = FALSE;
    KMT_EQUAL(Wrong, 0, "what was written is read, each way, at once and later");
}

static VOID TestOthers(VOID)
{
    static const UCHAR Majors[] = {IRP_MJ_FLUSH_BUFFERS, IRP_MJ_SHUTDOWN, IRP_MJ_PNP};
    for (ULONG i = 0; i < ARRAYSIZE(Majors); i++) {
        IO_STATUS_BLOCK Iosb = {{STATUS_NOT_FOUND}, 7};
        KEVENT Event;
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        PIRP Irp =
            IoBuildSynchronousFsdRequest(Majors[i], Devices[0], NULL, 0, NULL, &Event, &Iosb);
        KMT_EQUAL(IoCallDriver(Devices[0], Irp), STATUS_SUCCESS, "a request without a buffer");
        KMT_EQUAL(Seen.MajorFunction, Majors[i], "arrives as what it is");
        KMT_CHECK(Iosb.Status == STATUS_SUCCESS && Iosb.Information == 0, "and is told");
    }
}

static NTSTATUS NTAPI Keep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* As the contract says. */
static VOID FreeParts(PIRP Irp)
{
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        if (Irp->Flags & IRP_INPUT_OPERATION) {
            RtlCopyMemory(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer,
                          Irp->IoStatus.Information);
        }
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    }
    while (Irp->MdlAddress != NULL) {
        PMDL Mdl = Irp->MdlAddress;
        Irp->MdlAddress = Mdl->Next;
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
        IoFreeMdl(Mdl);
    }
    IoFreeIrp(Irp);
}

static VOID TestAsynchronous(VOID)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    LONG Wrong = 0;
    for (ULONG i = 0; i < 6; i++) {
        IO_STATUS_BLOCK Iosb;
        KEVENT Event;
        BOOLEAN Read = i & 1;
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        if (!Read) {
            Fill(Out, (UCHAR)i);
        }
        PIRP Irp = IoBuildAsynchronousFsdRequest(Read ? IRP_MJ_READ : IRP_MJ_WRITE, Devices[i / 2],
                                                 Read ? In : Out, SIZE, &Offset, &Iosb);
        Wrong += Irp->Tail.Overlay.Thread != PsGetCurrentThread() || Irp->UserIosb != &Iosb ||
                 !IsListEmpty(&Irp->ThreadListEntry);
        IoSetCompletionRoutine(Irp, Keep, &Event, TRUE, TRUE, TRUE);
        Later = i >= 3;
        IoCallDriver(Devices[i / 2], Irp);
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        KeFlushQueuedDpcs();
        FreeParts(Irp);
        Wrong += Read && RtlCompareMemory(In, Out, SIZE) != SIZE;
    }
    Later = FALSE;
    KMT_EQUAL(Wrong, 0, "asynchronous ones are the driver's from end to end");
}

static VOID TestBadBuffers(VOID)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    PVOID Bad = (PVOID)0xFFFFF70000000000ULL; // mapped by nobody
    for (ULONG i = 0; i < 2; i++) {
        KMT_CHECK(IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, Devices[i], Bad, SIZE, &Offset,
                                                NULL) == NULL,
                  "no request without its buffer");
    }
    PIRP Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, Devices[2], Bad, SIZE, &Offset, NULL);
    KMT_CHECK(Irp != NULL && Irp->UserBuffer == Bad, "a plain device's driver sees to it itself");
    IoFreeIrp(Irp);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Devices[0], NULL, 0, &Offset, NULL);
    KMT_CHECK(Irp != NULL && Irp->AssociatedIrp.SystemBuffer == NULL, "nothing is a length, too");
    IoFreeIrp(Irp);
}

static VOID TestExtended(VOID)
{
    UCHAR Memory[sizeof(IRP) + 3 * sizeof(IO_STACK_LOCATION)];
    PIRP Irp = IoAllocateIrpEx(Devices[0], 3, FALSE);
    KMT_EQUAL(IoSizeofIrpEx(Devices[0], 3), sizeof(Memory), "IoSizeofIrpEx");
    KMT_CHECK(Irp != NULL && Irp->StackCount == 3, "IoAllocateIrpEx");
    IoFreeIrp(Irp);
    Irp = (PIRP)Memory;
    IoInitializeIrpEx(Irp, Devices[0], sizeof(Memory), 3);
    KMT_CHECK(Irp->StackCount == 3 && Irp->CurrentLocation == 4, "IoInitializeIrpEx");
}

static VOID KmtRun(VOID)
{
    static const UCHAR Majors[] = {IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_SHUTDOWN,
                                   IRP_MJ_PNP};
    for (ULONG i = 0; i < ARRAYSIZE(Majors); i++) {
        KmtDriverObject->MajorFunction[Majors[i]] = Dispatch;
    }
    for (ULONG i = 0; i < 3; i++) {
        Devices[i] = KmtCreateDevice(NULL, 0, FALSE);
        Devices[i]->Flags |= Flags[i];
    }
    TestSynchronous();
    TestOthers();
    TestAsynchronous();
    TestBadBuffers();
    TestExtended();
    for (ULONG i = 0; i < 3; i++) {
        IoDeleteDevice(Devices[i]);
    }
}
