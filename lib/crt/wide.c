/*
 * wide.c - wcs* on zero-terminated strings of 16-bit characters, in the "C" locale as in Windows'
 * kernel: the case-insensitive ones fold ASCII only (RtlCompareUnicodeString folds all of it).
 * Pure; any IRQL.
 */
#include "crtp.h"

C_ASSERT(sizeof(wchar_t) == 2); /* -fshort-wchar, as on Windows */

/* Character by character: the text may end just before a page that is not there. */
size_t wcslen(const wchar_t *String)
{
    const wchar_t *End = String;

    while (*End != 0) {
        End++;
    }
    return (size_t)(End - String);
}

size_t wcsnlen(const wchar_t *String, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && String[Length] != 0) {
        Length++;
    }
    return Length;
}

wchar_t *wcschr(const wchar_t *String, wchar_t Character)
{
    for (; *String != Character; String++) {
        if (*String == 0) {
            return NULL;
        }
    }
    return (wchar_t *)String;
}

wchar_t *wcsrchr(const wchar_t *String, wchar_t Character)
{
    const wchar_t *Found = NULL;

    do {
        if (*String == Character) {
            Found = String;
        }
    } while (*String++ != 0);
    return (wchar_t *)Found;
}

wchar_t *wcsstr(const wchar_t *String, const wchar_t *Pattern)
{
    size_t Length = wcslen(Pattern);

    /* No comparison goes beyond String's end: its terminator differs from what Pattern has there.
     */
    for (; wcsncmp(String, Pattern, Length) != 0; String++) {
        if (*String == 0) {
            return NULL;
        }
    }
    return (wchar_t *)String;
}

int wcscmp(const wchar_t *Left, const wchar_t *Right)
{
    return wcsncmp(Left, Right, SIZE_MAX);
}

/* Windows answers -1, 0 or 1 here, unlike strncmp's difference. */
int wcsncmp(const wchar_t *Left, const wchar_t *Right, size_t Count)
{
    for (; Count != 0; Left++, Right++, Count--) {
        if (*Left != *Right) {
            return (USHORT)*Left < (USHORT)*Right ? -1 : 1;
        }
        if (*Left == 0) {
            break;
        }
    }
    return 0;
}

wchar_t towlower(wchar_t Character)
{
    return Character >= 'A' && Character <= 'Z' ? (wchar_t)(Character + ('a' - 'A')) : Character;
}

wchar_t towupper(wchar_t Character)
{
    return Character >= 'a' && Character <= 'z' ? (wchar_t)(Character - ('a' - 'A')) : Character;
}

int _wcsicmp(const wchar_t *Left, const wchar_t *Right)
{
    return _wcsnicmp(Left, Right, SIZE_MAX);
}

/* A difference, unlike wcsncmp. */
int _wcsnicmp(const wchar_t *Left, const wchar_t *Right, size_t Count)
{
    for (; Count != 0; Left++, Right++, Count--) {
        int Difference = (USHORT)towlower(*Left) - (USHORT)towlower(*Right);
        if (Difference != 0 || *Left == 0) {
            return Difference;
        }
    }
    return 0;
}

wchar_t *wcscpy(wchar_t *Destination, const wchar_t *Source)
{
    return memcpy(Destination, Source, (wcslen(Source) + 1) * sizeof(wchar_t));
}

/* Fills up with zeros, and leaves no terminator when there is no room, as strncpy does. */
wchar_t *wcsncpy(wchar_t *Destination, const wchar_t *Source, size_t Count)
{
    size_t Length = wcsnlen(Source, Count);

    memcpy(Destination, Source, Length * sizeof(wchar_t));
    memset(Destination + Length, 0, (Count - Length) * sizeof(wchar_t));
    return Destination;
}

wchar_t *wcscat(wchar_t *Destination, const wchar_t *Source)
{
    wcscpy(Destination + wcslen(Destination), Source);
    return Destination;
}

errno_t CrtAppendWide(wchar_t *Destination, size_t Size, size_t Offset, const wchar_t *Source,
                      size_t Count)
{
    size_t Length;
    errno_t Error;

    if (Source == NULL || Offset == Size) { /* nothing to copy, or no terminator to copy to */
        Destination[0] = 0;
        return EINVAL;
    }
    Length = wcsnlen(Source, min(Count, Size - Offset));
    Error = CrtFit(Size - Offset, Count, &Length);
    if (Error == ERANGE) {
        Destination[0] = 0;
        return ERANGE;
    }
    memcpy(Destination + Offset, Source, Length * sizeof(wchar_t));
    Destination[Offset + Length] = 0;
    return Error;
}

errno_t wcscpy_s(wchar_t *Destination, size_t Size, const wchar_t *Source)
{
    if (Destination == NULL || Size == 0) {
        return EINVAL;
    }
    return CrtAppendWide(Destination, Size, 0, Source, Size);
}

errno_t wcscat_s(wchar_t *Destination, size_t Size, const wchar_t *Source)
{
    if (Destination == NULL || Size == 0) {
        return EINVAL;
    }
    return CrtAppendWide(Destination, Size, wcsnlen(Destination, Size), Source, Size);
}
