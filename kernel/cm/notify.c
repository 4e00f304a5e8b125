/*
 * notify.c - who is told when keys change: ZwNotifyChangeKey.
 *
 * A watch belongs to a key object and hangs on its key; it is made by the first call through a
 * handle and stays until the last handle is closed. Calls that wait are its requests. A change
 * looks at the watches of the key and, for watches of trees, of all keys above it; it ends a
 * watch's requests or, when there are none, is remembered for the next one:
 *
 *     change ---> key ----> watch (filter) ----> request, request: done
 *                  |            '-- none: Changed = TRUE, and the next request is done at once
 *                  v
 *               parent ---> watch (filter, tree) ...
 *
 * All of it happens under CmpLock, held exclusively.
 */
#include "cmp.h"
#include "mm.h"

/* A call that waits. The one who made it waits on Done, or is told by Event and Item. */
typedef struct _CMP_REQUEST {
    LIST_ENTRY Link;
    PIO_STATUS_BLOCK IoStatus;
    PKEVENT Event;         /* referenced, or NULL */
    PWORK_QUEUE_ITEM Item; /* to be queued, or NULL */
    WORK_QUEUE_TYPE Queue;
    PKEVENT Done;    /* of a synchronous call, which owns the request's memory */
    NTSTATUS Status; /* of a synchronous call */
} CMP_REQUEST, *PCMP_REQUEST;

/* Tells the caller, and frees what an asynchronous request has. */
static void CmpEndRequest(PCMP_REQUEST Request, NTSTATUS Status)
{
    Request->IoStatus->Status = Status;
    Request->IoStatus->Information = 0;
    if (Request->Event != NULL) {
        KeSetEvent(Request->Event, IO_NO_INCREMENT, FALSE);
        ObDereferenceObject(Request->Event);
    }
    if (Request->Item != NULL) {
        ExQueueWorkItem(Request->Item, Request->Queue);
    }
    if (Request->Done != NULL) {
        Request->Status = Status;
        KeSetEvent(Request->Done, IO_NO_INCREMENT, FALSE);
    } else {
        ExFreePoolWithTag(Request, CMP_TAG);
    }
}

static void CmpEndRequests(PCMP_WATCH Watch, NTSTATUS Status)
{
    while (!IsListEmpty(&Watch->Requests)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Watch->Requests);
        CmpEndRequest(CONTAINING_RECORD(Entry, CMP_REQUEST, Link), Status);
    }
}

/* One key's watches; Direct: the change is its own. */
static void CmpTellWatches(PCM_KEY Key, ULONG Filter, BOOLEAN Direct)
{
    for (PLIST_ENTRY Link = Key->Watches.Flink; Link != &Key->Watches; Link = Link->Flink) {
        PCMP_WATCH Watch = CONTAINING_RECORD(Link, CMP_WATCH, Link);
        if (!(Watch->Filter & Filter) || (!Direct && !Watch->Tree)) {
            continue;
        }
        if (IsListEmpty(&Watch->Requests)) {
            Watch->Changed = TRUE;
        }
        CmpEndRequests(Watch, STATUS_NOTIFY_ENUM_DIR);
    }
}

void CmpChanged(PCM_KEY Key, ULONG Filter)
{
    if (Filter != REG_NOTIFY_CHANGE_ATTRIBUTES) {
        KeQuerySystemTime(&Key->LastWriteTime);
    }
    /* A volatile key below is no change that the disk would see. */
    if (!Key->Volatile) {
        CmpNoteChange();
    }
    for (PCM_KEY Above = Key; Above != NULL; Above = Above->Parent) {
        CmpTellWatches(Above, Filter, Above == Key);
    }
}

void CmpEndWatches(PCM_KEY Key)
{
    while (!IsListEmpty(&Key->Watches)) {
        PCMP_WATCH Watch = CONTAINING_RECORD(RemoveHeadList(&Key->Watches), CMP_WATCH, Link);
        InitializeListHead(&Watch->Link); /* its object takes it out once more */
        CmpEndRequests(Watch, STATUS_NOTIFY_CLEANUP);
    }
}

void CmpCloseWatch(PCMP_KEY_OBJECT Object)
{
    PCMP_WATCH Watch;

    CmpLockExclusive();
    Watch = Object->Watch;
    if (Watch != NULL) {
        Object->Watch = NULL;
        RemoveEntryList(&Watch->Link);
        CmpEndRequests(Watch, STATUS_NOTIFY_CLEANUP);
        ExFreePoolWithTag(Watch, CMP_TAG);
    }
    CmpUnlock();
}

/* The object's watch, made if it has none. The lock is held. */
static PCMP_WATCH CmpTakeWatch(PCMP_KEY_OBJECT Object, ULONG Filter, BOOLEAN Tree)
{
    PCMP_WATCH Watch = Object->Watch;

    if (Watch == NULL) {
        Watch = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Watch), CMP_TAG);
        if (Watch != NULL) {
            InitializeListHead(&Watch->Requests);
            Watch->Filter = Filter;
            Watch->Tree = Tree;
            InsertTailList(&Object->Key->Watches, &Watch->Link);
            Object->Watch = Watch;
        }
    }
    return Watch;
}

