/*
 * iokey.c - the keys that drivers and devices have for themselves. A driver's is below its service;
 * a device's, which without plug and play only bus drivers' devices have, below Enum by the names
 * of its bus driver and of itself.
 */
#include "cmp.h"

#define CMP_ENUM L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum"
#define CMP_NAME_CHARS 64 /* of a device's name */

/* Opens, or makes, the key Name below Root. */
static NTSTATUS CmpMakeKey(HANDLE Root, PUNICODE_STRING Name, ACCESS_MASK Access, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    return ZwCreateKey(Key, Access, &Attributes, 0, NULL, REG_OPTION_NON_VOLATILE, NULL);
}

/* Goes from *Key, which is closed, to a key below it, made if it is missing. */
static NTSTATUS CmpStepToKey(PHANDLE Key, PUNICODE_STRING Name, ACCESS_MASK Access)
{
    HANDLE Below = NULL;
    NTSTATUS Status = CmpMakeKey(*Key, Name, Access, &Below);

    ZwClose(*Key);
    *Key = Below;
    return Status;
}

NTSTATUS NTAPI IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
                                       ACCESS_MASK DesiredAccess, ULONG Flags, PHANDLE DriverRegKey)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(CM_SERVICES_PATH);
    UNICODE_STRING Parameters = RTL_CONSTANT_STRING(L"Parameters");
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Service;
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    if (DriverObject == NULL || RegKeyType != DriverRegKeyParameters || Flags != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Service = DriverObject->DriverExtension->ServiceKeyName;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The service's key exists or the driver is built in; it is not made here. */
    HANDLE Services = Key;
    InitializeObjectAttributes(&Attributes, &Service, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               Services, NULL);
    Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    ZwClose(Services);
    if (NT_SUCCESS(Status)) {
        Status = CmpStepToKey(&Key, &Parameters, DesiredAccess);
    }
    if (NT_SUCCESS(Status)) {
        *DriverRegKey = Key;
    }
    return Status;
}

/* The last part of the bus driver's name. */
static UNICODE_STRING CmpLastPart(PCUNICODE_STRING Path)
{
    UNICODE_STRING Rest = *Path, Part = {0, 0, NULL};

    while (Rest.Length != 0) {
        Part = CmpTakeComponent(&Rest);
    }
    return Part;
}

NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                       ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(CMP_ENUM);
    UNICODE_STRING Parameters = RTL_CONSTANT_STRING(L"Device Parameters");
    WCHAR Buffer[CMP_NAME_CHARS];
    UNICODE_STRING Device = {0, sizeof(Buffer), Buffer}, Driver;
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    if (DevInstKeyType != PLUGPLAY_REGKEY_DEVICE && DevInstKeyType != PLUGPLAY_REGKEY_DRIVER) {
        return STATUS_INVALID_PARAMETER;
    }
    if (DeviceObject == NULL || !(DeviceObject->Flags & DO_BUS_ENUMERATED_DEVICE)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (DevInstKeyType == PLUGPLAY_REGKEY_DRIVER) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Driver = CmpLastPart(&DeviceObject->DriverObject->DriverName);
    ObQueryObjectName(DeviceObject, &Device);
    Status = CmpMakeKey(NULL, &Path, KEY_ALL_ACCESS, &Key);
    if (NT_SUCCESS(Status)) {
        Status = CmpStepToKey(&Key, &Driver, KEY_ALL_ACCESS);
    }
    if (NT_SUCCESS(Status)) {
        Status = CmpStepToKey(&Key, &Device, KEY_ALL_ACCESS);
    }
    if (NT_SUCCESS(Status)) {
        Status = CmpStepToKey(&Key, &Parameters, DesiredAccess);
    }
    if (NT_SUCCESS(Status)) {
        *DeviceRegKey = Key;
    }
    return Status;
}
