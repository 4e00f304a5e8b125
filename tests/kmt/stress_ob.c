/*
 * Promises, under threads on all processors for RUN_MS: handles that are looked up, duplicated,
 * protected and closed at the same time answer the object they were made for, or that they are
 * none; names that come, go, turn temporary and are opened again lead to objects of their own; an
 * exclusive name is opened exclusively or not at all; last references are dropped at PASSIVE_LEVEL
 * and at DISPATCH_LEVEL; a directory is listed while it changes. In the end nothing is left: no
 * object, no handle, no name.
 *
 * Handles lie in slots, where every thread finds those of the others. The object of slot N is a
 * semaphore with the limit N + 1: who finds a wrong object knows. A slot's handle is closed by
 * whoever takes it out, so each is closed once, while others still use the value they have read.
 */
#include "kmtob.h"

#define RUN_MS 1500
#define THREADS 12
#define SLOTS 24
#define NAMES 6

static PVOID volatile Slots[SLOTS];  /* kernel handles; NULL: none */
static LONG volatile Emptied[SLOTS]; /* how often a handle was taken out, raised before it is closed
                                      */
static HANDLE Directory;
static ULONGLONG EndTime;
static LONG volatile Wrong, Found, Opened, Listed;

static VOID Expect(BOOLEAN Held, PCSTR What, NTSTATUS Status)
{
    if (!Held && InterlockedIncrement(&Wrong) < 10) {
        DbgPrint("# %s: %08x\n", What, Status);
    }
}

static OBJECT_ATTRIBUTES InDirectory(PUNICODE_STRING Name, ULONG Flags)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE | Flags, Directory, NULL);
    return Attributes;
}

static VOID Fill(ULONG Slot)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status =
        ZwCreateSemaphore(&Handle, SEMAPHORE_ALL_ACCESS, &Attributes, 0, (LONG)Slot + 1);
    Expect(NT_SUCCESS(Status), "a semaphore", Status);
    if (InterlockedCompareExchangePointer(&Slots[Slot], Handle, NULL) != NULL) {
        Status = ZwClose(Handle);
        Expect(NT_SUCCESS(Status), "closing an own handle", Status);
    }
}

static VOID Empty(ULONG Slot)
{
    HANDLE Handle = InterlockedExchangePointer(&Slots[Slot], NULL);
    if (Handle != NULL) {
        InterlockedIncrement(&Emptied[Slot]);
        NTSTATUS Status = ZwClose(Handle);
        Expect(NT_SUCCESS(Status), "closing a handle that is taken out", Status);
    }
}

/* A handle that was in the slot all the time since Since is still its own. (The same value is not
 * enough: it may have been closed, been another's, and have come back.) */
static BOOLEAN IsOwn(ULONG Slot, HANDLE Handle, LONG Since)
{
    return (BOOLEAN)(Handle != NULL && Emptied[Slot] == Since);
}

/* The value may have been closed, and may even be another slot's by now: then the limit tells. */
static VOID Look(ULONG Slot, PULONG Seed)
{
    PKSEMAPHORE Semaphore;
    LONG Since = Emptied[Slot];
    HANDLE Handle = Slots[Slot];
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, *ExSemaphoreObjectType, KernelMode,
                                                (PVOID *)&Semaphore, NULL);
    if (!NT_SUCCESS(Status)) {
        Expect(Status == STATUS_INVALID_HANDLE || Status == STATUS_OBJECT_TYPE_MISMATCH,
               "a look-up", Status);
        return;
    }
    InterlockedIncrement(&Found);
    BOOLEAN Own = IsOwn(Slot, Handle, Since);
    Expect(!Own || Semaphore->Limit == (LONG)Slot + 1, "another's object", (NTSTATUS)Slot);
    if (KmtRandom(Seed) % 2 != 0) {
        KIRQL OldIrql;
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        ObDereferenceObject(Semaphore);
        KeLowerIrql(OldIrql);
    } else {
        ObDereferenceObject(Semaphore);
    }
}

/* Here too the value may be another's by now: an exclusive name's handle has no duplicates. */
static VOID Copy(ULONG Slot)
{
    LONG Since = Emptied[Slot];
    HANDLE Target, Handle = Slots[Slot];
    NTSTATUS Status = ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Target, 0,
                                        0, DUPLICATE_SAME_ACCESS);
    if (NT_SUCCESS(Status)) {
        Status = ZwClose(Target);
        Expect(NT_SUCCESS(Status), "closing a duplicate", Status);
    } else {
        BOOLEAN Own = IsOwn(Slot, Handle, Since);
        Expect(Status == STATUS_INVALID_HANDLE || (!Own && Status == STATUS_ACCESS_DENIED),
               "a duplicate", Status);
    }
}

