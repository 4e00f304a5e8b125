/*
 * Promises: names are found without regard to case if that is asked for, through links, and refused
 * for the right reason; handles and references keep an object alive and nothing else does; types
 * and rights are checked; pseudo-handles and kernel handles mean what they should.
 */
#include "kmt.h"

static OBJECT_ATTRIBUTES Named(PUNICODE_STRING Name, ULONG Attributes)
{
    OBJECT_ATTRIBUTES Result;
    InitializeObjectAttributes(&Result, Name, Attributes, NULL, NULL);
    return Result;
}

static NTSTATUS CreateEvent(PHANDLE Handle, PCWSTR Name, ULONG Attributes)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    OBJECT_ATTRIBUTES Object = Named(Name != NULL ? &String : NULL, Attributes);
    return ZwCreateEvent(Handle, EVENT_ALL_ACCESS, &Object, NotificationEvent, FALSE);
}

static NTSTATUS OpenEvent(PHANDLE Handle, PCWSTR Name)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    OBJECT_ATTRIBUTES Object = Named(&String, OBJ_CASE_INSENSITIVE);
    return ZwOpenEvent(Handle, EVENT_ALL_ACCESS, &Object);
}

/* The status of opening Name as an event; a handle is closed again. */
static NTSTATUS TryOpen(PCWSTR Name)
{
    HANDLE Handle;
    NTSTATUS Status = OpenEvent(&Handle, Name);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

static VOID TestNames(VOID)
{
    HANDLE First, Second;
    KMT_EQUAL(CreateEvent(&First, L"\\BaseNamedObjects\\KmtEvent", 0), STATUS_SUCCESS, "create");
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\KmtEvent"), STATUS_SUCCESS, "open by its name");
    KMT_EQUAL(TryOpen(L"\\basenamedobjects\\KMTEVENT"), STATUS_SUCCESS, "in any case");
    KMT_EQUAL(CreateEvent(&Second, L"\\BaseNamedObjects\\KmtEvent", 0),
              STATUS_OBJECT_NAME_COLLISION, "the name is taken");
    KMT_EQUAL(CreateEvent(&Second, L"\\BaseNamedObjects\\kmtevent", OBJ_CASE_INSENSITIVE),
              STATUS_OBJECT_NAME_COLLISION, "in any case, if that is asked for");
    KMT_EQUAL(CreateEvent(&Second, L"\\BaseNamedObjects\\KmtEvent", OBJ_OPENIF),
              STATUS_OBJECT_NAME_EXISTS, "OBJ_OPENIF opens it");
    ZwSetEvent(Second, NULL);
    LONG Previous = 7;
    KMT_EQUAL(ZwResetEvent(First, &Previous), STATUS_SUCCESS, "both handles work");
    KMT_EQUAL(Previous, 1, "on the same event");
    ZwClose(First);
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\KmtEvent"), STATUS_SUCCESS,
              "one handle keeps the name");
    ZwClose(Second);
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\KmtEvent"), STATUS_OBJECT_NAME_NOT_FOUND,
              "the last handle takes it along");
}

static VOID TestRefusedNames(VOID)
{
    KMT_EQUAL(TryOpen(L"BaseNamedObjects\\X"), STATUS_OBJECT_PATH_SYNTAX_BAD,
              "no backslash in front");
    KMT_EQUAL(TryOpen(L""), STATUS_OBJECT_PATH_SYNTAX_BAD, "no name at all");
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\\\X"), STATUS_OBJECT_NAME_INVALID, "empty component");
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\"), STATUS_OBJECT_NAME_INVALID, "backslash at the end");
    KMT_EQUAL(TryOpen(L"\\NoSuchDirectory\\X"), STATUS_OBJECT_PATH_NOT_FOUND, "no such directory");
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\X"), STATUS_OBJECT_NAME_NOT_FOUND, "no such name");
    KMT_EQUAL(TryOpen(L"\\Device"), STATUS_OBJECT_TYPE_MISMATCH, "a directory is no event");
    KMT_EQUAL(TryOpen(L"\\"), STATUS_OBJECT_TYPE_MISMATCH, "nor is the root");
    KMT_EQUAL(TryOpen(L"\\ObjectTypes\\Event\\X"), STATUS_OBJECT_TYPE_MISMATCH,
              "nothing lies below a type");
}

