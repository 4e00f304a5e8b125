/*
 * insert.c - objects get names and handles: what an owner calls after ObAllocateObject, and what
 * everybody calls to find an object by name. The work is done in name.c and handle.c.
 */
#include "obp.h"

/* Makes a handle for Object, which has been looked up or entered. If it has a temporary name, the
 * last other handle may have been closed before, and the name be gone with it: then the handle
 * would be one to an object that nobody else can find. *Retry: nothing is done, the name has to be
 * looked up again. Once there is a handle, the name stays. */
static NTSTATUS ObpCreateNamedHandle(PVOID Object, KPROCESSOR_MODE AccessMode, POBP_LOOKUP Lookup,
                                     HANDLE *Handle, BOOLEAN *Retry)
{
    NTSTATUS Status =
        ObpCreateHandle(Object, AccessMode, Lookup->Attributes, Lookup->Access, Handle);
    *Retry = NT_SUCCESS(Status) && Lookup->ByName && !ObpHasName(ObpHeader(Object));
    if (*Retry) {
        ObCloseHandle(*Handle, KernelMode);
    }
    return Status;
}

/* One attempt of ObEnterObject for an object that gets a name; *Found is it, or with OBJ_OPENIF the
 * one that has the name. On success *Found has a reference for the caller. */
static NTSTATUS ObpTryInsert(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access,
                             PVOID *Found, HANDLE *Handle, BOOLEAN *Retry)
{
    OBP_LOOKUP Lookup = {.Type = ObpHeader(Object)->Type,
                         .Attributes = Attributes->Attributes,
                         .Access = Access,
                         .InsertObject = Object};
    NTSTATUS Status = ObpLookupName(Attributes->RootDirectory, Attributes->ObjectName, KernelMode,
                                    &Lookup, Found);
    *Retry = FALSE;
    if (!NT_SUCCESS(Status) || Handle == NULL) {
        return Status;
    }
    NTSTATUS HandleStatus = ObpCreateNamedHandle(*Found, KernelMode, &Lookup, Handle, Retry);
    if (NT_SUCCESS(HandleStatus) && !*Retry) {
        return Status;
    }
    // Whoever asked does not get the object, so it must not be found under its name.
    if (!NT_SUCCESS(HandleStatus) && *Found == Object) {
        ObMakeTemporaryObject(Object);
    }
    ObfDereferenceObject(*Found);
    return HandleStatus;
}

static NTSTATUS ObpInsertNamed(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access,
                               PVOID *Found, HANDLE *Handle)
{
    BOOLEAN Retry;
    NTSTATUS Status;
    do {
        Status = ObpTryInsert(Object, Attributes, Access, Found, Handle, &Retry);
    } while (Retry);
    return Status;
}

static NTSTATUS ObpInsertUnnamed(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access,
                                 PVOID *Found, HANDLE *Handle)
{
    ULONG Flags = Attributes != NULL ? Attributes->Attributes : 0;
    NTSTATUS Status = Handle != NULL ? ObpCreateHandle(Object, KernelMode, Flags, Access, Handle)
                                     : STATUS_SUCCESS;
    if (NT_SUCCESS(Status)) {
        ObfReferenceObject(Object);
        *Found = Object;
    }
    return Status;
}

/* All that can be said about Attributes before the name is looked up. */
static NTSTATUS ObpCheckNewObject(POBJECT_HEADER Header, POBJECT_ATTRIBUTES Attributes)
{
    NTSTATUS Status = ObpCheckAttributes(Attributes, TRUE);
    if (NT_SUCCESS(Status) && Attributes != NULL) {
        Header->Exclusive = (Attributes->Attributes & OBJ_EXCLUSIVE) != 0;
        if (Attributes->Attributes & Header->Type->Info.InvalidAttributes) {
            Status = STATUS_INVALID_PARAMETER;
        }
        // As with no name at all: there is nothing that could be relative to the directory.
        if (Attributes->RootDirectory != NULL && Attributes->ObjectName != NULL &&
            Attributes->ObjectName->Length == 0) {
            Status = STATUS_OBJECT_NAME_INVALID;
        }
    }
    return Status;
}

NTSTATUS ObEnterObject(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK DesiredAccess,
                       PVOID *ObjectOut, HANDLE *Handle)
{
    PVOID Found;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    NTSTATUS Status = ObpCheckNewObject(ObpHeader(Object), Attributes);
    if (NT_SUCCESS(Status)) {
        BOOLEAN Named = Attributes != NULL && Attributes->ObjectName != NULL &&
                        Attributes->ObjectName->Length != 0;
        Status = Named ? ObpInsertNamed(Object, Attributes, DesiredAccess, &Found, Handle)
                       : ObpInsertUnnamed(Object, Attributes, DesiredAccess, &Found, Handle);
    }
    // Found has its own reference: the creator's goes.
    ObfDereferenceObject(Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (ObjectOut != NULL) {
        *ObjectOut = Found;
    } else {
        ObfDereferenceObject(Found);
    }
    return Status;
}

/* One attempt; *Retry as above. */
static NTSTATUS ObpTryOpen(POBJECT_ATTRIBUTES Attributes, POBP_LOOKUP Lookup,
                           KPROCESSOR_MODE AccessMode, HANDLE *Handle, BOOLEAN *Retry)
{
    UNICODE_STRING Empty = {0, 0, NULL};
    PVOID Object;
    NTSTATUS Status = ObpLookupName(
        Attributes->RootDirectory, Attributes->ObjectName != NULL ? Attributes->ObjectName : &Empty,
        AccessMode, Lookup, &Object);
    *Retry = FALSE;
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateNamedHandle(Object, AccessMode, Lookup, Handle, Retry);
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES Attributes, POBJECT_TYPE Type,
                                  KPROCESSOR_MODE AccessMode, PACCESS_STATE AccessState,
                                  ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle)
{
    BOOLEAN Retry;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(AccessState == NULL); // nobody makes one
    NTSTATUS Status = ObpCheckAttributes(Attributes, FALSE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OBP_LOOKUP Lookup = {.Type = Type,
                         .Attributes = Attributes->Attributes,
                         .Access = DesiredAccess,
                         .ParseContext = ParseContext};
    do {
        Status = ObpTryOpen(Attributes, &Lookup, AccessMode, Handle, &Retry);
    } while (Retry);
    return Status;
}

NTSTATUS ObpOpenNamed(PHANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES Attributes,
                      POBJECT_TYPE Type)
{
    if (ObIsBadPointer(Handle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    return ObOpenObjectByName(Attributes, Type, KernelMode, NULL, DesiredAccess, NULL, Handle);
}

NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes,
                                       PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode,
                                       PVOID ParseContext, PVOID *Object)
{
    ACCESS_MASK Granted;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    KI_ASSERT(AccessState == NULL);
    if (Attributes & ~OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    OBP_LOOKUP Lookup = {.Type = Type,
                         .Attributes = Attributes,
                         .Access = DesiredAccess,
                         .ParseContext = ParseContext};
    NTSTATUS Status = ObpLookupName(NULL, Name, AccessMode, &Lookup, Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status =
        ObpGrantAccess(ObpHeader(*Object)->Type, AccessMode, Attributes, DesiredAccess, &Granted);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(*Object);
    }
    return Status;
}