/* Queues the request, or ends it if there has been a change; it is not the caller's any more then.
 * An error leaves it to the caller. */
static NTSTATUS CmpQueueRequest(PCMP_KEY_OBJECT Object, PCMP_REQUEST Request, ULONG Filter,
                                BOOLEAN Tree)
{
    NTSTATUS Status = STATUS_PENDING;
    PCMP_WATCH Watch;

    CmpLockExclusive();
    Watch = Object->Key->Deleted ? NULL : CmpTakeWatch(Object, Filter, Tree);
    if (Object->Key->Deleted) {
        Status = STATUS_KEY_DELETED;
    } else if (Watch == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else if (ObQueryHandleCount(Object) == 0) {
        /* Its last handle was closed meanwhile: nobody would end the request. */
        CmpEndRequest(Request, STATUS_NOTIFY_CLEANUP);
    } else if (Watch->Changed) {
        Watch->Changed = FALSE;
        CmpEndRequest(Request, STATUS_NOTIFY_ENUM_DIR);
    } else {
        InsertTailList(&Watch->Requests, &Request->Link);
    }
    CmpUnlock();
    return Status;
}

/* The wait cannot be broken off, so the request may stand on the stack. */
static NTSTATUS CmpNotifyAndWait(PCMP_KEY_OBJECT Object, PIO_STATUS_BLOCK IoStatus, PKEVENT Event,
                                 ULONG Filter, BOOLEAN Tree)
{
    KEVENT Done;
    CMP_REQUEST Request = {.IoStatus = IoStatus, .Event = Event, .Done = &Done};
    NTSTATUS Status;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Status = CmpQueueRequest(Object, &Request, Filter, Tree);
    if (Status != STATUS_PENDING) {
        return Status;
    }
    KeWaitForSingleObject(&Done, UserRequest, KernelMode, FALSE, NULL);
    return Request.Status;
}

static NTSTATUS CmpNotifyLater(PCMP_KEY_OBJECT Object, const CMP_REQUEST *Model, ULONG Filter,
                               BOOLEAN Tree)
{
    PCMP_REQUEST Request = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Request), CMP_TAG);
    NTSTATUS Status;

    if (Request == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Request = *Model;
    Status = CmpQueueRequest(Object, Request, Filter, Tree);
    if (Status != STATUS_PENDING) {
        ExFreePoolWithTag(Request, CMP_TAG);
    }
    return Status;
}

static BOOLEAN CmpIsNotifyValid(PIO_STATUS_BLOCK IoStatus, ULONG Filter, PVOID Buffer,
                                ULONG BufferSize, PVOID Item, ULONG_PTR Queue)
{
    return IoStatus != NULL && Filter != 0 && !(Filter & ~REG_LEGAL_CHANGE_FILTER) &&
           Buffer == NULL && BufferSize == 0 && (Item == NULL || Queue < MaximumWorkQueue);
}

NTSTATUS NTAPI ZwNotifyChangeKey(HANDLE KeyHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                 PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                 ULONG CompletionFilter, BOOLEAN WatchTree, PVOID Buffer,
                                 ULONG BufferSize, BOOLEAN Asynchronous)
{
    CMP_REQUEST Model = {.IoStatus = IoStatusBlock,
                         .Item = (PWORK_QUEUE_ITEM)(PVOID)ApcRoutine,
                         .Queue = (WORK_QUEUE_TYPE)(ULONG_PTR)ApcContext};
    PCMP_KEY_OBJECT Object;
    NTSTATUS Status;

    PAGED_CODE();
    if (!CmpIsNotifyValid(IoStatusBlock, CompletionFilter, Buffer, BufferSize, Model.Item,
                          (ULONG_PTR)ApcContext)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!MmIsRangeValid(IoStatusBlock, sizeof(*IoStatusBlock))) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status = CmpReferenceHandle(KeyHandle, KEY_NOTIFY, &Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Event != NULL) {
        Status = ObReferenceObjectByHandle(Event, EVENT_MODIFY_STATE, ExEventObjectType, KernelMode,
                                           (PVOID *)&Model.Event, NULL);
        if (!NT_SUCCESS(Status)) {
            goto Done;
        }
        KeClearEvent(Model.Event);
    }
    Status = Asynchronous ? CmpNotifyLater(Object, &Model, CompletionFilter, WatchTree)
                          : CmpNotifyAndWait(Object, IoStatusBlock, Model.Event, CompletionFilter,
                                             WatchTree);
    if (NT_ERROR(Status) && Model.Event != NULL) {
        ObDereferenceObject(Model.Event);
    }
Done:
    ObDereferenceObject(Object);
    return Status;
}
