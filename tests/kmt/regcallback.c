/*
 * Promises: registry callbacks hear of every operation before and after it, from the highest
 * altitude down and back; they can forbid it, do it themselves and change its end; contexts of
 * calls and of objects find their way back; a registration that has ended is not called any more.
 */
#include "kmtreg.h"
#include <ntifs.h>

typedef struct _FILTER {
    LARGE_INTEGER Cookie;
    CHAR Letter;
    REG_NOTIFY_CLASS On; /* the class to do something at */
    NTSTATUS Answer;     /* what */
    NTSTATUS PostAnswer; /* the post callback's, with ReturnStatus NewStatus */
    NTSTATUS NewStatus;
    ULONG Cleanups;
    PVOID ObjectContext; /* last seen */
    PVOID CallContext;   /* last seen in a post callback */
    NTSTATUS Status;     /* last seen there */
} FILTER, *PFILTER;

static HANDLE Top;
static PKTHREAD Tester;
static CHAR Trace[64];
static ULONG Traced;
static ULONG Seen[MaxRegNtNotifyClass];
static FILTER A = {.Letter = 'a'}, B = {.Letter = 'b'};

static VOID Note(CHAR Letter)
{
    if (Traced < sizeof(Trace) - 1) {
        Trace[Traced++] = Letter;
        Trace[Traced] = 0;
    }
}

static VOID Reset(VOID)
{
    Traced = 0;
    Trace[0] = 0;
    A.On = B.On = MaxRegNtNotifyClass;
    A.Answer = B.Answer = A.PostAnswer = B.PostAnswer = STATUS_SUCCESS;
}

static BOOLEAN IsPost(REG_NOTIFY_CLASS Class)
{
    return (Class >= RegNtPostDeleteKey && Class <= RegNtPostKeyHandleClose) ||
           Class == RegNtPostCreateKeyEx || Class == RegNtPostOpenKeyEx ||
           Class == RegNtPostFlushKey || Class == RegNtPostQueryKeyName;
}

/* Lower-case letters before, capitals after. */
static NTSTATUS NTAPI Callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PFILTER Filter = Context;
    REG_NOTIFY_CLASS Class = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;
    PREG_POST_OPERATION_INFORMATION Post = Argument2;

    if (KeGetCurrentThread() != Tester) {
        return STATUS_SUCCESS;
    }
    InterlockedIncrement((LONG *)&Seen[Class]);
    if (Class == RegNtCallbackObjectContextCleanup) {
        PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Cleanup = Argument2;
        ULONG_PTR Id;
        Filter->Cleanups++;
        // The object has no references any more: a question about it must not end it again.
        CmCallbackGetKeyObjectIDEx(&Filter->Cookie, Cleanup->Object, &Id, NULL, 0);
        return STATUS_SUCCESS;
    }
    Note(IsPost(Class) ? (CHAR)(Filter->Letter - 'a' + 'A') : Filter->Letter);
    if (IsPost(Class)) {
        Filter->CallContext = Post->CallContext;
        Filter->ObjectContext = Post->ObjectContext;
        Filter->Status = Post->Status;
        Post->ReturnStatus = Filter->NewStatus;
        return Filter->PostAnswer;
    }
    if (Class == RegNtPreSetValueKey) {
        PREG_SET_VALUE_KEY_INFORMATION Set = Argument2;
        Set->CallContext = Set->ValueName;
        Filter->ObjectContext = Set->ObjectContext;
    }
    return Class == Filter->On ? Filter->Answer : STATUS_SUCCESS;
}

static NTSTATUS Register(PFILTER Filter, PCWSTR Altitude)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Altitude);
    return CmRegisterCallbackEx(Callback, &String, KmtDriverObject, Filter, &Filter->Cookie, NULL);
}

