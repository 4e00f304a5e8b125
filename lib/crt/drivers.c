/*
 * drivers.c - the C run-time as drivers import it: twins of the kernel's routines with the Windows
 * calling convention, exported under the plain names (exports.lst).
 *
 * The two conventions differ in more than the argument registers: Windows' callers expect RDI and
 * RSI to be kept, and leave 32 bytes of home space. The compiler knows all of that, so these are C;
 * it gives them unwind tables, too. The prototypes stand here because no C code calls these names.
 */
#include "crtp.h"

/* These four are imported by nearly every driver: its compiler emits calls to them for copies of
 * structures. */
void TWIN *CrtMsMemcpy(void *Destination, const void *Source, size_t Count);
void TWIN *CrtMsMemcpy(void *Destination, const void *Source, size_t Count)
{
    return memcpy(Destination, Source, Count);
}

void TWIN *CrtMsMemmove(void *Destination, const void *Source, size_t Count);
void TWIN *CrtMsMemmove(void *Destination, const void *Source, size_t Count)
{
    return memmove(Destination, Source, Count);
}

void TWIN *CrtMsMemset(void *Destination, int Value, size_t Count);
void TWIN *CrtMsMemset(void *Destination, int Value, size_t Count)
{
    return memset(Destination, Value, Count);
}

int TWIN CrtMsMemcmp(const void *Left, const void *Right, size_t Count);
int TWIN CrtMsMemcmp(const void *Left, const void *Right, size_t Count)
{
    return memcmp(Left, Right, Count);
}

size_t TWIN CrtMsStrlen(const char *String);
size_t TWIN CrtMsStrlen(const char *String)
{
    return strlen(String);
}

size_t TWIN CrtMsStrnlen(const char *String, size_t Limit);
size_t TWIN CrtMsStrnlen(const char *String, size_t Limit)
{
    return strnlen(String, Limit);
}

int TWIN CrtMsStrcmp(const char *Left, const char *Right);
int TWIN CrtMsStrcmp(const char *Left, const char *Right)
{
    return strcmp(Left, Right);
}

int TWIN CrtMsStrncmp(const char *Left, const char *Right, size_t Count);
int TWIN CrtMsStrncmp(const char *Left, const char *Right, size_t Count)
{
    return strncmp(Left, Right, Count);
}

int TWIN CrtMsStricmp(const char *Left, const char *Right);
int TWIN CrtMsStricmp(const char *Left, const char *Right)
{
    return _stricmp(Left, Right);
}

int TWIN CrtMsStrnicmp(const char *Left, const char *Right, size_t Count);
int TWIN CrtMsStrnicmp(const char *Left, const char *Right, size_t Count)
{
    return _strnicmp(Left, Right, Count);
}

char TWIN *CrtMsStrchr(const char *String, int Character);
char TWIN *CrtMsStrchr(const char *String, int Character)
{
    return strchr(String, Character);
}

char TWIN *CrtMsStrrchr(const char *String, int Character);
char TWIN *CrtMsStrrchr(const char *String, int Character)
{
    return strrchr(String, Character);
}

char TWIN *CrtMsStrstr(const char *String, const char *Pattern);
char TWIN *CrtMsStrstr(const char *String, const char *Pattern)
{
    return strstr(String, Pattern);
}

char TWIN *CrtMsStrcpy(char *Destination, const char *Source);
char TWIN *CrtMsStrcpy(char *Destination, const char *Source)
{
    return strcpy(Destination, Source);
}

char TWIN *CrtMsStrncpy(char *Destination, const char *Source, size_t Count);
char TWIN *CrtMsStrncpy(char *Destination, const char *Source, size_t Count)
{
    return strncpy(Destination, Source, Count);
}

char TWIN *CrtMsStrcat(char *Destination, const char *Source);
char TWIN *CrtMsStrcat(char *Destination, const char *Source)
{
    return strcat(Destination, Source);
}

errno_t TWIN CrtMsStrcpyS(char *Destination, size_t Size, const char *Source);
errno_t TWIN CrtMsStrcpyS(char *Destination, size_t Size, const char *Source)
{
    return strcpy_s(Destination, Size, Source);
}

errno_t TWIN CrtMsStrcatS(char *Destination, size_t Size, const char *Source);
errno_t TWIN CrtMsStrcatS(char *Destination, size_t Size, const char *Source)
{
    return strcat_s(Destination, Size, Source);
}

