/*
 * pnpnotify.c - drivers are told when device interfaces come and go.
 *
 * What happens to an interface makes a notice, and one worker thread at a time takes the notices in
 * order and calls the routines. Registrations and notices are numbered in one sequence: a notice is
 * for those that registered before it, so that nobody is told of an interface twice. Of those that
 * are there already who registers is told in his own thread, by notices made while interface.c's
 * lock keeps others from changing. He may hold what a routine that the worker calls waits for, the
 * loader for instance, so he does not wait for the worker; the worker waits for him when it comes
 * to a notice for his registration, and then it is in nobody's routine.
 *
 * The worker finds its way through the registrations by their numbers: any may go while it calls
 * one. Who takes back one that is being called waits, unless the call itself waits for that: then
 * who calls frees it.
 */
#include "iop.h"
#include <initguid.h>
#include <wdmguid.h>

#define IOP_TAG_NOTIFY 0x6E706F49 /* "Iopn" */

/* n: IopNotifyMutex. i: fixed once it is in the list. */
typedef struct _IOP_REGISTRATION {
    LIST_ENTRY Link;                               /* n */
    ULONG64 Number;                                /* i */
    GUID Class;                                    /* i */
    PDRIVER_OBJECT Driver;                         /* i  referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Routine; /* i */
    PVOID Context;                                 /* i */
    PKTHREAD Running;                              /* n  that calls the routine; or NULL. Who
                                                      registers, until all that is there is told */
    BOOLEAN Gone;                                  /* n  not in the list any more */
    BOOLEAN Waited;                                /* n  by who took it back, and frees it */
    KEVENT Idle;                                   /* the call that was waited for is over */
} IOP_REGISTRATION, *PIOP_REGISTRATION;

static FAST_MUTEX IopNotifyMutex;
static LIST_ENTRY IopRegistrations = {&IopRegistrations, &IopRegistrations}; /* n  by number */
static LIST_ENTRY IopNotices = {&IopNotices, &IopNotices};                   /* n  by number */
static ULONG64 IopLastNumber;                                                /* n */
static BOOLEAN IopDelivering;                                                /* n */
static BOOLEAN IopWaiting;              /* n  the worker, for IopCallOver */
static KEVENT IopCallOver;              /* who registered has been told what is there */
static WORK_QUEUE_ITEM IopDeliveryItem; /* queued by who sets IopDelivering */

/* The name twice, terminated: as it is, and as it is shown to a routine. */
PIOP_NOTICE IopMakeNotice(BOOLEAN Arrival, const GUID *Class, PCUNICODE_STRING Name)
{
    ULONG Room = Name->Length + (ULONG)sizeof(WCHAR);
    PIOP_NOTICE Notice =
        ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Notice) + 2 * Room, IOP_TAG_NOTIFY);
    if (Notice != NULL) {
        Notice->Event = Arrival ? GUID_DEVICE_INTERFACE_ARRIVAL : GUID_DEVICE_INTERFACE_REMOVAL;
        Notice->Class = *Class;
        Notice->Name = (UNICODE_STRING){Name->Length, (USHORT)Room, Notice->Buffer};
        Notice->Shown = Notice->Buffer + Room / sizeof(WCHAR);
        RtlCopyMemory(Notice->Buffer, Name->Buffer, Name->Length);
    }
    return Notice;
}

void IopFreeNotice(PIOP_NOTICE Notice)
{
    if (Notice != NULL) {
        ExFreePoolWithTag(Notice, IOP_TAG_NOTIFY);
    }
}

static void IopFreeRegistration(PIOP_REGISTRATION Registration)
{
    PDRIVER_OBJECT Driver = Registration->Driver;
    ExFreePoolWithTag(Registration, IOP_TAG_NOTIFY);
    ObfDereferenceObject(Driver);
}

/*** Delivery. ***/

