/*
 * printf.c - sprintf, swprintf and their kin, as drivers import them (exports.lst): Windows'
 * formatter with the ways of Windows' C run-time to treat a text that is too long for its buffer:
 *
 *     sprintf                Print      is trusted: it writes on
 *     _snprintf              Print      the text is cut, without a terminator; -1
 *     sprintf_s              PrintAll   the buffer becomes empty; -1
 *     _snprintf_s            PrintSome  the text is cut where the caller's limit says, with a
 *                                       terminator, and -1; as PrintAll if the limit is no limit
 *
 * and those with v and w. They differ in nothing else, so each is a line around one of the three. A
 * prototype stands before each routine, since no header has one: C never calls them by these names.
 *
 * The kernel itself formats with RtlFormatText. These have the Windows calling convention only, and
 * other names, since the kernel's compiler takes the plain ones for the standard's.
 */
#include <ntddk.h>
#include "kd.h"

#define UNBOUNDED MAXLONG /* the result is an int: no longer text could be told */

/* Both widths go through the same code, with a flag: the formatter has one, too. */
static void Store(PVOID Buffer, SIZE_T Index, BOOLEAN Wide, WCHAR Character)
{
    if (Wide) {
        ((PWCH)Buffer)[Index] = Character;
    } else {
        ((PCHAR)Buffer)[Index] = (CHAR)Character;
    }
}

/* The old way: no terminator when the text is as long as the buffer. */
static int Print(PVOID Buffer, SIZE_T Count, BOOLEAN Wide, const VOID *Format, NT_VA_LIST Arguments)
{
    SIZE_T Needed = RtlFormatText(Buffer, Count, Wide, Format, Arguments);

    /* Without a buffer it only counts: drivers ask so for the size to allocate. */
    if (Needed > MAXLONG || (Needed > Count && Buffer != NULL)) {
        return -1;
    }
    if (Needed < Count) {
        Store(Buffer, Needed, Wide, 0);
    }
    return (int)Needed;
}

/* The checked way: all of the text or none of it. */
static int PrintAll(PVOID Buffer, SIZE_T Size, BOOLEAN Wide, const VOID *Format,
                    NT_VA_LIST Arguments)
{
    SIZE_T Needed;

    if (Buffer == NULL || Size == 0) {
        return -1;
    }
    /* A place is kept for the terminator, so a text of exactly Size characters does not fit. */
    Needed = Format == NULL ? SIZE_MAX : RtlFormatText(Buffer, Size - 1, Wide, Format, Arguments);
    if (Needed >= Size || Needed > MAXLONG) {
        Store(Buffer, 0, Wide, 0);
        return -1;
    }
    Store(Buffer, Needed, Wide, 0);
    return (int)Needed;
}

/* The checked way with a limit, which may cut the text. */
static int PrintSome(PVOID Buffer, SIZE_T Size, SIZE_T Count, BOOLEAN Wide, const VOID *Format,
                     NT_VA_LIST Arguments)
{
    SIZE_T Needed, Limit;

    if (Buffer == NULL && Size == 0 && Count == 0) {
        return 0;
    }
    /* A limit that the buffer ends before is none: then all of the text has to fit. */
    if (Count != _TRUNCATE && Count >= Size) {
        return PrintAll(Buffer, Size, Wide, Format, Arguments);
    }
    if (Buffer == NULL || Size == 0 || Format == NULL) {
        return -1;
    }
    Limit = Count == _TRUNCATE ? Size - 1 : Count;
    Needed = RtlFormatText(Buffer, Limit, Wide, Format, Arguments);
    Store(Buffer, min(Needed, Limit), Wide, 0);
    return Needed > Limit || Needed > MAXLONG ? -1 : (int)Needed;
}

int NTAPI CrtMsVsprintf(char *Buffer, const char *Format, NT_VA_LIST Arguments);
int NTAPI CrtMsVsprintf(char *Buffer, const char *Format, NT_VA_LIST Arguments)
{
    return Print(Buffer, UNBOUNDED, FALSE, Format, Arguments);
}

