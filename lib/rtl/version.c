/*
 * version.c - which Windows a driver may believe to run on: the driver model here is Windows 10's.
 */
#include <ntddk.h>

#define MAJOR_VERSION 10
#define MINOR_VERSION 0
#define BUILD_NUMBER 19045 /* 22H2 */

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    VersionInformation->dwMajorVersion = MAJOR_VERSION;
    VersionInformation->dwMinorVersion = MINOR_VERSION;
    VersionInformation->dwBuildNumber = BUILD_NUMBER;
    VersionInformation->dwPlatformId = VER_PLATFORM_WIN32_NT;
    VersionInformation->szCSDVersion[0] = UNICODE_NULL;
    /* The size says which of the two structures the caller has; the longer begins with the
     * shorter. */
    if (VersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
        PRTL_OSVERSIONINFOEXW Extended = (PRTL_OSVERSIONINFOEXW)VersionInformation;
        Extended->wServicePackMajor = 0;
        Extended->wServicePackMinor = 0;
        Extended->wSuiteMask = 0;
        Extended->wProductType = VER_NT_WORKSTATION;
        Extended->wReserved = 0;
    }
    return STATUS_SUCCESS;
}
