/*
 * string.c - str* on zero-terminated byte strings, in the "C" locale as in Windows' kernel: case is
 * that of ASCII, and bytes compare unsigned. Pure; any IRQL.
 */
#include "crtp.h"

size_t strlen(const char *String)
{
    const char *End = String;

    while (*End != 0) {
        End++;
    }
    return (size_t)(End - String);
}

size_t strnlen(const char *String, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && String[Length] != 0) {
        Length++;
    }
    return Length;
}

/* Equal up to a terminator that both have: the difference of the terminators is 0. */
int strcmp(const char *Left, const char *Right)
{
    while (*Left != 0 && *Left == *Right) {
        Left++;
        Right++;
    }
    return (UCHAR)*Left - (UCHAR)*Right;
}

int strncmp(const char *Left, const char *Right, size_t Count)
{
    for (; Count != 0; Left++, Right++, Count--) {
        if (*Left != *Right || *Left == 0) {
            return (UCHAR)*Left - (UCHAR)*Right;
        }
    }
    return 0;
}

/* Not | 0x20: that would change '@' and '[' as well, and bytes above ASCII. */
int tolower(int Character)
{
    return Character >= 'A' && Character <= 'Z' ? Character + ('a' - 'A') : Character;
}

int toupper(int Character)
{
    return Character >= 'a' && Character <= 'z' ? Character - ('a' - 'A') : Character;
}

int _stricmp(const char *Left, const char *Right)
{
    return _strnicmp(Left, Right, SIZE_MAX);
}

/* Lower case decides, not upper: it makes a difference for the six characters between Z and a. */
int _strnicmp(const char *Left, const char *Right, size_t Count)
{
    for (; Count != 0; Left++, Right++, Count--) {
        int Difference = tolower((UCHAR)*Left) - tolower((UCHAR)*Right);
        if (Difference != 0 || *Left == 0) {
            return Difference;
        }
    }
    return 0;
}

/* The cast takes const away, as in the standard: whoever passed a constant gets it back. */
char *strchr(const char *String, int Character)
{
    for (; *String != (char)Character; String++) {
        if (*String == 0) {
            return NULL;
        }
    }
    return (char *)String;
}

/* The terminator is looked at too, since it may be what is looked for. */
char *strrchr(const char *String, int Character)
{
    const char *Found = NULL;

    do {
        if (*String == (char)Character) {
            Found = String;
        }
    } while (*String++ != 0);
    return (char *)Found;
}

/* Quadratic at worst, like every short loop of this kind; names and paths are short. */
char *strstr(const char *String, const char *Pattern)
{
    size_t Length = strlen(Pattern);

    for (; strncmp(String, Pattern, Length) != 0; String++) {
        if (*String == 0) {
            return NULL;
        }
    }
    return (char *)String;
}

/* The terminator is found first, so that the copy goes by words. */
char *strcpy(char *Destination, const char *Source)
{
    return memcpy(Destination, Source, strlen(Source) + 1);
}

/* Not a bounded strcpy: it fills all of Count, and leaves no terminator when Source is as long. */
char *strncpy(char *Destination, const char *Source, size_t Count)
{
    size_t Length = strnlen(Source, Count);

    memcpy(Destination, Source, Length);
    memset(Destination + Length, 0, Count - Length);
    return Destination;
}

char *strcat(char *Destination, const char *Source)
{
    strcpy(Destination + strlen(Destination), Source);
    return Destination;
}

errno_t CrtAppendNarrow(char *Destination, size_t Size, size_t Offset, const char *Source,
                        size_t Count)
{
    size_t Length;
    errno_t Error;

    if (Source == NULL || Offset == Size) {
        Destination[0] = 0;
        return EINVAL;
    }
    Length = strnlen(Source, min(Count, Size - Offset));
    Error = CrtFit(Size - Offset, Count, &Length);
    if (Error == ERANGE) {
        Destination[0] = 0;
        return ERANGE;
    }
    memcpy(Destination + Offset, Source, Length);
    Destination[Offset + Length] = 0;
    return Error;
}

errno_t strcpy_s(char *Destination, size_t Size, const char *Source)
{
    if (Destination == NULL || Size == 0) {
        return EINVAL;
    }
    return CrtAppendNarrow(Destination, Size, 0, Source, Size);
}

errno_t strcat_s(char *Destination, size_t Size, const char *Source)
{
    if (Destination == NULL || Size == 0) {
        return EINVAL;
    }
    return CrtAppendNarrow(Destination, Size, strnlen(Destination, Size), Source, Size);
}
