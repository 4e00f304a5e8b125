/*
 * Promise: a filter attaches to another driver's device by name, and is unloaded with the device
 * still there. Alone it finds nothing to filter. (tests/host/test_verifier.py loads it over
 * heldirp.)
 */
#include "kmtdevice.h"

static PDEVICE_OBJECT Filter, Below;

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (Below != NULL) {
        IoDetachDevice(Below);
    }
    IoDeleteDevice(Filter);
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\KmtHeld");
    KmtDriverObject->DriverUnload = Unload;
    Filter = KmtCreateDevice(NULL, 0, FALSE);
    NTSTATUS Status = IoAttachDevice(Filter, &Name, &Below);
    KMT_CHECK(NT_SUCCESS(Status) || Status == STATUS_OBJECT_NAME_NOT_FOUND, "if it is there");
    KMT_CHECK((Below != NULL) == NT_SUCCESS(Status), "it is below");
}
