/*
 * dontuse.h - the compiler warns of routines that do not know how large their target is.
 *
 * ntstrsafe.h has replacements that do know, and so do the _s routines of the C run-time.
 */
#ifndef _DONTUSE_
#define _DONTUSE_

#include <wdm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DONTUSE_DEPRECATED(Replacement) __attribute__((deprecated("use " Replacement)))

DONTUSE_DEPRECATED("RtlStringCchCopyA") char *strcpy(char *, const char *);
DONTUSE_DEPRECATED("RtlStringCchCatA") char *strcat(char *, const char *);
DONTUSE_DEPRECATED("RtlStringCchCopyNA") char *strncpy(char *, const char *, size_t);
DONTUSE_DEPRECATED("RtlStringCchCopyW") wchar_t *wcscpy(wchar_t *, const wchar_t *);
DONTUSE_DEPRECATED("RtlStringCchCatW") wchar_t *wcscat(wchar_t *, const wchar_t *);
DONTUSE_DEPRECATED("RtlStringCchCopyNW") wchar_t *wcsncpy(wchar_t *, const wchar_t *, size_t);

#ifdef __cplusplus
}
#endif

#endif
