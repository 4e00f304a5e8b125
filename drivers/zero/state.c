/*
 * state.c - the statistics in the registry: two numbers of 64 bits in the service's key Parameters.
 *
 * RegistryPath is gone when DriverEntry has returned, so the key stays open. What stands there may
 * have been put by anybody: a value of another type or size does not count.
 */
#include "zerop.h"

static NTSTATUS ZeroOpenKey(PHANDLE Key, HANDLE Parent, PUNICODE_STRING Name)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Parent,
                               NULL);
    return ZwCreateKey(Key, KEY_QUERY_VALUE | KEY_SET_VALUE | KEY_CREATE_SUB_KEY, &Attributes, 0,
                       NULL, REG_OPTION_NON_VOLATILE, NULL);
}

static LONGLONG ZeroReadNumber(HANDLE Key, PCWSTR ValueName)
{
    union {
        KEY_VALUE_PARTIAL_INFORMATION Value;
        UCHAR Space[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(LONGLONG)];
    } Buffer;
    UNICODE_STRING Name;
    LONGLONG Number = 0;
    ULONG Length;

    RtlInitUnicodeString(&Name, ValueName);
    if (NT_SUCCESS(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, &Buffer, sizeof(Buffer),
                                   &Length)) &&
        Buffer.Value.Type == REG_QWORD && Buffer.Value.DataLength == sizeof(Number)) {
        RtlCopyMemory(&Number, Buffer.Value.Data, sizeof(Number));
    }
    return Number;
}

static VOID ZeroWriteNumber(HANDLE Key, PCWSTR ValueName, LONGLONG Number)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, ValueName);
    Status = ZwSetValueKey(Key, &Name, 0, REG_QWORD, &Number, sizeof(Number));
    if (!NT_SUCCESS(Status)) {
        KdPrint(("zero: %wZ is lost: 0x%08X\n", &Name, Status));
    }
}

NTSTATUS ZeroOpenState(PZERO_EXTENSION Extension, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Parameters = RTL_CONSTANT_STRING(L"Parameters");
    HANDLE Service;
    NTSTATUS Status = ZeroOpenKey(&Service, NULL, RegistryPath);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZeroOpenKey(&Extension->Key, Service, &Parameters);
    ZwClose(Service);
    if (NT_SUCCESS(Status)) {
        Extension->Statistics.TotalRead = ZeroReadNumber(Extension->Key, L"TotalRead");
        Extension->Statistics.TotalWritten = ZeroReadNumber(Extension->Key, L"TotalWritten");
    }
    return Status;
}

VOID ZeroSaveState(PZERO_EXTENSION Extension)
{
    ZeroWriteNumber(Extension->Key, L"TotalRead", Extension->Statistics.TotalRead);
    ZeroWriteNumber(Extension->Key, L"TotalWritten", Extension->Statistics.TotalWritten);
}

VOID ZeroCloseState(PZERO_EXTENSION Extension)
{
    ZwClose(Extension->Key);
}
