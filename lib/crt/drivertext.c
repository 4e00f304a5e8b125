/*
 * drivertext.c - bounded text and memory as drivers import it (nt/crt_more.h): the kernel itself
 * does without, so these have the Windows calling convention only. Narrow and wide ones are the
 * same, line by line.
 */
#include "crtp.h"

/* Unlike strncpy it always ends with a terminator, which Count does not include. */
char TWIN *CrtMsStrncat(char *Destination, const char *Source, size_t Count);
char TWIN *CrtMsStrncat(char *Destination, const char *Source, size_t Count)
{
    size_t Offset = strlen(Destination), Length = strnlen(Source, Count);

    memcpy(Destination + Offset, Source, Length);
    Destination[Offset + Length] = 0;
    return Destination;
}

/* Nothing asked for of nobody is no error, as Microsoft documents it; any other missing room is. */
errno_t TWIN CrtMsStrncpyS(char *Destination, size_t Size, const char *Source, size_t Count);
errno_t TWIN CrtMsStrncpyS(char *Destination, size_t Size, const char *Source, size_t Count)
{
    if (Destination == NULL || Size == 0) {
        return Destination == NULL && Size == 0 && Count == 0 ? 0 : EINVAL;
    }
    if (Count == 0) {
        Destination[0] = 0;
        return 0;
    }
    return CrtAppendNarrow(Destination, Size, 0, Source, Count);
}

errno_t TWIN CrtMsStrncatS(char *Destination, size_t Size, const char *Source, size_t Count);
errno_t TWIN CrtMsStrncatS(char *Destination, size_t Size, const char *Source, size_t Count)
{
    if (Destination == NULL || Size == 0) {
        return Destination == NULL && Size == 0 && Count == 0 ? 0 : EINVAL;
    }
    return CrtAppendNarrow(Destination, Size, strnlen(Destination, Size), Source, Count);
}

/* The characters at the beginning that are in Set, or that are not. */
static size_t CrtStrSpan(const char *String, const char *Set, BOOLEAN In)
{
    size_t Length = 0;

    while (String[Length] != 0 && (strchr(Set, String[Length]) != NULL) == In) {
        Length++;
    }
    return Length;
}

size_t TWIN CrtMsStrspn(const char *String, const char *Set);
size_t TWIN CrtMsStrspn(const char *String, const char *Set)
{
    return CrtStrSpan(String, Set, TRUE);
}

size_t TWIN CrtMsStrcspn(const char *String, const char *Set);
size_t TWIN CrtMsStrcspn(const char *String, const char *Set)
{
    return CrtStrSpan(String, Set, FALSE);
}

/* A char may be negative, which tolower leaves as it is: it looks for the letters of ASCII only. */
char TWIN *CrtMsStrlwr(char *String);
char TWIN *CrtMsStrlwr(char *String)
{
    for (char *At = String; *At != 0; At++) {
        *At = (char)tolower(*At);
    }
    return String;
}

char TWIN *CrtMsStrupr(char *String);
char TWIN *CrtMsStrupr(char *String)
{
    for (char *At = String; *At != 0; At++) {
        *At = (char)toupper(*At);
    }
    return String;
}

/* No state of its own, as strtok has: two threads may take texts apart at once. The context is
 * where the next piece begins. Delimiters in a row are one. */
char TWIN *CrtMsStrtokS(char *String, const char *Delimiters, char **Context);
char TWIN *CrtMsStrtokS(char *String, const char *Delimiters, char **Context)
{
    char *Start = String != NULL ? String : *Context, *End;

    if (Start == NULL) {
        return NULL;
    }
    Start += CrtStrSpan(Start, Delimiters, TRUE);
    End = Start + CrtStrSpan(Start, Delimiters, FALSE);
    *Context = *End != 0 ? End + 1 : End;
    *End = 0;
    return End != Start ? Start : NULL;
}

/* The result is writable whatever the argument was: the C library has no better type for both. */
void TWIN *CrtMsMemchr(const void *Memory, int Value, size_t Count);
void TWIN *CrtMsMemchr(const void *Memory, int Value, size_t Count)
{
    const unsigned char *At = Memory;

    for (size_t i = 0; i < Count; i++) {
        if (At[i] == (unsigned char)Value) {
            return (void *)(ULONG_PTR)(At + i);
        }
    }
    return NULL;
}

