/*
 * Promises: devices are stacked by pointer and by name, on top of whatever is there, with the stack
 * size and alignment of what is below; the stack can be asked for its top, its base and the device
 * below, referenced or not; requests enter at the top. A device that is being initialised or
 * deleted takes no filter; one with a filter on it is deleted only when the filter is detached. A
 * filter that comes while a file is open sees the rest of that file's requests, and one that goes
 * sees no more.
 */
#include "kmtdevice.h"

#define NAME L"\\Device\\KmtStackBase"

typedef struct _FILTER {
    PDEVICE_OBJECT Below; /* NULL: the base */
    LONG Seen[IRP_MJ_MAXIMUM_FUNCTION + 1];
} FILTER, *PFILTER;

static PDEVICE_OBJECT Base, Low, High;
static LONG BaseSeen;

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILTER Filter = Device->DeviceExtension;
    if (Filter == NULL) {
        BaseSeen++;
        return KmtComplete(Irp, STATUS_SUCCESS, 0);
    }
    Filter->Seen[IoGetCurrentIrpStackLocation(Irp)->MajorFunction]++;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Filter->Below, Irp);
}

static PFILTER FilterOf(PDEVICE_OBJECT Device)
{
    return Device->DeviceExtension;
}

static LONG_PTR References(PDEVICE_OBJECT Device)
{
    ObReferenceObject(Device);
    return ObDereferenceObject(Device);
}

/* The answer of a routine that references, given back at once. */
static PDEVICE_OBJECT Unreferenced(PDEVICE_OBJECT Device)
{
    if (Device != NULL) {
        ObDereferenceObject(Device);
    }
    return Device;
}

static VOID TestAttach(VOID)
{
    LONG_PTR Before = References(Base);
    Base->AlignmentRequirement = 0x1F;
    Base->SectorSize = 2048;
    Base->StackSize = 3;
    KMT_CHECK(IoGetAttachedDevice(Base) == Base, "alone it is its own top");
    KMT_CHECK(IoGetLowerDeviceObject(Base) == NULL, "and has nothing below");
    FilterOf(Low)->Below = IoAttachDeviceToDeviceStack(Low, Base);
    KMT_CHECK(FilterOf(Low)->Below == Base, "attached to the base");
    KMT_EQUAL(Low->StackSize, 4, "one location more");
    KMT_EQUAL(Low->AlignmentRequirement, 0x1F, "the same alignment");
    KMT_EQUAL(Low->SectorSize, 2048, "and sector size");
    FilterOf(High)->Below = High;
    KMT_EQUAL(IoAttachDeviceToDeviceStackSafe(High, Base, &FilterOf(High)->Below), STATUS_SUCCESS,
              "attached to the same device");
    KMT_CHECK(FilterOf(High)->Below == Low, "it is on top of the first filter");
    KMT_EQUAL(High->StackSize, 5, "one location more");
    KMT_CHECK(Base->AttachedDevice == Low && Low->AttachedDevice == High,
              "drivers see who is above");
    KMT_CHECK(IoGetAttachedDevice(Base) == High && IoGetAttachedDevice(Low) == High, "the top");
    KMT_CHECK(Unreferenced(IoGetAttachedDeviceReference(Base)) == High, "the top, referenced");
    KMT_CHECK(Unreferenced(IoGetAttachedDeviceReference(High)) == High, "of itself");
    KMT_CHECK(Unreferenced(IoGetLowerDeviceObject(High)) == Low, "the one below");
    KMT_CHECK(Unreferenced(IoGetDeviceAttachmentBaseRef(High)) == Base, "the base");
    KMT_CHECK(Unreferenced(IoGetDeviceAttachmentBaseRef(Base)) == Base, "of itself");
    KMT_EQUAL(References(Base), Before, "a stack holds no references, and none were left");
}

