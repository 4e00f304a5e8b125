/*
 * query.c - what one field of a process or thread says, for drivers that may not look into them.
 *
 * All but PsIsThreadTerminating and PsGetProcessExitStatus read fields that never change after
 * creation, so no lock is needed; a thread begins to end once and does not come back.
 */
#include "psp.h"

ULONG NTAPI PsGetProcessSessionId(PEPROCESS Process)
{
    UNREFERENCED_PARAMETER(Process);
    return 0;
}

ULONG NTAPI PsGetCurrentProcessSessionId(VOID)
{
    return PsGetProcessSessionId(PsGetCurrentProcess());
}

PUCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process)
{
    return (PUCHAR)Process->ImageFileName;
}

LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(PEPROCESS Process)
{
    return Process->CreateTime.QuadPart;
}

NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process)
{
    return Process->ExitStatus;
}

HANDLE NTAPI PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process)
{
    return Process->InheritedFromUniqueProcessId;
}

PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread)
{
    return Thread->Process;
}

PEPROCESS NTAPI PsGetCurrentThreadProcess(VOID)
{
    return PsGetThreadProcess(KeGetCurrentThread());
}

HANDLE NTAPI PsGetCurrentThreadProcessId(VOID)
{
    return PsGetThreadProcessId(KeGetCurrentThread());
}

LONGLONG NTAPI PsGetThreadCreateTime(PETHREAD Thread)
{
    return Thread->CreateTime.QuadPart;
}

/* Whatever the process: there are no others than kernel components and drivers make. */
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
    UNREFERENCED_PARAMETER(Thread);
    return TRUE;
}

BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread)
{
    return Thread->Terminating;
}

BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                           PUNICODE_STRING CSDVersion)
{
    RTL_OSVERSIONINFOW Version = {.dwOSVersionInfoSize = sizeof(Version)};

    RtlGetVersion(&Version);
    if (MajorVersion != NULL) {
        *MajorVersion = Version.dwMajorVersion;
    }
    if (MinorVersion != NULL) {
        *MinorVersion = Version.dwMinorVersion;
    }
    if (BuildNumber != NULL) {
        *BuildNumber = Version.dwBuildNumber;
    }
    if (CSDVersion != NULL) {
        CSDVersion->Length = 0; /* no service pack */
    }
#if DBG
    return TRUE;
#else
    return FALSE;
#endif
}

KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID)
{
    return KeGetCurrentThread()->PreviousMode;
}
