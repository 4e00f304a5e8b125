/*
 * Promises: every OBJ_ attribute does what Windows' does, and attributes that do not exist, or not
 * for the type, are refused; a wrong Length is; rights are mapped, and refused where the check is
 * forced; a handle's rights bind user mode alone; protected handles stay; an exclusive object is
 * one process's. Nothing that fails leaves an object, a name or a handle behind.
 */
#include "kmtob.h"

#define NAME L"\\BaseNamedObjects\\KmtFlags"

static NTSTATUS TryCreate(ULONG Flags)
{
    HANDLE Handle;
    NTSTATUS Status = ObMakeEvent(&Handle, NULL, NAME, Flags);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

static VOID TestAttributes(VOID)
{
    HANDLE Handle;
    POBJECT_ATTRIBUTES Attributes = ObNamed(NULL, NAME, 0);
    Attributes->Length = sizeof(*Attributes) - 1;
    KMT_EQUAL(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Attributes, NotificationEvent, FALSE),
              STATUS_INVALID_PARAMETER, "a wrong Length, creating");
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Attributes), STATUS_INVALID_PARAMETER,
              "and opening");
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, NULL), STATUS_INVALID_PARAMETER,
              "no attributes to open by");
    for (ULONG Bit = 0; Bit < 32; Bit++) {
        ULONG Flag = 1U << Bit;
        if (!(Flag & OBJ_VALID_ATTRIBUTES)) {
            NTSTATUS Status = TryCreate(Flag);
            if (Status != STATUS_INVALID_PARAMETER || ObTryEvent(NULL, NAME, Flag) != Status) {
                KMT_EQUAL(Status, STATUS_INVALID_PARAMETER, "an attribute that does not exist");
            }
        }
    }
    KMT_CHECK(TRUE, "attributes that do not exist are refused");
    KMT_EQUAL(TryCreate(OBJ_OPENLINK), STATUS_INVALID_PARAMETER, "an event is no link");
    Attributes = ObNamed(NULL, NAME, 0);
    Attributes->RootDirectory = (HANDLE)0x7FFFFFF0;
    KMT_EQUAL(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Attributes, NotificationEvent, FALSE),
              STATUS_OBJECT_PATH_SYNTAX_BAD, "a root directory and an absolute name");
    ObString.Buffer++;
    ObString.Length -= sizeof(WCHAR);
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Attributes), STATUS_INVALID_HANDLE,
              "a root directory that is no handle");
    Attributes->ObjectName = NULL;
    KMT_EQUAL(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, Attributes, NotificationEvent, FALSE),
              STATUS_OBJECT_NAME_INVALID, "a root directory without a name");
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, ObNamed(NULL, NAME, 0)),
              STATUS_OBJECT_NAME_NOT_FOUND, "nothing has been left there");
    Attributes = ObNamed(NULL, NAME, 0);
    ObString.Length--;
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Attributes), STATUS_OBJECT_NAME_INVALID,
              "half a character");
    ObString.Buffer = NULL;
    ObString.Length = 8;
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, Attributes), STATUS_OBJECT_PATH_SYNTAX_BAD,
              "a name without characters");
}

static VOID TestCase(VOID)
{
    HANDLE First, Second, Third;
    KMT_EQUAL(ObMakeEvent(&First, NULL, L"\\BaseNamedObjects\\KmtCase", 0), STATUS_SUCCESS,
              "an event");
    KMT_EQUAL(ObMakeEvent(&Second, NULL, L"\\BaseNamedObjects\\KMTCASE", OBJ_OPENIF),
              STATUS_SUCCESS, "another whose name differs in case");
    KMT_CHECK(ObBodyOf(First) != ObBodyOf(Second), "they are two");
    KMT_EQUAL(
        ZwOpenEvent(&Third, EVENT_ALL_ACCESS, ObNamed(NULL, L"\\BaseNamedObjects\\KMTCASE", 0)),
        STATUS_SUCCESS, "case decides");
    KMT_CHECK(ObBodyOf(Third) == ObBodyOf(Second), "between them");
    ZwClose(Third);
    KMT_EQUAL(ObTryEvent(NULL, L"\\BaseNamedObjects\\kmtcase", 0), STATUS_OBJECT_NAME_NOT_FOUND,
              "a third spelling is nobody's");
    KMT_EQUAL(ObTryEvent(NULL, L"\\basenamedobjects\\kmtcase", OBJ_CASE_INSENSITIVE),
              STATUS_SUCCESS, "but with OBJ_CASE_INSENSITIVE");
    KMT_EQUAL(ObTryEvent(NULL, L"\\basenamedobjects\\KmtCase", 0), STATUS_OBJECT_PATH_NOT_FOUND,
              "directories have case, too, for those to whom it matters");
    ZwClose(First);
    ZwClose(Second);
    KMT_EQUAL(ZwOpenDirectoryObject(&Third, DIRECTORY_QUERY, ObNamed(NULL, L"\\dEVICE", 0)),
              STATUS_SUCCESS, "names of directories have none");
    ZwClose(Third);
}

