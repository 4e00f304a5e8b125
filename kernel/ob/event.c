/*
 * event.c - events with handles and names, for asynchronous requests and for drivers that share
 * one.
 *
 * The body is a KEVENT, guarded as every dispatcher object; this file adds the type and the
 * services.
 */
#include "obp.h"

POBJECT_TYPE ExEventObjectType;

static void ObpDumpEvent(PVOID Object, PKD_CONSOLE Console)
{
    PKEVENT Event = Object;
    KdConsolePrint(Console, "    %s event, %s\n",
                   Event->Header.Type == EventNotificationObject ? "Notification"
                                                                 : "Synchronization",
                   KeReadStateEvent(Event) != 0 ? "signalled" : "not signalled");
}

static const OB_TYPE_INITIALIZER ObpEventInitializer = {
    .Name = L"Event",
    .PoolType = NonPagedPoolNx,
    .ValidAccess = EVENT_ALL_ACCESS,
    .GenericMapping = {STANDARD_RIGHTS_READ | EVENT_QUERY_STATE,
                       STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
                       STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS},
    .Dump = ObpDumpEvent,
    .InvalidAttributes = OBJ_OPENLINK,
    .DispatcherOffset = offsetof(KEVENT, Header),
};

NTSTATUS ObpCreateEventType(void)
{
    return ObCreateType(&ObpEventInitializer, &ExEventObjectType);
}

NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    PKEVENT Event;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(EventHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (EventType != NotificationEvent && EventType != SynchronizationEvent) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObAllocateObject(ExEventObjectType, sizeof(*Event), (PVOID *)&Event);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(Event, EventType, InitialState);
    return ObEnterObject(Event, ObjectAttributes, DesiredAccess, NULL, EventHandle);
}

NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObpOpenNamed(EventHandle, DesiredAccess, ObjectAttributes, ExEventObjectType);
}

/* Applies Operation to the event and tells its previous state. */
static NTSTATUS ObpChangeEvent(HANDLE EventHandle, LONG (*Operation)(PKEVENT), PLONG PreviousState)
{
    PKEVENT Event;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    NTSTATUS Status = ObReferenceObjectByHandle(EventHandle, EVENT_MODIFY_STATE, ExEventObjectType,
                                                KernelMode, (PVOID *)&Event, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    LONG Previous = Operation(Event);
    if (PreviousState != NULL) {
        *PreviousState = Previous;
    }
    ObfDereferenceObject(Event);
    return STATUS_SUCCESS;
}

/* The two operations have the boost and the convention of the exported routines hidden. */
static LONG ObpSetEvent(PKEVENT Event)
{
    return KeSetEvent(Event, EVENT_INCREMENT, FALSE);
}

static LONG ObpResetEvent(PKEVENT Event)
{
    return KeResetEvent(Event);
}

NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, ObpSetEvent, PreviousState);
}

NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, ObpResetEvent, PreviousState);
}

NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle)
{
    return ObpChangeEvent(EventHandle, ObpResetEvent, NULL);
}

NTSTATUS NTAPI ZwQueryEvent(HANDLE EventHandle, EVENT_INFORMATION_CLASS EventInformationClass,
                            PVOID EventInformation, ULONG Length, PULONG ReturnLength)
{
    PEVENT_BASIC_INFORMATION Basic = EventInformation;
    PKEVENT Event;
    NTSTATUS Status = ObpBeginQuery(
        &(OBP_QUERY){EventHandle, ExEventObjectType, EVENT_QUERY_STATE, sizeof(*Basic)},
        EventInformationClass, Basic, Length, ReturnLength, (PVOID *)&Event);
    if (NT_SUCCESS(Status)) {
        BOOLEAN Notification = Event->Header.Type == EventNotificationObject;
        *Basic = (EVENT_BASIC_INFORMATION){Notification ? NotificationEvent : SynchronizationEvent,
                                           KeReadStateEvent(Event)};
        ObfDereferenceObject(Event);
    }
    return Status;
}