/* Each gets a copy: what one writes there the next does not see. */
static void IopCall(PIOP_REGISTRATION Registration, PIOP_NOTICE Notice)
{
    UNICODE_STRING Name = {Notice->Name.Length, Notice->Name.MaximumLength, Notice->Shown};
    DEVICE_INTERFACE_CHANGE_NOTIFICATION Change = {.Version = 1,
                                                   .Size = sizeof(Change),
                                                   .Event = Notice->Event,
                                                   .InterfaceClassGuid = Notice->Class,
                                                   .SymbolicLinkName = &Name};
    RtlCopyMemory(Notice->Shown, Notice->Name.Buffer, Notice->Name.MaximumLength);
    Registration->Routine(&Change, Registration->Context);
    IopCheckIrql((PVOID)Registration->Routine, NULL, PASSIVE_LEVEL);
}

static void IopEndCall(PIOP_REGISTRATION Registration)
{
    ExAcquireFastMutex(&IopNotifyMutex);
    Registration->Running = NULL;
    BOOLEAN Free = Registration->Gone && !Registration->Waited;
    if (Registration->Waited) {
        KeSetEvent(&Registration->Idle, IO_NO_INCREMENT, FALSE);
    }
    if (IopWaiting) {
        IopWaiting = FALSE;
        KeSetEvent(&IopCallOver, IO_NO_INCREMENT, FALSE);
    }
    ExReleaseFastMutex(&IopNotifyMutex);
    if (Free) {
        IopFreeRegistration(Registration);
    }
}

/* The next registration behind number Last that is to be told; NULL: there is none. Mutex held. */
static PIOP_REGISTRATION IopNextFor(PIOP_NOTICE Notice, ULONG64 Last)
{
    for (PLIST_ENTRY Link = IopRegistrations.Flink; Link != &IopRegistrations; Link = Link->Flink) {
        PIOP_REGISTRATION Registration = CONTAINING_RECORD(Link, IOP_REGISTRATION, Link);
        if (Registration->Number > Last && Registration->Number < Notice->Number &&
            RtlEqualMemory(&Notice->Class, &Registration->Class, sizeof(GUID))) {
            return Registration;
        }
    }
    return NULL;
}

/* The same, marked as running, once it is told what was there before; it may go meanwhile. */
static PIOP_REGISTRATION IopBeginCall(PIOP_NOTICE Notice, ULONG64 Last)
{
    PIOP_REGISTRATION Found;
    ExAcquireFastMutex(&IopNotifyMutex);
    while ((Found = IopNextFor(Notice, Last)) != NULL && Found->Running != NULL) {
        IopWaiting = TRUE;
        ExReleaseFastMutex(&IopNotifyMutex);
        KeWaitForSingleObject(&IopCallOver, Executive, KernelMode, FALSE, NULL);
        ExAcquireFastMutex(&IopNotifyMutex);
    }
    if (Found != NULL) {
        Found->Running = KeGetCurrentThread();
    }
    ExReleaseFastMutex(&IopNotifyMutex);
    return Found;
}

static void IopDeliver(PIOP_NOTICE Notice)
{
    PIOP_REGISTRATION Registration;
    ULONG64 Last = 0;
    while ((Registration = IopBeginCall(Notice, Last)) != NULL) {
        Last = Registration->Number;
        IopCall(Registration, Notice);
        IopEndCall(Registration);
    }
}

static PIOP_NOTICE IopTakeNotice(void)
{
    PIOP_NOTICE Notice = NULL;
    ExAcquireFastMutex(&IopNotifyMutex);
    if (IsListEmpty(&IopNotices)) {
        IopDelivering = FALSE;
    } else {
        Notice = CONTAINING_RECORD(RemoveHeadList(&IopNotices), IOP_NOTICE, Link);
    }
    ExReleaseFastMutex(&IopNotifyMutex);
    return Notice;
}

