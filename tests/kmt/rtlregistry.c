/*
 * Promises: RtlQueryRegistryValues does what its table says, flag by flag; its kin reach the
 * well-known places; a driver has its Parameters, and a device of a bus driver its Device
 * Parameters.
 */
#include "kmtreg.h"

#define PATH KMT_SOFTWARE L"KmtRtl"

static HANDLE Top;
static WCHAR Said[512]; /* what the routine was called with */
static NTSTATUS Answer;

static NTSTATUS NTAPI Routine(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                              PVOID EntryContext)
{
    WCHAR Number[2] = {(WCHAR)('0' + Type), 0};

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(EntryContext);
    wcscat_s(Said, ARRAYSIZE(Said), Name != NULL ? Name : L"(none)");
    wcscat_s(Said, ARRAYSIZE(Said), L"=");
    wcscat_s(Said, ARRAYSIZE(Said), Number);
    if (Type == REG_SZ || Type == REG_EXPAND_SZ) {
        wcscat_s(Said, ARRAYSIZE(Said), L":");
        wcscat_s(Said, ARRAYSIZE(Said), Length != 0 ? (PWSTR)Data : L"");
    }
    wcscat_s(Said, ARRAYSIZE(Said), L" ");
    return Answer;
}

static NTSTATUS Query(PRTL_QUERY_REGISTRY_TABLE Entry)
{
    RTL_QUERY_REGISTRY_TABLE Table[2] = {*Entry};

    Said[0] = 0;
    return RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, Table, NULL, NULL);
}

static VOID SetText(HANDLE Key, PCWSTR Name, ULONG Type, PCWSTR Text, ULONG Chars)
{
    KmtSetValue(Key, Name, Type, Text, Chars * sizeof(WCHAR));
}

static VOID MakeValues(VOID)
{
    HANDLE Below;

    SetText(Top, L"text", REG_SZ, L"abc", 4);
    SetText(Top, L"list", REG_MULTI_SZ, L"one\0two\0", 9);
    SetText(Top, L"path", REG_EXPAND_SZ, L"%SystemRoot%\\x %nothing%", 25);
    KmtSetUlong(Top, L"number", 77);
    KmtSetValue(Top, L"bytes", REG_BINARY, "0123456789", 10);
    KmtCreateKey(&Below, Top, L"Below");
    SetText(Below, L"deep", REG_SZ, L"down", 5);
    ZwClose(Below);
}

static VOID TestRoutine(VOID)
{
    RTL_QUERY_REGISTRY_TABLE Entry = {Routine, 0, L"text", NULL, REG_NONE, NULL, 0};

    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "a value is handed over");
    KMT_CHECK(wcscmp(Said, L"text=1:abc ") == 0, "with name, type and data");
    Entry.Name = L"list";
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"list=1:one list=1:two ") == 0, "a list comes string by string");
    Entry.Flags = RTL_QUERY_REGISTRY_NOEXPAND;
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"list=7 ") == 0, "NOEXPAND: at once");
    Entry.Name = L"path";
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"path=2:%SystemRoot%\\x %nothing% ") == 0, "NOEXPAND: as it is");
    Entry.Flags = 0;
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"path=1:\\SystemRoot\\x %nothing% ") == 0,
              "else variables are replaced");
    Entry.Name = NULL;
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"text=1:abc list=1:one list=1:two path=1:\\SystemRoot\\x %nothing% "
                           L"number=4 bytes=3 ") == 0,
              "without a name all values come");
    Entry.Flags = RTL_QUERY_REGISTRY_NOVALUE;
    Entry.Name = L"whatever";
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"whatever=0 ") == 0, "NOVALUE: one call, no value");
    Answer = STATUS_UNSUCCESSFUL;
    KMT_EQUAL(Query(&Entry), STATUS_UNSUCCESSFUL, "the routine's error ends the query");
    Answer = STATUS_BUFFER_TOO_SMALL;
    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "but for the one that is its own affair");
    Answer = STATUS_SUCCESS;
}

static VOID TestMissing(VOID)
{
    RTL_QUERY_REGISTRY_TABLE Entry = {Routine, 0, L"none", NULL, REG_NONE, NULL, 0};

    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "a missing value is no error");
    KMT_CHECK(Said[0] == 0, "and no call");
    Entry.DefaultType = REG_SZ;
    Entry.DefaultData = L"default";
    Query(&Entry);
    KMT_CHECK(wcscmp(Said, L"none=1:default ") == 0, "a default stands in");
    Entry.Flags = RTL_QUERY_REGISTRY_REQUIRED;
    KMT_EQUAL(Query(&Entry), STATUS_OBJECT_NAME_NOT_FOUND, "REQUIRED: it is an error");
    KMT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH L"\\No", &Entry, NULL, NULL),
              STATUS_OBJECT_NAME_NOT_FOUND, "so is a missing key");
    KMT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE | RTL_REGISTRY_OPTIONAL, PATH L"\\No",
                                     &Entry, NULL, NULL),
              STATUS_SUCCESS, "but when it is OPTIONAL");
}

