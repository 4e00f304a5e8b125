/*
 * Promises: drivers make, open, list and remove directories and symbolic links; relative names
 * begin at a directory's handle; a listing tells every name that is there all the time once, in
 * pieces of any size, while others come and go; \?? is the process's directory before \GLOBAL??;
 * every wrong argument has its status.
 */
#include "kmtob.h"

#define DIRECTORY L"\\KmtDirectory"

static HANDLE Directory;

static VOID TestRelative(VOID)
{
    HANDLE Inner, Event, Wrong;
    KMT_EQUAL(ZwCreateDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS,
                                      ObNamed(NULL, DIRECTORY, OBJ_KERNEL_HANDLE)),
              STATUS_SUCCESS, "a directory in the root");
    KMT_EQUAL(ZwCreateDirectoryObject(&Inner, DIRECTORY_ALL_ACCESS, ObNamed(NULL, DIRECTORY, 0)),
              STATUS_OBJECT_NAME_COLLISION, "not twice");
    KMT_EQUAL(
        ZwCreateDirectoryObject(&Inner, DIRECTORY_ALL_ACCESS, ObNamed(NULL, DIRECTORY, OBJ_OPENIF)),
        STATUS_OBJECT_NAME_EXISTS, "but OBJ_OPENIF opens it");
    KMT_CHECK(ObBodyOf(Inner) == ObBodyOf(Directory), "the same");
    ZwClose(Inner);
    KMT_EQUAL(ZwCreateDirectoryObject(&Inner, DIRECTORY_ALL_ACCESS, ObNamed(Directory, L"In", 0)),
              STATUS_SUCCESS, "one in it, by a relative name");
    KMT_EQUAL(ObMakeEvent(&Event, Inner, L"Event", 0), STATUS_SUCCESS, "an event in that");
    KMT_EQUAL(ObTryEvent(NULL, DIRECTORY L"\\In\\Event", 0), STATUS_SUCCESS, "by its path");
    KMT_EQUAL(ObTryEvent(Directory, L"In\\Event", 0), STATUS_SUCCESS, "by half of it");
    KMT_EQUAL(ObTryEvent(Inner, L"Event", 0), STATUS_SUCCESS, "by its name");
    KMT_EQUAL(ObTryEvent(Inner, L"\\Event", 0), STATUS_OBJECT_PATH_SYNTAX_BAD, "no backslash");
    KMT_EQUAL(ObTryEvent(Inner, L"Event\\X", 0), STATUS_OBJECT_TYPE_MISMATCH,
              "nothing is below an event");
    KMT_EQUAL(ObTryEvent(Inner, L"", 0), STATUS_OBJECT_TYPE_MISMATCH, "an empty name is the root");
    KMT_EQUAL(ObTryEvent(Event, L"X", 0), STATUS_INVALID_HANDLE, "an event is no root directory");
    KMT_EQUAL(ZwOpenDirectoryObject(&Wrong, 0, ObNamed(Inner, L"Event", 0)),
              STATUS_OBJECT_TYPE_MISMATCH, "nor a directory");
    KMT_EQUAL(ZwOpenDirectoryObject(&Wrong, 0, ObNamed(Inner, NULL, 0)), STATUS_SUCCESS,
              "no name is the root, too");
    KMT_CHECK(ObBodyOf(Wrong) == ObBodyOf(Inner), "itself");
    ZwClose(Wrong);
    ZwClose(Inner);
    KMT_EQUAL(ObTryEvent(NULL, DIRECTORY L"\\In\\Event", 0), STATUS_OBJECT_PATH_NOT_FOUND,
              "the directory's name goes with its handle");
    KMT_EQUAL(ZwSetEvent(Event, NULL), STATUS_SUCCESS, "what is in it does not");
    ZwClose(Event);
    KMT_EQUAL(ZwCreateDirectoryObject(&Wrong, 0, ObNamed(NULL, L"\\", 0)),
              STATUS_OBJECT_NAME_COLLISION, "the root is there");
    KMT_EQUAL(ZwCreateDirectoryObject(&Wrong, 0, ObNamed(NULL, L"\\", OBJ_OPENIF)),
              STATUS_OBJECT_NAME_EXISTS, "and can be opened so");
    ZwClose(Wrong);
    KMT_EQUAL(ZwOpenDirectoryObject(NULL, 0, ObNamed(NULL, DIRECTORY, 0)), STATUS_ACCESS_VIOLATION,
              "nowhere for the handle");
    KMT_EQUAL(ZwCreateDirectoryObject(NULL, 0, NULL), STATUS_ACCESS_VIOLATION, "here, too");
}

