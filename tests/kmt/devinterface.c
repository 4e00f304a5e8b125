/*
 * Promises: a bus driver's device gets interfaces under names that are the same each time; their
 * links open the device, with the reference string behind its name, while one is enabled, and go
 * with the device; interfaces are listed by class, found by alias, and have a key; devices that a
 * driver reports are such devices, other objects are not.
 */
#include "kmtdevice.h"

static const GUID First = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static const GUID Second = {0x87654321, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static const GUID Unused = {0x11111111, 0, 0, {0}};

static PDEVICE_OBJECT Pdo, Fdo, Below;
static WCHAR LastName[32];

static NTSTATUS NTAPI OpenClose(PDEVICE_OBJECT Object, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    UNREFERENCED_PARAMETER(Object);
    if (Stack->MajorFunction == IRP_MJ_CREATE) {
        RtlZeroMemory(LastName, sizeof(LastName));
        RtlCopyMemory(LastName, Stack->FileObject->FileName.Buffer,
                      min(Stack->FileObject->FileName.Length, sizeof(LastName) - sizeof(WCHAR)));
    }
    return KmtComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Register(const GUID *Class, PCWSTR Reference, PUNICODE_STRING Link)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Reference);
    Link->Buffer = NULL;
    return IoRegisterDeviceInterface(Pdo, Class, Reference != NULL ? &String : NULL, Link);
}

static NTSTATUS OpenLink(PUNICODE_STRING Link)
{
    HANDLE Handle;
    NTSTATUS Status = KmtOpen(&Handle, Link->Buffer, FILE_READ_DATA, 0);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

/* The names in the list, and whether Link is one of them. */
static ULONG CountInterfaces(const GUID *Class, PDEVICE_OBJECT Device, ULONG Flags,
                             PUNICODE_STRING Link, PBOOLEAN Found)
{
    PWSTR List;
    ULONG Count = 0;
    *Found = FALSE;
    if (!NT_SUCCESS(IoGetDeviceInterfaces(Class, Device, Flags, &List))) {
        return MAXULONG;
    }
    for (PWSTR Name = List; *Name != 0; Name += wcslen(Name) + 1) {
        Count++;
        *Found = *Found || _wcsicmp(Name, Link->Buffer) == 0;
    }
    ExFreePool(List);
    return Count;
}

static VOID TestReported(VOID)
{
    PDEVICE_OBJECT Other = NULL;
    UNICODE_STRING Link;
    NTSTATUS Status = IoReportDetectedDevice(KmtDriverObject, Isa, 0, 0, NULL, NULL, FALSE, &Pdo);
    KMT_EQUAL(Status, STATUS_SUCCESS, "a device that the driver has found");
    KMT_CHECK(Pdo != NULL && (Pdo->Flags & DO_BUS_ENUMERATED_DEVICE) &&
                  Pdo->DriverObject != KmtDriverObject,
              "is a bus driver's");
    KMT_EQUAL(IoReportDetectedDevice(KmtDriverObject, Isa, 0, 0, NULL, NULL, FALSE, &Other),
              STATUS_SUCCESS, "another one");
    KMT_EQUAL(IoReportDetectedDevice(KmtDriverObject, Isa, 0, 0, NULL, NULL, FALSE, &Other),
              STATUS_NOT_SUPPORTED, "but no object of the caller's");
    Fdo = KmtCreateDevice(NULL, 0, FALSE);
    Below = IoAttachDeviceToDeviceStack(Fdo, Pdo);
    KMT_CHECK(Below == Pdo, "the driver attaches to it");
    KMT_EQUAL(IoRegisterDeviceInterface(Fdo, &First, NULL, &Link), STATUS_INVALID_DEVICE_REQUEST,
              "its own object has no interfaces");
    PWSTR List;
    KMT_EQUAL(IoGetDeviceInterfaces(&First, Fdo, 0, &List), STATUS_INVALID_DEVICE_REQUEST,
              "nor are there any to list");
}

static VOID TestLinks(VOID)
{
    UNICODE_STRING Plain, Again, Left, Right, Bad;
    KMT_EQUAL(Register(&First, NULL, &Plain), STATUS_SUCCESS, "an interface");
    KMT_CHECK(_wcsnicmp(Plain.Buffer, L"\\??\\Root#kmt_devinterface#0000#{", 32) == 0 &&
                  wcsstr(Plain.Buffer, L"{12345678-9ABC-DEF0-0102-030405060708}") != NULL,
              "has the device's name and its class in its own");
    Register(&First, NULL, &Again);
    KMT_CHECK(RtlEqualUnicodeString(&Plain, &Again, FALSE), "once more is the same");
    KMT_EQUAL(OpenLink(&Plain), STATUS_OBJECT_NAME_NOT_FOUND, "it is no link yet");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Plain, FALSE), STATUS_OBJECT_NAME_NOT_FOUND,
              "and cannot be disabled");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Plain, TRUE), STATUS_SUCCESS, "enabled");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Again, TRUE), STATUS_OBJECT_NAME_EXISTS, "twice");
    KMT_EQUAL(OpenLink(&Plain), STATUS_SUCCESS, "it opens the device");
    KMT_EQUAL(LastName[0], 0, "with no more of a name");
    Register(&First, L"left", &Left);
    Register(&First, L"right", &Right);
    KMT_EQUAL(Register(&First, L"le\\ft", &Bad), STATUS_INVALID_PARAMETER, "a slash");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Left, TRUE), STATUS_SUCCESS, "one with a reference");
    KMT_EQUAL(OpenLink(&Left), STATUS_SUCCESS, "opens it, too");
    KMT_EQUAL(_wcsicmp(LastName, L"\\left"), 0, "with the reference as its name");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Plain, FALSE), STATUS_SUCCESS, "the first disabled");
    KMT_EQUAL(OpenLink(&Left), STATUS_SUCCESS, "leaves the other its link");
    BOOLEAN Found;
    KMT_EQUAL(CountInterfaces(&First, NULL, 0, &Left, &Found), 1, "one is enabled");
    KMT_CHECK(Found, "this one");
    KMT_EQUAL(CountInterfaces(&First, Pdo, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &Right, &Found), 3,
              "three there are");
    KMT_CHECK(Found, "with the last");
    KMT_EQUAL(CountInterfaces(&Unused, NULL, 0, &Right, &Found), 0, "of another class none");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Left, FALSE), STATUS_SUCCESS, "the last disabled");
    KMT_EQUAL(OpenLink(&Left), STATUS_OBJECT_PATH_NOT_FOUND, "takes the link away");
    RtlFreeUnicodeString(&Plain);
    RtlFreeUnicodeString(&Again);
    RtlFreeUnicodeString(&Left);
    RtlFreeUnicodeString(&Right);
}

