/*
 * An export driver whose DllInitialize, with the loader busy because of it, registers for device
 * interfaces that are there already, while another routine, called for one of them, wants to load a
 * driver: exparith, as a service of its own.
 */
#include "expservices.h"

static const UNICODE_STRING Service = RTL_CONSTANT_STRING(EXP_SERVICES L"\\kmt_expnotified");
static const GUID Class = {0x71717171, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};
static PDEVICE_OBJECT Device;
static UNICODE_STRING Interface;
static PVOID Loader, Counter;
static KEVENT Inside, Done;
static NTSTATUS Prepared, Registered, Loaded;
static volatile LONG Told;
static LONG ToldAtOnce;

VOID NTAPI NotifyAnswers(PNTSTATUS Status, PLONG Existing)
{
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    *Status = !NT_SUCCESS(Prepared) ? Prepared : !NT_SUCCESS(Registered) ? Registered : Loaded;
    *Existing = ToldAtOnce;
}

static NTSTATUS NTAPI Load(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    UNREFERENCED_PARAMETER(Context);
    KeSetEvent(&Inside, IO_NO_INCREMENT, FALSE);
    Loaded = ZwLoadDriver((PUNICODE_STRING)&Service);
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Count(PVOID Notification, PVOID Context)
{
    UNREFERENCED_PARAMETER(Notification);
    UNREFERENCED_PARAMETER(Context);
    InterlockedIncrement(&Told);
    return STATUS_SUCCESS;
}

static NTSTATUS MakeService(VOID)
{
    static const WCHAR Image[] = L"\\SystemRoot\\tests\\exparith.sys";
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"ImagePath");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)&Service,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    NTSTATUS Status =
        ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetValueKey(Key, &Value, 0, REG_EXPAND_SZ, (PVOID)Image, sizeof(Image));
        ZwClose(Key);
    }
    return Status;
}

/* An image without a driver object of its own uses somebody's. */
static NTSTATUS Prepare(PDRIVER_OBJECT *Driver)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Driver\\PnpManager");
    NTSTATUS Status =
        ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0, *IoDriverObjectType,
                                KernelMode, NULL, (PVOID *)Driver);
    if (NT_SUCCESS(Status)) {
        Status = MakeService();
    }
    if (NT_SUCCESS(Status)) {
        Status = IoReportDetectedDevice(*Driver, Isa, 0, 0, NULL, NULL, FALSE, &Device);
    }
    if (NT_SUCCESS(Status)) {
        Status = IoRegisterDeviceInterface(Device, &Class, NULL, &Interface);
    }
    return Status;
}

NTSTATUS NTAPI DllInitialize(PUNICODE_STRING RegistryPath)
{
    PDRIVER_OBJECT Driver = NULL;
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Inside, NotificationEvent, FALSE);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Prepared = Prepare(&Driver);
    if (!NT_SUCCESS(Prepared)) {
        KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
        return STATUS_SUCCESS;
    }
    IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&Class, Driver,
                                   Load, NULL, &Loader);
    IoSetDeviceInterfaceState(&Interface, TRUE);
    KeWaitForSingleObject(&Inside, Executive, KernelMode, FALSE, NULL);
    Registered = IoRegisterPlugPlayNotification(
        EventCategoryDeviceInterfaceChange, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES,
        (PVOID)&Class, Driver, Count, NULL, &Counter);
    ToldAtOnce = Told;
    ObDereferenceObject(Driver);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DllUnload(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    IoUnregisterPlugPlayNotification(Loader);
    IoUnregisterPlugPlayNotification(Counter);
    ZwUnloadDriver((PUNICODE_STRING)&Service);
    if (Device != NULL) {
        IoDeleteDevice(Device);
        RtlFreeUnicodeString(&Interface);
    }
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)&Service,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenKey(&Key, KEY_ALL_ACCESS, &Attributes))) {
        ZwDeleteKey(Key);
        ZwClose(Key);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_UNSUCCESSFUL;
}
