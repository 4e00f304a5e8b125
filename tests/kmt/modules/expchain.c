/* An export driver in the middle of a chain of forwards, and of a circle. */
#include <ntddk.h>

LONG NTAPI ChainOwn(VOID)
{
    return 6;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_UNSUCCESSFUL;
}
