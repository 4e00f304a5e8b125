/*
 * zwdriver.c - ZwLoadDriver and ZwUnloadDriver: services by the paths of their keys.
 */
#include <kd.h>
#include <ke.h>
#include <cm.h>
#include "ldrp.h"

/* The service's name in a key's path. The key must exist, wherever it is, before its place is
 * judged. */
static NTSTATUS LdrpParseServicePath(PUNICODE_STRING Path, PUNICODE_STRING Name)
{
    UNICODE_STRING Prefix = RTL_CONSTANT_STRING(CM_SERVICES_PATH L"\\");
    NTSTATUS Status;
    PCM_KEY Key;

    if (Path == NULL || Path->Buffer == NULL || Path->Length == 0 ||
        Path->Length % sizeof(WCHAR) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = CmOpenKey(Path, FALSE, &Key);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmCloseKey(Key);
    if (!RtlPrefixUnicodeString(&Prefix, Path, TRUE) || Path->Length == Prefix.Length) {
        return STATUS_ILL_FORMED_SERVICE_ENTRY;
    }
    *Name = (UNICODE_STRING){(USHORT)(Path->Length - Prefix.Length),
                             (USHORT)(Path->Length - Prefix.Length),
                             Path->Buffer + Prefix.Length / sizeof(WCHAR)};
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        if (Name->Buffer[i] == '\\') {
            return STATUS_ILL_FORMED_SERVICE_ENTRY; /* a key below a service's */
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwLoadDriver(PUNICODE_STRING DriverServiceName)
{
    CHAR Reason[LDRP_REASON_SIZE];
    LDRP_MESSAGE Message;
    UNICODE_STRING Name;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    Status = LdrpParseServicePath(DriverServiceName, &Name);
    if (NT_SUCCESS(Status)) {
        LdrpInitializeMessage(&Message, Reason, sizeof(Reason));
        Status = LdrpLoadDriver(&Name, &Message);
        /* Nobody else is told. That it runs already is no news. */
        if (!NT_SUCCESS(Status) && Status != STATUS_IMAGE_ALREADY_LOADED) {
            KdPrintf("ldr: ZwLoadDriver of %wZ failed: status %08X %s\n", &Name, Status, Reason);
        }
    }
    return Status;
}

NTSTATUS NTAPI ZwUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    Status = LdrpParseServicePath(DriverServiceName, &Name);
    if (NT_SUCCESS(Status)) {
        Status = LdrpUnloadDriver(&Name);
        if (Status == STATUS_PENDING) {
            Status = STATUS_SUCCESS;
        } else if (Status == STATUS_DEVICE_BUSY) {
            Status = STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    return Status;
}