static NTSTATUS Query(HANDLE Handle, PUNICODE_STRING Target, PULONG Length)
{
    return ZwQuerySymbolicLinkObject(Handle, Target, Length);
}

static VOID TestLinkServices(VOID)
{
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\BaseNamedObjects");
    WCHAR Text[32];
    UNICODE_STRING Told = {0, sizeof(Text), Text};
    ULONG Length = 0;
    HANDLE First, Link, Other;
    KMT_EQUAL(ZwCreateSymbolicLinkObject(&First, SYMBOLIC_LINK_ALL_ACCESS,
                                         ObNamed(Directory, L"Link", 0), &Target),
              STATUS_SUCCESS, "a link");
    KMT_EQUAL(
        ZwOpenSymbolicLinkObject(&Other, GENERIC_READ, ObNamed(NULL, L"\\kmtdirectory\\LINK", 0)),
        STATUS_SUCCESS, "is opened itself, in any case");
    KMT_EQUAL(Query(Other, &Told, &Length), STATUS_SUCCESS, "its target");
    KMT_CHECK(RtlEqualUnicodeString(&Told, &Target, FALSE) && Length == Target.Length + 2,
              "is told, and its length with the NUL");
    Told.MaximumLength = Target.Length;
    KMT_EQUAL(Query(Other, &Told, &Length), STATUS_BUFFER_TOO_SMALL, "which needs room");
    KMT_EQUAL(Query(Other, &Told, NULL), STATUS_SUCCESS, "unless nobody asks");
    Told.MaximumLength = Target.Length - 1;
    KMT_EQUAL(Query(Other, &Told, NULL), STATUS_BUFFER_TOO_SMALL, "for the length");
    Told = (UNICODE_STRING){0, sizeof(Text), NULL};
    KMT_EQUAL(Query(Other, &Told, NULL), STATUS_ACCESS_VIOLATION, "no buffer");
    KMT_EQUAL(Query(Other, NULL, NULL), STATUS_ACCESS_VIOLATION, "no string");
    KMT_EQUAL(Query(Directory, &Told, NULL), STATUS_OBJECT_TYPE_MISMATCH, "a directory");
    KMT_EQUAL(ZwOpenDirectoryObject(&Link, 0, ObNamed(Directory, L"Link", 0)), STATUS_SUCCESS,
              "asked for as a directory, the link is followed");
    ZwClose(Link);
    KMT_EQUAL(ZwOpenSymbolicLinkObject(&Link, 0, ObNamed(NULL, DIRECTORY, 0)),
              STATUS_OBJECT_TYPE_MISMATCH, "a directory is no link");
    Target.Length = 3;
    KMT_EQUAL(ZwCreateSymbolicLinkObject(&Link, 0, NULL, &Target), STATUS_INVALID_PARAMETER,
              "half a character");
    Target.Length = Target.MaximumLength + 2;
    KMT_EQUAL(ZwCreateSymbolicLinkObject(&Link, 0, NULL, &Target), STATUS_INVALID_PARAMETER,
              "longer than it can be");
    KMT_EQUAL(ZwCreateSymbolicLinkObject(&Link, 0, NULL, NULL), STATUS_ACCESS_VIOLATION,
              "no target");
    ZwClose(First);
    ZwClose(Other);
}

static VOID TestLinkGoes(VOID)
{
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\");
    HANDLE Link;
    KMT_EQUAL(ZwCreateSymbolicLinkObject(&Link, 0, ObNamed(Directory, L"Brief", 0), &Target),
              STATUS_SUCCESS, "a link");
    ZwClose(Link);
    KMT_EQUAL(ZwOpenSymbolicLinkObject(&Link, 0, ObNamed(Directory, L"Brief", 0)),
              STATUS_OBJECT_NAME_NOT_FOUND, "goes with its handle");
}

#define NAMES 40
static HANDLE Events[NAMES];
static ULONG Buffer[512];

static VOID MakeNames(VOID)
{
    WCHAR Name[] = L"Event00";
    for (ULONG i = 0; i < NAMES; i++) {
        Name[5] = (WCHAR)(L'0' + i / 10);
        Name[6] = (WCHAR)(L'0' + i % 10);
        ObMakeEvent(&Events[i], Directory, Name, 0);
    }
}