static VOID TestLinks(VOID)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\KmtLink");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KmtTarget");
    UNICODE_STRING Loop = RTL_CONSTANT_STRING(L"\\??\\KmtLoop");
    UNICODE_STRING NoLink = RTL_CONSTANT_STRING(L"\\Device");
    HANDLE Handle;
    KMT_EQUAL(IoCreateSymbolicLink(&Link, &Target), STATUS_SUCCESS, "a link to nothing yet");
    KMT_EQUAL(IoCreateSymbolicLink(&Link, &Target), STATUS_OBJECT_NAME_COLLISION, "not twice");
    KMT_EQUAL(TryOpen(L"\\??\\KmtLink"), STATUS_OBJECT_NAME_NOT_FOUND, "leads to nothing");
    CreateEvent(&Handle, L"\\BaseNamedObjects\\KmtTarget", 0);
    KMT_EQUAL(TryOpen(L"\\??\\KmtLink"), STATUS_SUCCESS, "leads to its target");
    KMT_EQUAL(TryOpen(L"\\GLOBAL??\\kmtlink"), STATUS_SUCCESS, "\\?? and \\GLOBAL?? are one");
    ZwClose(Handle);
    KMT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS, "the link goes");
    KMT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_OBJECT_NAME_NOT_FOUND, "once");
    KMT_EQUAL(IoDeleteSymbolicLink(&NoLink), STATUS_OBJECT_TYPE_MISMATCH, "a directory stays");
    KMT_EQUAL(IoCreateSymbolicLink(&Loop, &Loop), STATUS_SUCCESS, "a link to itself");
    KMT_EQUAL(TryOpen(L"\\??\\KmtLoop"), STATUS_OBJECT_NAME_NOT_FOUND, "is given up on");
    IoDeleteSymbolicLink(&Loop);
}

static VOID TestHandles(VOID)
{
    HANDLE Handle, KernelHandle;
    PVOID Object, Same;
    OBJECT_HANDLE_INFORMATION Information;
    CreateEvent(&Handle, NULL, 0);
    CreateEvent(&KernelHandle, NULL, OBJ_KERNEL_HANDLE);
    KMT_CHECK(Handle != NULL && ((ULONG_PTR)Handle & 3) == 0, "handles are multiples of 4");
    KMT_CHECK((ULONG_PTR)KernelHandle >= 0xFFFFFFFF80000000ULL,
              "a kernel handle's high bits are set");
    KMT_EQUAL(
        ObReferenceObjectByHandle(KernelHandle, 0, *ExEventObjectType, UserMode, &Object, NULL),
        STATUS_INVALID_HANDLE, "and it is not for user mode");
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, 0, *PsThreadType, KernelMode, &Object, NULL),
              STATUS_OBJECT_TYPE_MISMATCH, "an event is no thread");
    KMT_CHECK(Object == NULL, "a failure answers no object");
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, DELETE << 8, NULL, UserMode, &Object, NULL),
              STATUS_ACCESS_DENIED, "user mode needs the rights");
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, DELETE << 8, NULL, KernelMode, &Object, NULL),
              STATUS_SUCCESS, "kernel mode does not");
    KMT_EQUAL(ObReferenceObjectByHandle((HANDLE)((ULONG_PTR)Handle | 3), 0, NULL, KernelMode, &Same,
                                        &Information),
              STATUS_SUCCESS, "the two low bits do not matter");
    KMT_CHECK(Same == Object, "it is the same object");
    KMT_EQUAL(Information.GrantedAccess, EVENT_ALL_ACCESS, "granted what was asked for");
    KMT_EQUAL(ObDereferenceObject(Same), 2, "handle and one reference are left");
    KMT_EQUAL(ZwClose(Handle), STATUS_SUCCESS, "close");
    KMT_EQUAL(ZwClose(Handle), STATUS_INVALID_HANDLE, "only once");
    KMT_EQUAL(KeSetEvent(Object, 0, FALSE), 0, "the object lives by its reference");
    KMT_EQUAL(ObDereferenceObject(Object), 0, "until that goes");
    KMT_EQUAL(ZwClose(KernelHandle), STATUS_SUCCESS, "close the kernel handle");
    KMT_EQUAL(ZwClose(NULL), STATUS_INVALID_HANDLE, "NULL is no handle");
    KMT_EQUAL(ZwClose((HANDLE)0x7FFFFFF0), STATUS_INVALID_HANDLE, "nor is any number");
}

static VOID TestPseudoHandles(VOID)
{
    PVOID Object;
    KMT_EQUAL(
        ObReferenceObjectByHandle(NtCurrentThread(), 0, *PsThreadType, KernelMode, &Object, NULL),
        STATUS_SUCCESS, "NtCurrentThread()");
    KMT_CHECK(Object == (PVOID)KeGetCurrentThread(), "is the current thread");
    ObDereferenceObject(Object);
    KMT_EQUAL(ObReferenceObjectByHandle(NtCurrentProcess(), 0, NULL, KernelMode, &Object, NULL),
              STATUS_SUCCESS, "NtCurrentProcess()");
    KMT_CHECK(Object == (PVOID)PsInitialSystemProcess, "is System");
    ObDereferenceObject(Object);
    KMT_EQUAL(
        ObReferenceObjectByHandle(NtCurrentProcess(), 0, *PsThreadType, KernelMode, &Object, NULL),
        STATUS_OBJECT_TYPE_MISMATCH, "a process is no thread");
    KMT_EQUAL(ObReferenceObjectByPointer(PsInitialSystemProcess, 0, *PsThreadType, KernelMode),
              STATUS_OBJECT_TYPE_MISMATCH, "by pointer neither");
    KMT_EQUAL(ObReferenceObjectByPointer(PsInitialSystemProcess, 0, *PsProcessType, UserMode),
              STATUS_SUCCESS, "but a process it is");
    ObDereferenceObject(PsInitialSystemProcess);
}

