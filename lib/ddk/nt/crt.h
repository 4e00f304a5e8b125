/*
 * nt/crt.h - the C run-time subset that the kernel exports to drivers.
 *
 * Behaviour is the C standard's in the "C" locale; what is said below is what it leaves open or
 * what Windows adds. All of it is pure: any IRQL, as long as the memory named is resident there.
 * Nothing is allocated; buffers stay the caller's.
 */
#include <wdm.h>

#ifndef _NT_CRT_
#define _NT_CRT_

/* Variadic exports use the Windows calling convention in the kernel too. */
#ifdef _WIN32
#define NT_VARARGS
typedef va_list NT_VA_LIST;
#define nt_va_start(l, last) va_start(l, last)
#define nt_va_arg(l, t) va_arg(l, t)
#define nt_va_end(l) va_end(l)
#else
#define NT_VARARGS __attribute__((ms_abi))
typedef __builtin_ms_va_list NT_VA_LIST;
#define nt_va_start(l, last) __builtin_ms_va_start(l, last)
#define nt_va_arg(l, t) __builtin_va_arg(l, t)
#define nt_va_end(l) __builtin_ms_va_end(l)
#endif

/* Argument number String is a printf format, its arguments start at First (0: a va_list). gcc knows
 * neither Windows' conversions nor its types, so formats in the kernel are checked by clang with a
 * Windows target. Drivers are not checked: they print LONG by %d and int by %ld as they please. */
#if defined(_WIN32) && defined(__clang__) && defined(_NTOSKRNL_)
#define NT_PRINTF(String, First) __attribute__((format(printf, String, First)))
#else
#define NT_PRINTF(String, First)
#endif

/* What the _s routines answer. */
typedef int errno_t;
#ifndef EINVAL
#define EINVAL 22
#define ERANGE 34
#endif

/* Inside the kernel these names are System V, since gcc emits calls to them; drivers import twins
 * with the Windows convention under the same names. */

/* Copy Count bytes that do not overlap; returns Destination. */
void *memcpy(void *Destination, const void *Source, size_t Count);
/* Copy Count bytes that may overlap in any way; returns Destination. */
void *memmove(void *Destination, const void *Source, size_t Count);
/* Set Count bytes to the low byte of Value; returns Destination. */
void *memset(void *Destination, int Value, size_t Count);
/* Compare Count unsigned bytes: < 0, 0 or > 0. It may read up to 8 bytes past the first
 * difference, never past Count. */
int memcmp(const void *Left, const void *Right, size_t Count);

/* Characters before the terminator (strlen); strnlen looks at no more than Limit and answers Limit
 * then. */
size_t strlen(const char *String);
size_t strnlen(const char *String, size_t Limit);
/* Compare as unsigned bytes, at most Count of them: < 0, 0 or > 0. The _stricmp pair ignores the
 * case of ASCII letters. */
int strcmp(const char *Left, const char *Right);
int strncmp(const char *Left, const char *Right, size_t Count);
int _stricmp(const char *Left, const char *Right);
int _strnicmp(const char *Left, const char *Right, size_t Count);
/* First or last Character in String, or first Pattern; NULL when there is none. The terminator
 * counts as part of String; an empty Pattern is found at once. */
char *strchr(const char *String, int Character);
char *strrchr(const char *String, int Character);
char *strstr(const char *String, const char *Pattern);
/* Copy or append, unchecked: Destination must have room. strncpy fills up to Count with zeros and
 * leaves no terminator when Source is as long. Return Destination. */
char *strcpy(char *Destination, const char *Source);
char *strncpy(char *Destination, const char *Source, size_t Count);
char *strcat(char *Destination, const char *Source);
/* Copy or append into Size characters. Return 0; ERANGE when it does not fit, EINVAL for a NULL
 * pointer, no room at all or a Destination without terminator; Destination is "" then. */
errno_t strcpy_s(char *Destination, size_t Size, const char *Source);
errno_t strcat_s(char *Destination, size_t Size, const char *Source);
/* The other case of an ASCII letter; everything else unchanged. */
int tolower(int Character);
int toupper(int Character);

/*** The same for 16-bit characters; sizes and counts are in characters. ***/