int TWIN CrtMsTolower(int Character);
int TWIN CrtMsTolower(int Character)
{
    return tolower(Character);
}

int TWIN CrtMsToupper(int Character);
int TWIN CrtMsToupper(int Character)
{
    return toupper(Character);
}

size_t TWIN CrtMsWcslen(const wchar_t *String);
size_t TWIN CrtMsWcslen(const wchar_t *String)
{
    return wcslen(String);
}

size_t TWIN CrtMsWcsnlen(const wchar_t *String, size_t Limit);
size_t TWIN CrtMsWcsnlen(const wchar_t *String, size_t Limit)
{
    return wcsnlen(String, Limit);
}

wchar_t TWIN *CrtMsWcschr(const wchar_t *String, wchar_t Character);
wchar_t TWIN *CrtMsWcschr(const wchar_t *String, wchar_t Character)
{
    return wcschr(String, Character);
}

wchar_t TWIN *CrtMsWcsrchr(const wchar_t *String, wchar_t Character);
wchar_t TWIN *CrtMsWcsrchr(const wchar_t *String, wchar_t Character)
{
    return wcsrchr(String, Character);
}

wchar_t TWIN *CrtMsWcsstr(const wchar_t *String, const wchar_t *Pattern);
wchar_t TWIN *CrtMsWcsstr(const wchar_t *String, const wchar_t *Pattern)
{
    return wcsstr(String, Pattern);
}

int TWIN CrtMsWcscmp(const wchar_t *Left, const wchar_t *Right);
int TWIN CrtMsWcscmp(const wchar_t *Left, const wchar_t *Right)
{
    return wcscmp(Left, Right);
}

int TWIN CrtMsWcsncmp(const wchar_t *Left, const wchar_t *Right, size_t Count);
int TWIN CrtMsWcsncmp(const wchar_t *Left, const wchar_t *Right, size_t Count)
{
    return wcsncmp(Left, Right, Count);
}

int TWIN CrtMsWcsicmp(const wchar_t *Left, const wchar_t *Right);
int TWIN CrtMsWcsicmp(const wchar_t *Left, const wchar_t *Right)
{
    return _wcsicmp(Left, Right);
}

int TWIN CrtMsWcsnicmp(const wchar_t *Left, const wchar_t *Right, size_t Count);
int TWIN CrtMsWcsnicmp(const wchar_t *Left, const wchar_t *Right, size_t Count)
{
    return _wcsnicmp(Left, Right, Count);
}

wchar_t TWIN *CrtMsWcscpy(wchar_t *Destination, const wchar_t *Source);
wchar_t TWIN *CrtMsWcscpy(wchar_t *Destination, const wchar_t *Source)
{
    return wcscpy(Destination, Source);
}

wchar_t TWIN *CrtMsWcsncpy(wchar_t *Destination, const wchar_t *Source, size_t Count);
wchar_t TWIN *CrtMsWcsncpy(wchar_t *Destination, const wchar_t *Source, size_t Count)
{
    return wcsncpy(Destination, Source, Count);
}

wchar_t TWIN *CrtMsWcscat(wchar_t *Destination, const wchar_t *Source);
wchar_t TWIN *CrtMsWcscat(wchar_t *Destination, const wchar_t *Source)
{
    return wcscat(Destination, Source);
}

errno_t TWIN CrtMsWcscpyS(wchar_t *Destination, size_t Size, const wchar_t *Source);
errno_t TWIN CrtMsWcscpyS(wchar_t *Destination, size_t Size, const wchar_t *Source)
{
    return wcscpy_s(Destination, Size, Source);
}

errno_t TWIN CrtMsWcscatS(wchar_t *Destination, size_t Size, const wchar_t *Source);
errno_t TWIN CrtMsWcscatS(wchar_t *Destination, size_t Size, const wchar_t *Source)
{
    return wcscat_s(Destination, Size, Source);
}

wchar_t TWIN CrtMsTowlower(wchar_t Character);
wchar_t TWIN CrtMsTowlower(wchar_t Character)
{
    return towlower(Character);
}

wchar_t TWIN CrtMsTowupper(wchar_t Character);
wchar_t TWIN CrtMsTowupper(wchar_t Character)
{
    return towupper(Character);
}
