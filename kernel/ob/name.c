/*
 * name.c - from a path to an object.
 *
 * A walk stands on one object, which it refers to, with the rest of the path in hand; each step
 * takes it one component on. What a step does depends on the object's type:
 *
 *     Directory      look the next component up in it (the only step that needs the namespace lock)
 *     SymbolicLink   put the link's target before the rest and begin again at the root
 *     with a Parse   the object's owner takes the rest: a device makes a file object of it
 *     anything else  the path must end here
 *
 * To insert an object is to walk to a name that must not be there: the last step finds or enters
 * it under one hold of the lock, so of two that insert the same name one wins.
 */
#include "obp.h"

#define OBP_TAG_NAME 0x4E6A624F /* "ObjN" */

typedef struct _OBP_WALK {
    POBP_LOOKUP Lookup;
    PVOID Object;        /* where it stands, referenced */
    UNICODE_STRING Rest; /* still to be walked; begins with a backslash or is empty, but for a path
                            relative to a root directory before its first step */
    PWCH Buffer;         /* what Rest points into after a link was followed */
    ULONG LinksFollowed;
    BOOLEAN CaseInsensitive;
    BOOLEAN TryGlobal; /* the next component may also be one of \GLOBAL?? */
    BOOLEAN Done;      /* Object is the answer */
    BOOLEAN ByName;    /* Object has been found in a directory, or entered there */
} OBP_WALK, *POBP_WALK;

/* The walk goes on from Object, whose reference it takes over. */
static void ObpMoveTo(POBP_WALK Walk, PVOID Object)
{
    if (Walk->Object != NULL) {
        ObfDereferenceObject(Walk->Object);
    }
    Walk->Object = Object;
}

/* Cuts the next component off the rest. */
static NTSTATUS ObpNextComponent(POBP_WALK Walk, PUNICODE_STRING Component)
{
    PWCH Start = Walk->Rest.Buffer;
    USHORT Left = Walk->Rest.Length;
    if (*Start == L'\\') {
        Start++;
        Left -= sizeof(WCHAR);
    }
    Component->Buffer = Start;
    while (Left > 0 && *Start != L'\\') {
        Start++;
        Left -= sizeof(WCHAR);
    }
    Component->Length = (USHORT)((PUCHAR)Start - (PUCHAR)Component->Buffer);
    Component->MaximumLength = Component->Length;
    Walk->Rest.Buffer = Start;
    Walk->Rest.Length = Left;
    return Component->Length != 0 ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

/* Moves to the entry called Component, referenced before the lock lets others remove it. */
static NTSTATUS ObpStepToEntry(POBP_WALK Walk, PCUNICODE_STRING Component)
{
    PVOID Found = NULL;
    ULONG Hash = ObpHashName(Component);
    ExAcquireFastMutex(&ObpNamespaceLock);
    POBJECT_HEADER Header = ObpFindEntry(Walk->Object, Component, Hash, Walk->CaseInsensitive);
    if (Header == NULL && Walk->TryGlobal) {
        Header = ObpFindEntry(ObpGlobalDirectory, Component, Hash, Walk->CaseInsensitive);
    }
    Walk->TryGlobal = FALSE;
    if (Header != NULL) {
        Found = ObpBody(Header);
        ObfReferenceObject(Found);
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Found == NULL) {
        return Walk->Rest.Length == 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
    }
    ObpMoveTo(Walk, Found);
    Walk->ByName = TRUE;
    return STATUS_SUCCESS;
}

/* What is to be entered has come upon an object that is there. */
static NTSTATUS ObpNameTaken(POBP_WALK Walk)
{
    return Walk->Lookup->Attributes & OBJ_OPENIF ? STATUS_OBJECT_NAME_EXISTS
                                                 : STATUS_OBJECT_NAME_COLLISION;
}

/* The last step of an insertion: moves to the new object, or to the one that has the name. */
static NTSTATUS ObpStepToInsert(POBP_WALK Walk, PCUNICODE_STRING Component)
{
    POBJECT_HEADER New = ObpHeader(Walk->Lookup->InsertObject);
    ULONG Hash = ObpHashName(Component);
    UNICODE_STRING Name = {0, Component->Length, NULL};
    Name.Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Name.MaximumLength, OBP_TAG_NAME);
    if (Name.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyUnicodeString(&Name, Component);

    ExAcquireFastMutex(&ObpNamespaceLock);
    POBJECT_HEADER Header = ObpFindEntry(Walk->Object, Component, Hash, Walk->CaseInsensitive);
    BOOLEAN Collision = Header != NULL;
    if (!Collision) {
        Header = New;
        Header->Permanent = (Walk->Lookup->Attributes & OBJ_PERMANENT) != 0;
        ObpInsertEntry(Walk->Object, Header, &Name, Hash);
    }
    ObfReferenceObject(ObpBody(Header));
    ExReleaseFastMutex(&ObpNamespaceLock);

    Walk->Done = Walk->ByName = TRUE;
    ObpMoveTo(Walk, ObpBody(Header));
    if (!Collision) {
        return STATUS_SUCCESS;
    }
    ExFreePoolWithTag(Name.Buffer, OBP_TAG_NAME);
    return ObpNameTaken(Walk);
}

/* One component on, by looking up or, at the end of an insertion, by entering. */
static NTSTATUS ObpStepDirectory(POBP_WALK Walk)
{
    UNICODE_STRING Component;
    if (Walk->Rest.Length == 0) {
        Walk->Done = TRUE;
        // Nothing can be entered as the root itself, which is there.
        return Walk->Lookup->InsertObject == NULL ? STATUS_SUCCESS : ObpNameTaken(Walk);
    }
    NTSTATUS Status = ObpNextComponent(Walk, &Component);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Walk->Lookup->InsertObject != NULL && Walk->Rest.Length == 0) {
        return ObpStepToInsert(Walk, &Component);
    }
    return ObpStepToEntry(Walk, &Component);
}

