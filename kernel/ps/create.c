/*
 * create.c - processes: made from another one, ended with their last thread, deleted with their
 * last reference.
 *
 *      ZwCreateProcessEx      id, address space, handle table (with what is inherited); no thread
 * yet PsCreateSystemThread   threads come and go; ActiveThreads counts them the last one ends
 * handles are closed for good, the process is signalled; it stays known by its id while somebody
 * has a handle or a reference last reference         list, id, tables
 *
 * A process that never had a thread has nothing to exit with: its handles go when it is deleted.
 * System does not exit. ActiveThreads changes by compare-exchange; -1 is for ever, so exactly one
 * thread does the exit, and no other can come while it does.
 */
#include <ntexapi.h>
#include "psp.h"

#define PSP_EXITED (-1)
#define PSP_VALID_CREATE_FLAGS PROCESS_CREATE_FLAGS_INHERIT_HANDLES

BOOLEAN PspThreadComes(PEPROCESS Process)
{
    LONG Count = Process->ActiveThreads;
    while (Count != PSP_EXITED) {
        LONG Seen = InterlockedCompareExchange(&Process->ActiveThreads, Count + 1, Count);
        if (Seen == Count) {
            return TRUE;
        }
        Count = Seen;
    }
    return FALSE;
}

static void PspExitProcess(PEPROCESS Process, NTSTATUS Status)
{
    ExWaitForRundownProtectionRelease(&Process->HandleRundown);
    ObCloseProcessHandles(Process);
    Process->ExitStatus = Status;
    KeQuerySystemTime(&Process->ExitTime);
    KeSignalProcess(Process);
}

/* A thread that could not be made after all is no reason to exit, unless others have run before. */
void PspThreadGone(PEPROCESS Process, NTSTATUS Status)
{
    LONG Count = Process->ActiveThreads;
    for (;;) {
        BOOLEAN Last = Count == 1 && Process->HadThreads && Process != PsInitialSystemProcess;
        LONG Left = Last ? PSP_EXITED : Count - 1;
        LONG Seen = InterlockedCompareExchange(&Process->ActiveThreads, Left, Count);
        if (Seen == Count) {
            if (Last) {
                PspExitProcess(Process, Status);
            }
            return;
        }
        Count = Seen;
    }
}

/* What PspAllocateProcess got done, if not all. */
void PspDeleteProcess(PVOID Object)
{
    PEPROCESS Process = Object;
    KeCheckProcessLeft(Process);
    PspRemoveProcess(Process);
    if (Process->ObjectTable != NULL) {
        ObCloseProcessHandles(Process);
        ExDestroyHandleTable(Process->ObjectTable);
    }
    if (Process->UniqueProcessId != NULL) {
        PspFreeId(Process->UniqueProcessId);
    }
    if (Process->DeviceDirectory != NULL) {
        ObfDereferenceObject(Process->DeviceDirectory);
    }
    if (Process->DirectoryTableBase != 0) {
        MmDeleteAddressSpace(Process->DirectoryTableBase);
    }
}

static NTSTATUS PspFillProcess(PEPROCESS Process, PEPROCESS Parent, BOOLEAN InheritHandles)
{
    ULONG64 DirectoryTableBase;
    if (!MmCreateAddressSpace(&DirectoryTableBase)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeProcess(Process, Parent->BasePriority, Parent->Affinity, DirectoryTableBase);
    Process->InheritedFromUniqueProcessId = Parent->UniqueProcessId;
    RtlCopyMemory(Process->ImageFileName, Parent->ImageFileName, sizeof(Process->ImageFileName));
    KeQuerySystemTime(&Process->CreateTime);
    ObInheritDeviceDirectory(Process, Parent);
    Process->ObjectTable = ExCreateHandleTable();
    if (Process->ObjectTable == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return InheritHandles ? ObInheritHandles(Process, Parent) : STATUS_SUCCESS;
}

/* It can be found by others as soon as it has an id, which is why that comes last. */
static NTSTATUS PspAllocateProcess(PEPROCESS Parent, BOOLEAN InheritHandles, PEPROCESS *NewProcess)
{
    PEPROCESS Process;
    NTSTATUS Status = ObAllocateObject(PsProcessType, sizeof(*Process), (PVOID *)&Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeListHead(&Process->ActiveProcessLinks);
    ExInitializeRundownProtection(&Process->HandleRundown);
    Process->ExitStatus = STATUS_PENDING;
    Status = PspFillProcess(Process, Parent, InheritHandles);
    if (NT_SUCCESS(Status)) {
        Status = PspAllocateId(Process, &Process->UniqueProcessId);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Process);
        return Status;
    }
    PspInsertProcess(Process);
    *NewProcess = Process;
    return STATUS_SUCCESS;
}

/* No type has objects that one of the optional handles could be one to. */
static NTSTATUS PspCheckOptionalHandle(HANDLE Handle)
{
    PVOID Object;
    if (Handle == NULL) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObfDereferenceObject(Object);
    return STATUS_OBJECT_TYPE_MISMATCH;
}

NTSTATUS NTAPI ZwCreateProcessEx(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                                 POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ParentProcess,
                                 ULONG Flags, HANDLE SectionHandle, HANDLE DebugPort,
                                 HANDLE TokenHandle, ULONG Reserved)
{
    const HANDLE Others[] = {SectionHandle, DebugPort, TokenHandle};
    PEPROCESS Parent, Process;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ObIsBadPointer(ProcessHandle)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if ((Flags & ~(ULONG)PSP_VALID_CREATE_FLAGS) != 0 || Reserved != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG i = 0; i < ARRAYSIZE(Others) && NT_SUCCESS(Status); i++) {
        Status = PspCheckOptionalHandle(Others[i]);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(ParentProcess, PROCESS_CREATE_PROCESS, PsProcessType,
                                           ExGetPreviousMode(), (PVOID *)&Parent, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status =
        PspAllocateProcess(Parent, (Flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES) != 0, &Process);
    ObfDereferenceObject(Parent);
    return NT_SUCCESS(Status)
               ? ObEnterObject(Process, ObjectAttributes, DesiredAccess, NULL, ProcessHandle)
               : Status;
}