int NT_VARARGS CrtMsSprintf(char *Buffer, const char *Format, ...);
int NT_VARARGS CrtMsSprintf(char *Buffer, const char *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = Print(Buffer, UNBOUNDED, FALSE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NT_VARARGS CrtMsSwprintf(wchar_t *Buffer, const wchar_t *Format, ...);
int NT_VARARGS CrtMsSwprintf(wchar_t *Buffer, const wchar_t *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = Print(Buffer, UNBOUNDED, TRUE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVsnprintf(char *Buffer, size_t Count, const char *Format, NT_VA_LIST Arguments);
int NTAPI CrtMsVsnprintf(char *Buffer, size_t Count, const char *Format, NT_VA_LIST Arguments)
{
    return Print(Buffer, Count, FALSE, Format, Arguments);
}

int NT_VARARGS CrtMsSnprintf(char *Buffer, size_t Count, const char *Format, ...);
int NT_VARARGS CrtMsSnprintf(char *Buffer, size_t Count, const char *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = Print(Buffer, Count, FALSE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVsnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format,
                          NT_VA_LIST Arguments);
int NTAPI CrtMsVsnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format,
                          NT_VA_LIST Arguments)
{
    return Print(Buffer, Count, TRUE, Format, Arguments);
}

int NT_VARARGS CrtMsSnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, ...);
int NT_VARARGS CrtMsSnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = Print(Buffer, Count, TRUE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVsprintfS(char *Buffer, size_t Size, const char *Format, NT_VA_LIST Arguments);
int NTAPI CrtMsVsprintfS(char *Buffer, size_t Size, const char *Format, NT_VA_LIST Arguments)
{
    return PrintAll(Buffer, Size, FALSE, Format, Arguments);
}

int NT_VARARGS CrtMsSprintfS(char *Buffer, size_t Size, const char *Format, ...);
int NT_VARARGS CrtMsSprintfS(char *Buffer, size_t Size, const char *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = PrintAll(Buffer, Size, FALSE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVswprintfS(wchar_t *Buffer, size_t Size, const wchar_t *Format,
                          NT_VA_LIST Arguments);
int NTAPI CrtMsVswprintfS(wchar_t *Buffer, size_t Size, const wchar_t *Format, NT_VA_LIST Arguments)
{
    return PrintAll(Buffer, Size, TRUE, Format, Arguments);
}

int NT_VARARGS CrtMsSwprintfS(wchar_t *Buffer, size_t Size, const wchar_t *Format, ...);
int NT_VARARGS CrtMsSwprintfS(wchar_t *Buffer, size_t Size, const wchar_t *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = PrintAll(Buffer, Size, TRUE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVsnprintfS(char *Buffer, size_t Size, size_t Count, const char *Format,
                          NT_VA_LIST Arguments);
int NTAPI CrtMsVsnprintfS(char *Buffer, size_t Size, size_t Count, const char *Format,
                          NT_VA_LIST Arguments)
{
    return PrintSome(Buffer, Size, Count, FALSE, Format, Arguments);
}

int NT_VARARGS CrtMsSnprintfS(char *Buffer, size_t Size, size_t Count, const char *Format, ...);
int NT_VARARGS CrtMsSnprintfS(char *Buffer, size_t Size, size_t Count, const char *Format, ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = PrintSome(Buffer, Size, Count, FALSE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}

int NTAPI CrtMsVsnwprintfS(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format,
                           NT_VA_LIST Arguments);
int NTAPI CrtMsVsnwprintfS(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format,
                           NT_VA_LIST Arguments)
{
    return PrintSome(Buffer, Size, Count, TRUE, Format, Arguments);
}

int NT_VARARGS CrtMsSnwprintfS(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format,
                               ...);
int NT_VARARGS CrtMsSnwprintfS(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format,
                               ...)
{
    NT_VA_LIST Arguments;
    int Result;

    nt_va_start(Arguments, Format);
    Result = PrintSome(Buffer, Size, Count, TRUE, Format, Arguments);
    nt_va_end(Arguments);
    return Result;
}
