/*
 * Promise, together with the console: a registration for device interfaces that a driver has not
 * taken back is told of by name. When the driver could not start (a service whose name ends with
 * "fails") it is taken back for it; when it unloads (one that ends with "keeps") it keeps the
 * image. Under another name this takes it back itself, and nobody says anything.
 */
#include "kmtdevice.h"

static const GUID Class = {0x81818181, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static PVOID Entry;

static NTSTATUS NTAPI Forgotten(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_SUCCESS;
}

static BOOLEAN IsNamed(PCWSTR End)
{
    SIZE_T Length = wcslen(End), Whole = KmtRegistryPath->Length / sizeof(WCHAR);
    return Whole >= Length &&
           RtlEqualMemory(KmtRegistryPath->Buffer + Whole - Length, End, Length * sizeof(WCHAR));
}

static VOID NTAPI Keep(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static VOID NTAPI TakeBack(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoUnregisterPlugPlayNotificationEx(Entry);
}

static VOID KmtRun(VOID)
{
    KmtDriverObject->DriverUnload = IsNamed(L"keeps") ? Keep : TakeBack;
    KMT_EQUAL(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class,
                                             KmtDriverObject, Forgotten, NULL, &Entry),
              STATUS_SUCCESS, "registered");
    if (IsNamed(L"fails")) {
        KmtFailures++;
    }
}
