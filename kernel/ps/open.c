/*
 * open.c - ZwOpenProcess: a handle by an id.
 *
 * The look-up references the process (cid.c), so that it cannot go before the handle holds it.
 */
#include "psp.h"

/* The process that the ids mean, referenced. */
static NTSTATUS PspReferenceByCid(const CLIENT_ID *Cid, PEPROCESS *Process)
{
    PETHREAD Thread;

    if (Cid->UniqueThread == NULL) {
        return NT_SUCCESS(PsLookupProcessByProcessId(Cid->UniqueProcess, Process))
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_CID;
    }
    if (!NT_SUCCESS(PsLookupThreadByThreadId(Cid->UniqueThread, &Thread))) {
        return STATUS_INVALID_CID;
    }
    *Process = Thread->Process;
    if (Cid->UniqueProcess != NULL && Cid->UniqueProcess != (*Process)->UniqueProcessId) {
        *Process = NULL;
    } else {
        ObfReferenceObject(*Process); /* the thread's own keeps it up to here */
    }
    ObfDereferenceObject(Thread);
    return *Process != NULL ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

NTSTATUS NTAPI ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    PEPROCESS Process;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(ProcessHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (ObjectAttributes == NULL || ObjectAttributes->Length != sizeof(*ObjectAttributes)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* No process has a name; with none, the ids have to say which. */
    if (ObjectAttributes->ObjectName != NULL || ClientId == NULL) {
        return STATUS_INVALID_PARAMETER_MIX;
    }
    Status = PspReferenceByCid(ClientId, &Process);
    if (NT_SUCCESS(Status)) {
        Status = ObOpenObjectByPointer(Process, ObjectAttributes->Attributes, NULL, DesiredAccess,
                                       PsProcessType, ExGetPreviousMode(), ProcessHandle);
        ObfDereferenceObject(Process);
    }
    return Status;
}
