/* nt/crt.h - the C run-time subset that the kernel exports to drivers. */
#ifndef _NT_CRT_
#define _NT_CRT_

/* Variadic exports use the Windows calling convention in the kernel too. */
#ifdef _WIN32
#define NT_VARARGS
typedef va_list NT_VA_LIST;
#define nt_va_start(l, last) va_start(l, last)
#define nt_va_arg(l, t) va_arg(l, t)
#define nt_va_end(l) va_end(l)
#define NT_CRT_CALL
#else
#define NT_VARARGS __attribute__((ms_abi))
typedef __builtin_ms_va_list NT_VA_LIST;
#define nt_va_start(l, last) __builtin_ms_va_start(l, last)
#define nt_va_arg(l, t) __builtin_va_arg(l, t)
#define nt_va_end(l) __builtin_ms_va_end(l)
/* Inside the kernel the mem* and str* names are System V, since gcc emits calls to them; drivers
 * import ms_abi twins under the same names (lib/crt). */
#define NT_CRT_CALL
#endif

void *memcpy(void *Destination, const void *Source, size_t Count);
void *memmove(void *Destination, const void *Source, size_t Count);
void *memset(void *Destination, int Value, size_t Count);
int memcmp(const void *Left, const void *Right, size_t Count);
size_t strlen(const char *String);
int strcmp(const char *Left, const char *Right);
int strncmp(const char *Left, const char *Right, size_t Count);
char *strchr(const char *String, int Character);
char *strrchr(const char *String, int Character);
char *strstr(const char *String, const char *Pattern);
size_t wcslen(const wchar_t *String);
wchar_t *wcschr(const wchar_t *String, wchar_t Character);
wchar_t *wcsrchr(const wchar_t *String, wchar_t Character);
int wcscmp(const wchar_t *Left, const wchar_t *Right);
int wcsncmp(const wchar_t *Left, const wchar_t *Right, size_t Count);
int _wcsicmp(const wchar_t *Left, const wchar_t *Right);
int _stricmp(const char *Left, const char *Right);
int _strnicmp(const char *Left, const char *Right, size_t Count);

#endif
