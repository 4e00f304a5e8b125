/*
 * strings.c - counted strings: UNICODE_STRING and ANSI_STRING.
 *
 * Lengths are bytes and need no terminator; one is written where there is room beyond the text, as
 * Windows does. An odd byte at the end of a UNICODE_STRING's Length or MaximumLength is no
 * character and is left alone. Pure.
 */
#include <ntddk.h>

#define CHARS(String) ((String)->Length / sizeof(WCHAR))

/* MaximumLength counts the terminator and is a USHORT, so a longer text is cut. */
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    *DestinationString = (UNICODE_STRING){.Buffer = (PWCH)SourceString};
    if (SourceString != NULL) {
        SIZE_T Bytes = wcsnlen(SourceString, UNICODE_STRING_MAX_CHARS - 1) * sizeof(WCHAR);
        DestinationString->Length = (USHORT)Bytes;
        DestinationString->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
    }
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    *DestinationString = (UNICODE_STRING){0};
    if (SourceString != NULL &&
        SourceString[wcsnlen(SourceString, UNICODE_STRING_MAX_CHARS - 1)] != 0) {
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitUnicodeString(DestinationString, SourceString);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    *DestinationString = (ANSI_STRING){.Buffer = (PCHAR)SourceString};
    if (SourceString != NULL) {
        SIZE_T Length = strnlen(SourceString, MAXUSHORT - 1);
        DestinationString->Length = (USHORT)Length;
        DestinationString->MaximumLength = (USHORT)(Length + 1);
    }
}

/* memmove, because drivers shift text within one buffer by this. */
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    USHORT Length = SourceString == NULL ? 0 : SourceString->Length;

    Length = min(Length, DestinationString->MaximumLength);
    if (Length != 0) {
        memmove(DestinationString->Buffer, SourceString->Buffer, Length);
    }
    DestinationString->Length = Length;
    if (SourceString != NULL && Length + sizeof(WCHAR) <= DestinationString->MaximumLength) {
        DestinationString->Buffer[Length / sizeof(WCHAR)] = UNICODE_NULL;
    }
}

/* Difference of the first Count characters; upper case when asked. */
static LONG CompareChars(PCWCH First, PCWCH Second, SIZE_T Count, BOOLEAN CaseInSensitive)
{
    for (SIZE_T i = 0; i < Count; i++) {
        WCHAR A = First[i], B = Second[i];
        /* Equal characters are the common case and need no table. */
        if (A != B && CaseInSensitive) {
            A = RtlUpcaseUnicodeChar(A);
            B = RtlUpcaseUnicodeChar(B);
        }
        if (A != B) {
            return (LONG)A - (LONG)B;
        }
    }
    return 0;
}

/* Whoever is the beginning of the other one comes first. */
LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2,
                                    SIZE_T String2Length, BOOLEAN CaseInSensitive)
{
    SIZE_T Shorter = min(String1Length, String2Length);
    LONG Difference = CompareChars(String1, String2, Shorter, CaseInSensitive);

    if (Difference != 0 || String1Length == String2Length) {
        return Difference;
    }
    return String1Length < String2Length ? -1 : 1;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    return RtlCompareUnicodeStrings(String1->Buffer, CHARS(String1), String2->Buffer,
                                    CHARS(String2), CaseInSensitive);
}

/* Folding keeps lengths, so different lengths cannot be equal. */
BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           CompareChars(String1->Buffer, String2->Buffer, CHARS(String1), CaseInSensitive) == 0;
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    return String1->Length <= String2->Length &&
           CompareChars(String1->Buffer, String2->Buffer, CHARS(String1), CaseInSensitive) == 0;
}

/* Appends Bytes bytes or nothing; memmove, since a string may be appended to itself. */
static NTSTATUS AppendChars(PUNICODE_STRING Destination, PCWCH Source, SIZE_T Bytes)
{
    SIZE_T Length = Destination->Length + Bytes;
    PWCH End = Destination->Buffer + CHARS(Destination);

    if (Bytes == 0) {
        return STATUS_SUCCESS;
    }
    if (Length > Destination->MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memmove(End, Source, Bytes);
    Destination->Length = (USHORT)Length;
    if (Length + sizeof(WCHAR) <= Destination->MaximumLength) {
        End[Bytes / sizeof(WCHAR)] = UNICODE_NULL;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return Source == NULL ? STATUS_SUCCESS
                          : AppendChars(Destination, Source, wcslen(Source) * sizeof(WCHAR));
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return AppendChars(Destination, Source->Buffer, Source->Length);
}

/* The hash that Windows documents: each character weighs 65599 times what the next one does. */
NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                                    ULONG HashAlgorithm, PULONG HashValue)
{
    ULONG Hash = 0;

    if (String == NULL || HashValue == NULL ||
        (HashAlgorithm != HASH_STRING_ALGORITHM_DEFAULT &&
         HashAlgorithm != HASH_STRING_ALGORITHM_X65599)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (SIZE_T i = 0; i < CHARS(String); i++) {
        WCHAR Character = String->Buffer[i];
        Hash = Hash * 65599 + (CaseInSensitive ? RtlUpcaseUnicodeChar(Character) : Character);
    }
    *HashValue = Hash;
    return STATUS_SUCCESS;
}

/* How many bytes are equal, not how they compare: that is memcmp. */
SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    const UCHAR *First = Source1, *Second = Source2;
    SIZE_T Equal = 0;

    while (Equal < Length && First[Equal] == Second[Equal]) {
        Equal++;
    }
    return Equal;
}
