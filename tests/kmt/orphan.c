/*
 * Promises: a thread whose request a driver keeps ends after a while without it, and says so; the
 * request is completed later, by whoever has it, and nothing is lost: not the file, not the event,
 * not the thread object.
 * MACHINE: cmdline=iorundown=1
 * SAYS: ends without its request: driver .*orphan
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtOrphan"

static PDEVICE_OBJECT Device;
static PIRP Kept[2];
static LONG Closes;
static HANDLE Event;
static IO_STATUS_BLOCK Iosb[2];
static UCHAR Buffer[8];

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    Closes += IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLOSE;
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

/* Kept without a cancel routine, as a bad driver does. */
static NTSTATUS NTAPI Read(PDEVICE_OBJECT Object, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Object);
    IoMarkIrpPending(Irp);
    Kept[Kept[0] != NULL] = Irp;
    return STATUS_PENDING;
}

static VOID NTAPI Reader(PVOID Context)
{
    HANDLE Handle;
    LARGE_INTEGER Zero = {.QuadPart = 0};
    UNREFERENCED_PARAMETER(Context);
    KmtOpen(&Handle, NAME, FILE_READ_DATA | SYNCHRONIZE, 0);
    ZwReadFile(Handle, Event, NULL, NULL, &Iosb[0], Buffer, 8, &Zero, NULL);
    ZwReadFile(Handle, NULL, NULL, NULL, &Iosb[1], Buffer, 8, &Zero, NULL);
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    PVOID EventObject;
    ULONG Looks = 0;
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_READ] = Read;
    Device = KmtCreateDevice(NAME, 0, FALSE);
    Device->Flags |= DO_BUFFERED_IO;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(Event, 0, *ExEventObjectType, KernelMode, &EventObject, NULL);
    LONG_PTR Before = ObReferenceObject(EventObject);
    Iosb[0].Status = Iosb[1].Status = STATUS_PENDING;
    PETHREAD Thread = KmtStartThread(Reader, NULL);
    KMT_EQUAL(KmtWait(Thread, 60000), STATUS_SUCCESS, "the thread ends");
    KMT_CHECK(Kept[0] != NULL && Kept[1] != NULL && Kept[0]->Cancel, "its requests have not");
    KMT_EQUAL(Closes, 0, "so the file is open");
    for (int i = 0; i < 2; i++) {
        KmtComplete(Kept[i], STATUS_SUCCESS, 8);
    }
    while (Closes == 0 && KmtLookAgain(&Looks)) {
    }
    KMT_EQUAL(Closes, 1, "until they are completed");
    KMT_EQUAL(ObReferenceObject(EventObject), Before + 1, "the event has lost its reference");
    KMT_CHECK(Iosb[0].Status == STATUS_PENDING && Iosb[1].Status == STATUS_PENDING,
              "nobody is told any more");
    ObDereferenceObject(EventObject);
    ObDereferenceObject(EventObject);
    ObDereferenceObject(EventObject);
    while (ObReferenceObject(Thread) != 2 && KmtLookAgain(&Looks)) {
        ObDereferenceObject(Thread);
    }
    KMT_EQUAL(ObDereferenceObject(Thread), 1, "nobody has the thread any more");
    ObDereferenceObject(Thread);
    ZwClose(Event);
    IoDeleteDevice(Device);
}
