/*
 * An export driver whose DllInitialize refuses, so that whoever imports from it is not loaded.
 * IMPORTS: exparith
 */
#include "exports.h"

LONG NTAPI RefuseSomething(VOID)
{
    return ArithAdd(1, 2);
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_DEVICE_NOT_READY;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_UNSUCCESSFUL;
}
