/*
 * bytestrings.c - ANSI_STRINGs that stay what they are: nothing here is converted. The code page is
 * UTF-8, of which only ASCII letters have another case. Pure; any IRQL.
 */
#include <ntddk.h>

/* No terminator is added, even where there is room: byte strings have none. */
VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT Length = SourceString == NULL ? 0 : SourceString->Length;

    DestinationString->Length = min(Length, DestinationString->MaximumLength);
    if (DestinationString->Length != 0) {
        memcpy(DestinationString->Buffer, SourceString->Buffer, DestinationString->Length);
    }
}

CHAR NTAPI RtlUpperChar(CHAR Character)
{
    return (CHAR)toupper((UCHAR)Character);
}

/* Bytes compare unsigned, so that UTF-8 sorts by code point; a prefix comes before what it
 * begins. */
LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    ULONG Common = min(String1->Length, String2->Length);

    for (ULONG i = 0; i < Common; i++) {
        CHAR Left = String1->Buffer[i], Right = String2->Buffer[i];
        if (CaseInSensitive) {
            Left = RtlUpperChar(Left);
            Right = RtlUpperChar(Right);
        }
        if (Left != Right) {
            return (LONG)(UCHAR)Left - (UCHAR)Right;
        }
    }
    return (LONG)String1->Length - String2->Length;
}

BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareString(String1, String2, CaseInSensitive) == 0;
}

BOOLEAN NTAPI RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    STRING Beginning = *String2;

    if (String1->Length > String2->Length) {
        return FALSE;
    }
    Beginning.Length = String1->Length;
    return RtlEqualString(String1, &Beginning, CaseInSensitive);
}

VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString)
{
    RtlCopyString(DestinationString, SourceString);
    for (ULONG i = 0; i < DestinationString->Length; i++) {
        DestinationString->Buffer[i] = RtlUpperChar(DestinationString->Buffer[i]);
    }
}

/* All or nothing. memmove: a string may be appended to itself. */
static NTSTATUS Append(PSTRING Destination, const CHAR *Text, SIZE_T Length)
{
    if (Length > (SIZE_T)(Destination->MaximumLength - Destination->Length)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Length != 0) {
        memmove(Destination->Buffer + Destination->Length, Text, Length);
    }
    Destination->Length = (USHORT)(Destination->Length + Length);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source)
{
    return Append(Destination, Source->Buffer, Source->Length);
}

NTSTATUS NTAPI RtlAppendAsciizToString(PSTRING Destination, PCSZ Source)
{
    return Source == NULL ? STATUS_SUCCESS : Append(Destination, Source, strlen(Source));
}
