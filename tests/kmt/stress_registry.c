/*
 * Promise: threads that make, write, enumerate, rename, watch and delete the same keys at once,
 * while callbacks come and go, leave a tree in order, and nothing behind.
 */
#include "kmtreg.h"

#define THREADS 6
#define RUN_MS 1500

static HANDLE Top;
static ULONGLONG EndTime;
static LONG volatile Operations, Strange, Calls, Running;

static VOID MakeName(PULONG Seed, PWSTR Name)
{
    ULONG Number = KmtRandom(Seed) % 20;

    Name[0] = (WCHAR)('a' + Number % 5);
    Name[1] = (WCHAR)('a' + Number / 5);
    Name[2] = 0;
}

/* Statuses that the others' doings explain. */
static VOID Expect(NTSTATUS Status)
{
    InterlockedIncrement(&Operations);
    if (Status != STATUS_SUCCESS && Status != STATUS_KEY_DELETED &&
        Status != STATUS_CANNOT_DELETE && Status != STATUS_OBJECT_NAME_NOT_FOUND &&
        Status != STATUS_OBJECT_NAME_COLLISION && Status != STATUS_NO_MORE_ENTRIES &&
        Status != STATUS_PENDING) {
        InterlockedIncrement(&Strange);
        DbgPrint("# status %08X\n", Status);
    }
}

/* The names of one key's children must rise, whatever happens meanwhile to others. */
static VOID Enumerate(HANDLE Key)
{
    struct {
        KEY_BASIC_INFORMATION Header;
        WCHAR Rest[8];
    } Buffer;
    ULONG Length;
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG i = 0; NT_SUCCESS(Status) && i < 40; i++) {
        Status = ZwEnumerateKey(Key, i, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length);
        Expect(Status);
    }
}

static VOID Act(PULONG Seed)
{
    static const UNICODE_STRING Value = RTL_CONSTANT_STRING(L"value");
    WCHAR Name[3], NewName[3];
    UNICODE_STRING New = {4, 6, NewName};
    UCHAR Buffer[64];
    IO_STATUS_BLOCK Iosb;
    ULONG Length;
    HANDLE Key, Below;
    NTSTATUS Status;

    MakeName(Seed, Name);
    MakeName(Seed, NewName);
    Status = KmtCreateKey(&Key, Top, Name);
    Expect(Status);
    if (!NT_SUCCESS(Status)) {
        return;
    }
    switch (KmtRandom(Seed) % 7) {
    case 0:
        Expect(ZwDeleteKey(Key));
        break;
    case 1:
        Expect(KmtSetUlong(Key, L"value", *Seed));
        break;
    case 2:
        Expect(ZwQueryValueKey(Key, (PUNICODE_STRING)(ULONG_PTR)&Value, KeyValuePartialInformation,
                               Buffer, sizeof(Buffer), &Length));
        break;
    case 3:
        Expect(ZwRenameKey(Key, &New));
        break;
    case 4:
        Enumerate(Top);
        break;
    case 5:
        Status = KmtCreateKey(&Below, Key, NewName);
        Expect(Status);
        if (NT_SUCCESS(Status)) {
            Expect(ZwDeleteKey(Below));
            ZwClose(Below);
        }
        break;
    default:
        Expect(ZwNotifyChangeKey(Key, NULL, NULL, NULL, &Iosb, REG_NOTIFY_CHANGE_LAST_SET, TRUE,
                                 NULL, 0, TRUE));
        break;
    }
    ZwClose(Key);
}

/* A host that holds the machine up may leave too little of the time. */
static BOOLEAN IsMissing(VOID)
{
    return (BOOLEAN)((Operations <= 1000 || Calls == 0) && KmtNow() < EndTime + 300000000);
}

static VOID NTAPI Actor(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;

    while (KmtNow() < EndTime || IsMissing()) {
        Act(&Seed);
    }
}

static NTSTATUS NTAPI Callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PLARGE_INTEGER Cookie = Context;

    InterlockedIncrement(&Running);
    InterlockedIncrement(&Calls);
    if ((ULONG_PTR)Argument1 == RegNtPreSetValueKey) {
        CmSetCallbackObjectContext(((PREG_SET_VALUE_KEY_INFORMATION)Argument2)->Object, Cookie,
                                   Cookie, NULL);
    }
    InterlockedDecrement(&Running);
    return STATUS_SUCCESS;
}

static VOID NTAPI Registrar(PVOID Context)
{
    LARGE_INTEGER Cookie = {.QuadPart = 0};

    UNREFERENCED_PARAMETER(Context);
    while (KmtNow() < EndTime || IsMissing()) {
        NTSTATUS Status = CmRegisterCallback(Callback, &Cookie, &Cookie);
        KmtSleep(3);
        if (NT_SUCCESS(Status)) {
            CmUnRegisterCallback(Cookie);
            /* It runs nowhere any more. */
            InterlockedExchangeAdd(&Strange, Running);
        }
        KmtSleep(1);
    }
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS + 1];
    KEY_FULL_INFORMATION Full;
    ULONG Length;

    KmtCreateKey(&Top, NULL, KMT_SOFTWARE L"KmtStress");
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Actor, (PVOID)(i * 1237 + 11));
    }
    Threads[THREADS] = KmtStartThread(Registrar, NULL);
    for (ULONG i = 0; i <= THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    DbgPrint("# %d operations, %d calls of callbacks\n", Operations, Calls);
    KMT_CHECK(Operations > 1000 && Calls > 0, "threads work on the same keys");
    KMT_EQUAL(Strange, 0, "each operation has a status that makes sense");
    KmtDeleteTree(Top);
    KMT_EQUAL(KmtCreateKey(&Top, NULL, KMT_SOFTWARE L"KmtStress"), STATUS_SUCCESS, "a new tree");
    ZwQueryKey(Top, KeyFullInformation, &Full, sizeof(Full), &Length);
    KMT_CHECK(Full.SubKeys == 0 && Full.Values == 0, "is empty");
    KmtDeleteTree(Top);
}
