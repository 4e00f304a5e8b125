/* nt/ps_info.h - what processes tell about themselves, and take (book ch. 8). */
#ifndef _NT_PS_INFO_
#define _NT_PS_INFO_

/* Those that Etude knows. */
typedef enum _PROCESSINFOCLASS {
    ProcessDeviceMap = 23
} PROCESSINFOCLASS;

/*
 * Changes a process. ProcessDeviceMap: a HANDLE of the directory that \?? means for the process, with
 * \GLOBAL?? looked at after it; that of \GLOBAL?? itself takes it back.
 * STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_ACCESS_VIOLATION: no information;
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH: of the process or directory. WDK:
 * ZwSetInformationProcess.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationProcess(_In_ HANDLE ProcessHandle,
                                                _In_ PROCESSINFOCLASS ProcessInformationClass,
                                                _In_ PVOID ProcessInformation,
                                                _In_ ULONG ProcessInformationLength);

#endif
