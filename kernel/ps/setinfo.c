/* setinfo.c - what can be changed about a process from outside: its device map. */
#include "psp.h"

NTSTATUS NTAPI ZwSetInformationProcess(HANDLE ProcessHandle,
                                       PROCESSINFOCLASS ProcessInformationClass,
                                       PVOID ProcessInformation, ULONG ProcessInformationLength)
{
    PEPROCESS Process;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (ProcessInformationClass != ProcessDeviceMap) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ProcessInformationLength != sizeof(HANDLE)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (ObIsBadPointer(ProcessInformation)) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_SET_INFORMATION,
                                                PsProcessType, KernelMode, (PVOID *)&Process, NULL);
    if (NT_SUCCESS(Status)) {
        Status = ObSetDeviceDirectory(Process, *(HANDLE *)ProcessInformation);
        ObfDereferenceObject(Process);
    }
    return Status;
}
