/*
 * Promises: keys are made, opened, enumerated, renamed and deleted by path and relative to handles,
 * in any case; volatile keys, links and deleted keys behave as on Windows; each query class has its
 * layout, and says how much it needs when there is too little room.
 */
#include "kmtreg.h"

static HANDLE Top;

static VOID TestCreate(VOID)
{
    HANDLE Key, Again;
    ULONG Disposition = 0;

    KMT_EQUAL(KmtCreateKeyEx(&Key, Top, L"Child", KEY_ALL_ACCESS, 0, &Disposition), STATUS_SUCCESS,
              "a key is made below a handle");
    KMT_EQUAL(Disposition, REG_CREATED_NEW_KEY, "and is new");
    KMT_EQUAL(KmtCreateKeyEx(&Again, Top, L"CHILD", KEY_ALL_ACCESS, 0, &Disposition),
              STATUS_SUCCESS, "its name in capitals opens it");
    KMT_EQUAL(Disposition, REG_OPENED_EXISTING_KEY, "and it is not new");
    ZwClose(Again);
    KMT_EQUAL(KmtOpenKey(&Again, NULL, L"\\REGISTRY\\machine\\Software\\kmtkeys\\child"),
              STATUS_SUCCESS, "a whole path in any case opens it");
    KMT_EQUAL(KmtSetUlong(Again, L"v", 7), STATUS_SUCCESS, "a value set through one handle");
    KMT_EQUAL(KmtQueryUlong(Key, L"V"), 7, "is read through another");
    ZwClose(Again);
    KMT_EQUAL(KmtOpenKey(&Again, Key, L""), STATUS_SUCCESS, "an empty name is the root itself");
    KMT_EQUAL(KmtQueryUlong(Again, L"v"), 7, "with its values");
    ZwClose(Again);
    KMT_EQUAL(KmtOpenKey(&Again, Top, L"Child\\"), STATUS_SUCCESS, "a backslash may follow");
    ZwClose(Again);
    KMT_EQUAL(KmtCreateKey(&Again, Top, L"No\\Such"), STATUS_OBJECT_NAME_NOT_FOUND,
              "keys on the way are not made");
    KMT_EQUAL(KmtOpenKey(&Again, Top, L"Nothing"), STATUS_OBJECT_NAME_NOT_FOUND, "none is missing");
    KMT_EQUAL(KmtCreateKey(&Again, NULL, L"\\Registry\\Kmt"), STATUS_ACCESS_DENIED,
              "not directly below \\Registry");
    KMT_EQUAL(KmtOpenKey(&Again, Top, L"\\Registry\\Machine"), STATUS_OBJECT_PATH_SYNTAX_BAD,
              "a whole path is not relative");
    KMT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS, "the key is deleted");
    KMT_EQUAL(KmtQueryUlong(Key, L"v"), MAXULONG, "its value is gone");
    KMT_EQUAL(ZwDeleteKey(Key), STATUS_KEY_DELETED, "it is deleted once");
    KMT_EQUAL(KmtSetUlong(Key, L"v", 1), STATUS_KEY_DELETED, "nothing can be set in it");
    KMT_EQUAL(KmtCreateKey(&Again, Key, L"x"), STATUS_KEY_DELETED, "nor made below it");
    KMT_EQUAL(ZwFlushKey(Key), STATUS_KEY_DELETED, "nor flushed");
    ZwClose(Key);
    KMT_EQUAL(KmtOpenKey(&Again, Top, L"Child"), STATUS_OBJECT_NAME_NOT_FOUND, "it is not found");
}