static VOID TestSubkeys(VOID)
{
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        {NULL, RTL_QUERY_REGISTRY_SUBKEY, L"Below", NULL, 0, NULL, 0},
        {Routine, 0, L"deep", NULL, 0, NULL, 0},
        {Routine, RTL_QUERY_REGISTRY_TOPKEY, L"text", NULL, 0, NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_SUBKEY, L"Absent", NULL, 0, NULL, 0},
        {Routine, 0, L"text", NULL, 0, NULL, 0},
        {Routine, RTL_QUERY_REGISTRY_SUBKEY, L"Below", NULL, 0, NULL, 0},
        {NULL, 0, NULL, NULL, 0, NULL, 0}};

    Said[0] = 0;
    KMT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, Top, Table, NULL, NULL), STATUS_SUCCESS,
              "keys below, by handle");
    KMT_CHECK(wcscmp(Said, L"deep=1:down text=1:abc deep=1:down ") == 0,
              "SUBKEY goes down, TOPKEY up, a missing one is passed over");
    Table[3].Flags |= RTL_QUERY_REGISTRY_REQUIRED;
    KMT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, Top, Table, NULL, NULL),
              STATUS_OBJECT_NAME_NOT_FOUND, "unless it is REQUIRED");
}

static NTSTATUS NTAPI CountValue(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                                 PVOID EntryContext)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Type);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(Context);
    // Not without end, should it go wrong.
    return ++*(PULONG)EntryContext < 10 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* DELETE through a handle that may only read: each value is told once, and stays. */
static VOID TestUndeletable(VOID)
{
    RTL_QUERY_REGISTRY_TABLE Table[2];
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"KmtReadOnly");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key, Reader;
    ULONG Count = 0;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Top, NULL);
    ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL);
    KmtSetUlong(Key, L"one", 1);
    KmtSetUlong(Key, L"two", 2);
    KMT_EQUAL(ZwOpenKey(&Reader, KEY_READ, &Attributes), STATUS_SUCCESS, "a handle to read with");
    RtlZeroMemory(Table, sizeof(Table));
    Table[0].QueryRoutine = CountValue;
    Table[0].Flags = RTL_QUERY_REGISTRY_DELETE;
    Table[0].EntryContext = &Count;
    KMT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, (PCWSTR)Reader, Table, NULL, NULL),
              STATUS_SUCCESS, "DELETE of all values, which it may not");
    KMT_EQUAL(Count, 2, "tells of each once");
    KMT_EQUAL(KmtQueryUlong(Key, L"two"), 2, "and leaves them");
    ZwClose(Reader);
    ZwDeleteKey(Key);
    ZwClose(Key);
}

static VOID TestDirect(VOID)
{
    UNICODE_STRING Text = {0, 0, NULL};
    ULONG Number = 0;
    UCHAR Bytes[32];
    RTL_QUERY_REGISTRY_TABLE Entry = {NULL, RTL_QUERY_REGISTRY_DIRECT, L"text", &Text, 0, NULL, 0};

    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "DIRECT: a string");
    KMT_CHECK(Text.Buffer != NULL && Text.Length == 6 && wcscmp(Text.Buffer, L"abc") == 0,
              "in a buffer made for it");
    Text.MaximumLength = 6;
    KMT_EQUAL(Query(&Entry), STATUS_BUFFER_TOO_SMALL, "or in the caller's, if it fits");
    RtlFreeUnicodeString(&Text);
    Entry.EntryContext = &Number;
    Entry.Name = L"number";
    Entry.Flags |= RTL_QUERY_REGISTRY_TYPECHECK;
    Entry.DefaultType = (ULONG)REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "a number of the type that is wanted");
    KMT_EQUAL(Number, 77, "as it is");
    Entry.Name = L"text";
    KMT_EQUAL(Query(&Entry), STATUS_OBJECT_TYPE_MISMATCH, "TYPECHECK: text is no number");
    Entry.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_NOSTRING;
    KMT_EQUAL(Query(&Entry), STATUS_OBJECT_TYPE_MISMATCH, "NOSTRING: no text at all");
    Entry.Name = L"bytes";
    Entry.EntryContext = Bytes;
    *(LONG *)(PVOID)Bytes = -10;
    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "bytes, with room for just them");
    KMT_CHECK(RtlEqualMemory(Bytes, "0123456789", 10), "as they are");
    *(LONG *)(PVOID)Bytes = 18;
    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "bytes with length and type");
    KMT_CHECK(((PULONG)(PVOID)Bytes)[0] == 10 && ((PULONG)(PVOID)Bytes)[1] == REG_BINARY &&
                  RtlEqualMemory(Bytes + 8, "0123456789", 10),
              "before them");
    *(LONG *)(PVOID)Bytes = -9;
    KMT_EQUAL(Query(&Entry), STATUS_BUFFER_TOO_SMALL, "not with too little room");
    Entry.Flags |= RTL_QUERY_REGISTRY_SUBKEY;
    KMT_EQUAL(Query(&Entry), STATUS_INVALID_PARAMETER, "flags that contradict each other");
    Entry.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_DELETE;
    Entry.Name = L"number";
    Entry.EntryContext = &Number;
    KMT_EQUAL(Query(&Entry), STATUS_SUCCESS, "DELETE");
    KMT_EQUAL(KmtQueryUlong(Top, L"number"), MAXULONG, "takes the value away");
    TestUndeletable();
    Number = 0;
    Entry.DefaultType = REG_DWORD;
    Entry.DefaultData = &(ULONG){5};
    Entry.DefaultLength = sizeof(ULONG);
    Query(&Entry);
    KMT_EQUAL(Number, 5, "and next time the default comes");
}

