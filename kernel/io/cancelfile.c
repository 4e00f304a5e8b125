/*
 * cancelfile.c - cancelling the requests of a file.
 *
 * What is under way is known to its thread alone (see cancel.c), so a thread's requests are
 * cancelled in that thread: by itself, or for others by a special kernel APC, for which they wait.
 * A thread that takes no APCs, in a guarded region say, is waited for until it does. The APC goes
 * to the process that the thread is attached to at that moment, if it is: there it may be waiting
 * for the very request. A request from before it attached is cancelled, too, but is finished only
 * when the thread is back, as any other.
 */
#include "iop.h"

#define IOP_CANCEL_POLL_100NS 10000 /* 1 ms */

/* What to cancel, and what came of it. */
typedef struct _IOP_CANCEL {
    PFILE_OBJECT File;
    PIO_STATUS_BLOCK Iosb; /* that of one request, or NULL: all */
    BOOLEAN Found;         /* out: by whoever cancels; one at a time */
    KAPC Apc;
    KEVENT Done;
} IOP_CANCEL, *PIOP_CANCEL;

/* Cancels the current thread's requests that match. At APC_LEVEL none of them can be finished. */
static void IopCancelOwnRequests(PIOP_CANCEL Cancel)
{
    PLIST_ENTRY Head = &KeGetCurrentThread()->IrpList;
    KI_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PIRP Irp = CONTAINING_RECORD(Link, IRP, ThreadListEntry);
        if (IopIsRequestOf(Irp, Cancel->File) &&
            (Cancel->Iosb == NULL || Cancel->Iosb == Irp->UserIosb)) {
            Cancel->Found = TRUE;
            IoCancelIrp(Irp);
        }
    }
}

static VOID NTAPI IopCancelApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                               PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    PIOP_CANCEL Cancel = CONTAINING_RECORD(Apc, IOP_CANCEL, Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    IopCancelOwnRequests(Cancel);
    KeSetEvent(&Cancel->Done, IO_NO_INCREMENT, FALSE);
}

/* For each thread of the system that has not ended. One that ends before it gets the APC cancels
 * its requests itself; KeInsertQueueApc then says no. */
static void IopCancelInThread(PETHREAD Thread, PVOID Context)
{
    PIOP_CANCEL Cancel = Context;
    if (Thread->Process != PsGetCurrentProcess() || Thread->Cid.UniqueThread == NULL) {
        return;
    }
    if (Thread == KeGetCurrentThread()) {
        KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
        IopCancelOwnRequests(Cancel);
        KeLowerIrql(OldIrql);
        return;
    }
    KeInitializeEvent(&Cancel->Done, NotificationEvent, FALSE);
    KeInitializeApc(&Cancel->Apc, Thread, InsertApcEnvironment, IopCancelApc, NULL, NULL,
                    KernelMode, NULL);
    if (KeInsertQueueApc(&Cancel->Apc, NULL, NULL, IO_NO_INCREMENT)) {
        KeWaitForSingleObject(&Cancel->Done, Executive, KernelMode, FALSE, NULL);
    }
}

NTSTATUS NTAPI ZwCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    LARGE_INTEGER Interval = {.QuadPart = -IOP_CANCEL_POLL_100NS};
    IOP_CANCEL Cancel = {.Iosb = NULL};
    IopCheckServiceContext(__builtin_return_address(0));
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, IoFileObjectType, KernelMode,
                                                (PVOID *)&Cancel.File, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* A request without a cancel routine may get one later: it is asked again until it has
     * ended. */
    for (;;) {
        KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);
        Cancel.Found = FALSE;
        IopCancelOwnRequests(&Cancel);
        KeLowerIrql(OldIrql);
        if (!Cancel.Found) {
            break;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
    *IoStatusBlock = (IO_STATUS_BLOCK){{STATUS_SUCCESS}, 0};
    ObfDereferenceObject(Cancel.File);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_CANCEL Cancel = {.Iosb = IoRequestToCancel};
    IopCheckServiceContext(__builtin_return_address(0));
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, IoFileObjectType, KernelMode,
                                                (PVOID *)&Cancel.File, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PsEnumerateThreads(IopCancelInThread, &Cancel);
    if (NT_SUCCESS(Status)) {
        Status = Cancel.Found ? STATUS_SUCCESS : STATUS_NOT_FOUND;
        *IoStatusBlock = (IO_STATUS_BLOCK){{Status}, 0};
    }
    ObfDereferenceObject(Cancel.File);
    return Status;
}