/* Counts each of the events that the entries in Buffer tell; others are not looked at. */
static ULONG CountEntries(PUCHAR Seen)
{
    POBJECT_DIRECTORY_INFORMATION Entry = (POBJECT_DIRECTORY_INFORMATION)Buffer;
    UNICODE_STRING Event = RTL_CONSTANT_STRING(L"Event");
    ULONG Count = 0;
    for (; Entry->Name.Buffer != NULL; Entry++, Count++) {
        PWCH Name = Entry->Name.Buffer;
        if (Entry->Name.Length == 14 && RtlEqualUnicodeString(&Entry->TypeName, &Event, FALSE) &&
            Name[7] == 0) {
            Seen[(Name[5] - L'0') * 10 + Name[6] - L'0']++;
        }
    }
    return Count;
}

/* A whole listing in pieces; TRUE when each event was told once. */
static BOOLEAN ListOnce(ULONG Length, BOOLEAN Single)
{
    UCHAR Seen[100] = {0};
    ULONG Context = 77, Told = 0;
    NTSTATUS Status = STATUS_MORE_ENTRIES;
    for (BOOLEAN Restart = TRUE; NT_SUCCESS(Status); Restart = FALSE) {
        Status = ZwQueryDirectoryObject(Directory, Buffer, Length, Single, Restart, &Context, NULL);
        if (NT_SUCCESS(Status)) {
            Told += CountEntries(Seen);
        }
    }
    for (ULONG i = 0; i < NAMES; i++) {
        if (Seen[i] != 1) {
            return FALSE;
        }
    }
    return Status == STATUS_NO_MORE_ENTRIES && Told >= NAMES;
}

