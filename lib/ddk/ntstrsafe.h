/*
 * ntstrsafe.h - copying, appending and formatting strings that knows how large the target is (book
 * ch. 3).
 *
 * Every routine has four forms: RtlStringCch... counts in characters, RtlStringCb... in bytes, and
 * the last letter is A for char and W for wchar_t. They stand once, in nt/strsafe_text.h, which is
 * included for both kinds of characters:
 *
 *     Copy    CopyN    Cat    CatN    Printf    VPrintf    and each with Ex; Length
 *
 * UNICODE_STRINGs have their own, in nt/strsafe_unicode.h. All are inline.
 *
 * A target always ends up terminated (a UNICODE_STRING need not be). STATUS_BUFFER_OVERFLOW: the
 * text was cut. STATUS_INVALID_PARAMETER: the target has no room at all or more than
 * NTSTRSAFE_MAX_CCH characters, or what should be terminated is not; nothing was changed, or the
 * target is "" if it could be. Copying and appending: any IRQL with resident memory; what formats,
 * PASSIVE_LEVEL. WDK: the same names.
 */
#ifndef _NTSTRSAFE_H_INCLUDED_
#define _NTSTRSAFE_H_INCLUDED_

#include <wdm.h>

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_MAX_LENGTH (NTSTRSAFE_MAX_CCH - 1)
#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(wchar_t))

/* dwFlags of the Ex routines: the low byte is what the FILL flags fill with, byte by byte. */
#define STRSAFE_FILL_BYTE(x) ((ULONG)((x)&0xFF) | STRSAFE_FILL_BEHIND_NULL)
#define STRSAFE_FAILURE_BYTE(x) ((ULONG)((x)&0xFF) | STRSAFE_FILL_ON_FAILURE)
#define STRSAFE_IGNORE_NULLS 0x00000100     /* a NULL text is an empty one */
#define STRSAFE_FILL_BEHIND_NULL 0x00000200 /* success: fill what is behind the terminator */
#define STRSAFE_FILL_ON_FAILURE 0x00000400  /* failure: fill the whole target */
#define STRSAFE_NULL_ON_FAILURE 0x00000800  /* failure: make the target empty */
#define STRSAFE_NO_TRUNCATION 0x00001000    /* too long: copied texts become empty, appended none */
#define STRSAFE_FILL_BEHIND 0x00000200      /* of UNICODE_STRINGs: behind Length */
#define STRSAFE_ZERO_LENGTH_ON_FAILURE 0x00000800
#define STRSAFE_VALID_FLAGS 0x00001FFF

/* dontuse.h warns drivers of the routines that this is made of. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#ifdef __cplusplus
extern "C" {
#endif

#define STRSAFE_CHAR char
#define STRSAFE_CCH(Operation) RtlStringCch##Operation##A
#define STRSAFE_CB(Operation) RtlStringCb##Operation##A
#define STRSAFE_OWN(Operation) RtlpStrSafe##Operation##A
#define STRSAFE_LENGTH strnlen
#define STRSAFE_PRINT _vsnprintf
#include <nt/strsafe_text.h>
#undef STRSAFE_CHAR
#undef STRSAFE_CCH
#undef STRSAFE_CB
#undef STRSAFE_OWN
#undef STRSAFE_LENGTH
#undef STRSAFE_PRINT

#define STRSAFE_CHAR wchar_t
#define STRSAFE_CCH(Operation) RtlStringCch##Operation##W
#define STRSAFE_CB(Operation) RtlStringCb##Operation##W
#define STRSAFE_OWN(Operation) RtlpStrSafe##Operation##W
#define STRSAFE_LENGTH wcsnlen
#define STRSAFE_PRINT _vsnwprintf
#include <nt/strsafe_text.h>
#undef STRSAFE_CHAR
#undef STRSAFE_CCH
#undef STRSAFE_CB
#undef STRSAFE_OWN
#undef STRSAFE_LENGTH
#undef STRSAFE_PRINT

#include <nt/strsafe_unicode.h>

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif
