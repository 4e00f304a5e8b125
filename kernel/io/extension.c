/*
 * extension.c - memory that belongs to a driver object.
 *
 * The extensions hang in the driver object's list, under the database lock, and go with the object.
 * A driver has a few at most, so the list is searched from its beginning.
 */
#include "iop.h"

typedef struct _IOP_CLIENT_EXTENSION {
    LIST_ENTRY Link; /* b */
    PVOID Client;    /* i  the key */
    DECLSPEC_ALIGN(16) UCHAR Data[];
} IOP_CLIENT_EXTENSION, *PIOP_CLIENT_EXTENSION;

/* Lock held. */
static PIOP_CLIENT_EXTENSION IopFindExtension(PDRIVER_OBJECT Driver, PVOID Client)
{
    PLIST_ENTRY Head = &IopDriver(Driver)->Extensions;
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PIOP_CLIENT_EXTENSION Extension = CONTAINING_RECORD(Link, IOP_CLIENT_EXTENSION, Link);
        if (Extension->Client == Client) {
            return Extension;
        }
    }
    return NULL;
}

NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID Client,
                                               ULONG Size, PVOID *DriverObjectExtension)
{
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    *DriverObjectExtension = NULL;
    PIOP_CLIENT_EXTENSION New =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New) + (SIZE_T)Size, IOP_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Client = Client;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    BOOLEAN Taken = IopFindExtension(DriverObject, Client) != NULL;
    if (!Taken) {
        InsertHeadList(&IopDriver(DriverObject)->Extensions, &New->Link);
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (Taken) {
        ExFreePoolWithTag(New, IOP_TAG);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DriverObjectExtension = New->Data;
    return STATUS_SUCCESS;
}

PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID Client)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    PIOP_CLIENT_EXTENSION Found = IopFindExtension(DriverObject, Client);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Found != NULL ? Found->Data : NULL;
}

/* Nobody has the object any more. */
void IopFreeDriverExtensions(PDRIVER_OBJECT DriverObject)
{
    PLIST_ENTRY Head = &IopDriver(DriverObject)->Extensions;
    while (!IsListEmpty(Head)) {
        ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(Head), IOP_CLIENT_EXTENSION, Link),
                          IOP_TAG);
    }
}
