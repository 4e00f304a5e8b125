/*
 * event.c - named events for drivers: the event object's services, answered with a pointer.
 *
 * The handle is what keeps the event: the pointer carries no reference, and is good until the
 * handle is closed. A kernel handle serves, because drivers use it in any thread.
 */
#include "iop.h"

static PKEVENT IopCreateEvent(PUNICODE_STRING EventName, EVENT_TYPE Type, PHANDLE EventHandle)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    PKEVENT Event;

    InitializeObjectAttributes(&Attributes, EventName, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, Type, TRUE))) {
        return NULL;
    }
    ObReferenceObjectByHandle(Handle, 0, ExEventObjectType, KernelMode, (PVOID *)&Event, NULL);
    ObfDereferenceObject(Event);
    *EventHandle = Handle;
    return Event;
}

PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return IopCreateEvent(EventName, NotificationEvent, EventHandle);
}

PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return IopCreateEvent(EventName, SynchronizationEvent, EventHandle);
}