static VOID TestListing(VOID)
{
    ULONG Context = 0, Length = 0;
    MakeNames();
    KMT_CHECK(ListOnce(sizeof(Buffer), FALSE), "a listing in large pieces");
    KMT_CHECK(ListOnce(101, FALSE), "in small ones of odd length");
    KMT_CHECK(ListOnce(sizeof(Buffer), TRUE), "one by one");
    KMT_EQUAL(ZwQueryDirectoryObject(Directory, Buffer, 20, TRUE, TRUE, &Context, &Length),
              STATUS_BUFFER_TOO_SMALL, "no room for one");
    KMT_CHECK(Length > 20 && Context == 0, "tells how much it needs, and passes nothing over");
    KMT_EQUAL(ZwQueryDirectoryObject(Directory, Buffer, Length, TRUE, TRUE, &Context, &Length),
              STATUS_SUCCESS, "which is enough");
    KMT_EQUAL(ZwQueryDirectoryObject(Directory, NULL, 0, FALSE, TRUE, &Context, &Length),
              STATUS_MORE_ENTRIES, "length 0");
    KMT_EQUAL(ZwQueryDirectoryObject(Directory, NULL, 1, TRUE, TRUE, &Context, &Length),
              STATUS_ACCESS_VIOLATION, "no buffer");
    KMT_EQUAL(ZwQueryDirectoryObject(Directory, Buffer, 100, TRUE, TRUE, NULL, NULL),
              STATUS_ACCESS_VIOLATION, "no context");
    KMT_EQUAL(ZwQueryDirectoryObject(Events[0], Buffer, 100, TRUE, TRUE, &Context, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "an event is no directory");
    KMT_EQUAL(ZwQueryDirectoryObject(NULL, Buffer, 100, TRUE, TRUE, &Context, NULL),
              STATUS_INVALID_HANDLE, "no handle");
}

static LONG volatile Stop;

/* Names that come and go between those that stay. */
static VOID NTAPI Disturb(PVOID Context)
{
    WCHAR Name[] = L"Passing000";
    ULONG Seed = (ULONG)(ULONG_PTR)Context;
    while (!Stop) {
        HANDLE Handle;
        Name[7] = (WCHAR)(L'a' + (ULONG_PTR)Context % 26);
        Name[8] = (WCHAR)(L'0' + KmtRandom(&Seed) % 10);
        Name[9] = (WCHAR)(L'0' + KmtRandom(&Seed) % 10);
        OBJECT_ATTRIBUTES Attributes;
        UNICODE_STRING String;
        RtlInitUnicodeString(&String, Name);
        InitializeObjectAttributes(&Attributes, &String, OBJ_KERNEL_HANDLE, Directory, NULL);
        if (NT_SUCCESS(ZwCreateEvent(&Handle, 0, &Attributes, NotificationEvent, FALSE))) {
            ZwClose(Handle);
        }
    }
}

static VOID TestRace(VOID)
{
    PETHREAD Threads[4];
    ULONG Wrong = 0;
    for (ULONG_PTR i = 0; i < 4; i++) {
        Threads[i] = KmtStartThread(Disturb, (PVOID)(i * 31 + 7));
    }
    for (ULONGLONG End = KmtNow() + 5000000; KmtNow() < End;) {
        Wrong += !ListOnce(200, FALSE) + !ListOnce(sizeof(Buffer), TRUE);
    }
    Stop = 1;
    for (ULONG i = 0; i < 4; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Wrong, 0, "a listing while names come and go");
    for (ULONG i = 0; i < NAMES; i++) {
        ZwClose(Events[i]);
    }
}

static NTSTATUS SetMap(HANDLE Handle)
{
    return ZwSetInformationProcess(NtCurrentProcess(), ProcessDeviceMap, &Handle, sizeof(Handle));
}

static VOID TestDeviceMap(VOID)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\KmtMapped");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KmtMapped");
    UNICODE_STRING Own = RTL_CONSTANT_STRING(L"\\KmtDirectory\\Own");
    HANDLE Global, Event, Mine, Map;
    ZwOpenDirectoryObject(&Global, DIRECTORY_ALL_ACCESS, ObNamed(NULL, L"\\GLOBAL??", 0));
    ObMakeEvent(&Event, NULL, Target.Buffer, 0);
    ObMakeEvent(&Mine, NULL, Own.Buffer, 0);
    IoCreateSymbolicLink(&Link, &Target);
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\KmtMapped", 0), STATUS_SUCCESS, "\\?? is \\GLOBAL??");
    KMT_EQUAL(SetMap(Directory), STATUS_SUCCESS, "another directory for \\??");
    ZwOpenDirectoryObject(&Map, 0, ObNamed(NULL, L"\\??", 0));
    KMT_CHECK(ObBodyOf(Map) == ObBodyOf(Directory), "is what \\?? opens");
    ZwClose(Map);
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\Own", 0), STATUS_SUCCESS, "its names are there");
    KMT_EQUAL(ObTryEvent(NULL, L"\\DosDevices\\Own", 0), STATUS_SUCCESS, "by the old name, too");
    KMT_EQUAL(ObTryEvent(NULL, L"\\GLOBAL??\\Own", 0), STATUS_OBJECT_NAME_NOT_FOUND,
              "for nobody else");
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\KmtMapped", 0), STATUS_SUCCESS, "behind it is \\GLOBAL??");
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\Global\\KmtMapped", 0), STATUS_SUCCESS, "by name, too");
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\GLOBALROOT\\BaseNamedObjects\\KmtMapped", 0), STATUS_SUCCESS,
              "and the root");
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\Own\\X", 0), STATUS_OBJECT_TYPE_MISMATCH,
              "what is found first decides");
    KMT_EQUAL(SetMap(Event), STATUS_OBJECT_TYPE_MISMATCH, "an event is no map");
    KMT_EQUAL(SetMap(NULL), STATUS_INVALID_HANDLE, "nor is nothing");
    KMT_EQUAL(ZwSetInformationProcess(NtCurrentProcess(), ProcessDeviceMap, &Global, 4),
              STATUS_INFO_LENGTH_MISMATCH, "half a handle");
    KMT_EQUAL(ZwSetInformationProcess(NtCurrentThread(), ProcessDeviceMap, &Global, 8),
              STATUS_OBJECT_TYPE_MISMATCH, "a thread is no process");
    KMT_EQUAL(ZwSetInformationProcess(NtCurrentProcess(), (PROCESSINFOCLASS)9999, &Global, 8),
              STATUS_INVALID_INFO_CLASS, "nothing that a process has");
    KMT_EQUAL(SetMap(Global), STATUS_SUCCESS, "back to \\GLOBAL??");
    KMT_EQUAL(ObTryEvent(NULL, L"\\??\\Own", 0), STATUS_OBJECT_NAME_NOT_FOUND, "all of it");
    KMT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS, "the link has been there");
    ZwClose(Mine);
    ZwClose(Event);
    ZwClose(Global);
}

static VOID KmtRun(VOID)
{
    TestRelative();
    TestLinkServices();
    TestLinkGoes();
    TestListing();
    TestRace();
    TestDeviceMap();
    ZwClose(Directory);
    KMT_EQUAL(ZwOpenDirectoryObject(&Directory, 0, ObNamed(NULL, DIRECTORY, 0)),
              STATUS_OBJECT_NAME_NOT_FOUND, "the directory is gone in the end");
}
