/*
 * Promises: values are set, read, enumerated in the order of their creation and deleted; each query
 * class has its layout, and each length of buffer its status; names may have 16383 characters and
 * data 1 MB. Every service refuses bad handles, accesses, names and buffers with the documented
 * status.
 */
#include "kmtreg.h"

static HANDLE Key;
static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"abc");

static NTSTATUS QueryClass(KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer, ULONG Room,
                           PULONG Length)
{
    return ZwQueryValueKey(Key, &Name, Class, Buffer, Room, Length);
}

static VOID TestLayouts(VOID)
{
    union {
        KEY_VALUE_BASIC_INFORMATION Basic;
        KEY_VALUE_FULL_INFORMATION Full;
        KEY_VALUE_PARTIAL_INFORMATION Partial;
        KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 Partial64;
        UCHAR Room[64];
        ULONG64 Aligned;
    } B;
    ULONG Length;

    KmtSetValue(Key, L"ABC", REG_BINARY, "12345", 5);
    KMT_EQUAL(QueryClass(KeyValueBasicInformation, &B, sizeof(B), &Length), STATUS_SUCCESS,
              "basic");
    KMT_CHECK(B.Basic.Type == REG_BINARY && B.Basic.NameLength == 6 && Length == 18 &&
                  RtlEqualMemory(B.Basic.Name, L"ABC", 6),
              "type and name as it was set");
    KMT_EQUAL(QueryClass(KeyValueFullInformation, &B, sizeof(B), &Length), STATUS_SUCCESS, "full");
    KMT_CHECK(B.Full.DataOffset == 28 && B.Full.DataLength == 5 && Length == 33 &&
                  RtlEqualMemory(B.Room + 28, "12345", 5),
              "data at a multiple of 4");
    KMT_EQUAL(QueryClass(KeyValueFullInformationAlign64, &B, sizeof(B), &Length), STATUS_SUCCESS,
              "full, aligned");
    KMT_CHECK(B.Full.DataOffset == 32 && Length == 37, "data at a multiple of 8");
    KMT_EQUAL(QueryClass(KeyValuePartialInformation, &B, sizeof(B), &Length), STATUS_SUCCESS,
              "partial");
    KMT_CHECK(B.Partial.DataLength == 5 && Length == 17 &&
                  RtlEqualMemory(B.Partial.Data, "12345", 5),
              "data behind 12 bytes");
    KMT_EQUAL(QueryClass(KeyValuePartialInformationAlign64, &B, sizeof(B), &Length), STATUS_SUCCESS,
              "partial, aligned");
    KMT_CHECK(B.Partial64.DataLength == 5 && Length == 13 &&
                  RtlEqualMemory(B.Partial64.Data, "12345", 5),
              "data behind 8 bytes");
    KMT_EQUAL(QueryClass(KeyValuePartialInformationAlign64, B.Room + 4, 32, &Length),
              STATUS_DATATYPE_MISALIGNMENT, "a buffer for it is aligned");
    KMT_EQUAL(QueryClass(KeyValueLayerInformation, &B, sizeof(B), &Length),
              STATUS_INVALID_PARAMETER, "no other class");
    KmtSetValue(Key, L"abc", REG_SZ, NULL, 0);
    QueryClass(KeyValueFullInformation, &B, sizeof(B), &Length);
    KMT_CHECK(B.Full.DataOffset == MAXULONG && B.Full.DataLength == 0 && Length == 26,
              "a value without data");
    KmtSetValue(Key, L"ABC", REG_BINARY, "12345", 5);
}

