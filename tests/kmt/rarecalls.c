/*
 * Promises: what drivers call rarely does what it says. IoStartNextPacketByKey begins with the
 * first request whose key is not less, then with the first of all; an IRP in the driver's own
 * memory is sent and comes back; ObOpenObjectByName opens what is there, of the type wanted;
 * ObMakeTemporaryObject takes a permanent name away, with the last handle; ZwClearEvent clears; the
 * types of mutants and timers are theirs.
 */
#include "kmtdevice.h"
#include "kmtob.h"

#define TAG 'tseT'
#define REQUESTS 5

static PDEVICE_OBJECT Device;
static ULONG Order[REQUESTS], Count;

/*** Keys. ***/

static VOID NTAPI StartIo(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    Order[Count++] = (ULONG)IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.LowPart;
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    ULONG Key = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.LowPart;
    if (Key == 0) {
        return KmtComplete(Irp, STATUS_SUCCESS, 7);
    }
    IoMarkIrpPending(Irp);
    IoStartPacket(Object, Irp, &Key, NULL);
    return STATUS_PENDING;
}

/* The request is done; the next one begins. */
static VOID Next(ULONG Key)
{
    KIRQL Irql;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    PIRP Irp = Device->CurrentIrp;
    IoStartNextPacketByKey(Device, FALSE, Key);
    KeLowerIrql(Irql);
    KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID TestKeys(VOID)
{
    static const ULONG Keys[REQUESTS] = {50, 10, 40, 20, 30},
                       Wanted[REQUESTS] = {50, 30, 40, 10, 20};
    static const ULONG Asked[REQUESTS] = {25, 40, 45, 11, 0};
    static KEVENT Done[REQUESTS];
    static IO_STATUS_BLOCK Iosb[REQUESTS];
    ULONG Ended = 0;
    for (ULONG i = 0; i < REQUESTS; i++) {
        LARGE_INTEGER Offset = {.QuadPart = Keys[i]};
        KeInitializeEvent(&Done[i], NotificationEvent, FALSE);
        PIRP Irp =
            IoBuildSynchronousFsdRequest(IRP_MJ_READ, Device, NULL, 0, &Offset, &Done[i], &Iosb[i]);
        IoCallDriver(Device, Irp);
    }
    KMT_EQUAL(Count, 1, "one request is served");
    for (ULONG i = 0; i < REQUESTS; i++) {
        Next(Asked[i]);
    }
    KMT_CHECK(Count == REQUESTS && RtlEqualMemory(Order, Wanted, sizeof(Wanted)),
              "the next ones by their keys");
    for (ULONG i = 0; i < REQUESTS; i++) {
        Ended += KmtWait(&Done[i], 30000) == STATUS_SUCCESS;
    }
    KMT_CHECK(Ended == REQUESTS && Device->CurrentIrp == NULL, "all of them");
}

/*** An IRP of the driver's own. ***/

static NTSTATUS NTAPI Back(PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Irp);
    *(PULONG)Context += 1;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID TestOwnIrp(VOID)
{
    USHORT Size = IoSizeOfIrp(Device->StackSize);
    ULONG Came = 0, Good = 0;
    PIRP Irp = ExAllocatePool2(POOL_FLAG_NON_PAGED, Size, TAG);
    for (ULONG i = 0; i < 3; i++) {
        RtlFillMemory(Irp, Size, 0xA5);
        IoInitializeIrp(Irp, Size, Device->StackSize);
        PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
        Stack->MajorFunction = IRP_MJ_READ;
        IoSetCompletionRoutine(Irp, Back, &Came, TRUE, TRUE, TRUE);
        Good += IoCallDriver(Device, Irp) == STATUS_SUCCESS && Irp->IoStatus.Information == 7;
    }
    ExFreePoolWithTag(Irp, TAG);
    KMT_CHECK(Came == 3 && Good == 3, "an IRP in the driver's own memory comes back each time");
}

/*** Objects. ***/

static NTSTATUS OpenByName(PCWSTR Name, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, ACCESS_MASK Access,
                           PHANDLE Handle)
{
    *Handle = NULL;
    return ObOpenObjectByName(ObNamed(NULL, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE), Type,
                              Mode, NULL, Access, NULL, Handle);
}

#define EVENT L"\\BaseNamedObjects\\KmtRare"

static VOID TestNames(VOID)
{
    HANDLE Made, Handle;
    PVOID Event = NULL;
    KMT_EQUAL(ObMakeEvent(&Made, NULL, EVENT, OBJ_KERNEL_HANDLE | OBJ_PERMANENT), STATUS_SUCCESS,
              "a permanent event");
    KMT_EQUAL(OpenByName(EVENT, *ExEventObjectType, KernelMode, EVENT_ALL_ACCESS, &Handle),
              STATUS_SUCCESS, "is opened by its name");
    KMT_CHECK(ObBodyOf(Handle) == ObBodyOf(Made), "the same");
    ZwClose(Handle);
    KMT_EQUAL(OpenByName(EVENT, *ExMutantObjectType, KernelMode, SYNCHRONIZE, &Handle),
              STATUS_OBJECT_TYPE_MISMATCH, "as no mutant");
    KMT_EQUAL(OpenByName(EVENT, NULL, UserMode, 0x1000, &Handle), STATUS_ACCESS_DENIED,
              "with no right that it does not have");
    KMT_EQUAL(OpenByName(EVENT L"x", NULL, KernelMode, SYNCHRONIZE, &Handle),
              STATUS_OBJECT_NAME_NOT_FOUND, "by no other name");
    ObReferenceObjectByHandle(Made, 0, *ExEventObjectType, KernelMode, &Event, NULL);
    ZwClose(Made);
    KMT_EQUAL(ObTryEvent(NULL, EVENT, OBJ_KERNEL_HANDLE), STATUS_SUCCESS,
              "it is there without a handle");
    OpenByName(EVENT, NULL, KernelMode, SYNCHRONIZE, &Handle);
    ObMakeTemporaryObject(Event);
    KMT_EQUAL(ObTryEvent(NULL, EVENT, OBJ_KERNEL_HANDLE), STATUS_SUCCESS,
              "made temporary it keeps its name");
    ZwClose(Handle);
    KMT_EQUAL(ObTryEvent(NULL, EVENT, OBJ_KERNEL_HANDLE), STATUS_OBJECT_NAME_NOT_FOUND,
              "until the last handle");
    ObMakeTemporaryObject(Event); /* which changes nothing any more */
    ObDereferenceObject(Event);
}

static VOID TestClear(VOID)
{
    HANDLE Event, Timer, Mutant;
    PVOID Object;
    OBJECT_ATTRIBUTES None;
    InitializeObjectAttributes(&None, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &None, NotificationEvent, TRUE);
    KMT_EQUAL(KeReadStateEvent(ObBodyOf(Event)), 1, "an event is set");
    KMT_EQUAL(ZwClearEvent(Event), STATUS_SUCCESS, "and cleared");
    KMT_EQUAL(KeReadStateEvent(ObBodyOf(Event)), 0, "as can be seen");
    ZwCreateTimer(&Timer, TIMER_ALL_ACCESS, &None, NotificationTimer);
    ZwCreateMutant(&Mutant, MUTANT_ALL_ACCESS, &None, FALSE);
    KMT_EQUAL(ZwClearEvent(Timer), STATUS_OBJECT_TYPE_MISMATCH, "a timer is none");
    KMT_CHECK(ObGetObjectType(ObBodyOf(Timer)) == *ExTimerObjectType &&
                  ObGetObjectType(ObBodyOf(Mutant)) == *ExMutantObjectType,
              "timers and mutants are of their types");
    KMT_EQUAL(ObReferenceObjectByHandle(Mutant, 0, *ExTimerObjectType, KernelMode, &Object, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "which are two");
    ZwClose(Event);
    ZwClose(Timer);
    ZwClose(Mutant);
    KMT_EQUAL(PsGetProcessSessionId(PsGetCurrentProcess()), 0, "all of it in session 0");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Read;
    KmtDriverObject->DriverStartIo = StartIo;
    Device = KmtCreateDevice(NULL, 0, FALSE);
    TestKeys();
    TestOwnIrp();
    TestNames();
    TestClear();
    IoDeleteDevice(Device);
}