static VOID TestLongNames(VOID)
{
    static WCHAR Name[258];
    static struct {
        KEY_BASIC_INFORMATION Header;
        WCHAR Rest[300];
    } Buffer;
    HANDLE Key, Deep[600];
    ULONG Length, Count = 0;

    for (ULONG i = 0; i < 256; i++) {
        Name[i] = (WCHAR)('a' + i % 26);
    }
    KMT_EQUAL(KmtCreateKey(&Key, Top, Name), STATUS_INVALID_PARAMETER,
              "256 characters are refused");
    Name[255] = 0;
    KMT_EQUAL(KmtCreateKey(&Key, Top, Name), STATUS_SUCCESS, "255 characters make a name");
    KMT_EQUAL(ZwEnumerateKey(Top, 0, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length),
              STATUS_SUCCESS, "it is enumerated");
    KMT_EQUAL(Buffer.Header.NameLength, 255 * sizeof(WCHAR), "whole");
    KMT_CHECK(RtlEqualMemory(Buffer.Header.Name, Name, 255 * sizeof(WCHAR)), "and unharmed");
    Deep[0] = Key;
    while (Count < 599 && NT_SUCCESS(KmtCreateKey(&Deep[Count + 1], Deep[Count], L"d"))) {
        Count++;
    }
    KMT_CHECK(Count > 400 && Count < 512, "keys go down some 500 levels, and no further");
    for (ULONG i = Count + 1; i-- > 0;) {
        ZwDeleteKey(Deep[i]);
        ZwClose(Deep[i]);
    }
}

static VOID TestOrder(VOID)
{
    static const PCWSTR Names[] = {L"pear", L"Apple", L"fig", L"APRICOT"};
    static const PCWSTR Sorted[] = {L"Apple", L"APRICOT", L"fig", L"pear"};
    struct {
        KEY_BASIC_INFORMATION Header;
        WCHAR Rest[32];
    } Buffer;
    HANDLE Key;
    ULONG Length, Wrong = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        KmtCreateKey(&Key, Top, Names[i]);
        ZwClose(Key);
    }
    for (ULONG i = 0; i < ARRAYSIZE(Sorted); i++) {
        RtlZeroMemory(&Buffer, sizeof(Buffer));
        ZwEnumerateKey(Top, i, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length);
        Wrong += _wcsicmp(Buffer.Header.Name, Sorted[i]) != 0;
        Wrong += Length != offsetof(KEY_BASIC_INFORMATION, Name) + Buffer.Header.NameLength;
    }
    KMT_EQUAL(Wrong, 0, "keys are enumerated in alphabetical order");
    KMT_EQUAL(ZwEnumerateKey(Top, 4, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length),
              STATUS_NO_MORE_ENTRIES, "there is no fifth");
    KMT_EQUAL(ZwDeleteKey(Top), STATUS_CANNOT_DELETE, "a key with keys cannot be deleted");
    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        KmtOpenKey(&Key, Top, Names[i]);
        ZwDeleteKey(Key);
        ZwClose(Key);
    }
}

static VOID TestRename(VOID)
{
    UNICODE_STRING New = RTL_CONSTANT_STRING(L"Zulu"), Other = RTL_CONSTANT_STRING(L"OTHER"),
                   Path = RTL_CONSTANT_STRING(L"a\\b"), Upper = RTL_CONSTANT_STRING(L"ZULU");
    HANDLE Key, Second, Found;

    KmtCreateKey(&Key, Top, L"Alpha");
    KmtCreateKey(&Second, Top, L"Other");
    KMT_EQUAL(ZwRenameKey(Key, &Other), STATUS_OBJECT_NAME_COLLISION, "a name that is taken");
    KMT_EQUAL(ZwRenameKey(Key, &Path), STATUS_INVALID_PARAMETER, "a path is no name");
    KMT_EQUAL(ZwRenameKey(Key, &New), STATUS_SUCCESS, "a key gets another name");
    KMT_EQUAL(KmtOpenKey(&Found, Top, L"Alpha"), STATUS_OBJECT_NAME_NOT_FOUND, "not the old one");
    KMT_EQUAL(KmtOpenKey(&Found, Top, L"zulu"), STATUS_SUCCESS, "the new one finds it");
    ZwClose(Found);
    KMT_EQUAL(ZwRenameKey(Key, &Upper), STATUS_SUCCESS, "its name in another case is free for it");
    KMT_EQUAL(KmtOpenKey(&Found, Top, L"Other"), STATUS_SUCCESS, "order is kept");
    ZwClose(Found);
    KmtDeleteTree(Second);
    KmtDeleteTree(Key);
    KmtOpenKey(&Key, NULL, L"\\Registry\\Machine");
    KMT_EQUAL(ZwRenameKey(Key, &New), STATUS_CANNOT_DELETE, "Machine keeps its name");
    KMT_EQUAL(ZwDeleteKey(Key), STATUS_CANNOT_DELETE, "and its place");
    ZwClose(Key);
}