static VOID NTAPI IopDeliverAll(PVOID Parameter)
{
    PIOP_NOTICE Notice;
    UNREFERENCED_PARAMETER(Parameter);
    while ((Notice = IopTakeNotice()) != NULL) {
        IopDeliver(Notice);
        IopFreeNotice(Notice);
    }
}

void IopInitializeNotification(void)
{
    ExInitializeFastMutex(&IopNotifyMutex);
    KeInitializeEvent(&IopCallOver, SynchronizationEvent, FALSE);
    ExInitializeWorkItem(&IopDeliveryItem, IopDeliverAll, NULL);
}

void IopSendNotice(PIOP_NOTICE Notice)
{
    ExAcquireFastMutex(&IopNotifyMutex);
    BOOLEAN Wanted = !IsListEmpty(&IopRegistrations);
    if (Wanted) {
        Notice->Number = ++IopLastNumber;
        InsertTailList(&IopNotices, &Notice->Link);
        if (!IopDelivering) {
            IopDelivering = TRUE;
            ExQueueWorkItem(&IopDeliveryItem, DelayedWorkQueue);
        }
    }
    ExReleaseFastMutex(&IopNotifyMutex);
    if (!Wanted) {
        IopFreeNotice(Notice);
    }
}

/*** Registration. ***/

static void IopEnterRegistration(PIOP_REGISTRATION Registration, BOOLEAN Running)
{
    ExAcquireFastMutex(&IopNotifyMutex);
    Registration->Number = ++IopLastNumber;
    Registration->Running = Running ? KeGetCurrentThread() : NULL;
    InsertTailList(&IopRegistrations, &Registration->Link);
    ExReleaseFastMutex(&IopNotifyMutex);
}

static BOOLEAN IopIsGone(PIOP_REGISTRATION Registration)
{
    ExAcquireFastMutex(&IopNotifyMutex);
    BOOLEAN Gone = Registration->Gone;
    ExReleaseFastMutex(&IopNotifyMutex);
    return Gone;
}

/* Calls the routine for each, unless Registration is NULL or gone, and frees them. */
static void IopTellExisting(PIOP_REGISTRATION Registration, PLIST_ENTRY Notices)
{
    while (!IsListEmpty(Notices)) {
        PIOP_NOTICE Notice = CONTAINING_RECORD(RemoveHeadList(Notices), IOP_NOTICE, Link);
        if (Registration != NULL && !IopIsGone(Registration)) {
            IopCall(Registration, Notice);
        }
        IopFreeNotice(Notice);
    }
}

/* On success the registration is not the caller's any more: its routine may take it back. */
static NTSTATUS IopRegister(PIOP_REGISTRATION Registration, BOOLEAN Existing, PVOID *Entry)
{
    LIST_ENTRY Notices;
    NTSTATUS Status = STATUS_SUCCESS;
    InitializeListHead(&Notices);
    IopLockInterfaces();
    if (Existing) {
        Status = IopMakeExistingNotices(&Registration->Class, &Notices);
    }
    BOOLEAN Tell = NT_SUCCESS(Status) && !IsListEmpty(&Notices);
    if (NT_SUCCESS(Status)) {
        *Entry = Registration;
        IopEnterRegistration(Registration, Tell);
    }
    IopUnlockInterfaces();
    IopTellExisting(Tell ? Registration : NULL, &Notices);
    if (Tell) {
        IopEndCall(Registration);
    }
    return Status;
}

