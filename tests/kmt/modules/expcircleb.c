/*
 * One of two drivers that import from each other, which cannot be.
 * IMPORTS: expcirclea
 */
#include <ntddk.h>

NTKERNELAPI LONG NTAPI CircleA(VOID);

LONG NTAPI CircleB(VOID)
{
    return CircleA() + 1;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}