/* A copy that is refused leaves zeros, not old bytes that could be taken for the copy. */
errno_t TWIN CrtMsMemcpyS(void *Destination, size_t Size, const void *Source, size_t Count);
errno_t TWIN CrtMsMemcpyS(void *Destination, size_t Size, const void *Source, size_t Count)
{
    if (Count == 0) {
        return 0;
    }
    if (Destination == NULL) {
        return EINVAL;
    }
    if (Source == NULL || Size < Count) {
        memset(Destination, 0, Size);
        return Source == NULL ? EINVAL : ERANGE;
    }
    memcpy(Destination, Source, Count);
    return 0;
}

/* Leaves the destination as it is when it refuses: that is where it differs from memcpy_s. */
errno_t TWIN CrtMsMemmoveS(void *Destination, size_t Size, const void *Source, size_t Count);
errno_t TWIN CrtMsMemmoveS(void *Destination, size_t Size, const void *Source, size_t Count)
{
    if (Count != 0 && (Destination == NULL || Source == NULL)) {
        return EINVAL;
    }
    if (Size < Count) {
        return ERANGE;
    }
    if (Count != 0) {
        memmove(Destination, Source, Count);
    }
    return 0;
}

wchar_t TWIN *CrtMsWcsncat(wchar_t *Destination, const wchar_t *Source, size_t Count);
wchar_t TWIN *CrtMsWcsncat(wchar_t *Destination, const wchar_t *Source, size_t Count)
{
    size_t Offset = wcslen(Destination), Length = wcsnlen(Source, Count);

    memcpy(Destination + Offset, Source, Length * sizeof(wchar_t));
    Destination[Offset + Length] = 0;
    return Destination;
}

errno_t TWIN CrtMsWcsncpyS(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count);
errno_t TWIN CrtMsWcsncpyS(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count)
{
    if (Destination == NULL || Size == 0) {
        return Destination == NULL && Size == 0 && Count == 0 ? 0 : EINVAL;
    }
    if (Count == 0) {
        Destination[0] = 0;
        return 0;
    }
    return CrtAppendWide(Destination, Size, 0, Source, Count);
}

errno_t TWIN CrtMsWcsncatS(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count);
errno_t TWIN CrtMsWcsncatS(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count)
{
    if (Destination == NULL || Size == 0) {
        return Destination == NULL && Size == 0 && Count == 0 ? 0 : EINVAL;
    }
    return CrtAppendWide(Destination, Size, wcsnlen(Destination, Size), Source, Count);
}

/* The characters at the beginning that are in Set, or that are not. */
static size_t CrtWcsSpan(const wchar_t *String, const wchar_t *Set, BOOLEAN In)
{
    size_t Length = 0;

    while (String[Length] != 0 && (wcschr(Set, String[Length]) != NULL) == In) {
        Length++;
    }
    return Length;
}

size_t TWIN CrtMsWcsspn(const wchar_t *String, const wchar_t *Set);
size_t TWIN CrtMsWcsspn(const wchar_t *String, const wchar_t *Set)
{
    return CrtWcsSpan(String, Set, TRUE);
}

size_t TWIN CrtMsWcscspn(const wchar_t *String, const wchar_t *Set);
size_t TWIN CrtMsWcscspn(const wchar_t *String, const wchar_t *Set)
{
    return CrtWcsSpan(String, Set, FALSE);
}

wchar_t TWIN *CrtMsWcslwr(wchar_t *String);
wchar_t TWIN *CrtMsWcslwr(wchar_t *String)
{
    for (wchar_t *At = String; *At != 0; At++) {
        *At = (wchar_t)towlower(*At);
    }
    return String;
}

wchar_t TWIN *CrtMsWcsupr(wchar_t *String);
wchar_t TWIN *CrtMsWcsupr(wchar_t *String)
{
    for (wchar_t *At = String; *At != 0; At++) {
        *At = (wchar_t)towupper(*At);
    }
    return String;
}