static NTSTATUS IopCheckRegistration(IO_NOTIFICATION_EVENT_CATEGORY Category, ULONG Flags,
                                     PVOID Class, PVOID Routine)
{
    switch (Category) {
    case EventCategoryDeviceInterfaceChange:
        return (Flags & ~PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES) == 0 &&
                       Class != NULL && Routine != NULL
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    case EventCategoryHardwareProfileChange:
    case EventCategoryTargetDeviceChange:
    case EventCategoryKernelSoftRestart:
        return STATUS_NOT_SUPPORTED;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                              ULONG EventCategoryFlags, PVOID EventCategoryData,
                                              PDRIVER_OBJECT DriverObject,
                                              PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                              PVOID Context, PVOID *NotificationEntry)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    NTSTATUS Status = IopCheckRegistration(EventCategory, EventCategoryFlags, EventCategoryData,
                                           (PVOID)CallbackRoutine);
    *NotificationEntry = NULL;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIOP_REGISTRATION New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New), IOP_TAG_NOTIFY);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Class = *(const GUID *)EventCategoryData;
    New->Driver = DriverObject;
    New->Routine = CallbackRoutine;
    New->Context = Context;
    KeInitializeEvent(&New->Idle, NotificationEvent, FALSE);
    ObfReferenceObject(DriverObject);
    Status = IopRegister(New, EventCategoryFlags != 0, NotificationEntry);
    if (!NT_SUCCESS(Status)) {
        IopFreeRegistration(New);
    }
    return Status;
}

/* The registration called Wanted, or with NULL the first of Driver's. Mutex held. */
static PIOP_REGISTRATION IopFindRegistration(PVOID Wanted, PDRIVER_OBJECT Driver)
{
    for (PLIST_ENTRY Link = IopRegistrations.Flink; Link != &IopRegistrations; Link = Link->Flink) {
        PIOP_REGISTRATION Registration = CONTAINING_RECORD(Link, IOP_REGISTRATION, Link);
        if (Wanted != NULL ? Registration == Wanted : Registration->Driver == Driver) {
            return Registration;
        }
    }
    return NULL;
}

NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    BOOLEAN Running = FALSE, Wait = FALSE;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    ExAcquireFastMutex(&IopNotifyMutex);
    PIOP_REGISTRATION Registration =
        NotificationEntry != NULL ? IopFindRegistration(NotificationEntry, NULL) : NULL;
    if (Registration != NULL) {
        RemoveEntryList(&Registration->Link);
        Registration->Gone = TRUE;
        Running = Registration->Running != NULL;
        Wait = Registration->Waited = Running && !IoWorksFor(Registration->Running);
    }
    ExReleaseFastMutex(&IopNotifyMutex);
    if (Registration == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Wait) {
        KeWaitForSingleObject(&Registration->Idle, Executive, KernelMode, FALSE, NULL);
        /* The worker is out of the event when it has left the mutex. */
        ExAcquireFastMutex(&IopNotifyMutex);
        ExReleaseFastMutex(&IopNotifyMutex);
    }
    if (Wait || !Running) {
        IopFreeRegistration(Registration);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    return IoUnregisterPlugPlayNotificationEx(NotificationEntry);
}

/* The first routine that Driver has registered and not taken back; NULL: none. */
static PVOID IopFindForgotten(PDRIVER_OBJECT Driver, PVOID *Entry)
{
    ExAcquireFastMutex(&IopNotifyMutex);
    PIOP_REGISTRATION Registration = IopFindRegistration(NULL, Driver);
    PVOID Routine = Registration != NULL ? (PVOID)Registration->Routine : NULL;
    ExReleaseFastMutex(&IopNotifyMutex);
    *Entry = Registration;
    return Routine;
}

void IopReportNotification(PDRIVER_OBJECT Driver, BOOLEAN TakeBack)
{
    CHAR Text[96];
    PVOID Entry, Routine;
    while ((Routine = IopFindForgotten(Driver, &Entry)) != NULL) {
        LdrFormatAddress(Routine, Text, sizeof(Text));
        KdPrintf("io: %wZ %s and leaves a plug and play notification behind: %s\n",
                 &Driver->DriverName, TakeBack ? "failed" : "unloads", Text);
        if (!TakeBack) {
            break; /* one is enough: the registration refers to the object */
        }
        IoUnregisterPlugPlayNotificationEx(Entry);
    }
}
