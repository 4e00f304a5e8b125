/*
 * symlink.c - symbolic links: names that stand for other names.
 *
 * A link's target is an absolute path that is fixed when the link is made, so it is read without a
 * lock by whoever has a reference. Following links is name.c's work. Links made here are permanent,
 * as IoCreateSymbolicLink's are, until their name is deleted.
 */
#include "obp.h"

#define OBP_TAG_TARGET 0x536A624F /* "ObjS" */

POBJECT_TYPE ObpSymbolicLinkType;

/* An empty target, which stands for the root, needs no memory. */
static NTSTATUS ObpSetTarget(POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Target)
{
    if (Target->Length == 0) {
        return STATUS_SUCCESS;
    }
    Link->Target.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Target->Length, OBP_TAG_TARGET);
    if (Link->Target.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Link->Target.MaximumLength = Target->Length;
    RtlCopyUnicodeString(&Link->Target, Target);
    return STATUS_SUCCESS;
}

NTSTATUS ObCreateSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target)
{
    OBJECT_ATTRIBUTES Attributes;
    POBJECT_SYMBOLIC_LINK Link;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    NTSTATUS Status = ObAllocateObject(ObpSymbolicLinkType, sizeof(*Link), (PVOID *)&Link);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpSetTarget(Link, Target);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Link);
        return Status;
    }
    // Nobody has a handle for it, so only a permanent name stays.
    InitializeObjectAttributes(&Attributes, Name, OBJ_PERMANENT, NULL, NULL);
    return ObEnterObject(Link, &Attributes, 0, NULL, NULL);
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
