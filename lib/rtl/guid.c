/*
 * guid.c - GUIDs as text, "{6B29FC40-CA47-1067-B31D-00DD010662DA}": of the sixteen bytes as they
 * lie in memory, the first three numbers are shown highest byte first. Drivers may count on
 * PASSIVE_LEVEL.
 */
#include <ntddk.h>
#include "rtlp.h"

#define GUID_CHARACTERS 38

/* For each character the byte whose digits stand here; -1: a brace or hyphen. */
static const SCHAR ByteAt[GUID_CHARACTERS] = {-1, 3,  3,  2,  2,  1,  1,  0,  0,  -1, 5,  5,  4,
                                              4,  -1, 7,  7,  6,  6,  -1, 8,  8,  9,  9,  -1, 10,
                                              10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, -1};
static const CHAR Shape[] = "{00000000-0000-0000-0000-000000000000}";

NTSTATUS NTAPI RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString)
{
    PWCH Text =
        ExAllocatePoolWithTag(PagedPool, (GUID_CHARACTERS + 1) * sizeof(WCHAR), RTLP_STRING_TAG);
    BOOLEAN High = TRUE;

    if (Text == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (ULONG i = 0; i < GUID_CHARACTERS; i++) {
        UCHAR Byte = ByteAt[i] < 0 ? 0 : ((const UCHAR *)Guid)[ByteAt[i]];
        Text[i] =
            ByteAt[i] < 0 ? (WCHAR)Shape[i] : L"0123456789ABCDEF"[High ? Byte >> 4 : Byte & 15];
        /* Two digits a byte, the higher one first. */
        High = ByteAt[i] < 0 ? TRUE : !High;
    }
    Text[GUID_CHARACTERS] = 0;
    GuidString->Buffer = Text;
    GuidString->Length = GUID_CHARACTERS * sizeof(WCHAR);
    GuidString->MaximumLength = GuidString->Length + sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    /* Read to the end before anything is written: a text that is no GUID leaves the caller's
     * alone. */
    UCHAR Bytes[sizeof(GUID)] = {0};

    if (GuidString->Length != GUID_CHARACTERS * sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; i < GUID_CHARACTERS; i++) {
        WCHAR Character = GuidString->Buffer[i];
        if (ByteAt[i] < 0 ? Character != (WCHAR)Shape[i] : RtlpDigitValue(Character) > 15) {
            return STATUS_INVALID_PARAMETER;
        }
        if (ByteAt[i] >= 0) {
            Bytes[ByteAt[i]] = (UCHAR)(Bytes[ByteAt[i]] << 4 | RtlpDigitValue(Character));
        }
    }
    memcpy(Guid, Bytes, sizeof(Bytes));
    return STATUS_SUCCESS;
}