static VOID TestRegistration(VOID)
{
    FILTER Other = {.Letter = 'c'};
    LARGE_INTEGER Unknown = {.QuadPart = 0x7777777777};
    ULONG Major = 0, Minor = 0;

    KMT_EQUAL(Register(&B, L"320000"), STATUS_SUCCESS, "a callback is registered");
    KMT_EQUAL(Register(&A, L"360000.5"), STATUS_SUCCESS, "another, higher up");
    KMT_EQUAL(Register(&Other, L"0320000.0"), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION,
              "an altitude is used once");
    KMT_EQUAL(Register(&Other, L"32x"), STATUS_INVALID_PARAMETER, "and is a number");
    KMT_EQUAL(Register(&Other, L""), STATUS_INVALID_PARAMETER, "of at least a digit");
    KMT_EQUAL(CmUnRegisterCallback(Unknown), STATUS_INVALID_PARAMETER, "an unknown cookie");
    CmGetCallbackVersion(&Major, &Minor);
    KMT_CHECK(Major == 1 && Minor == 1, "the interface's version");
}

static VOID TestOrder(VOID)
{
    Reset();
    KMT_EQUAL(KmtSetUlong(Top, L"v", 1), STATUS_SUCCESS, "a value is set");
    KMT_CHECK(strcmp(Trace, "abBA") == 0, "told downwards before and upwards after");
    KMT_CHECK(A.CallContext != NULL && A.CallContext == B.CallContext && A.Status == STATUS_SUCCESS,
              "the call's context comes back");
    Reset();
    B.On = RegNtPreSetValueKey;
    B.Answer = STATUS_ACCESS_DENIED;
    KMT_EQUAL(KmtSetUlong(Top, L"v", 2), STATUS_ACCESS_DENIED, "a callback forbids it");
    KMT_CHECK(strcmp(Trace, "abA") == 0 && A.Status == STATUS_ACCESS_DENIED,
              "which those above are told");
    KMT_EQUAL(KmtQueryUlong(Top, L"v"), 1, "nothing was set");
    Reset();
    A.On = RegNtPreSetValueKey;
    A.Answer = STATUS_CALLBACK_BYPASS;
    KMT_EQUAL(KmtSetUlong(Top, L"v", 3), STATUS_SUCCESS, "a callback does it itself");
    KMT_CHECK(strcmp(Trace, "a") == 0, "nobody else is asked");
    Reset();
    KMT_EQUAL(KmtQueryUlong(Top, L"v"), 1, "the registry did nothing");
    Reset();
    B.PostAnswer = STATUS_CALLBACK_BYPASS;
    B.NewStatus = STATUS_DISK_FULL;
    KMT_EQUAL(KmtSetUlong(Top, L"v", 4), STATUS_DISK_FULL, "a post callback changes the answer");
    KMT_EQUAL(A.Status, STATUS_DISK_FULL, "for those above, too");
    Reset();
    KMT_EQUAL(KmtQueryUlong(Top, L"v"), 4, "not what was done");
}

static VOID TestForbidden(VOID)
{
    HANDLE Key;

    Reset();
    A.On = RegNtPreCreateKeyEx;
    A.Answer = STATUS_UNSUCCESSFUL;
    KMT_EQUAL(KmtCreateKey(&Key, Top, L"No"), STATUS_UNSUCCESSFUL, "no key is made");
    A.On = RegNtPreOpenKeyEx;
    KMT_EQUAL(KmtOpenKey(&Key, Top, L""), STATUS_UNSUCCESSFUL, "or opened");
    A.Answer = STATUS_CALLBACK_BYPASS;
    KMT_EQUAL(KmtOpenKey(&Key, Top, L""), STATUS_UNSUCCESSFUL, "a bypass has to leave a key");
    Reset();
    A.PostAnswer = STATUS_CALLBACK_BYPASS;
    A.NewStatus = STATUS_DISK_FULL;
    KMT_EQUAL(KmtOpenKey(&Key, Top, L""), STATUS_DISK_FULL, "an open that ends otherwise");
    Reset();
    KMT_EQUAL(KmtOpenKey(&Key, Top, L"No"), STATUS_OBJECT_NAME_NOT_FOUND, "what was not made");
}