static VOID TestRoom(VOID)
{
    static const struct {
        KEY_VALUE_INFORMATION_CLASS Class;
        ULONG Fixed, Whole;
    } Cases[] = {{KeyValueBasicInformation, 12, 18},
                 {KeyValueFullInformation, 20, 33},
                 {KeyValuePartialInformation, 12, 17},
                 {KeyValueFullInformationAlign64, 20, 37},
                 {KeyValuePartialInformationAlign64, 8, 13}};
    ULONG Wrong = 0, Spilled = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Cases); i++) {
        for (ULONG Room = 0; Room <= Cases[i].Whole; Room++) {
            DECLSPEC_ALIGN(8) UCHAR Buffer[64];
            ULONG Length = 0;
            NTSTATUS Wanted = Room < Cases[i].Fixed   ? STATUS_BUFFER_TOO_SMALL
                              : Room < Cases[i].Whole ? STATUS_BUFFER_OVERFLOW
                                                      : STATUS_SUCCESS;
            RtlFillMemory(Buffer, sizeof(Buffer), 0xA5);
            Wrong += QueryClass(Cases[i].Class, Buffer, Room, &Length) != Wanted;
            Wrong += Length != Cases[i].Whole;
            for (ULONG j = Wanted == STATUS_BUFFER_TOO_SMALL ? 0 : Room; j < sizeof(Buffer); j++) {
                Spilled += Buffer[j] != 0xA5;
            }
        }
    }
    KMT_EQUAL(Wrong, 0, "each length of buffer has its status, and the need is told");
    KMT_EQUAL(Spilled, 0, "nothing is written where there is no room");
}

static VOID TestOrder(VOID)
{
    static const PCWSTR Names[] = {L"zeta", L"Alpha", L"", L"mid"};
    struct {
        KEY_VALUE_BASIC_INFORMATION Header;
        WCHAR Rest[32];
    } Buffer;
    ULONG Length, Wrong = 0;

    KmtDeleteValue(Key, L"abc");
    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        KmtSetUlong(Key, Names[i], i);
    }
    KmtSetUlong(Key, L"ZETA", 100);
    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        RtlZeroMemory(&Buffer, sizeof(Buffer));
        ZwEnumerateValueKey(Key, i, KeyValueBasicInformation, &Buffer, sizeof(Buffer), &Length);
        Wrong += _wcsicmp(Buffer.Header.Name, Names[i]) != 0;
    }
    KMT_EQUAL(Wrong, 0, "values are enumerated in the order of their creation");
    KMT_EQUAL(KmtQueryUlong(Key, L"zeta"), 100, "a value set again keeps its place");
    KMT_EQUAL(
        ZwEnumerateValueKey(Key, 4, KeyValueBasicInformation, &Buffer, sizeof(Buffer), &Length),
        STATUS_NO_MORE_ENTRIES, "there is no fifth");
    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        Wrong += KmtDeleteValue(Key, Names[i]) != STATUS_SUCCESS;
        Wrong += KmtDeleteValue(Key, Names[i]) != STATUS_OBJECT_NAME_NOT_FOUND;
    }
    KMT_EQUAL(Wrong, 0, "each is deleted once");
}

#define MEGABYTE (1 << 20)

static VOID TestLarge(VOID)
{
    UNICODE_STRING Long = {16383 * sizeof(WCHAR), 16383 * sizeof(WCHAR), NULL}, Longer;
    PUCHAR Data = ExAllocatePool2(POOL_FLAG_PAGED, MEGABYTE + 64, 'tmK ');
    PKEY_VALUE_PARTIAL_INFORMATION Back = ExAllocatePool2(POOL_FLAG_PAGED, MEGABYTE + 64, 'tmK ');
    ULONG Length;

    Long.Buffer = (PWCH)(PVOID)Data;
    RtlFillMemory(Data, MEGABYTE + 64, 0x41);
    KMT_EQUAL(ZwSetValueKey(Key, &Long, 0, REG_BINARY, Data, MEGABYTE), STATUS_SUCCESS,
              "a name of 16383 characters, data of 1 MB");
    KMT_EQUAL(ZwQueryValueKey(Key, &Long, KeyValuePartialInformation, Back, MEGABYTE + 64, &Length),
              STATUS_SUCCESS, "are read");
    KMT_CHECK(Back->DataLength == MEGABYTE && RtlEqualMemory(Back->Data, Data, MEGABYTE),
              "and are the same");
    Longer = Long;
    Longer.Length = Longer.MaximumLength = 16384 * sizeof(WCHAR);
    KMT_EQUAL(ZwSetValueKey(Key, &Longer, 0, REG_BINARY, Data, 1), STATUS_INVALID_PARAMETER,
              "one character more is refused");
    KMT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_BINARY, Data, MEGABYTE + 1),
              STATUS_INVALID_PARAMETER, "so is one byte more");
    KMT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_BINARY, Data, MAXULONG), STATUS_INVALID_PARAMETER,
              "and 4 GB less one");
    KMT_EQUAL(ZwDeleteValueKey(Key, &Long), STATUS_SUCCESS, "the long name is deleted");
    ExFreePoolWithTag(Data, 'tmK ');
    ExFreePoolWithTag(Back, 'tmK ');
}