/* Characters before the terminator, as strlen; wcsnlen as strnlen. */
size_t wcslen(const wchar_t *String);
size_t wcsnlen(const wchar_t *String, size_t Limit);
/* Compare as strcmp, strncmp, _stricmp and _strnicmp do; wcscmp and wcsncmp answer -1, 0 or 1. */
int wcscmp(const wchar_t *Left, const wchar_t *Right);
int wcsncmp(const wchar_t *Left, const wchar_t *Right, size_t Count);
int _wcsicmp(const wchar_t *Left, const wchar_t *Right);
int _wcsnicmp(const wchar_t *Left, const wchar_t *Right, size_t Count);
/* Find as strchr (wcschr), strrchr (wcsrchr) and strstr (wcsstr) do. */
wchar_t *wcschr(const wchar_t *String, wchar_t Character);
wchar_t *wcsrchr(const wchar_t *String, wchar_t Character);
wchar_t *wcsstr(const wchar_t *String, const wchar_t *Pattern);
/* Copy or append as strcpy (wcscpy), strncpy (wcsncpy) and strcat (wcscat) do, unchecked. */
wchar_t *wcscpy(wchar_t *Destination, const wchar_t *Source);
wchar_t *wcsncpy(wchar_t *Destination, const wchar_t *Source, size_t Count);
wchar_t *wcscat(wchar_t *Destination, const wchar_t *Source);
/* Copy (wcscpy_s) or append (wcscat_s) into Size characters, with the answers of strcpy_s. */
errno_t wcscpy_s(wchar_t *Destination, size_t Size, const wchar_t *Source);
errno_t wcscat_s(wchar_t *Destination, size_t Size, const wchar_t *Source);
/* The other case of an ASCII letter (towlower, towupper); everything else unchanged. */
wchar_t towlower(wchar_t Character);
wchar_t towupper(wchar_t Character);

/*** Formatted text: Windows' printf set with %I64x, %ws, %S, %Z and %wZ, and without floating
 * point. In the wide ones s and c are wide, S and C narrow. Narrow text is UTF-8. A result below
 * zero: it did not fit. IRQL <= DISPATCH_LEVEL with resident arguments. ***/

/* Write at most Count characters. A terminator follows only when there is room for it: a text of
 * Count characters has none and Count is returned, of a longer one the first Count are stored and
 * -1 is returned. Buffer NULL with Count 0: the characters that the text needs. */
int _snprintf(char *Buffer, size_t Count, const char *Format, ...);
int _vsnprintf(char *Buffer, size_t Count, const char *Format, NT_VA_LIST Arguments);
int _snwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, ...);
int _vsnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, NT_VA_LIST Arguments);
/* Write at most Count characters and a terminator into Size; -1 when the text is longer than Count.
 * With _TRUNCATE as Count, the text is cut to Size - 1; with another Count that does not fit Size,
 * it becomes
 * "", and -1 is returned. */
#define _TRUNCATE ((size_t)-1)
int _snprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format, ...);
int _vsnprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format, NT_VA_LIST Arguments);
int _snwprintf_s(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format, ...);
int _vsnwprintf_s(wchar_t *Buffer, size_t Size, size_t Count, const wchar_t *Format,
                  NT_VA_LIST Arguments);

#ifdef _WIN32 /* for others these names are the standard's, with another va_list */
/* Write as much as there is; the caller knows that there is room. Return the characters written,
 * without the terminator. */
int sprintf(char *Buffer, const char *Format, ...);
int vsprintf(char *Buffer, const char *Format, NT_VA_LIST Arguments);
int swprintf(wchar_t *Buffer, const wchar_t *Format, ...);
/* Write all of the text with its terminator into Size characters, or "" and return -1. */
int sprintf_s(char *Buffer, size_t Size, const char *Format, ...);
int vsprintf_s(char *Buffer, size_t Size, const char *Format, NT_VA_LIST Arguments);
int swprintf_s(wchar_t *Buffer, size_t Size, const wchar_t *Format, ...);
int vswprintf_s(wchar_t *Buffer, size_t Size, const wchar_t *Format, NT_VA_LIST Arguments);
#endif

/* Called by compilers in the prologue of functions with a page or more of locals, to touch the
 * stack page by page; not callable from C. RAX: bytes; all registers are kept. Any IRQL. */
void __chkstk(void);

#include <nt/crt_more.h>

#endif
