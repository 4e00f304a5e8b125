/*
 * symlink.c - symbolic links: names that stand for other names.
 *
 * A link's target is an absolute path that is fixed when the link is made, so it is read without a
 * lock by whoever has a reference. Following links is name.c's work. The kernel's and
 * IoCreateSymbolicLink's links are permanent until their name is deleted;
 * ZwCreateSymbolicLinkObject's go with their handle, if nothing else is said.
 */
#include "obp.h"
#include "leak.h"

#define OBP_TAG_TARGET 0x536A624F /* "ObjS" */

POBJECT_TYPE ObpSymbolicLinkType;

/* An empty target stands for the root. */
static NTSTATUS ObpSetTarget(POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Target)
{
    if (Target->Length > OBP_MAX_NAME) {
        return STATUS_NAME_TOO_LONG;
    }
    USHORT Size = Target->Length + sizeof(WCHAR);
    Link->Target.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Size, OBP_TAG_TARGET); // zeroed
    if (Link->Target.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Link->Target.MaximumLength = Size;
    RtlCopyUnicodeString(&Link->Target, Target);
    return STATUS_SUCCESS;
}

/* A link without a name yet. */
static NTSTATUS ObpAllocateLink(PUNICODE_STRING Target, POBJECT_SYMBOLIC_LINK *NewLink)
{
    POBJECT_SYMBOLIC_LINK Link;
    NTSTATUS Status = ObAllocateObject(ObpSymbolicLinkType, sizeof(*Link), (PVOID *)&Link);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeQuerySystemTime(&Link->CreationTime);
    Status = ObpSetTarget(Link, Target);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Link);
        return Status;
    }
    *NewLink = Link;
    return STATUS_SUCCESS;
}

NTSTATUS ObCreateSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target, PVOID Creator,
                              PVOID *LinkOut)
{
    OBJECT_ATTRIBUTES Attributes;
    POBJECT_SYMBOLIC_LINK Link;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    NTSTATUS Status = ObpAllocateLink(Target, &Link);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Link->Creator = Creator;
    // Nobody has a handle for it, so only a permanent name stays.
    InitializeObjectAttributes(&Attributes, Name, OBJ_PERMANENT, NULL, NULL);
    return ObEnterObject(Link, &Attributes, 0, LinkOut, NULL);
}

/* Noted once: the next image at these addresses has not made it. */
static void ObpFindLink(PVOID Object, PCUNICODE_STRING Name, PVOID Context)
{
    UNREFERENCED_PARAMETER(Name);
    if (ObpHeader(Object)->Type == ObpSymbolicLinkType) {
        POBJECT_SYMBOLIC_LINK Link = Object;
        if (LdrIsInImage(Context, Link->Creator)) {
            LdrNoteLeak(Context, LdrLeakLink, Link, Link->Creator);
            Link->Creator = NULL;
        }
    }
}

void ObFindLeaks(PLDR_LEAKS Leaks)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\GLOBAL??");
    ObEnumerateDirectory(&Path, ObpFindLink, Leaks);
    ObpFindHandleLeaks(Leaks);
    ObpFindReferenceLeaks(Leaks);
}

NTSTATUS NTAPI ZwCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                          POBJECT_ATTRIBUTES ObjectAttributes,
                                          PUNICODE_STRING LinkTarget)
{
    POBJECT_SYMBOLIC_LINK Link;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(LinkHandle) || ObIsBadPointer(LinkTarget)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (LinkTarget->MaximumLength == 0 || LinkTarget->Length > LinkTarget->MaximumLength ||
        (LinkTarget->Length & 1) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObpAllocateLink(LinkTarget, &Link);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return ObEnterObject(Link, ObjectAttributes, DesiredAccess, NULL, LinkHandle);
}

/* To open a link is not to follow it: the lookup ends at one when the type asked for says so. */
NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                        POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(LinkHandle, DesiredAccess, ObjectAttributes, ObpSymbolicLinkType);
}

/* As on Windows: who asks for the length gets the NUL behind the target too, or nothing. */
NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget,
                                         PULONG ReturnedLength)
{
    POBJECT_SYMBOLIC_LINK Link;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(LinkTarget)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(
        LinkHandle, SYMBOLIC_LINK_QUERY, ObpSymbolicLinkType, KernelMode, (PVOID *)&Link, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PCUNICODE_STRING Target = &Link->Target;
    USHORT Size = ReturnedLength != NULL ? Target->MaximumLength : Target->Length;
    if (Size > LinkTarget->MaximumLength) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else if (Size != 0 && ObIsBadPointer(LinkTarget->Buffer)) {
        Status = STATUS_ACCESS_VIOLATION;
    } else {
        RtlCopyMemory(LinkTarget->Buffer, Target->Buffer, Size);
        LinkTarget->Length = Target->Length;
    }
    if (ReturnedLength != NULL && Status != STATUS_ACCESS_VIOLATION) {
        *ReturnedLength = Target->MaximumLength;
    }
    ObfDereferenceObject(Link);
    return Status;
}

/* OBJ_OPENLINK: the link itself is meant, not what it leads to. */
NTSTATUS ObDeleteSymbolicLink(PUNICODE_STRING Name)
{
    PVOID Link;
    NTSTATUS Status = ObReferenceObjectByName(Name, OBJ_OPENLINK, NULL, 0, ObpSymbolicLinkType,
                                              KernelMode, NULL, &Link);
    if (NT_SUCCESS(Status)) {
        ObMakeTemporaryObject(Link);
        ObfDereferenceObject(Link);
    }
    return Status;
}

void ObpDeleteSymbolicLinkBody(PVOID Object)
{
    POBJECT_SYMBOLIC_LINK Link = Object;
    if (Link->Target.Buffer != NULL) {
        ExFreePoolWithTag(Link->Target.Buffer, OBP_TAG_TARGET);
    }
}

void ObpDumpSymbolicLink(PVOID Object, PKD_CONSOLE Console)
{
    KdConsolePrint(Console, "    Target %wZ\n", &((POBJECT_SYMBOLIC_LINK)Object)->Target);
}
