/* An export driver most of whose exports are forwards: to the kernel, and to export drivers that
 * nobody else imports from. */
#include <ntddk.h>

LONG NTAPI ForwardOwn(VOID)
{
    return 5;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_UNSUCCESSFUL;
}
