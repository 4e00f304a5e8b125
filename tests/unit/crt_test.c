/*
 * Proves that the kernel's mem*, str* and wcs* do what the C library's do: for every length around
 * the sizes they treat differently, every alignment and every overlap, and without touching a byte
 * beside.
 *
 * The sources are included under other names, so that the host's own routines stay to compare with.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define memcpy EtMemcpy
#define memmove EtMemmove
#define memset EtMemset
#define memcmp EtMemcmp
#define strlen EtStrlen
#define strnlen EtStrnlen
#define strcmp EtStrcmp
#define strncmp EtStrncmp
#define strchr EtStrchr
#define strrchr EtStrrchr
#define strstr EtStrstr
#define strcpy EtStrcpy
#define strncpy EtStrncpy
#define strcat EtStrcat
#define tolower EtTolower
#define toupper EtToupper
#include "lib/crt/memory.c"
#include "lib/crt/string.c"
#define CopyChecked CopyCheckedWide
#include "lib/crt/wide.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr

#define AREA 400

static UCHAR Source[AREA], Got[AREA], Wanted[AREA];

static void Shuffle(UCHAR *Bytes)
{
    for (int i = 0; i < AREA; i++) {
        Bytes[i] = (UCHAR)rand();
    }
}

static void TestCopyAndSet(void)
{
    for (size_t Count = 0; Count < 150; Count++) {
        for (size_t Place = 0; Place < 64; Place += 3) {
            Shuffle(Source);
            Shuffle(Got);
            memcpy(Wanted, Got, AREA);
            assert(EtMemcpy(Got + Place, Source + 7, Count) == Got + Place);
            memcpy(Wanted + Place, Source + 7, Count);
            assert(memcmp(Got, Wanted, AREA) == 0);
            assert(EtMemset(Got + Place, 0x1A5, Count) == Got + Place);
            memset(Wanted + Place, 0xA5, Count);
            assert(memcmp(Got, Wanted, AREA) == 0);
        }
    }
}

static void TestMove(void)
{
    for (size_t Count = 0; Count < 150; Count++) {
        for (size_t To = 0; To < 120; To++) {
            Shuffle(Got);
            memcpy(Wanted, Got, AREA);
            assert(EtMemmove(Got + To, Got + 60, Count) == Got + To);
            memmove(Wanted + To, Wanted + 60, Count);
            assert(memcmp(Got, Wanted, AREA) == 0);
        }
    }
}

static int Sign(int Value)
{
    return (Value > 0) - (Value < 0);
}

static void TestCompare(void)
{
    for (size_t Count = 0; Count < 40; Count++) {
        for (size_t Differ = 0; Differ < 48; Differ++) {
            UCHAR *A = malloc(Count), *B = malloc(Count);
            Shuffle(Source);
            memcpy(A, Source, Count);
            memcpy(B, Source, Count);
            if (Differ < Count) {
                B[Differ] ^= 0x80;
            }
            assert(Sign(EtMemcmp(A, B, Count)) == Sign(memcmp(A, B, Count)));
            free(A);
            free(B);
        }
    }
}

static void TestStrings(void)
{
    static const char *Words[] = {"", "a", "ab", "abc", "abd", "\xFF", "ABC", "b", "bab", "abab"};
    char Text[8];

    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            const char *A = Words[i], *B = Words[j];
            assert(Sign(EtStrcmp(A, B)) == Sign(strcmp(A, B)));
            for (size_t Count = 0; Count < 5; Count++) {
                assert(Sign(EtStrncmp(A, B, Count)) == Sign(strncmp(A, B, Count)));
            }
            assert(EtStrstr(A, B) == strstr(A, B));
        }
        for (int Character = 0; Character < 256; Character += 'a') {
            assert(EtStrchr(Words[i], Character) == strchr(Words[i], Character));
            assert(EtStrrchr(Words[i], Character) == strrchr(Words[i], Character));
        }
        assert(EtStrlen(Words[i]) == strlen(Words[i]));
    }
    assert(_stricmp("Beep.SYS", "bEEP.sys") == 0 && _stricmp("a", "B") < 0);
    assert(_strnicmp("abX", "ABy", 2) == 0 && _strnicmp("abX", "ABy", 3) < 0);
    EtStrncpy(Text, "ab", sizeof(Text));
    assert(memcmp(Text, "ab\0\0\0\0\0\0", 8) == 0);
}

/* The _s routines take all or leave an empty string. */
static void TestChecked(void)
{
    char Text[4] = "";
    wchar_t Wide[4] = {0};

    assert(strcpy_s(Text, 4, "abc") == 0 && strcmp(Text, "abc") == 0);
    assert(strcat_s(Text, 4, "") == 0 && strcmp(Text, "abc") == 0);
    assert(strcat_s(Text, 4, "d") == ERANGE && Text[0] == 0);
    assert(strcpy_s(Text, 4, "abcd") == ERANGE && Text[0] == 0);
    assert(strcpy_s(Text, 0, "") == EINVAL && strcpy_s(NULL, 4, "") == EINVAL);
    assert(strcpy_s(Text, 4, NULL) == EINVAL);
    memcpy(Text, "full", 4);
    assert(strcat_s(Text, 4, "x") == EINVAL && Text[0] == 0);
    assert(wcscpy_s(Wide, 4, L"abc") == 0 && wcscmp(Wide, L"abc") == 0);
    assert(wcscat_s(Wide, 4, L"d") == ERANGE && Wide[0] == 0);
    assert(wcscpy_s(Wide, 0, L"") == EINVAL);
}

static void TestWide(void)
{
    wchar_t Text[8];

    assert(wcslen(L"four") == 4 && wcsnlen(L"four", 3) == 3);
    assert(wcscmp(L"a\xFFFF", L"a") == 1 && wcscmp(L"a", L"b") == -1 && wcscmp(L"", L"") == 0);
    assert(wcsncmp(L"abc", L"abd", 2) == 0 && wcsncmp(L"abc", L"abd", 3) == -1);
    assert(wcschr(L"ab", 0) != NULL && *wcschr(L"ab", 'b') == 'b' && wcschr(L"ab", 'c') == NULL);
    assert(wcscmp(wcsrchr(L"\\a\\b", '\\'), L"\\b") == 0);
    assert(wcscmp(wcsstr(L"abcabd", L"abd"), L"abd") == 0 && wcsstr(L"abc", L"x") == NULL);
    assert(_wcsicmp(L"\x00C4", L"\x00E4") != 0 && _wcsicmp(L"NT", L"nt") == 0);
    assert(_wcsnicmp(L"NTx", L"nty", 2) == 0);
    assert(wcscmp(wcscat(wcscpy(Text, L"ab"), L"cd"), L"abcd") == 0);
}

int main(void)
{
    TestCopyAndSet();
    TestMove();
    TestCompare();
    TestStrings();
    TestChecked();
    TestWide();
    printf("ok\n");
    return 0;
}