static VOID TestVolatile(VOID)
{
    HANDLE Key, Child;

    KMT_EQUAL(KmtCreateKeyEx(&Key, Top, L"V", KEY_ALL_ACCESS, REG_OPTION_VOLATILE, NULL),
              STATUS_SUCCESS, "a volatile key");
    KMT_EQUAL(KmtCreateKey(&Child, Key, L"c"), STATUS_CHILD_MUST_BE_VOLATILE,
              "has no lasting keys below it");
    KMT_EQUAL(KmtCreateKeyEx(&Child, Key, L"c", KEY_ALL_ACCESS, REG_OPTION_VOLATILE, NULL),
              STATUS_SUCCESS, "but volatile ones");
    KmtDeleteTree(Child);
    KmtDeleteTree(Key);
    KMT_EQUAL(KmtCreateKeyEx(&Key, Top, L"V", KEY_ALL_ACCESS, 0x100, NULL),
              STATUS_INVALID_PARAMETER, "unknown options are refused");
}

static NTSTATUS SetLink(HANDLE Link, PCWSTR Target)
{
    return KmtSetValue(Link, L"SymbolicLinkValue", REG_LINK, Target,
                       (ULONG)(wcslen(Target) * sizeof(WCHAR)));
}

static VOID TestLinks(VOID)
{
    HANDLE Link, Key, Target;

    KmtCreateKey(&Target, Top, L"Target");
    KmtSetUlong(Target, L"v", 99);
    KMT_EQUAL(KmtCreateKeyEx(&Link, Top, L"Link", KEY_ALL_ACCESS,
                             REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE, NULL),
              STATUS_SUCCESS, "a link is made");
    KMT_EQUAL(KmtOpenKey(&Key, Top, L"Link"), STATUS_OBJECT_NAME_NOT_FOUND, "it leads nowhere yet");
    KMT_EQUAL(KmtCreateKey(&Key, Top, L"Link\\x"), STATUS_OBJECT_NAME_NOT_FOUND,
              "and nothing is made there");
    KMT_EQUAL(KmtSetUlong(Link, L"v", 1), STATUS_ACCESS_DENIED, "a link has no other values");
    KMT_EQUAL(SetLink(Link, KMT_SOFTWARE L"KmtKeys\\Target"), STATUS_SUCCESS, "it is told where");
    KMT_EQUAL(KmtOpenKey(&Key, Top, L"Link"), STATUS_SUCCESS, "and leads there");
    KMT_EQUAL(KmtQueryUlong(Key, L"v"), 99, "to the target's values");
    ZwClose(Key);
    KMT_EQUAL(KmtCreateKey(&Key, Top, L"Link\\Under"), STATUS_SUCCESS, "a path goes on behind it");
    ZwDeleteKey(Key);
    ZwClose(Key);
    KMT_EQUAL(KmtOpenKeyEx(&Key, Top, L"Link", KEY_ALL_ACCESS, REG_OPTION_OPEN_LINK),
              STATUS_SUCCESS, "the link itself can be opened");
    KMT_EQUAL(KmtQueryUlong(Key, L"v"), MAXULONG, "and is another key");
    ZwClose(Key);
    KMT_EQUAL(KmtCreateKeyEx(&Key, Top, L"Link", KEY_ALL_ACCESS, REG_OPTION_CREATE_LINK, NULL),
              STATUS_OBJECT_NAME_COLLISION, "it is made once");
    SetLink(Link, KMT_SOFTWARE L"KmtKeys\\Link");
    KMT_EQUAL(KmtOpenKey(&Key, Top, L"Link"), STATUS_OBJECT_NAME_NOT_FOUND, "a circle is left");
    KMT_EQUAL(KmtCreateKey(&Key, Top, L"Link\\x"), STATUS_OBJECT_NAME_NOT_FOUND,
              "also by who wants to make a key");
    SetLink(Link, L"\\Device\\Beep");
    KMT_EQUAL(KmtOpenKey(&Key, Top, L"Link"), STATUS_OBJECT_NAME_NOT_FOUND,
              "a link leads to keys only");
    KmtDeleteTree(Link);
    KmtDeleteTree(Target);
    KMT_EQUAL(
        KmtOpenKey(&Key, NULL, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Beep"),
        STATUS_SUCCESS, "CurrentControlSet");
    ZwClose(Key);
    KMT_EQUAL(KmtOpenKey(&Key, NULL, L"\\Registry\\Machine\\System\\ControlSet001\\Services\\Beep"),
              STATUS_SUCCESS, "is ControlSet001");
    ZwClose(Key);
}

static HANDLE MakeDescribed(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Odd"), Class = RTL_CONSTANT_STRING(L"Sort");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key, Child;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Top, NULL);
    ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, &Class, 0, NULL);
    KmtCreateKey(&Child, Key, L"abcde");
    ZwClose(Child);
    KmtSetValue(Key, L"name1", REG_BINARY, L"123456789", 18);
    KmtSetUlong(Key, L"n", 1);
    return Key;
}

