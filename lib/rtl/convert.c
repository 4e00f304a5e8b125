/*
 * convert.c - strings between the ANSI code page, which is UTF-8, and UTF-16, and copies in upper
 * case.
 *
 * Each routine measures first, then finds or allocates the room, then converts. Memory allocated
 * here is freed by RtlFreeUnicodeString or RtlFreeAnsiString. PASSIVE_LEVEL.
 */
#include <ntddk.h>
#include "rtlp.h"

/* Bytes of the string in UTF-16: two or four for each character. The text is decoded twice, here
 * and by the conversion, which costs less than a buffer of the greatest possible size would. */
static SIZE_T MeasureAnsi(const STRING *Source)
{
    const CHAR *Text = Source->Buffer, *End = Text + Source->Length;
    WCHAR Units[2];
    SIZE_T Bytes = 0;

    while (Text != End) {
        Bytes += RtlpPutUtf16(RtlpTakeUtf8(&Text, End), Units) * sizeof(WCHAR);
    }
    return Bytes;
}

NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString,
                                            PCANSI_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    const CHAR *Text = SourceString->Buffer, *End = Text + SourceString->Length;
    SIZE_T Bytes = MeasureAnsi(SourceString);
    PWCH Next;

    if (Bytes + sizeof(WCHAR) > MAXUSHORT) {
        return STATUS_INVALID_PARAMETER_2; /* Length and MaximumLength are 16 bits */
    }
    if (AllocateDestinationString) {
        DestinationString->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
        DestinationString->Buffer =
            ExAllocatePoolWithTag(PagedPool, Bytes + sizeof(WCHAR), RTLP_STRING_TAG);
        if (DestinationString->Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
    } else if (Bytes + sizeof(WCHAR) > DestinationString->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (Next = DestinationString->Buffer; Text != End;) {
        WCHAR Units[2];
        ULONG Count = RtlpPutUtf16(RtlpTakeUtf8(&Text, End), Units);
        memcpy(Next, Units, Count * sizeof(WCHAR));
        Next += Count;
    }
    *Next = UNICODE_NULL;
    DestinationString->Length = (USHORT)Bytes;
    return STATUS_SUCCESS;
}

/* Converts as many whole characters as Room bytes hold, and terminates them; returns their bytes.
 * A NULL Buffer only measures. */
static SIZE_T ConvertUnicode(PCHAR Buffer, SIZE_T Room, PCUNICODE_STRING Source)
{
    PCWCH Text = Source->Buffer, End = Text + Source->Length / sizeof(WCHAR);
    SIZE_T Length = 0;

    while (Text != End) {
        CHAR Bytes[RTLP_UTF8_MAXIMUM];
        ULONG Count = RtlpPutUtf8(RtlpTakeUtf16(&Text, End), Bytes);
        if (Length + Count > Room) {
            break; /* a part of a character would be no character */
        }
        if (Buffer != NULL) {
            memcpy(Buffer + Length, Bytes, Count);
        }
        Length += Count;
    }
    if (Buffer != NULL) {
        Buffer[Length] = ANSI_NULL;
    }
    return Length;
}

ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    return (ULONG)ConvertUnicode(NULL, SIZE_MAX, UnicodeString) + 1;
}

ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    return (ULONG)(MeasureAnsi(AnsiString) + sizeof(WCHAR));
}

NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString,
                                            PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    SIZE_T Length = ConvertUnicode(NULL, SIZE_MAX, SourceString);

    if (Length + 1 > MAXUSHORT) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (AllocateDestinationString) {
        DestinationString->MaximumLength = (USHORT)(Length + 1);
        DestinationString->Buffer = ExAllocatePoolWithTag(PagedPool, Length + 1, RTLP_STRING_TAG);
        if (DestinationString->Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
    } else if (DestinationString->MaximumLength == 0) {
        return STATUS_BUFFER_OVERFLOW;
    }
    DestinationString->Length = (USHORT)ConvertUnicode(
        DestinationString->Buffer, DestinationString->MaximumLength - 1U, SourceString);
    return DestinationString->Length == Length ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString,
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
        DestinationString->Buffer[i] = RtlUpcaseUnicodeChar(SourceString->Buffer[i]);
    }
    DestinationString->Length = SourceString->Length;
    return STATUS_SUCCESS;
}

/* Freed without the tag: drivers also give strings here that they allocated themselves, as they may
 * on Windows. */
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    if (UnicodeString->Buffer != NULL) {
        ExFreePool(UnicodeString->Buffer);
        *UnicodeString = (UNICODE_STRING){0};
    }
}

VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    if (AnsiString->Buffer != NULL) {
        ExFreePool(AnsiString->Buffer);
        *AnsiString = (ANSI_STRING){0};
    }
}
