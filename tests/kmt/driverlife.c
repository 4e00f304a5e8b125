/*
 * Promises: memory can be hung on a driver object, under a key, once; shutdown notifications are
 * registered and taken back with nothing left; the event log takes entries of the sizes it should.
 * Reinitialisation routines, shutdown requests and the log's entries are told on the debug port,
 * where tests/host/test_driverlife.py looks at their order.
 */
#include "kmtdevice.h"

static PDEVICE_OBJECT Devices[5];
static PCSTR Names[] = {"first", "second", "last chance", "unregistered", "deleted"};

static NTSTATUS NTAPI Shutdown(PDEVICE_OBJECT Device, PIRP Irp)
{
    for (ULONG i = 0; i < ARRAYSIZE(Devices); i++) {
        if (Devices[i] == Device) {
            DbgPrint("driverlife: shutdown %s\n", Names[i]);
        }
    }
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI Reinitialize(PDRIVER_OBJECT Driver, PVOID Context, ULONG Count)
{
    DbgPrint("driverlife: %s %u at IRQL %u\n", (PCSTR)Context, Count, KeGetCurrentIrql());
    if (Count == 2) {
        IoRegisterDriverReinitialization(Driver, Reinitialize, Context);
    }
}

static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    while (Driver->DeviceObject != NULL) {
        IoDeleteDevice(Driver->DeviceObject);
    }
}

static VOID TestExtensions(VOID)
{
    static CHAR Keys[3];
    PVOID Memory[3], Again;
    BOOLEAN Zeroed = TRUE;
    KMT_EQUAL(IoGetDriverObjectExtension(KmtDriverObject, &Keys[0]), 0, "no extension yet");
    for (ULONG i = 0; i < 3; i++) {
        KMT_EQUAL(IoAllocateDriverObjectExtension(KmtDriverObject, &Keys[i], 100 * i, &Memory[i]),
                  STATUS_SUCCESS, "an extension");
    }
    for (ULONG i = 0; i < 200; i++) {
        Zeroed = Zeroed && ((PUCHAR)Memory[2])[i] == 0;
    }
    KMT_CHECK(Zeroed && ((ULONG_PTR)Memory[2] & 15) == 0, "is zeroed and aligned");
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    PVOID Found = IoGetDriverObjectExtension(KmtDriverObject, &Keys[1]);
    KeLowerIrql(OldIrql);
    KMT_CHECK(Found == Memory[1], "is found by its key, at DISPATCH_LEVEL");
    KMT_EQUAL(IoAllocateDriverObjectExtension(KmtDriverObject, &Keys[1], 8, &Again),
              STATUS_OBJECT_NAME_COLLISION, "a key is for one");
    KMT_CHECK(Again == NULL, "and leads to nothing then");
}

static VOID TestNotifications(VOID)
{
    for (ULONG i = 0; i < ARRAYSIZE(Devices); i++) {
        Devices[i] = KmtCreateDevice(NULL, 0, FALSE);
    }
    LONG_PTR Before = ObReferenceObject(Devices[3]);
    KMT_EQUAL(IoRegisterShutdownNotification(Devices[0]), STATUS_SUCCESS, "a notification");
    KMT_CHECK(Devices[0]->Flags & DO_SHUTDOWN_REGISTERED, "which the device's flags show");
    IoRegisterShutdownNotification(Devices[1]);
    IoRegisterLastChanceShutdownNotification(Devices[2]);
    IoRegisterShutdownNotification(Devices[3]);
    IoRegisterShutdownNotification(Devices[3]);
    IoRegisterLastChanceShutdownNotification(Devices[3]);
    IoUnregisterShutdownNotification(Devices[3]);
    KMT_CHECK(!(Devices[3]->Flags & DO_SHUTDOWN_REGISTERED), "it is taken back");
    IoUnregisterShutdownNotification(Devices[3]);
    KMT_EQUAL(ObDereferenceObject(Devices[3]), Before - 1, "and leaves no reference");
    IoRegisterShutdownNotification(Devices[4]);
    ObReferenceObject(Devices[4]);
    IoDeleteDevice(Devices[4]);
    KMT_EQUAL(ObDereferenceObject(Devices[4]), 0, "a deleted device is forgotten");
    Devices[4] = NULL;
}

static VOID TestErrorLog(VOID)
{
    static const WCHAR Text[] = L"two\0words";
    const UCHAR Size = sizeof(IO_ERROR_LOG_PACKET) + 8 + sizeof(Text);
    KMT_CHECK(IoAllocateErrorLogEntry(KmtDriverObject, sizeof(IO_ERROR_LOG_PACKET) - 1) == NULL,
              "an entry that is too small");
    KMT_CHECK(IoAllocateErrorLogEntry(KmtDriverObject, ERROR_LOG_MAXIMUM_SIZE + 1) == NULL,
              "or too large");
    PIO_ERROR_LOG_PACKET Packet = IoAllocateErrorLogEntry(KmtDriverObject, ERROR_LOG_MAXIMUM_SIZE);
    KMT_CHECK(Packet != NULL, "the largest");
    IoFreeErrorLogEntry(Packet);
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Packet = IoAllocateErrorLogEntry(Devices[0], Size);
    if (Packet != NULL) {
        Packet->ErrorCode = (NTSTATUS)0xC0041234;
        Packet->DumpDataSize = 8;
        Packet->DumpData[0] = 0xABCD;
        Packet->DumpData[1] = 7;
        Packet->NumberOfStrings = 2;
        Packet->StringOffset = sizeof(IO_ERROR_LOG_PACKET) + 8;
        RtlCopyMemory((PUCHAR)Packet + Packet->StringOffset, Text, sizeof(Text));
        IoWriteErrorLogEntry(Packet);
    }
    Packet = IoAllocateErrorLogEntry(KmtDriverObject, sizeof(IO_ERROR_LOG_PACKET));
    if (Packet != NULL) {
        Packet->ErrorCode = (NTSTATUS)0xC0045678;
        // Miscounted: the log must not believe it.
        Packet->DumpDataSize = 0xFFFC;
        Packet->NumberOfStrings = 3;
        Packet->StringOffset = 0xFFF0;
        IoWriteErrorLogEntry(Packet);
    }
    KeLowerIrql(OldIrql);
    KMT_CHECK(Packet != NULL, "entries are written at DISPATCH_LEVEL");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = Unload;
    KmtDriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = Shutdown;
    TestExtensions();
    TestNotifications();
    TestErrorLog();
    IoRegisterDriverReinitialization(KmtDriverObject, Reinitialize, "reinit");
    IoRegisterBootDriverReinitialization(KmtDriverObject, Reinitialize, "boot reinit");
    DbgPrint("driverlife: DriverEntry ends\n");
}