static VOID TestClasses(HANDLE Key)
{
    union {
        KEY_NODE_INFORMATION Node;
        KEY_FULL_INFORMATION Full;
        KEY_NAME_INFORMATION Name;
        KEY_CACHED_INFORMATION Cached;
        UCHAR Room[256];
    } Buffer;
    static const WCHAR Path[] = L"\\REGISTRY\\MACHINE\\SOFTWARE\\KmtKeys\\Odd";
    ULONG Length;

    KMT_EQUAL(ZwQueryKey(Key, KeyNodeInformation, &Buffer, sizeof(Buffer), &Length), STATUS_SUCCESS,
              "node");
    KMT_CHECK(Buffer.Node.NameLength == 6 && Buffer.Node.ClassLength == 8 &&
                  Buffer.Node.ClassOffset == 32 && Length == 40 &&
                  RtlEqualMemory(Buffer.Room + 32, L"Sort", 8),
              "name and class, the class at a multiple of 4");
    KMT_CHECK(Buffer.Node.LastWriteTime.QuadPart != 0, "time of the last change");
    KMT_EQUAL(ZwQueryKey(Key, KeyFullInformation, &Buffer, sizeof(Buffer), &Length), STATUS_SUCCESS,
              "full");
    KMT_CHECK(Buffer.Full.SubKeys == 1 && Buffer.Full.MaxNameLen == 10 &&
                  Buffer.Full.MaxClassLen == 0 && Buffer.Full.Values == 2 &&
                  Buffer.Full.MaxValueNameLen == 10 && Buffer.Full.MaxValueDataLen == 18 &&
                  Buffer.Full.ClassOffset == 44 && Buffer.Full.ClassLength == 8 && Length == 52,
              "counts and longest lengths");
    KMT_EQUAL(ZwQueryKey(Key, KeyCachedInformation, &Buffer, sizeof(Buffer), &Length),
              STATUS_SUCCESS, "cached");
    KMT_CHECK(Buffer.Cached.SubKeys == 1 && Buffer.Cached.Values == 2 &&
                  Buffer.Cached.NameLength == 6 && Length == sizeof(Buffer.Cached),
              "the same without class");
    KMT_EQUAL(ZwQueryKey(Key, KeyNameInformation, &Buffer, sizeof(Buffer), &Length), STATUS_SUCCESS,
              "name");
    Buffer.Name.Name[Buffer.Name.NameLength / sizeof(WCHAR)] = 0;
    KMT_CHECK(_wcsicmp(Buffer.Name.Name, Path) == 0 && Length == sizeof(ULONG) + sizeof(Path) - 2,
              "the whole path");
    KMT_EQUAL(ZwQueryKey(Key, KeyTrustInformation, &Buffer, sizeof(Buffer), &Length),
              STATUS_INVALID_PARAMETER, "no other class");
    KMT_EQUAL(ZwEnumerateKey(Key, 0, KeyNameInformation, &Buffer, sizeof(Buffer), &Length),
              STATUS_INVALID_PARAMETER, "no name by enumeration");
}