/* Stands the walk on the root, or on what \?? means. */
static void ObpBeginAbsolute(POBP_WALK Walk)
{
    USHORT Prefix = ObpMatchDevicePrefix(&Walk->Rest);
    POBJECT_DIRECTORY Start = ObpRootDirectory;
    Walk->ByName = FALSE; // neither has a name that goes with its handles
    // The root's own entry of that name has to be made by somebody.
    if (Prefix != 0 && !(Prefix == Walk->Rest.Length && Walk->Lookup->InsertObject != NULL)) {
        Start = ObpReferenceDeviceDirectory();
        Walk->Rest.Buffer = (PWCH)((PUCHAR)Walk->Rest.Buffer + Prefix);
        Walk->Rest.Length -= Prefix;
        Walk->TryGlobal = Start != ObpGlobalDirectory;
    } else {
        ObfReferenceObject(Start);
    }
    ObpMoveTo(Walk, Start);
}

/* Begins again at the root with Target\Rest. */
static NTSTATUS ObpFollowLink(POBP_WALK Walk, PCUNICODE_STRING Target)
{
    ULONG Length = (ULONG)Target->Length + Walk->Rest.Length;
    if (Length > OBP_MAX_NAME) {
        return STATUS_NAME_TOO_LONG;
    }
    if (Length == 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    PWCH Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Length, OBP_TAG_NAME);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Target->Buffer, Target->Length);
    RtlCopyMemory((PUCHAR)Buffer + Target->Length, Walk->Rest.Buffer, Walk->Rest.Length);
    if (Walk->Buffer != NULL) {
        ExFreePoolWithTag(Walk->Buffer, OBP_TAG_NAME);
    }
    Walk->Buffer = Buffer;
    Walk->Rest = (UNICODE_STRING){(USHORT)Length, (USHORT)Length, Buffer};
    ObpBeginAbsolute(Walk);
    return *Buffer == L'\\' ? STATUS_SUCCESS : STATUS_OBJECT_PATH_SYNTAX_BAD;
}

/* A link that ends the path is meant itself when the caller wants links; any other is followed.
 * A chain of links that is too long is most likely a circle. */
static NTSTATUS ObpStepSymbolicLink(POBP_WALK Walk)
{
    POBP_LOOKUP Lookup = Walk->Lookup;
    if (Walk->Rest.Length == 0 &&
        (Lookup->Type == ObpSymbolicLinkType || (Lookup->Attributes & OBJ_OPENLINK))) {
        Walk->Done = TRUE;
        return STATUS_SUCCESS;
    }
    if (Lookup->Attributes & OBJ_DONT_REPARSE) {
        return STATUS_REPARSE_POINT_ENCOUNTERED;
    }
    if (++Walk->LinksFollowed > OB_MAX_REPARSE) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return ObpFollowLink(Walk, &((POBJECT_SYMBOLIC_LINK)Walk->Object)->Target);
}

