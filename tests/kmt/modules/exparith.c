/*
 * An export driver: exports by name, by ordinal only, and data; DllInitialize and DllUnload say
 * what happens. It can be started as a service, too.
 */
#include <ntddk.h>

LONG ArithAnswer = 42;
static LONG Initialized, Started;
static BOOLEAN PathWasRight;

LONG NTAPI ArithAdd(LONG Left, LONG Right)
{
    return Left + Right;
}

LONG NTAPI ArithTimes(LONG Left, LONG Right)
{
    return Left * Right;
}

VOID NTAPI ArithQuery(PLONG InitializedOut, PLONG StartedOut, PBOOLEAN PathWasRightOut)
{
    *InitializedOut = Initialized;
    *StartedOut = Started;
    *PathWasRightOut = PathWasRight;
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Expected =
        RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\exparith");

    PathWasRight = RtlEqualUnicodeString(RegistryPath, &Expected, TRUE);
    Initialized++;
    DbgPrint("# exparith: DllInitialize\n");
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DllUnload(VOID)
{
    DbgPrint("# exparith: DllUnload\n");
    return STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("# exparith: DriverUnload\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Started++;
    DriverObject->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
