/* crtp.h - what the files of lib/crt share. */
#ifndef ETUDE_CRTP_H
#define ETUDE_CRTP_H

#include <ntdef.h>
#include <nt/crt.h>

/* A routine that drivers call, who keep to Windows' calling convention; the kernel is compiled with
 * System V's. */
#define TWIN __attribute__((ms_abi))

/* The answer of the _s routines that have cut a text, as asked by _TRUNCATE. */
#define STRUNCATE 80

/* Whether *Length characters fit into Room, which includes a terminator; *Length becomes those that
 * are copied. Count is the caller's limit, or _TRUNCATE. */
static inline errno_t CrtFit(size_t Room, size_t Count, size_t *Length)
{
    if (*Length < Room) {
        return 0;
    }
    *Length = Room - 1;
    return Count == _TRUNCATE ? STRUNCATE : ERANGE;
}

/* All checked copies: at most Count characters of Source and a terminator, behind the first Offset
 * characters of Destination, which has Size. EINVAL: no Source, or no terminator within Size
 * (Offset is Size then); ERANGE; STRUNCATE. But for the last Destination becomes "", as Annex K has
 * it: a caller who ignores the result works with an empty text, not with a stale or cut one. */
errno_t CrtAppendNarrow(char *Destination, size_t Size, size_t Offset, const char *Source,
                        size_t Count);
errno_t CrtAppendWide(wchar_t *Destination, size_t Size, size_t Offset, const wchar_t *Source,
                      size_t Count);

#endif