static VOID TestPermanent(VOID)
{
    HANDLE Handle;
    KMT_EQUAL(TryCreate(OBJ_PERMANENT), STATUS_SUCCESS, "a permanent event, closed");
    KMT_EQUAL(ZwOpenEvent(&Handle, DELETE, ObNamed(NULL, NAME, 0)), STATUS_SUCCESS,
              "is still there");
    KMT_EQUAL(ObHandles(Handle), 1, "with the one new handle");
    KMT_EQUAL(ObPointers(Handle), 2, "which is a reference, and so is the name");
    KMT_EQUAL(ZwMakeTemporaryObject(Handle), STATUS_SUCCESS, "made temporary");
    KMT_EQUAL(ObTryEvent(NULL, NAME, 0), STATUS_SUCCESS, "it stays while a handle is open");
    ZwClose(Handle);
    KMT_EQUAL(ObTryEvent(NULL, NAME, 0), STATUS_OBJECT_NAME_NOT_FOUND, "and goes with it");
    KMT_EQUAL(ZwMakeTemporaryObject(Handle), STATUS_INVALID_HANDLE, "not a handle any more");
}

static NTSTATUS OpenWith(ULONG Flags)
{
    return ObTryEvent(NULL, NAME, Flags);
}

static VOID TestExclusive(VOID)
{
    HANDLE Handle, Copy;
    KMT_EQUAL(TryCreate(OBJ_EXCLUSIVE | OBJ_INHERIT), STATUS_INVALID_PARAMETER,
              "what is exclusive is not inherited");
    KMT_EQUAL(OpenWith(0), STATUS_OBJECT_NAME_NOT_FOUND, "and the name was not kept");
    KMT_EQUAL(ObMakeEvent(&Handle, NULL, NAME, OBJ_EXCLUSIVE), STATUS_SUCCESS,
              "an exclusive event");
    KMT_EQUAL(OpenWith(0), STATUS_ACCESS_DENIED, "cannot be opened by others");
    KMT_EQUAL(OpenWith(OBJ_EXCLUSIVE), STATUS_SUCCESS, "but by its process, exclusively");
    KMT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Copy, 0, 0,
                                DUPLICATE_SAME_ACCESS),
              STATUS_ACCESS_DENIED, "nor duplicated");
    KMT_EQUAL(ObHandles(Handle), 1, "what was refused is not counted");
    ZwClose(Handle);
    KMT_EQUAL(ObMakeEvent(&Handle, NULL, NAME, 0), STATUS_SUCCESS, "an event for all");
    KMT_EQUAL(OpenWith(OBJ_EXCLUSIVE), STATUS_INVALID_PARAMETER, "cannot be had exclusively");
    ZwClose(Handle);
    KMT_EQUAL(ObMakeEvent(&Handle, NULL, NAME, OBJ_EXCLUSIVE | OBJ_PERMANENT), STATUS_SUCCESS,
              "exclusive and permanent");
    ZwClose(Handle);
    KMT_EQUAL(ZwOpenEvent(&Handle, EVENT_ALL_ACCESS, ObNamed(NULL, NAME, 0)), STATUS_SUCCESS,
              "with no handle left, anybody can open it");
    KMT_EQUAL(OpenWith(OBJ_EXCLUSIVE), STATUS_ACCESS_DENIED, "and then nobody has it alone");
    ZwMakeTemporaryObject(Handle);
    ZwClose(Handle);
}

