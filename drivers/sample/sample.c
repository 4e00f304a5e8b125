/*
 * sample.c - the first driver of Windows Kernel Programming (chapter 2): it comes, says so, and
 * goes.
 *
 * DriverEntry is all that a driver must have. Without DriverUnload it could never be unloaded. The
 * chapter's exercise is in it, too: to tell which Windows this is.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD SampleUnload;

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    RTL_OSVERSIONINFOW Version = {.dwOSVersionInfoSize = sizeof(Version)};
    NTSTATUS Status = RtlGetVersion(&Version);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->DriverUnload = SampleUnload;
    DbgPrint("sample: initialized, from %wZ\n", RegistryPath);
    DbgPrint("sample: Windows %u.%u.%u\n", Version.dwMajorVersion, Version.dwMinorVersion,
             Version.dwBuildNumber);
    return STATUS_SUCCESS;
}

static VOID NTAPI SampleUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("sample: unload called\n");
}
