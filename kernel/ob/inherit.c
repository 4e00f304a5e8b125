/*
 * inherit.c - the handles of a whole process: what a child gets of its parent's, and their end.
 *
 * A child's handles have their parent's values, rights and attributes, so that a value that the
 * parent passes on means the same in both. Nobody else knows the child yet. Handles that the parent
 * makes or closes meanwhile may be inherited or not.
 */
#include "obp.h"

/* The entry as it is inherited, with a reference to its object; FALSE: it is not. */
static BOOLEAN ObpCopyInherited(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Copy)
{
    PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(Table, Handle);
    if (Entry == NULL) {
        return FALSE;
    }
    BOOLEAN Inherited = (Entry->Attributes & OBJ_INHERIT) != 0;
    if (Inherited) {
        *Copy = (HANDLE_TABLE_ENTRY){.Object = Entry->Object,
                                     .GrantedAccess = Entry->GrantedAccess,
                                     .Attributes = Entry->Attributes};
        ObfReferenceObject(Copy->Object);
    }
    ExUnlockHandleTableEntry(Table, Entry);
    return Inherited;
}

/* One that its parent has exclusively is left out. */
static NTSTATUS ObpInheritHandle(PEPROCESS Child, HANDLE Handle, const HANDLE_TABLE_ENTRY *Entry)
{
    POBJECT_HEADER Header = ObpHeader(Entry->Object);
    if (!NT_SUCCESS(ObpCountHandle(Header, 0, Child))) {
        ObfDereferenceObject(Entry->Object);
        return STATUS_SUCCESS;
    }
    if (!ExInsertHandleAt(Child->ObjectTable, Handle, Entry)) {
        ObpHandleGone(Header);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ObInheritHandles(PEPROCESS Child, PEPROCESS Parent)
{
    NTSTATUS Status = STATUS_SUCCESS;
    HANDLE_TABLE_ENTRY Copy;
    if (!ExAcquireRundownProtection(&Parent->HandleRundown)) {
        return STATUS_PROCESS_IS_TERMINATING;
    }
    for (HANDLE Handle = NULL; NT_SUCCESS(Status) && ExNextHandle(Parent->ObjectTable, &Handle);) {
        if (ObpCopyInherited(Parent->ObjectTable, Handle, &Copy)) {
            Status = ObpInheritHandle(Child, Handle, &Copy);
        }
    }
    ExReleaseRundownProtection(&Parent->HandleRundown);
    return Status;
}

/* Close and cleanup routines see the process that the handle was one of. */
void ObCloseProcessHandles(PEPROCESS Process)
{
    PHANDLE_TABLE Table = Process->ObjectTable;
    KAPC_STATE State;
    if (ExQueryHandleCount(Table) == 0) {
        return;
    }
    KeStackAttachProcess(Process, &State);
    for (HANDLE Handle = NULL; ExNextHandle(Table, &Handle);) {
        PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(Table, Handle);
        if (Entry != NULL) { // somebody who is attached may have closed it
            POBJECT_HEADER Header = ObpHeader(Entry->Object);
            ExDestroyHandle(Table, Handle, Entry);
            ObpHandleGone(Header);
        }
    }
    KeUnstackDetachProcess(&State);
}

void ObInheritDeviceDirectory(PEPROCESS Child, PEPROCESS Parent)
{
    ExAcquireFastMutex(&ObpNamespaceLock);
    Child->DeviceDirectory = Parent->DeviceDirectory;
    if (Child->DeviceDirectory != NULL) {
        ObfReferenceObject(Child->DeviceDirectory);
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
}
