/*
 * filelock.c - the lock of a synchronous file object.
 *
 * One request at a time: Busy is taken by an exchange; who finds it taken counts itself in Waiters
 * and waits for the event Lock, trying again each time. Waiters is raised before the next try and
 * Busy is cleared before Waiters is looked at, so one of the two sees the other.
 */
#include "iop.h"

NTSTATUS IopAcquireFileLock(PFILE_OBJECT File, BOOLEAN Alertable)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (InterlockedExchange(&File->Busy, TRUE) == FALSE) {
        return STATUS_SUCCESS;
    }
    InterlockedIncrement(&File->Waiters);
    while (InterlockedExchange(&File->Busy, TRUE) != FALSE) {
        Status = KeWaitForSingleObject(&File->Lock, Executive, KernelMode, Alertable, NULL);
        if (Status != STATUS_SUCCESS) {
            break; // alerted: the caller gives up
        }
    }
    InterlockedDecrement(&File->Waiters);
    return Status;
}

void IopReleaseFileLock(PFILE_OBJECT File)
{
    InterlockedExchange(&File->Busy, FALSE);
    if (File->Waiters != 0) {
        KeSetEvent(&File->Lock, IO_NO_INCREMENT, FALSE);
    }
}