static ACCESS_MASK Granted(ACCESS_MASK Desired, ULONG Flags, PNTSTATUS Status)
{
    HANDLE Handle;
    OBJECT_BASIC_INFORMATION Basic = {0};
    *Status = ZwOpenEvent(&Handle, Desired, ObNamed(NULL, NAME, Flags));
    if (NT_SUCCESS(*Status)) {
        ZwQueryObject(Handle, ObjectBasicInformation, &Basic, sizeof(Basic), NULL);
        ZwClose(Handle);
    }
    return Basic.GrantedAccess;
}

static VOID TestRights(VOID)
{
    HANDLE Handle;
    NTSTATUS Status;
    PVOID Object;
    ObMakeEvent(&Handle, NULL, NAME, 0);
    KMT_EQUAL(Granted(GENERIC_READ, 0, &Status), STANDARD_RIGHTS_READ | EVENT_QUERY_STATE,
              "GENERIC_READ");
    KMT_EQUAL(Granted(GENERIC_WRITE, 0, &Status), STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
              "GENERIC_WRITE");
    KMT_EQUAL(Granted(GENERIC_ALL, 0, &Status), EVENT_ALL_ACCESS, "GENERIC_ALL");
    KMT_EQUAL(Granted(MAXIMUM_ALLOWED, OBJ_FORCE_ACCESS_CHECK, &Status), EVENT_ALL_ACCESS,
              "MAXIMUM_ALLOWED");
    KMT_EQUAL(Granted(EVENT_MODIFY_STATE | 0x100, 0, &Status), EVENT_MODIFY_STATE,
              "a right that events do not have is left out");
    Granted(EVENT_MODIFY_STATE | 0x100, OBJ_FORCE_ACCESS_CHECK, &Status);
    KMT_EQUAL(Status, STATUS_ACCESS_DENIED, "or refused, when the check is forced");
    Granted(0, OBJ_FORCE_ACCESS_CHECK, &Status);
    KMT_EQUAL(Status, STATUS_ACCESS_DENIED, "and so is no right at all");
    Granted(ACCESS_SYSTEM_SECURITY, OBJ_FORCE_ACCESS_CHECK, &Status);
    KMT_EQUAL(Status, STATUS_PRIVILEGE_NOT_HELD, "a privilege");
    ZwClose(Handle);
    ObMakeEvent(&Handle, NULL, NULL, 0);
    ZwClose(Handle);
    ZwCreateEvent(&Handle, EVENT_QUERY_STATE, NULL, NotificationEvent, FALSE);
    KMT_EQUAL(ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, NULL, UserMode, &Object, NULL),
              STATUS_ACCESS_DENIED, "user mode has the handle's rights");
    KMT_EQUAL(ZwSetEvent(Handle, NULL), STATUS_SUCCESS, "kernel mode has them all");
    Object = ObBodyOf(Handle);
    KMT_EQUAL(ObOpenObjectByPointer(Object, 0, NULL, 0x100, *ExEventObjectType, UserMode, &Handle),
              STATUS_ACCESS_DENIED, "by pointer, user mode is refused the same");
    KMT_EQUAL(ObOpenObjectByPointer(Object, 0x80000, NULL, 0, NULL, KernelMode, &Handle),
              STATUS_INVALID_PARAMETER, "and kernel mode the same attributes");
    ZwClose(Handle);
}

static VOID Protect(HANDLE Handle, BOOLEAN On)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {FALSE, On};
    KMT_EQUAL(ObSetHandleAttributes(Handle, &Flags, KernelMode), STATUS_SUCCESS, "protect");
}

