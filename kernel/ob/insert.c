/*
 * insert.c - objects get names and handles: what an owner calls after ObCreateObject, and what
 * everybody calls to find an object by name. The work is done in name.c and handle.c.
 */
#include "obp.h"

/* Names Object as Attributes says; *Found is it, or with OBJ_OPENIF the one that has the name. The
 * object found carries a reference for the caller. */
static NTSTATUS ObpInsertName(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access,
                              PVOID *Found)
{
    OBP_LOOKUP Lookup = {.Type = ObpHeader(Object)->Type,
                         .Attributes = Attributes->Attributes,
                         .Access = Access,
                         .InsertObject = Object};
    return ObpLookupName(Attributes->RootDirectory, Attributes->ObjectName, KernelMode, &Lookup,
                         Found);
}

NTSTATUS ObInsertObject(PVOID Object, POBJECT_ATTRIBUTES Attributes, ACCESS_MASK DesiredAccess,
                        PVOID *ObjectOut, HANDLE *Handle)
{
    PVOID Found = Object;
    NTSTATUS Status = STATUS_SUCCESS;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (Attributes != NULL && Attributes->ObjectName != NULL &&
        Attributes->ObjectName->Length != 0) {
        Status = ObpInsertName(Object, Attributes, DesiredAccess, &Found);
    } else {
        ObfReferenceObject(Found);
    }
    if (NT_SUCCESS(Status) && Handle != NULL) {
        NTSTATUS HandleStatus = ObpCreateHandle(
            Found, Attributes != NULL ? Attributes->Attributes : 0, DesiredAccess, Handle);
        if (!NT_SUCCESS(HandleStatus)) {
            // Whoever asked does not get the object, so it must not be found under its name.
            if (Found == Object) {
                ObMakeTemporaryObject(Object);
            }
            ObfDereferenceObject(Found);
            Status = HandleStatus;
        }
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

NTSTATUS ObOpenObjectByName(POBJECT_ATTRIBUTES Attributes, POBJECT_TYPE Type,
                            KPROCESSOR_MODE AccessMode, ACCESS_MASK DesiredAccess,
                            PVOID ParseContext, HANDLE *Handle)
{
    UNICODE_STRING Empty = {0, 0, NULL};
    OBP_LOOKUP Lookup = {.Type = Type,
                         .Attributes = Attributes->Attributes,
                         .Access = DesiredAccess,
                         .ParseContext = ParseContext};
    PVOID Object;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    NTSTATUS Status = ObpLookupName(
        Attributes->RootDirectory, Attributes->ObjectName != NULL ? Attributes->ObjectName : &Empty,
        AccessMode, &Lookup, &Object);
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateHandle(Object, Attributes->Attributes, DesiredAccess, Handle);
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes, ACCESS_MASK DesiredAccess,
                                 POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, PVOID ParseContext,
                                 PVOID *Object)
{
    OBP_LOOKUP Lookup = {.Type = Type,
                         .Attributes = Attributes,
                         .Access = DesiredAccess,
                         .ParseContext = ParseContext};
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    return ObpLookupName(NULL, Name, AccessMode, &Lookup, Object);
}