/* Half of the names are exclusive, and some permanent for a moment. */
static VOID UseName(PULONG Seed)
{
    WCHAR Text[] = L"Name0";
    UNICODE_STRING Name;
    ULONG Number = KmtRandom(Seed) % NAMES, Kind = KmtRandom(Seed) % 4;
    ULONG Flags = (Number % 2 != 0 ? OBJ_EXCLUSIVE : 0) | (Kind == 0 ? OBJ_PERMANENT : 0);
    HANDLE Handle;
    Text[4] = (WCHAR)(L'0' + Number);
    RtlInitUnicodeString(&Name, Text);
    OBJECT_ATTRIBUTES Attributes = InDirectory(&Name, Flags | OBJ_OPENIF);
    NTSTATUS Status = Kind <= 1 ? ZwCreateMutant(&Handle, MUTANT_ALL_ACCESS, &Attributes, FALSE)
                                : ZwOpenMutant(&Handle, MUTANT_ALL_ACCESS, &Attributes);
    if (!NT_SUCCESS(Status)) {
        Expect(Kind > 1 && Status == STATUS_OBJECT_NAME_NOT_FOUND, "a name", Status);
        return;
    }
    InterlockedIncrement(&Opened);
    MUTANT_BASIC_INFORMATION Basic;
    Status = ZwQueryMutant(Handle, MutantBasicInformation, &Basic, sizeof(Basic), NULL);
    Expect(NT_SUCCESS(Status) && Basic.CurrentCount <= 1, "a mutant", Status);
    Status = ZwMakeTemporaryObject(Handle);
    Expect(NT_SUCCESS(Status), "making it temporary", Status);
    Status = ZwClose(Handle);
    Expect(NT_SUCCESS(Status), "closing a name's handle", Status);
}

static VOID List(VOID)
{
    ULONG Buffer[64], Context = 0;
    NTSTATUS Status = STATUS_SUCCESS;
    for (BOOLEAN Restart = TRUE; NT_SUCCESS(Status); Restart = FALSE) {
        Status = ZwQueryDirectoryObject(Directory, Buffer, sizeof(Buffer), FALSE, Restart, &Context,
                                        NULL);
    }
    InterlockedIncrement(&Listed);
    Expect(Status == STATUS_NO_MORE_ENTRIES, "a listing", Status);
}

static VOID NTAPI Attack(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 7919 + 13;
    // A host that holds the machine up may leave too little of the time.
    while (KmtNow() < EndTime ||
           ((Found == 0 || Opened == 0 || Listed == 0) && KmtNow() < EndTime + 300000000)) {
        ULONG Slot = KmtRandom(&Seed) % SLOTS;
        switch (KmtRandom(&Seed) % 8) {
        case 0:
            Fill(Slot);
            break;
        case 1:
            Empty(Slot);
            break;
        case 2:
            Copy(Slot);
            break;
        case 3:
        case 4:
            UseName(&Seed);
            break;
        case 5:
            List();
            break;
        default:
            Look(Slot, &Seed);
        }
    }
}

static OBJECT_TYPE_INFORMATION TypeOf(HANDLE Handle)
{
    struct {
        OBJECT_TYPE_INFORMATION Type;
        WCHAR Name[32];
    } Buffer;
    ZwQueryObject(Handle, ObjectTypeInformation, &Buffer, sizeof(Buffer), NULL);
    return Buffer.Type;
}

static VOID CheckNothingLeft(HANDLE Semaphore, HANDLE Mutant)
{
    ULONG Context = 0, Buffer[64], Looks = 0;
    // Deletions left to the worker come to an end by themselves.
    while (
        (TypeOf(Semaphore).TotalNumberOfObjects != 1 || TypeOf(Mutant).TotalNumberOfObjects != 1) &&
        KmtLookAgain(&Looks)) {
    }
    KMT_EQUAL(TypeOf(Semaphore).TotalNumberOfObjects, 1, "no semaphore is left");
    KMT_EQUAL(TypeOf(Semaphore).TotalNumberOfHandles, 1, "and no handle for one");
    KMT_EQUAL(TypeOf(Mutant).TotalNumberOfObjects, 1, "no mutant");
    KMT_EQUAL(TypeOf(Mutant).TotalNumberOfHandles, 1, "no handle");
    KMT_EQUAL(
        ZwQueryDirectoryObject(Directory, Buffer, sizeof(Buffer), FALSE, TRUE, &Context, NULL),
        STATUS_NO_MORE_ENTRIES, "and no name");
    KMT_EQUAL(ObPointers(Directory), 1, "nothing refers to the directory");
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[THREADS];
    HANDLE Semaphore, Mutant;
    ZwCreateSemaphore(&Semaphore, 0, NULL, 0, 1);
    ZwCreateMutant(&Mutant, 0, NULL, FALSE);
    ZwCreateDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS,
                            ObNamed(NULL, NULL, OBJ_KERNEL_HANDLE));
    EndTime = KmtNow() + RUN_MS * 10000ULL;
    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Attack, (PVOID)i);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    for (ULONG Slot = 0; Slot < SLOTS; Slot++) {
        Empty(Slot);
    }
    DbgPrint("# %d found, %d opened, %d listed\n", Found, Opened, Listed);
    KMT_CHECK(Found != 0 && Opened != 0 && Listed != 0, "threads look up, open and list");
    KMT_EQUAL(Wrong, 0, "and every answer is one that the others explain");
    CheckNothingLeft(Semaphore, Mutant);
    ZwClose(Directory);
    ZwClose(Semaphore);
    ZwClose(Mutant);
}
