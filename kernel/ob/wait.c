/*
 * wait.c - waits for objects by their handles.
 *
 * A reference, not the handle, keeps an object through the wait: others may close it meanwhile.
 */
#include "obp.h"

/* What a wait on an object without a dispatcher header waits for: always signalled. */
static KEVENT ObpDefaultObject = {
    .Header = {.Type = EventNotificationObject,
               .Size = sizeof(KEVENT) / sizeof(LONG),
               .SignalState = 1,
               .WaitListHead = {&ObpDefaultObject.Header.WaitListHead,
                                &ObpDefaultObject.Header.WaitListHead}}};

NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PVOID Object;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, KernelMode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    LONG Offset = ObpHeader(Object)->Type->Info.DispatcherOffset;
    // The reference, not the handle, keeps the object through the wait.
    PVOID Waitable =
        Offset == OB_NOT_WAITABLE ? (PVOID)&ObpDefaultObject : (PVOID)((PUCHAR)Object + Offset);
    Status = KeWaitForSingleObject(Waitable, UserRequest, KernelMode, Alertable, Timeout);
    ObfDereferenceObject(Object);
    return Status;
}