/* At every length: too small below the fixed part, overflow below the whole. */
static VOID TestRoom(HANDLE Key)
{
    static const struct {
        KEY_INFORMATION_CLASS Class;
        ULONG Fixed, Whole;
    } Cases[] = {{KeyBasicInformation, 16, 22},
                 {KeyNodeInformation, 24, 40},
                 {KeyFullInformation, 44, 52},
                 {KeyCachedInformation, 40, 40}};
    ULONG Wrong = 0, Spilled = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Cases); i++) {
        for (ULONG Room = 0; Room <= Cases[i].Whole; Room++) {
            DECLSPEC_ALIGN(8) UCHAR Buffer[64];
            ULONG Length = 0;
            NTSTATUS Wanted = Room < Cases[i].Fixed   ? STATUS_BUFFER_TOO_SMALL
                              : Room < Cases[i].Whole ? STATUS_BUFFER_OVERFLOW
                                                      : STATUS_SUCCESS;
            RtlFillMemory(Buffer, sizeof(Buffer), 0xA5);
            Wrong += ZwQueryKey(Key, Cases[i].Class, Buffer, Room, &Length) != Wanted;
            Wrong += Length != Cases[i].Whole;
            for (ULONG j = Wanted == STATUS_BUFFER_TOO_SMALL ? 0 : Room; j < sizeof(Buffer); j++) {
                Spilled += Buffer[j] != 0xA5;
            }
        }
    }
    KMT_EQUAL(Wrong, 0, "each length of buffer has its status, and the need is told");
    KMT_EQUAL(Spilled, 0, "nothing is written where there is no room");
}

static VOID TestTime(HANDLE Key)
{
    KEY_WRITE_TIME_INFORMATION Time = {.LastWriteTime = {.QuadPart = 0x0123456789ABCDEF}};
    KEY_CACHED_INFORMATION Cached;
    ULONG Length;

    KMT_EQUAL(ZwSetInformationKey(Key, KeyWriteTimeInformation, &Time, sizeof(Time)),
              STATUS_SUCCESS, "the time of change is set");
    ZwQueryKey(Key, KeyCachedInformation, &Cached, sizeof(Cached), &Length);
    KMT_EQUAL(Cached.LastWriteTime.QuadPart, Time.LastWriteTime.QuadPart, "and told");
    KmtSetUlong(Key, L"n", 2);
    ZwQueryKey(Key, KeyCachedInformation, &Cached, sizeof(Cached), &Length);
    KMT_CHECK(Cached.LastWriteTime.QuadPart != Time.LastWriteTime.QuadPart,
              "a change sets it anew");
    KMT_EQUAL(ZwSetInformationKey(Key, KeyWriteTimeInformation, &Time, 4),
              STATUS_INFO_LENGTH_MISMATCH, "half a time is refused");
    KMT_EQUAL(ZwSetInformationKey(Key, KeySetHandleTagsInformation, &Time, 8),
              STATUS_INVALID_INFO_CLASS, "and other classes");
}

static VOID KmtRun(VOID)
{
    HANDLE Key;

    KMT_EQUAL(KmtCreateKey(&Top, NULL, KMT_SOFTWARE L"KmtKeys"), STATUS_SUCCESS, "a key is made");
    TestCreate();
    TestLongNames();
    TestOrder();
    TestRename();
    TestVolatile();
    TestLinks();
    Key = MakeDescribed();
    TestClasses(Key);
    TestRoom(Key);
    TestTime(Key);
    KmtDeleteTree(Key);
    KmtDeleteTree(Top);
    KMT_EQUAL(KmtOpenKey(&Top, NULL, KMT_SOFTWARE L"KmtKeys"), STATUS_OBJECT_NAME_NOT_FOUND,
              "nothing is left");
}