static VOID TestPlaces(VOID)
{
    static const PCWSTR Places[] = {
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Control",
        L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        L"\\Registry\\Machine\\Hardware\\DeviceMap", L"\\Registry\\User\\.Default"};
    ULONG Value = 3, Wrong = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Places); i++) {
        ULONG Relative = RTL_REGISTRY_SERVICES + i;
        HANDLE Place, Key;
        Wrong += !NT_SUCCESS(RtlCreateRegistryKey(Relative, L"KmtPlace"));
        Wrong += !NT_SUCCESS(RtlCheckRegistryKey(Relative, L"KmtPlace"));
        Wrong += !NT_SUCCESS(
            RtlWriteRegistryValue(Relative, L"KmtPlace", L"v", REG_DWORD, &Value, sizeof(Value)));
        Wrong += !NT_SUCCESS(KmtOpenKey(&Place, NULL, Places[i]));
        Wrong += !NT_SUCCESS(KmtOpenKey(&Key, Place, L"KmtPlace"));
        Wrong += KmtQueryUlong(Key, L"v") != Value;
        Wrong += !NT_SUCCESS(RtlDeleteRegistryValue(Relative, L"KmtPlace", L"v"));
        Wrong +=
            RtlDeleteRegistryValue(Relative, L"KmtPlace", L"v") != STATUS_OBJECT_NAME_NOT_FOUND;
        ZwDeleteKey(Key);
        ZwClose(Key);
        ZwClose(Place);
        Wrong += RtlCheckRegistryKey(Relative, L"KmtPlace") != STATUS_OBJECT_NAME_NOT_FOUND;
    }
    KMT_EQUAL(Wrong, 0, "keys and values in all well-known places");
    KMT_EQUAL(RtlCheckRegistryKey(RTL_REGISTRY_MAXIMUM, L"x"), STATUS_INVALID_PARAMETER,
              "there are no others");
}

static VOID TestOwnKeys(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\PCI0000_00_00_0");
    PDEVICE_OBJECT Device;
    PFILE_OBJECT File;
    HANDLE Key, Parameters;

    KMT_EQUAL(
        IoOpenDriverRegistryKey(KmtDriverObject, DriverRegKeyParameters, KEY_ALL_ACCESS, 0, &Key),
        STATUS_SUCCESS, "a driver has its Parameters");
    KMT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS, "and may do with them what it asked for");
    ZwClose(Key);
    KMT_EQUAL(
        IoOpenDriverRegistryKey(KmtDriverObject, DriverRegKeyPersistentState, KEY_READ, 0, &Key),
        STATUS_INVALID_PARAMETER, "there is no other such key");
    if (!KMT_CHECK(NT_SUCCESS(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device)),
                   "a device of the PCI bus")) {
        return;
    }
    KMT_EQUAL(IoOpenDeviceRegistryKey(Device, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &Key),
              STATUS_SUCCESS, "has its Device Parameters");
    KMT_EQUAL(KmtOpenKey(&Parameters, NULL,
                         L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\pci\\"
                         L"PCI0000_00_00_0\\Device Parameters"),
              STATUS_SUCCESS, "in Enum");
    ZwClose(Parameters);
    KmtDeleteTree(Key);
    KMT_EQUAL(IoOpenDeviceRegistryKey(Device, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &Key),
              STATUS_OBJECT_NAME_NOT_FOUND, "but no key of a driver class");
    KMT_EQUAL(IoOpenDeviceRegistryKey(Device, 9, KEY_READ, &Key), STATUS_INVALID_PARAMETER,
              "nor of another kind");
    ObDereferenceObject(File);
    IoCreateDevice(KmtDriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    KMT_EQUAL(IoOpenDeviceRegistryKey(Device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key),
              STATUS_INVALID_DEVICE_REQUEST, "a device that no bus has reported has none");
    IoDeleteDevice(Device);
}

static VOID KmtRun(VOID)
{
    KmtCreateKey(&Top, NULL, PATH);
    MakeValues();
    TestRoutine();
    TestMissing();
    TestSubkeys();
    TestDirect();
    TestPlaces();
    TestOwnKeys();
    KmtDeleteTree(Top);
}