/* Every service once, with this handle: the status of each is to be Wanted. */
static ULONG CallAll(HANDLE Handle, NTSTATUS Wanted)
{
    UCHAR Buffer[128];
    ULONG Length, Wrong = 0;
    IO_STATUS_BLOCK Iosb;
    KEY_WRITE_TIME_INFORMATION Time = {.LastWriteTime = {.QuadPart = 1}};

    Wrong += ZwSetValueKey(Handle, &Name, 0, REG_DWORD, Buffer, 4) != Wanted;
    Wrong += ZwDeleteValueKey(Handle, &Name) != Wanted;
    Wrong += ZwQueryKey(Handle, KeyFullInformation, Buffer, 128, &Length) != Wanted;
    Wrong += ZwEnumerateKey(Handle, 0, KeyBasicInformation, Buffer, 128, &Length) != Wanted;
    Wrong +=
        ZwQueryValueKey(Handle, &Name, KeyValuePartialInformation, Buffer, 128, &Length) != Wanted;
    Wrong +=
        ZwEnumerateValueKey(Handle, 0, KeyValuePartialInformation, Buffer, 128, &Length) != Wanted;
    Wrong += ZwSetInformationKey(Handle, KeyWriteTimeInformation, &Time, sizeof(Time)) != Wanted;
    Wrong += ZwRenameKey(Handle, &Name) != Wanted;
    Wrong += ZwNotifyChangeKey(Handle, NULL, NULL, NULL, &Iosb, REG_NOTIFY_CHANGE_NAME, FALSE, NULL,
                               0, TRUE) != Wanted;
    Wrong += ZwDeleteKey(Handle) != Wanted;
    return Wrong;
}

static VOID TestHandles(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Event, None, Only;

    KMT_EQUAL(CallAll(NULL, STATUS_INVALID_HANDLE), 0, "no handle");
    KMT_EQUAL(CallAll((HANDLE)0x7FFC, STATUS_INVALID_HANDLE), 0, "a handle that is none");
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    KMT_EQUAL(CallAll(Event, STATUS_OBJECT_TYPE_MISMATCH), 0, "the handle of an event");
    KMT_EQUAL(KmtOpenKey(&None, Event, L"x"), STATUS_INVALID_HANDLE, "an event as root");
    ZwClose(Event);
    KmtOpenKeyEx(&None, Key, L"", READ_CONTROL, 0);
    KMT_EQUAL(CallAll(None, STATUS_ACCESS_DENIED), 0, "a handle without access");
    ZwClose(None);
    KmtOpenKeyEx(&Only, Key, L"", KEY_READ, 0);
    KMT_EQUAL(KmtSetUlong(Only, L"v", 1), STATUS_ACCESS_DENIED, "a handle to read cannot write");
    ZwClose(Only);
    KmtOpenKeyEx(&Only, Key, L"", GENERIC_WRITE, 0);
    KMT_EQUAL(KmtSetUlong(Only, L"v", 1), STATUS_SUCCESS, "generic rights are mapped");
    KMT_EQUAL(KmtQueryUlong(Only, L"v"), MAXULONG, "and are no others");
    ZwClose(Only);
    KmtDeleteValue(Key, L"v");
}