#define ROUNDS 2000
static volatile LONG RaceFailures;

/* Creates, opens and closes one of four names; every status must be one that the race explains. */
static VOID NTAPI RaceForNames(PVOID Context)
{
    static const PCWSTR Names[] = {L"\\BaseNamedObjects\\KmtA", L"\\BaseNamedObjects\\kmtB",
                                   L"\\BaseNamedObjects\\KmtC", L"\\BaseNamedObjects\\kmtD"};
    ULONG Seed = (ULONG)(ULONG_PTR)Context * 7919 + 1;
    for (int i = 0; i < ROUNDS; i++) {
        HANDLE Handle;
        PCWSTR Name = Names[KmtRandom(&Seed) % 4];
        BOOLEAN Create = KmtRandom(&Seed) & 1;
        NTSTATUS Status =
            Create ? CreateEvent(&Handle, Name, OBJ_OPENIF) : OpenEvent(&Handle, Name);
        if (NT_SUCCESS(Status)) {
            InterlockedAdd(&RaceFailures, !NT_SUCCESS(ZwSetEvent(Handle, NULL)));
            InterlockedAdd(&RaceFailures, !NT_SUCCESS(ZwClose(Handle)));
        } else if (Create || Status != STATUS_OBJECT_NAME_NOT_FOUND) {
            InterlockedIncrement(&RaceFailures);
        }
    }
}

static VOID TestRace(VOID)
{
    PETHREAD Threads[8];
    for (ULONG_PTR i = 0; i < 8; i++) {
        Threads[i] = KmtStartThread(RaceForNames, (PVOID)i);
    }
    for (int i = 0; i < 8; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(RaceFailures, 0, "eight threads that create, open and close the same names");
    KMT_EQUAL(TryOpen(L"\\BaseNamedObjects\\KmtA"), STATUS_OBJECT_NAME_NOT_FOUND,
              "leave no name behind");
}

static KDPC Dpc;
static KEVENT DpcDone;

static VOID NTAPI DropInDpc(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Self);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ObDereferenceObject(Context);
    KeSetEvent(&DpcDone, 0, FALSE);
}

static VOID TestDeferredDeletion(VOID)
{
    HANDLE Handle;
    PVOID Object;
    for (int i = 0; i < 100; i++) {
        CreateEvent(&Handle, NULL, 0);
        ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL);
        ZwClose(Handle);
        KeInitializeEvent(&DpcDone, NotificationEvent, FALSE);
        KeInitializeDpc(&Dpc, DropInDpc, Object);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KmtWait(&DpcDone, 10000);
    }
    KeFlushQueuedDpcs(); /* the last one may still be on its way out */
    KMT_CHECK(TRUE, "last references dropped at DISPATCH_LEVEL");
}

/* As drivers declare them: the WDK's headers do not. */
extern POBJECT_TYPE *IoDriverObjectType, *IoDeviceObjectType;

static NTSTATUS TryType(PVOID Object, POBJECT_TYPE Type)
{
    NTSTATUS Status = ObReferenceObjectByPointer(Object, 0, Type, KernelMode);
    if (NT_SUCCESS(Status)) {
        ObDereferenceObject(Object);
    }
    return Status;
}

static VOID TestDriverTypes(VOID)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status =
        IoCreateDevice(KmtDriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    KMT_EQUAL(Status, STATUS_SUCCESS, "a device");
    if (!NT_SUCCESS(Status)) {
        return;
    }
    KMT_EQUAL(TryType(KmtDriverObject, *IoDriverObjectType), STATUS_SUCCESS, "a driver is one");
    KMT_EQUAL(TryType(Device, *IoDeviceObjectType), STATUS_SUCCESS, "a device is one");
    KMT_EQUAL(TryType(KmtDriverObject, *IoDeviceObjectType), STATUS_OBJECT_TYPE_MISMATCH,
              "a driver is no device");
    KMT_EQUAL(TryType(Device, *IoDriverObjectType), STATUS_OBJECT_TYPE_MISMATCH,
              "a device is no driver");
    IoDeleteDevice(Device);
}

static VOID KmtRun(VOID)
{
    TestNames();
    TestRefusedNames();
    TestLinks();
    TestHandles();
    TestPseudoHandles();
    TestDriverTypes();
    TestRace();
    TestDeferredDeletion();
}
