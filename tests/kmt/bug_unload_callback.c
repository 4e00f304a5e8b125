/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * MACHINE: debug=1
 * SAYS: bugcheck callback [0-9A-F]+: bug_unload_callback!Crashed
 * SAYS: registry callback [0-9A-F]+: bug_unload_callback!Changed
 * Promise: a driver that goes while its callbacks are registered is stopped. */
#include "kmt.h"

static KBUGCHECK_CALLBACK_RECORD Record;

static VOID NTAPI Crashed(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
}

static NTSTATUS NTAPI Changed(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    return STATUS_SUCCESS;
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Altitude = RTL_CONSTANT_STRING(L"370000");
    LARGE_INTEGER Cookie;
    KeRegisterBugCheckCallback(&Record, Crashed, NULL, 0, (PUCHAR) "bug");
    CmRegisterCallbackEx(Changed, &Altitude, KmtDriverObject, NULL, &Cookie, NULL);
}