static VOID TestArguments(VOID)
{
    PVOID Nowhere = (PVOID)0xFFFFF00000000000;
    UNICODE_STRING Odd = {3, 4, (PWCH)L"ab"}, Wild = {4, 4, Nowhere}, Path;
    OBJECT_ATTRIBUTES Attributes;
    DECLSPEC_ALIGN(8) UCHAR Buffer[64];
    ULONG Length;
    HANDLE Handle;

    KMT_EQUAL(ZwSetValueKey(Key, &Odd, 0, REG_SZ, NULL, 0), STATUS_INVALID_PARAMETER,
              "a name of one and a half characters");
    KMT_EQUAL(ZwSetValueKey(Key, NULL, 0, REG_SZ, NULL, 0), STATUS_ACCESS_VIOLATION, "no name");
    KMT_EQUAL(ZwSetValueKey(Key, &Wild, 0, REG_SZ, NULL, 0), STATUS_ACCESS_VIOLATION,
              "a name that is nowhere");
    KMT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_SZ, Nowhere, 4), STATUS_ACCESS_VIOLATION,
              "data that are nowhere");
    KMT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_SZ, NULL, 4), STATUS_ACCESS_VIOLATION, "no data");
    KmtSetUlong(Key, L"abc", 1);
    KMT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, NULL, 64, &Length),
              STATUS_ACCESS_VIOLATION, "no buffer");
    KMT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Nowhere, MAXULONG, &Length),
              STATUS_ACCESS_VIOLATION, "4 GB nowhere");
    KMT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, MAXULONG, &Length),
              STATUS_SUCCESS, "of 4 GB only what is needed is looked at");
    KMT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, NULL, 0, &Length),
              STATUS_BUFFER_TOO_SMALL, "no buffer, and none claimed");
    KMT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer + 1, 60, &Length),
              STATUS_SUCCESS, "a buffer anywhere");
    KMT_EQUAL(ZwQueryKey(Key, KeyBasicInformation, Buffer, 64, NULL), STATUS_ACCESS_VIOLATION,
              "no place for the length");
    KMT_EQUAL(ZwSetInformationKey(Key, KeyWriteTimeInformation, NULL, 8), STATUS_ACCESS_VIOLATION,
              "no time");
    KMT_EQUAL(ZwRenameKey(Key, &Odd), STATUS_INVALID_PARAMETER, "half a name");
    KMT_EQUAL(ZwOpenKey(&Handle, KEY_READ, NULL), STATUS_ACCESS_VIOLATION, "no attributes");
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    KMT_EQUAL(ZwOpenKey(&Handle, KEY_READ, &Attributes), STATUS_OBJECT_PATH_SYNTAX_BAD, "no path");
    Attributes.ObjectName = &Odd;
    KMT_EQUAL(ZwOpenKey(&Handle, KEY_READ, &Attributes), STATUS_OBJECT_NAME_INVALID, "an odd path");
    RtlInitUnicodeString(&Path, L"\\Registry\\Machine");
    Attributes.ObjectName = &Path;
    Attributes.Length = 8;
    KMT_EQUAL(ZwOpenKey(&Handle, KEY_READ, &Attributes), STATUS_INVALID_PARAMETER,
              "short attributes");
    Attributes.Length = sizeof(Attributes);
    KMT_EQUAL(ZwOpenKey(NULL, KEY_READ, &Attributes), STATUS_ACCESS_VIOLATION, "no handle to set");
    KMT_EQUAL(ZwOpenKeyEx(&Handle, KEY_READ, &Attributes, 0x80), STATUS_INVALID_PARAMETER,
              "unknown options");
    RtlInitUnicodeString(&Path, L"\\Device\\Beep");
    KMT_EQUAL(ZwOpenKey(&Handle, KEY_READ, &Attributes), STATUS_OBJECT_TYPE_MISMATCH,
              "a device is no key");
    KMT_EQUAL(ZwNotifyChangeKey(Key, NULL, NULL, NULL, NULL, 1, FALSE, NULL, 0, TRUE),
              STATUS_INVALID_PARAMETER, "no status block");
    KmtDeleteValue(Key, L"abc");
}

static VOID KmtRun(VOID)
{
    KmtCreateKey(&Key, NULL, KMT_SOFTWARE L"KmtValues");
    TestLayouts();
    TestRoom();
    TestOrder();
    TestLarge();
    TestHandles();
    TestArguments();
    KmtDeleteTree(Key);
}