static VOID TestAliasAndKey(VOID)
{
    UNICODE_STRING Left, Other, Alias, None = RTL_CONSTANT_STRING(L"\\??\\nothing");
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"Answer");
    HANDLE Key;
    ULONG Number = 42;
    Register(&First, L"left", &Left);
    KMT_EQUAL(IoGetDeviceInterfaceAlias(&Left, &Second, &Alias), STATUS_OBJECT_NAME_NOT_FOUND,
              "no alias");
    Register(&Second, L"left", &Other);
    KMT_EQUAL(IoGetDeviceInterfaceAlias(&Left, &Second, &Alias), STATUS_SUCCESS, "an alias");
    KMT_CHECK(RtlEqualUnicodeString(&Alias, &Other, FALSE), "is the other class's interface");
    RtlFreeUnicodeString(&Alias);
    KMT_EQUAL(IoGetDeviceInterfaceAlias(&None, &Second, &Alias), STATUS_OBJECT_NAME_NOT_FOUND,
              "of nothing there is none");
    KMT_EQUAL(IoSetDeviceInterfaceState(&None, TRUE), STATUS_OBJECT_NAME_NOT_FOUND,
              "nothing is enabled");
    KMT_EQUAL(IoOpenDeviceInterfaceRegistryKey(&None, KEY_READ, &Key), STATUS_OBJECT_NAME_NOT_FOUND,
              "nor has a key");
    KMT_EQUAL(IoOpenDeviceInterfaceRegistryKey(&Left, KEY_ALL_ACCESS, &Key), STATUS_SUCCESS,
              "an interface has one");
    KMT_EQUAL(ZwSetValueKey(Key, &Value, 0, REG_DWORD, &Number, sizeof(Number)), STATUS_SUCCESS,
              "for values");
    ZwClose(Key);
    // It is left enabled: the device takes it along.
    IoSetDeviceInterfaceState(&Left, TRUE);
    RtlFreeUnicodeString(&Left);
    RtlFreeUnicodeString(&Other);
}

