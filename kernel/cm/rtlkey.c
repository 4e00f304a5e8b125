/*
 * rtlkey.c - RtlWriteRegistryValue and its kin: one value or key, by a path relative to a
 * well-known place.
 */
#include "rtlkey.h"

static const PCWSTR CmpPlaces[RTL_REGISTRY_MAXIMUM] = {
    [RTL_REGISTRY_ABSOLUTE] = L"",
    [RTL_REGISTRY_SERVICES] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
    [RTL_REGISTRY_CONTROL] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Control",
    [RTL_REGISTRY_WINDOWS_NT] =
        L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
    [RTL_REGISTRY_DEVICEMAP] = L"\\Registry\\Machine\\Hardware\\DeviceMap",
    [RTL_REGISTRY_USER] = L"\\Registry\\User\\.Default",
};

/* Place\Path in memory of the caller's to free. An empty path is the place itself. */
static NTSTATUS CmpMakePath(ULONG Place, PCWSTR Path, PUNICODE_STRING Full)
{
    SIZE_T PlaceLength = wcslen(CmpPlaces[Place]), PathLength = wcslen(Path);
    SIZE_T Length = (PlaceLength + 1 + PathLength) * sizeof(WCHAR);

    if (Length > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    *Full = (UNICODE_STRING){0, (USHORT)Length, NULL};
    Full->Buffer = ExAllocatePool2(POOL_FLAG_PAGED, Length, CMP_TAG);
    if (Full->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlAppendUnicodeToString(Full, CmpPlaces[Place]);
    if (PlaceLength != 0 && PathLength != 0) {
        RtlAppendUnicodeToString(Full, L"\\");
    }
    RtlAppendUnicodeToString(Full, Path);
    return STATUS_SUCCESS;
}

NTSTATUS CmpOpenRelative(ULONG RelativeTo, PCWSTR Path, BOOLEAN Create, ACCESS_MASK Access,
                         PHANDLE Key)
{
    ULONG Place = RelativeTo & ~(RTL_REGISTRY_OPTIONAL | RTL_REGISTRY_HANDLE);
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Full;
    NTSTATUS Status;

    if (RelativeTo & RTL_REGISTRY_HANDLE) {
        *Key = (HANDLE)Path;
        return STATUS_SUCCESS;
    }
    if (Place >= RTL_REGISTRY_MAXIMUM || (Place == RTL_REGISTRY_ABSOLUTE && Path == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = CmpMakePath(Place, Path != NULL ? Path : L"", &Full);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Full, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = Create ? ZwCreateKey(Key, Access, &Attributes, 0, NULL, REG_OPTION_NON_VOLATILE, NULL)
                    : ZwOpenKey(Key, Access, &Attributes);
    ExFreePoolWithTag(Full.Buffer, CMP_TAG);
    return Status;
}

void CmpCloseRelative(ULONG RelativeTo, HANDLE Key)
{
    if (!(RelativeTo & RTL_REGISTRY_HANDLE)) {
        ZwClose(Key);
    }
}

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName,
                                     ULONG ValueType, PVOID ValueData, ULONG ValueLength)
{
    UNICODE_STRING Name;
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    Status = RtlInitUnicodeStringEx(&Name, ValueName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpOpenRelative(RelativeTo, Path, TRUE, KEY_ALL_ACCESS, &Key);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetValueKey(Key, &Name, 0, ValueType, ValueData, ValueLength);
        CmpCloseRelative(RelativeTo, Key);
    }
    return Status;
}

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    UNICODE_STRING Name;
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    Status = RtlInitUnicodeStringEx(&Name, ValueName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CmpOpenRelative(RelativeTo, Path, FALSE, KEY_SET_VALUE, &Key);
    if (NT_SUCCESS(Status)) {
        Status = ZwDeleteValueKey(Key, &Name);
        CmpCloseRelative(RelativeTo, Key);
    }
    return Status;
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpOpenRelative(RelativeTo, Path, FALSE, KEY_READ, &Key);
    if (NT_SUCCESS(Status)) {
        CmpCloseRelative(RelativeTo, Key);
    }
    return Status;
}

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE Key;
    NTSTATUS Status;

    PAGED_CODE();
    Status = CmpOpenRelative(RelativeTo, Path, TRUE, KEY_ALL_ACCESS, &Key);
    if (NT_SUCCESS(Status)) {
        CmpCloseRelative(RelativeTo, Key);
    }
    return Status;
}