static VOID TestRequests(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    PFILE_OBJECT File;
    PDEVICE_OBJECT Top;
    KMT_EQUAL(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Top), STATUS_SUCCESS, "open");
    KMT_CHECK(Top == High, "by name the top of the stack is found");
    KMT_CHECK(File->DeviceObject == Base && IoGetRelatedDeviceObject(File) == High,
              "the file is the base's");
    KMT_CHECK(FilterOf(High)->Seen[IRP_MJ_CREATE] == 1 && FilterOf(Low)->Seen[IRP_MJ_CREATE] == 1,
              "both filters saw the create");
    IoDetachDevice(Low);
    KMT_CHECK(IoGetRelatedDeviceObject(File) == Low, "the top goes, the next is the top");
    ObDereferenceObject(File);
    KMT_EQUAL(FilterOf(Low)->Seen[IRP_MJ_CLOSE], 1, "who is left sees the close");
    KMT_EQUAL(FilterOf(High)->Seen[IRP_MJ_CLOSE], 0, "who is gone does not");
    KMT_EQUAL(BaseSeen, 3, "create, cleanup and close reached the base");
    IoDetachDevice(Base);
    KMT_CHECK(IoGetLowerDeviceObject(Low) == NULL && Base->AttachedDevice == NULL, "all apart");
}

static VOID TestByName(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NAME);
    UNICODE_STRING Missing = RTL_CONSTANT_STRING(L"\\Device\\KmtStackNone");
    PDEVICE_OBJECT Below = NULL;
    KMT_EQUAL(IoAttachDevice(Low, &Missing, &Below), STATUS_OBJECT_NAME_NOT_FOUND, "no such name");
    KMT_EQUAL(IoAttachDevice(Low, &Name, &Below), STATUS_SUCCESS, "attached by name");
    KMT_CHECK(Below == Base && Base->AttachedDevice == Low, "to that device");
    FilterOf(Low)->Below = Below;
    KMT_EQUAL(IoAttachDevice(High, &Name, &FilterOf(High)->Below), STATUS_SUCCESS, "and again");
    KMT_CHECK(FilterOf(High)->Below == Low, "on top");
    KMT_EQUAL(Base->ReferenceCount, 0, "nothing is left open");
    IoDetachDevice(Low);
    IoDetachDevice(Base);
}

static VOID TestRefusals(VOID)
{
    PDEVICE_OBJECT Below = Base;
    Base->Flags |= DO_DEVICE_INITIALIZING;
    KMT_CHECK(IoAttachDeviceToDeviceStack(Low, Base) == NULL, "not while it is initialised");
    KMT_EQUAL(IoAttachDeviceToDeviceStackSafe(Low, Base, &Below), STATUS_NO_SUCH_DEVICE, "nor so");
    KMT_CHECK(Below == NULL, "there is nothing below then");
    Base->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    Base->StackSize = 125;
    KMT_CHECK(IoAttachDeviceToDeviceStack(Low, Base) == NULL, "no stack is that tall");
    Base->StackSize = 1;
}

/* The lower device is deleted first: it stays, without its name, until the filter lets go. */
static VOID TestDeletion(VOID)
{
    HANDLE Handle;
    FilterOf(Low)->Below = IoAttachDeviceToDeviceStack(Low, Base);
    ObReferenceObject(Base);
    IoDeleteDevice(Base);
    KMT_EQUAL(KmtOpen(&Handle, NAME, FILE_READ_DATA, 0), STATUS_OBJECT_NAME_NOT_FOUND, "no name");
    KMT_CHECK(KmtDriverObject->DeviceObject != NULL && Base->AttachedDevice == Low, "still there");
    KMT_CHECK(IoAttachDeviceToDeviceStack(High, Base) == Low, "the filter above takes filters");
    IoDetachDevice(Low);
    KMT_CHECK(IoGetLowerDeviceObject(Low) == Base, "and knows what is below");
    ObDereferenceObject(Base);
    LONG_PTR Before = References(Base);
    IoDetachDevice(Base);
    KMT_EQUAL(References(Base), Before - 1, "the detachment deletes it");
    KMT_CHECK(IoAttachDeviceToDeviceStack(Low, Base) == NULL, "then it takes no filter");
    ObDereferenceObject(Base);
    IoDeleteDevice(Low);
    IoDeleteDevice(High);
    KMT_CHECK(KmtDriverObject->DeviceObject == NULL, "no device is left");
}

static VOID KmtRun(VOID)
{
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        KmtDriverObject->MajorFunction[i] = Dispatch;
    }
    Base = KmtCreateDevice(NAME, 0, FALSE);
    Low = KmtCreateDevice(NULL, sizeof(FILTER), FALSE);
    High = KmtCreateDevice(NULL, sizeof(FILTER), FALSE);
    TestAttach();
    TestRequests();
    TestByName();
    TestRefusals();
    TestDeletion();
}
