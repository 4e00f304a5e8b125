/* copies.c - UNICODE_STRINGs that are copied into pool, in lower case, or just looked at.
 * PASSIVE_LEVEL. */
#include <ntddk.h>
#include "rtlp.h"

/* No string at all is valid, too. */
NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String)
{
    if (Flags != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (String != NULL &&
        (String->Length % sizeof(WCHAR) != 0 || String->MaximumLength % sizeof(WCHAR) != 0 ||
         String->Length > String->MaximumLength ||
         (String->Buffer == NULL && String->MaximumLength != 0))) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString,
                                        PCUNICODE_STRING SourceString,
                                        BOOLEAN AllocateDestinationString)
{
    if (AllocateDestinationString) {
        /* At least one byte, so that an empty string has a buffer to free as well. */
        DestinationString->MaximumLength = SourceString->Length;
        DestinationString->Buffer =
            ExAllocatePoolWithTag(PagedPool, max(SourceString->Length, 1), RTLP_STRING_TAG);
        if (DestinationString->Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
    } else if (SourceString->Length > DestinationString->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (ULONG i = 0; i < SourceString->Length / sizeof(WCHAR); i++) {
        DestinationString->Buffer[i] = RtlDowncaseUnicodeChar(SourceString->Buffer[i]);
    }
    DestinationString->Length = SourceString->Length;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING SourceString,
                                         PUNICODE_STRING DestinationString)
{
    const ULONG Both = RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE |
                       RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING;
    BOOLEAN Terminate = (Flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE) != 0;
    SIZE_T Bytes;

    if ((Flags & ~Both) != 0 || (Flags != 0 && !Terminate) || SourceString == NULL ||
        DestinationString == NULL || !NT_SUCCESS(RtlValidateUnicodeString(0, SourceString))) {
        return STATUS_INVALID_PARAMETER;
    }
    *DestinationString = (UNICODE_STRING){0};
    /* An empty string gets a buffer only when both flags ask for one: a terminator alone. */
    if (SourceString->Length == 0 && Flags != Both) {
        return STATUS_SUCCESS;
    }
    /* A terminator is not counted in Length, but it is in MaximumLength, which is a USHORT too. */
    Bytes = SourceString->Length + (Terminate ? sizeof(WCHAR) : 0);
    if (Bytes > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    DestinationString->Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, RTLP_STRING_TAG);
    if (DestinationString->Buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (SourceString->Length != 0) {
        memcpy(DestinationString->Buffer, SourceString->Buffer, SourceString->Length);
    }
    if (Terminate) {
        DestinationString->Buffer[SourceString->Length / sizeof(WCHAR)] = UNICODE_NULL;
    }
    DestinationString->Length = SourceString->Length;
    DestinationString->MaximumLength = (USHORT)Bytes;
    return STATUS_SUCCESS;
}
