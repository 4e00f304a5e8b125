/*
 * nt/crt_more.h - more of the C run-time for drivers: bounded text, memory with sizes, numbers from
 * text, kinds of characters, searching and sorting. As in nt/crt.h all of it is pure, at any IRQL
 * with resident memory, and the C standard's in the "C" locale where nothing else is said. The
 * kernel itself has no use for them, so they exist with the Windows calling convention only. WDK:
 * ntoskrnl.exe's exports.
 */
#include <wdm.h>

#ifndef _NT_CRT_MORE_
#define _NT_CRT_MORE_

#ifdef _WIN32

/* What the _s routines answer that have cut a text, as asked by _TRUNCATE. */
#define STRUNCATE 80

/* memchr: the first of Count bytes that is the low byte of Value, or NULL. */
void *memchr(const void *Memory, int Value, size_t Count);
/* memcpy_s, memmove_s: copy Count bytes into Size. 0; EINVAL: a NULL pointer; ERANGE: they do not
 * fit. memcpy_s then zeroes the Size bytes there are. */
errno_t memcpy_s(void *Destination, size_t Size, const void *Source, size_t Count);
errno_t memmove_s(void *Destination, size_t Size, const void *Source, size_t Count);
/* strncat: appends at most Count characters and a terminator, unchecked. Returns Destination. */
char *strncat(char *Destination, const char *Source, size_t Count);
/* strncpy_s, strncat_s: copy or append at most Count characters, and a terminator, into Size. With
 * _TRUNCATE as Count: what fits, and STRUNCATE if that is not all. 0; ERANGE: it does not fit;
 * EINVAL: a NULL pointer, no room, or no terminator; Destination is "" then. */
errno_t strncpy_s(char *Destination, size_t Size, const char *Source, size_t Count);
errno_t strncat_s(char *Destination, size_t Size, const char *Source, size_t Count);
/* strspn, strcspn: how many characters String begins with that are, or are not, in Set. */
size_t strspn(const char *String, const char *Set);
size_t strcspn(const char *String, const char *Set);
/* strtok_s: the next piece of a text between characters of Delimiters, terminated in place; NULL:
 * no more. String: the text, then NULL; *Context is the routine's own. */
char *strtok_s(char *String, const char *Delimiters, char **Context);
/* _strlwr, _strupr: change ASCII letters to the other case, in place; return String. */
char *_strlwr(char *String);
char *_strupr(char *String);

/* wcsncat, wcsncpy_s, wcsncat_s, wcsspn, wcscspn, _wcslwr, _wcsupr: the same for 16-bit
 * characters. */
wchar_t *wcsncat(wchar_t *Destination, const wchar_t *Source, size_t Count);
errno_t wcsncpy_s(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count);
errno_t wcsncat_s(wchar_t *Destination, size_t Size, const wchar_t *Source, size_t Count);
size_t wcsspn(const wchar_t *String, const wchar_t *Set);
size_t wcscspn(const wchar_t *String, const wchar_t *Set);
wchar_t *_wcslwr(wchar_t *String);
wchar_t *_wcsupr(wchar_t *String);

/* atoi, atol, _wtoi, _wtol: the number that a text begins with, after blanks and a sign; 0: none.
 * What is beyond a LONG is the last one there is. */
int atoi(const char *String);
long atol(const char *String);
int _wtoi(const wchar_t *String);
long _wtol(const wchar_t *String);
/* wcstoul: the same without a sign's limits, in Base 2 to 36, or 0: by the prefixes 0x and 0. *End,
 * unless NULL: behind the number. MAXULONG: too large. A minus sign negates. */
unsigned long wcstoul(const wchar_t *String, wchar_t **End, int Base);

/* isdigit, isxdigit, islower, isupper, isspace, isprint: not 0 for an ASCII character of that
 * kind. */
int isdigit(int Character);
int isxdigit(int Character);
int islower(int Character);
int isupper(int Character);
int isspace(int Character);
int isprint(int Character);

/* rand: the next of a sequence of numbers from 0 to 32767 that srand begins; one sequence for all
 * callers, and nothing to keep secrets with. */
int rand(void);
void srand(unsigned int Seed);

/* bsearch: an element of a sorted array that Compare finds equal to Key (its first argument), or
 * NULL. */
void *bsearch(const void *Key, const void *Base, size_t Count, size_t Size,
              int (*Compare)(const void *, const void *));
/* qsort: sorts an array in place, without more stack or memory for larger ones; equal elements end
 * in any order. Compare answers < 0, 0 or > 0, and runs at the caller's IRQL. */
void qsort(void *Base, size_t Count, size_t Size, int (*Compare)(const void *, const void *));

#endif

#endif