static VOID TestProtection(VOID)
{
    HANDLE Handle;
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {9, 9};
    ULONG Length = 0;
    ObMakeEvent(&Handle, NULL, NULL, OBJ_INHERIT);
    KMT_EQUAL(ZwQueryObject(Handle, ObjectHandleFlagInformation, &Flags, sizeof(Flags), &Length),
              STATUS_SUCCESS, "flags of a handle");
    KMT_CHECK(Flags.Inherit == TRUE && Flags.ProtectFromClose == FALSE && Length == 2,
              "inherited, not protected");
    Protect(Handle, TRUE);
    KMT_EQUAL(ZwClose(Handle), STATUS_HANDLE_NOT_CLOSABLE, "a protected handle stays");
    KMT_EQUAL(ZwSetEvent(Handle, NULL), STATUS_SUCCESS, "and works");
    KMT_EQUAL(
        ZwDuplicateObject(NtCurrentProcess(), Handle, NULL, NULL, 0, 0, DUPLICATE_CLOSE_SOURCE),
        STATUS_SUCCESS, "a duplicate that would close it");
    KMT_EQUAL(ZwSetEvent(Handle, NULL), STATUS_SUCCESS, "does not");
    Flags = (OBJECT_HANDLE_FLAG_INFORMATION){TRUE, FALSE};
    KMT_EQUAL(ZwSetInformationObject(Handle, ObjectHandleFlagInformation, &Flags, sizeof(Flags)),
              STATUS_SUCCESS, "no more protection");
    KMT_EQUAL(ZwClose(Handle), STATUS_SUCCESS, "and it can be closed");
    KMT_EQUAL(ObSetHandleAttributes(Handle, &Flags, KernelMode), STATUS_INVALID_HANDLE, "once");
    ObMakeEvent(&Handle, NULL, NULL, OBJ_KERNEL_HANDLE);
    KMT_CHECK(ObIsKernelHandle(Handle) && !ObIsKernelHandle(NtCurrentProcess()) &&
                  !ObIsKernelHandle((HANDLE)8),
              "which values are kernel handles");
    KMT_EQUAL(ObCloseHandle(Handle, UserMode), STATUS_INVALID_HANDLE, "user mode cannot close one");
    KMT_EQUAL(ObCloseHandle(Handle, KernelMode), STATUS_SUCCESS, "kernel mode can");
}

static VOID TestLinks(VOID)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\KmtFlagsLink");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(NAME);
    HANDLE Handle;
    PVOID Object = NULL;
    ObMakeEvent(&Handle, NULL, NAME, 0);
    IoCreateSymbolicLink(&Link, &Target);
    KMT_EQUAL(ObTryEvent(NULL, Link.Buffer, 0), STATUS_SUCCESS, "through a link");
    KMT_EQUAL(ObTryEvent(NULL, Link.Buffer, OBJ_DONT_REPARSE), STATUS_REPARSE_POINT_ENCOUNTERED,
              "not with OBJ_DONT_REPARSE");
    KMT_EQUAL(ObTryEvent(NULL, NAME, OBJ_DONT_REPARSE), STATUS_SUCCESS, "where none is met");
    KMT_EQUAL(ObTryEvent(NULL, NAME, OBJ_IGNORE_IMPERSONATED_DEVICEMAP), STATUS_SUCCESS,
              "nobody impersonates");
    KMT_EQUAL(
        ObReferenceObjectByName(&Link, OBJ_OPENLINK, NULL, 0, NULL, KernelMode, NULL, &Object),
        STATUS_SUCCESS, "OBJ_OPENLINK");
    KMT_CHECK(Object != NULL && ObGetObjectType(Object) != *ExEventObjectType,
              "finds the link itself");
    ObDereferenceObject(Object);
    KMT_EQUAL(
        ObReferenceObjectByName(&Link, 0, NULL, 0, *ExEventObjectType, KernelMode, NULL, &Object),
        STATUS_SUCCESS, "without it");
    KMT_CHECK(Object == ObBodyOf(Handle), "what it leads to");
    ObDereferenceObject(Object);
    KMT_EQUAL(ObReferenceObjectByName(&Link, 1, NULL, 0, NULL, KernelMode, NULL, &Object),
              STATUS_INVALID_PARAMETER, "attributes are looked at here, too");
    IoDeleteSymbolicLink(&Link);
    ZwClose(Handle);
}

static VOID KmtRun(VOID)
{
    TestAttributes();
    TestCase();
    TestPermanent();
    TestExclusive();
    TestRights();
    TestProtection();
    TestLinks();
}