/* One operation of each class that there is. */
static VOID TestClasses(VOID)
{
    static const REG_NOTIFY_CLASS Classes[] = {
        RegNtPreDeleteKey,         RegNtPreSetValueKey,        RegNtPreDeleteValueKey,
        RegNtPreSetInformationKey, RegNtPreRenameKey,          RegNtPreEnumerateKey,
        RegNtPreEnumerateValueKey, RegNtPreQueryKey,           RegNtPreQueryValueKey,
        RegNtPreKeyHandleClose,    RegNtPostDeleteKey,         RegNtPostSetValueKey,
        RegNtPostDeleteValueKey,   RegNtPostSetInformationKey, RegNtPostRenameKey,
        RegNtPostEnumerateKey,     RegNtPostEnumerateValueKey, RegNtPostQueryKey,
        RegNtPostQueryValueKey,    RegNtPostKeyHandleClose,    RegNtPreCreateKeyEx,
        RegNtPostCreateKeyEx,      RegNtPreOpenKeyEx,          RegNtPostOpenKeyEx,
        RegNtPreFlushKey,          RegNtPostFlushKey,          RegNtPreQueryKeyName,
        RegNtPostQueryKeyName};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Renamed");
    KEY_WRITE_TIME_INFORMATION Time = {.LastWriteTime = {.QuadPart = 5}};
    UCHAR Buffer[512];
    ULONG Length, Missing = 0;
    PVOID Object;
    HANDLE Key, Again;

    RtlZeroMemory(Seen, sizeof(Seen));
    Reset();
    KmtCreateKey(&Key, Top, L"All");
    KmtOpenKey(&Again, Top, L"All");
    ZwRenameKey(Key, &Name);
    KmtSetUlong(Key, L"v", 1);
    KmtQueryUlong(Key, L"v");
    ZwEnumerateValueKey(Key, 0, KeyValueBasicInformation, Buffer, sizeof(Buffer), &Length);
    ZwEnumerateKey(Top, 0, KeyBasicInformation, Buffer, sizeof(Buffer), &Length);
    ZwQueryKey(Key, KeyFullInformation, Buffer, sizeof(Buffer), &Length);
    KmtDeleteValue(Key, L"v");
    ZwSetInformationKey(Key, KeyWriteTimeInformation, &Time, sizeof(Time));
    ZwFlushKey(Key);
    ObReferenceObjectByHandle(Key, 0, *CmKeyObjectType, KernelMode, &Object, NULL);
    KMT_EQUAL(
        ObQueryNameString(Object, (POBJECT_NAME_INFORMATION)(PVOID)Buffer, sizeof(Buffer), &Length),
        STATUS_SUCCESS, "a key object's name");
    KMT_CHECK(_wcsicmp(((POBJECT_NAME_INFORMATION)(PVOID)Buffer)->Name.Buffer,
                       KMT_SOFTWARE L"KmtCallback\\Renamed") == 0,
              "is its path");
    ObDereferenceObject(Object);
    ZwDeleteKey(Key);
    ZwClose(Key);
    ZwClose(Again);
    for (ULONG i = 0; i < ARRAYSIZE(Classes); i++) {
        if (Seen[Classes[i]] == 0) {
            DbgPrint("# class %u was not told\n", Classes[i]);
            Missing++;
        }
    }
    KMT_EQUAL(Missing, 0, "every operation is told, before and after");
}

