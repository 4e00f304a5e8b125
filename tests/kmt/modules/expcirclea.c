/*
 * One of two drivers that import from each other, which cannot be.
 * IMPORTS: expcircleb
 */
#include <ntddk.h>

NTKERNELAPI LONG NTAPI CircleB(VOID);

LONG NTAPI CircleA(VOID)
{
    return CircleB() + 1;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}