static VOID TestPci(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\PCI0000_00_00_0"), Link;
    PDEVICE_OBJECT Top;
    PFILE_OBJECT File;
    if (!NT_SUCCESS(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Top))) {
        return; // a machine without PCI
    }
    KMT_EQUAL(IoRegisterDeviceInterface(Top, &Second, NULL, &Link), STATUS_SUCCESS,
              "a PCI function has interfaces");
    KMT_CHECK(_wcsnicmp(Link.Buffer, L"\\??\\PCI#VEN_8086&DEV_", 21) == 0,
              "named after what it is");
    RtlFreeUnicodeString(&Link);
    ObDereferenceObject(File);
}

/* A driver's own business with a link does not confuse its interface. */
static VOID TestLost(VOID)
{
    UNICODE_STRING Link;
    Register(&Unused, NULL, &Link);
    IoSetDeviceInterfaceState(&Link, TRUE);
    KMT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS, "an interface loses its link");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Link, FALSE), STATUS_SUCCESS, "is disabled all the same");
    KMT_EQUAL(IoSetDeviceInterfaceState(&Link, TRUE), STATUS_SUCCESS, "and enabled");
    KMT_EQUAL(OpenLink(&Link), STATUS_SUCCESS, "and opens the device again");
    RtlFreeUnicodeString(&Link);
}

static VOID TestDeletion(VOID)
{
    UNICODE_STRING Link, Plain;
    BOOLEAN Found;
    Register(&First, NULL, &Plain);
    ObReferenceObject(Pdo);
    IoDeleteDevice(Pdo);
    KMT_EQUAL(Register(&Second, L"late", &Link), STATUS_INVALID_DEVICE_REQUEST,
              "a device that is being deleted gets no interface");
    KMT_CHECK(Link.Buffer == NULL, "nor a name for one");
    KMT_EQUAL(CountInterfaces(&First, NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &Plain, &Found), 0,
              "those that it had are gone");
    KMT_EQUAL(OpenLink(&Plain), STATUS_OBJECT_NAME_NOT_FOUND, "with their links");
    RtlFreeUnicodeString(&Plain);
    ObDereferenceObject(Pdo);
}

#define REPORTERS 4
#define REPORTS 8
static PDEVICE_OBJECT Reported[REPORTERS * REPORTS];

static VOID NTAPI Report(PVOID Context)
{
    for (ULONG i = 0; i < REPORTS; i++) {
        IoReportDetectedDevice(KmtDriverObject, Isa, 0, 0, NULL, NULL, FALSE,
                               &Reported[(ULONG_PTR)Context * REPORTS + i]);
    }
}

/* Two devices with one name would have one interface. */
static VOID TestReporters(VOID)
{
    PETHREAD Threads[REPORTERS];
    UNICODE_STRING Link;
    BOOLEAN Found;
    ULONG Good = 0;
    for (ULONG i = 0; i < REPORTERS; i++) {
        Threads[i] = KmtStartThread(Report, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < REPORTERS; i++) {
        KmtJoin(Threads[i]);
    }
    for (ULONG i = 0; i < ARRAYSIZE(Reported); i++) {
        if (NT_SUCCESS(IoRegisterDeviceInterface(Reported[i], &Unused, NULL, &Link))) {
            Good++;
            RtlFreeUnicodeString(&Link);
        }
    }
    KMT_EQUAL(Good, ARRAYSIZE(Reported), "many threads report devices at once");
    Link.Buffer = L"";
    KMT_EQUAL(CountInterfaces(&Unused, NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &Link, &Found),
              ARRAYSIZE(Reported), "each has a name of its own");
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLEANUP] = OpenClose;
    KmtDriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    TestReported();
    TestLinks();
    TestAliasAndKey();
    TestPci();
    TestLost();
    IoDetachDevice(Below);
    IoDeleteDevice(Fdo);
    TestDeletion();
    TestReporters();
}