static VOID TestObjects(VOID)
{
    PCUNICODE_STRING Name, Copy;
    ULONG_PTR Id = 0, OtherId = 1;
    PVOID Object, Other, Old = &Object;
    HANDLE Key;

    Reset();
    KmtOpenKey(&Key, Top, L"");
    ObReferenceObjectByHandle(Top, 0, *CmKeyObjectType, KernelMode, &Object, NULL);
    ObReferenceObjectByHandle(Key, 0, *CmKeyObjectType, KernelMode, &Other, NULL);
    KMT_CHECK(Object != Other, "each open has its object");
    KMT_EQUAL(CmCallbackGetKeyObjectID(&A.Cookie, Object, &Id, &Name), STATUS_SUCCESS,
              "an object's identity");
    CmCallbackGetKeyObjectIDEx(&A.Cookie, Other, &OtherId, &Copy, 0);
    KMT_CHECK(Id == OtherId && Id != 0, "is the key's");
    KMT_CHECK(RtlEqualUnicodeString(Name, Copy, FALSE) &&
                  Name->Length == sizeof(KMT_SOFTWARE L"KmtCallback") - sizeof(WCHAR),
              "and its name the path");
    CmCallbackReleaseKeyObjectIDEx(Copy);
    KMT_EQUAL(CmSetCallbackObjectContext(Other, &A.Cookie, &A, &Old), STATUS_SUCCESS,
              "an object gets a context");
    KMT_CHECK(Old == NULL, "where there was none");
    KmtSetUlong(Key, L"v", 1);
    KMT_CHECK(A.ObjectContext == &A && B.ObjectContext == NULL, "its owner is told it, no other");
    KmtSetUlong(Top, L"v", 1);
    KMT_CHECK(A.ObjectContext == NULL, "and for no other object");
    KMT_EQUAL(CmSetCallbackObjectContext(Other, &A.Cookie, &B, &Old), STATUS_SUCCESS,
              "it is replaced");
    KMT_CHECK(Old == &A, "and the old one comes back");
    CmSetCallbackObjectContext(Object, &A.Cookie, &A, NULL);
    CmSetCallbackObjectContext(Object, &A.Cookie, NULL, &Old);
    KMT_CHECK(Old == &A && A.Cleanups == 0, "or is taken away");
    KMT_EQUAL(CmSetCallbackObjectContext(KmtDriverObject, &A.Cookie, &A, NULL),
              STATUS_INVALID_PARAMETER, "a driver is no key");
    ObDereferenceObject(Other);
    ZwClose(Key);
    KMT_EQUAL(A.Cleanups, 1, "the object's end cleans up");
    CmSetCallbackObjectContext(Object, &B.Cookie, &B, NULL);
    ObDereferenceObject(Object);
    KMT_EQUAL(CmUnRegisterCallback(B.Cookie), STATUS_SUCCESS, "a registration ends");
    KMT_EQUAL(B.Cleanups, 1, "which cleans up, too");
    Reset();
    KmtSetUlong(Top, L"v", 1);
    KMT_CHECK(strcmp(Trace, "aA") == 0, "it is not called any more");
    KMT_EQUAL(CmUnRegisterCallback(B.Cookie), STATUS_INVALID_PARAMETER, "and ends once");
}

/* More callbacks than an operation has room for on its stack. */
static VOID TestMany(VOID)
{
    FILTER Many[7] = {{.Letter = 'g'}};
    ULONG Wrong = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Many); i++) {
        Many[i].Letter = (CHAR)('g' + i);
        Many[i].On = MaxRegNtNotifyClass;
        Wrong += CmRegisterCallback(Callback, &Many[i], &Many[i].Cookie) != STATUS_SUCCESS;
    }
    Reset();
    KmtSetUlong(Top, L"v", 1);
    KMT_CHECK(strcmp(Trace, "ghijklmaAMLKJIHG") == 0, "many callbacks, at one altitude in order");
    for (ULONG i = 0; i < ARRAYSIZE(Many); i++) {
        Wrong += CmUnRegisterCallback(Many[i].Cookie) != STATUS_SUCCESS;
    }
    KMT_EQUAL(Wrong, 0, "come and go");
}

static VOID KmtRun(VOID)
{
    Tester = KeGetCurrentThread();
    KmtCreateKey(&Top, NULL, KMT_SOFTWARE L"KmtCallback");
    Reset();
    TestRegistration();
    TestOrder();
    TestForbidden();
    TestClasses();
    TestObjects();
    TestMany();
    CmUnRegisterCallback(A.Cookie);
    Reset();
    KmtSetUlong(Top, L"v", 1);
    KMT_CHECK(Trace[0] == 0, "in the end nobody is called");
    KmtDeleteTree(Top);
}
