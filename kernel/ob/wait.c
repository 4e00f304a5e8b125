/*
 * wait.c - waits for objects by their handles.
 *
 * A reference, not the handle, keeps an object through the wait: others may close it meanwhile.
 */
#include "obp.h"

#define OBP_TAG_WAIT 0x576A624F /* "ObjW" */

/* What a wait on an object without a dispatcher header waits for: always signalled. */
static KEVENT ObpDefaultObject = {
    .Header = {.Type = EventNotificationObject,
               .Size = sizeof(KEVENT) / sizeof(LONG),
               .SignalState = 1,
               .WaitListHead = {&ObpDefaultObject.Header.WaitListHead,
                                &ObpDefaultObject.Header.WaitListHead}}};

static PVOID ObpWaitable(PVOID Object)
{
    LONG Offset = ObpHeader(Object)->Type->Info.DispatcherOffset;
    return Offset == OB_NOT_WAITABLE ? (PVOID)&ObpDefaultObject : (PVOID)((PUCHAR)Object + Offset);
}

NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PVOID Object;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, KernelMode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status =
        KeWaitForSingleObject(ObpWaitable(Object), UserRequest, KernelMode, Alertable, Timeout);
    ObfDereferenceObject(Object);
    return Status;
}

/* What a wait for many needs, too much for the stack. */
typedef struct _OBP_MULTIPLE_WAIT {
    ULONG Count; /* referenced so far */
    PVOID Objects[MAXIMUM_WAIT_OBJECTS];
    PVOID Waitables[MAXIMUM_WAIT_OBJECTS];
    KWAIT_BLOCK Blocks[MAXIMUM_WAIT_OBJECTS];
} OBP_MULTIPLE_WAIT, *POBP_MULTIPLE_WAIT;

static NTSTATUS ObpReferenceAll(POBP_MULTIPLE_WAIT Wait, ULONG Count, HANDLE Handles[])
{
    while (Wait->Count < Count) {
        PVOID Object;
        NTSTATUS Status = ObReferenceObjectByHandle(Handles[Wait->Count], SYNCHRONIZE, NULL,
                                                    KernelMode, &Object, NULL);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Wait->Objects[Wait->Count] = Object;
        Wait->Waitables[Wait->Count++] = ObpWaitable(Object);
    }
    return STATUS_SUCCESS;
}

/* To take one signal twice at one moment is impossible. */
static BOOLEAN ObpIsAnyTwice(POBP_MULTIPLE_WAIT Wait)
{
    for (ULONG i = 1; i < Wait->Count; i++) {
        for (ULONG k = 0; k < i; k++) {
            if (Wait->Objects[i] == Wait->Objects[k]) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

NTSTATUS NTAPI ZwWaitForMultipleObjects(ULONG Count, HANDLE Handles[], WAIT_TYPE WaitType,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS) {
        return STATUS_INVALID_PARAMETER_1;
    }
    if (WaitType != WaitAll && WaitType != WaitAny) {
        return STATUS_INVALID_PARAMETER_3;
    }
    if (ObIsBadPointer(Handles)) {
        return STATUS_ACCESS_VIOLATION;
    }
    POBP_MULTIPLE_WAIT Wait = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Wait), OBP_TAG_WAIT);
    if (Wait == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = ObpReferenceAll(Wait, Count, Handles);
    if (NT_SUCCESS(Status) && WaitType == WaitAll && ObpIsAnyTwice(Wait)) {
        Status = STATUS_INVALID_PARAMETER_MIX;
    }
    if (NT_SUCCESS(Status)) {
        Status = KeWaitForMultipleObjects(Count, Wait->Waitables, WaitType, UserRequest, KernelMode,
                                          Alertable, Timeout, Wait->Blocks);
    }
    while (Wait->Count != 0) {
        ObfDereferenceObject(Wait->Objects[--Wait->Count]);
    }
    ExFreePoolWithTag(Wait, OBP_TAG_WAIT);
    return Status;
}
