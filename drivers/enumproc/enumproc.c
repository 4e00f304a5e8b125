/*
 * enumproc.c - a driver that calls system services, after chapter 8 of Windows Kernel Programming:
 * it lists the processes when it is loaded.
 *
 * The list comes in a buffer of the caller's, and grows and shrinks all the time: the driver asks
 * how much it takes, and asks again when that was not enough any more. Each process is then
 * opened, to be asked for what the list does not say.
 */
#include <ntexapi.h>

#define ENUMPROC_TAG 'cpnE'
#define ENUMPROC_SPARE 1024 /* for what begins between the two calls */
#define ENUMPROC_MOST (1 << 20)

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD EnumProcUnload;

/* The list of all processes, to be freed; NULL in *List after a failure. */
static NTSTATUS EnumProcQuery(PSYSTEM_PROCESS_INFORMATION *List)
{
    NTSTATUS Status = STATUS_INFO_LENGTH_MISMATCH;
    ULONG Length = 0;

    *List = NULL;
    ZwQuerySystemInformation(SystemProcessInformation, NULL, 0, &Length);
    while (Status == STATUS_INFO_LENGTH_MISMATCH && Length < ENUMPROC_MOST) {
        Length += ENUMPROC_SPARE;
        *List = ExAllocatePool2(POOL_FLAG_PAGED, Length, ENUMPROC_TAG);
        if (*List == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Status = ZwQuerySystemInformation(SystemProcessInformation, *List, Length, &Length);
        if (!NT_SUCCESS(Status)) {
            ExFreePoolWithTag(*List, ENUMPROC_TAG);
            *List = NULL;
        }
    }
    return Status;
}

/* What the list does not know. Process 0 is not there to be opened. */
static ULONG EnumProcSession(HANDLE ProcessId)
{
    OBJECT_ATTRIBUTES Attributes;
    CLIENT_ID Cid = {ProcessId, NULL};
    PROCESS_SESSION_INFORMATION Session = {0};
    HANDLE Process;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenProcess(&Process, PROCESS_QUERY_LIMITED_INFORMATION, &Attributes, &Cid))) {
        ZwQueryInformationProcess(Process, ProcessSessionInformation, &Session, sizeof(Session),
                                  NULL);
        ZwClose(Process);
    }
    return Session.SessionId;
}

static VOID EnumProcPrint(const SYSTEM_PROCESS_INFORMATION *Process)
{
    UNICODE_STRING Idle = RTL_CONSTANT_STRING(L"Idle");

    DbgPrint("enumproc: %5u session %u, %2u threads, %3u handles, %wZ\n",
             HandleToULong(Process->UniqueProcessId), EnumProcSession(Process->UniqueProcessId),
             Process->NumberOfThreads, Process->HandleCount,
             Process->ImageName.Length != 0 ? &Process->ImageName : &Idle);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PSYSTEM_PROCESS_INFORMATION List, Process;
    NTSTATUS Status = EnumProcQuery(&List);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (Process = List;; Process = (PVOID)((PUCHAR)Process + Process->NextEntryOffset)) {
        EnumProcPrint(Process);
        if (Process->NextEntryOffset == 0) {
            break;
        }
    }
    ExFreePoolWithTag(List, ENUMPROC_TAG);
    DriverObject->DriverUnload = EnumProcUnload;
    return STATUS_SUCCESS;
}

static VOID NTAPI EnumProcUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}