/* The owner takes over with the rest of the path; whatever it answers ends the walk. */
static NTSTATUS ObpStepParse(POBP_WALK Walk)
{
    POBP_LOOKUP Lookup = Walk->Lookup;
    PVOID Object = NULL;
    NTSTATUS Status = ObpHeader(Walk->Object)
                          ->Type->Info.Parse(Walk->Object, &Walk->Rest, Lookup->Attributes,
                                             &Lookup->Access, Lookup->ParseContext, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Walk->Done = TRUE;
    Walk->ByName = FALSE;
    ObpMoveTo(Walk, Object);
    return Status;
}

/* The table at the top of this file. */
static NTSTATUS ObpStep(POBP_WALK Walk)
{
    POBJECT_TYPE Type = ObpHeader(Walk->Object)->Type;
    if (Type == ObpDirectoryType) {
        return ObpStepDirectory(Walk);
    }
    if (Type == ObpSymbolicLinkType) {
        return ObpStepSymbolicLink(Walk);
    }
    if (Type->Info.Parse != NULL) {
        return ObpStepParse(Walk);
    }
    Walk->Done = TRUE;
    return Walk->Rest.Length == 0 ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
}

/* A relative name begins at an object that can say what its names mean. */
static NTSTATUS ObpBeginAtRoot(POBP_WALK Walk, HANDLE Root, KPROCESSOR_MODE AccessMode)
{
    NTSTATUS Status = ObReferenceObjectByHandle(Root, 0, NULL, AccessMode, &Walk->Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    POBJECT_TYPE Type = ObpHeader(Walk->Object)->Type;
    return Type == ObpDirectoryType || Type->Info.Parse != NULL ? STATUS_SUCCESS
                                                                : STATUS_INVALID_HANDLE;
}

/* Stands the walk on its first object, and checks the path's outer form. */
static NTSTATUS ObpBeginWalk(POBP_WALK Walk, HANDLE Root, PUNICODE_STRING Name,
                             KPROCESSOR_MODE AccessMode)
{
    Walk->Rest = *Name;
    if ((Name->Length & 1) != 0 || Name->Length > OBP_MAX_NAME) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Name->Length != 0 && Name->Buffer == NULL) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    BOOLEAN Absolute = Name->Length != 0 && *Name->Buffer == L'\\';
    if (Root != NULL) {
        return Absolute ? STATUS_OBJECT_PATH_SYNTAX_BAD : ObpBeginAtRoot(Walk, Root, AccessMode);
    }
    if (!Absolute) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    if (Name->Length == sizeof(WCHAR)) {
        Walk->Rest.Length = 0; // the root directory itself
    }
    ObpBeginAbsolute(Walk);
    return STATUS_SUCCESS;
}

NTSTATUS ObpLookupName(HANDLE Root, PUNICODE_STRING Name, KPROCESSOR_MODE AccessMode,
                       POBP_LOOKUP Lookup, PVOID *Object)
{
    OBP_WALK Walk = {.Lookup = Lookup};
    Walk.CaseInsensitive = (Lookup->Attributes & OBJ_CASE_INSENSITIVE) != 0 ||
                           Lookup->Type == NULL || Lookup->Type->Info.CaseInsensitive;
    NTSTATUS Status = ObpBeginWalk(&Walk, Root, Name, AccessMode);
    while (NT_SUCCESS(Status) && !Walk.Done) {
        Status = ObpStep(&Walk);
    }
    if (NT_SUCCESS(Status) && Lookup->Type != NULL &&
        ObpHeader(Walk.Object)->Type != Lookup->Type) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (Walk.Buffer != NULL) {
        ExFreePoolWithTag(Walk.Buffer, OBP_TAG_NAME);
    }
    if (NT_SUCCESS(Status)) {
        *Object = Walk.Object;
        Lookup->ByName = Walk.ByName;
    } else if (Walk.Object != NULL) {
        ObfDereferenceObject(Walk.Object);
    }
    return Status;
}
