/*
 * Promises: a master IRP completes when the last of its associated IRPs does, in whatever order and
 * wherever they complete, and nothing is left of them; a driver can tell who sent a request,
 * whether he waits, and how much stack there is.
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtAssociated"
#define PARTS 8
#define ROUNDS 200

static PDEVICE_OBJECT Device; /* splits a read into PARTS */
static PDEVICE_OBJECT Worker; /* does the parts: at once or by a DPC on another processor */
static KDPC Dpcs[PARTS];
static LONG Parts;
static BOOLEAN Late, Synchronous, Is32bit;
static PEPROCESS Requestor;
static ULONG RequestorId;

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI CompleteInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    KmtComplete((PIRP)Argument1, STATUS_SUCCESS, 0);
}

static NTSTATUS DoPart(PIRP Irp)
{
    ULONG Number = (ULONG)(InterlockedIncrement(&Parts) - 1) % PARTS;
    if (!Late) {
        return KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
    IoMarkIrpPending(Irp);
    KeInitializeDpc(&Dpcs[Number], CompleteInDpc, NULL);
    KeSetTargetProcessorDpc(&Dpcs[Number], (CCHAR)(Number % KmtProcessors()));
    KeInsertQueueDpc(&Dpcs[Number], Irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIRP Associated[PARTS];
    if (Object == Worker) {
        return DoPart(Irp);
    }
    Synchronous = IoIsOperationSynchronous(Irp);
    Is32bit = IoIs32bitProcess(Irp);
    Requestor = IoGetRequestorProcess(Irp);
    RequestorId = IoGetRequestorProcessId(Irp);
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 55;
    Irp->AssociatedIrp.IrpCount = PARTS;
    for (ULONG i = 0; i < PARTS; i++) {
        Associated[i] = IoMakeAssociatedIrp(Irp, Worker->StackSize);
        IoGetNextIrpStackLocation(Associated[i])->MajorFunction = IRP_MJ_READ;
        IoAllocateMdl(Associated, 8, FALSE, FALSE, Associated[i]); // goes with the IRP
    }
    for (ULONG i = 0; i < PARTS; i++) {
        IoCallDriver(Worker, Associated[i]);
    }
    return STATUS_PENDING;
}

static VOID TestMaster(ULONG Options)
{
    HANDLE Handle, Event;
    IO_STATUS_BLOCK Iosb;
    UCHAR Byte;
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    ULONG Wrong = 0;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KmtOpen(&Handle, NAME, FILE_READ_DATA | SYNCHRONIZE, Options);
    Parts = 0;
    for (ULONG i = 0; i < ROUNDS; i++) {
        Iosb.Information = 0;
        NTSTATUS Status = ZwReadFile(Handle, Event, NULL, NULL, &Iosb, &Byte, 1, &Zero, NULL);
        if (Status == STATUS_PENDING) {
            ZwWaitForSingleObject(Event, FALSE, NULL);
            Status = Iosb.Status;
        }
        Wrong +=
            Status != STATUS_SUCCESS || Iosb.Information != 55 || Parts != (LONG)((i + 1) * PARTS);
    }
    KMT_EQUAL(Wrong, 0, "a master completes after its last part");
    KMT_EQUAL(Synchronous, Options != 0, "a driver knows whether it is waited for");
    ZwClose(Handle);
    ZwClose(Event);
}

static VOID TestOrigin(VOID)
{
    KMT_CHECK(Requestor == PsInitialSystemProcess && RequestorId == 4, "the System process asked");
    KMT_EQUAL(Is32bit, FALSE, "which has 64 bits");
    PIRP Irp = IoAllocateIrp(2, FALSE);
    KMT_CHECK(IoGetRequestorProcess(Irp) == NULL && IoGetRequestorProcessId(Irp) == 0,
              "an IRP of a driver's own has no requestor");
    IoFreeIrp(Irp);
    KMT_CHECK(IoGetTopLevelIrp() == NULL, "no top level IRP");
    IoSetTopLevelIrp((PIRP)1);
    KMT_CHECK(IoGetTopLevelIrp() == (PIRP)1, "one is noted");
    IoSetTopLevelIrp(NULL);
}

static VOID TestStack(VOID)
{
    ULONG_PTR Low, High, Here = (ULONG_PTR)&Low;
    IoGetStackLimits(&Low, &High);
    KMT_CHECK(Low < Here && Here < High, "the stack has this in it");
    KMT_CHECK((Low & 0xFFF) == 0 && (PVOID)High == IoGetInitialStack(), "and ends where it began");
    ULONG_PTR Left = IoGetRemainingStackSize();
    KMT_CHECK(Left > 4096 && Left < High - Low, "some of it is left");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Read;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    Worker = KmtCreateDevice(NULL, 0, FALSE);
    for (int i = 0; i < 2; i++) {
        TestMaster(FILE_SYNCHRONOUS_IO_NONALERT);
        TestMaster(0);
        Late = TRUE;
    }
    TestOrigin();
    TestStack();
    KeFlushQueuedDpcs(); /* the last one may still be returning */
    IoDeleteDevice(Worker);
    IoDeleteDevice(Device);
}
