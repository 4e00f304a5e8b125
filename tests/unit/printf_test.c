/*
 * Proves that the sprintf and swprintf families answer as Windows' do when a buffer is too small,
 * that wide formats mean by s, c, S, C and Z what they mean on Windows, and that a wide format
 * makes the same text as the narrow one of the same characters, whatever the format.
 *
 * unit-sources: lib/rtl/format.c lib/rtl/utf.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crt/printf.c"

static BOOLEAN IsFilled(const char *Bytes, size_t Count)
{
    for (size_t i = 0; i < Count; i++) {
        if (Bytes[i] != '#') {
            return FALSE;
        }
    }
    return TRUE;
}

static void TestOldWay(void)
{
    char Text[8] = "#######";
    WCHAR Wide[8];

    assert(CrtMsSnprintf(Text, 4, "%s", "abc") == 3 && strcmp(Text, "abc") == 0);
    memset(Text, '#', 8);
    assert(CrtMsSnprintf(Text, 4, "%s", "abcd") == 4 && memcmp(Text, "abcd####", 8) == 0);
    assert(CrtMsSnprintf(Text, 4, "%s", "vwxyz") == -1 && memcmp(Text, "vwxy####", 8) == 0);
    assert(CrtMsSnprintf(Text, 0, "%s", "x") == -1 && CrtMsSnprintf(Text, 0, "") == 0);
    assert(CrtMsSnprintf(NULL, 0, "%d", 12345) == 5);
    assert(CrtMsSprintf(Text, "%d-%d", 12, 34) == 5 && strcmp(Text, "12-34") == 0);
    memset(Wide, '#', sizeof(Wide));
    assert(CrtMsSnwprintf(Wide, 4, L"%d", 1234) == 4 && Wide[3] == '4' && Wide[4] == 0x2323);
    assert(CrtMsSnwprintf(Wide, 4, L"%d", 12345) == -1 && Wide[4] == 0x2323);
    assert(CrtMsSwprintf(Wide, L"%ws", L"wide") == 4 && wcscmp(Wide, L"wide") == 0);
}

static void TestCheckedWay(void)
{
    char Text[8];
    WCHAR Wide[8];

    memset(Text, '#', 8);
    assert(CrtMsSprintfS(Text, 4, "%d", 123) == 3 && strcmp(Text, "123") == 0);
    assert(CrtMsSprintfS(Text, 4, "%d", 1234) == -1 && Text[0] == 0 && IsFilled(Text + 4, 4));
    assert(CrtMsSprintfS(NULL, 4, "x") == -1 && CrtMsSprintfS(Text, 0, "x") == -1);
    assert(CrtMsSprintfS(Text, 4, NULL) == -1 && Text[0] == 0);
    assert(CrtMsSwprintfS(Wide, 4, L"%d", 123) == 3 && wcscmp(Wide, L"123") == 0);
    assert(CrtMsSwprintfS(Wide, 3, L"%d", 123) == -1 && Wide[0] == 0);
    assert(CrtMsSnprintfS(Text, 8, 3, "%s", "abcdef") == -1 && strcmp(Text, "abc") == 0);
    assert(CrtMsSnprintfS(Text, 8, 6, "%s", "abcdef") == 6 && strcmp(Text, "abcdef") == 0);
    assert(CrtMsSnprintfS(Text, 4, _TRUNCATE, "%s", "uvwxyz") == -1 && strcmp(Text, "uvw") == 0);
    assert(CrtMsSnprintfS(Text, 4, 4, "%s", "abcdef") == -1 && Text[0] == 0);
    assert(CrtMsSnprintfS(NULL, 0, 0, "x") == 0 && CrtMsSnprintfS(NULL, 1, 0, "x") == -1);
    assert(CrtMsSnwprintfS(Wide, 4, _TRUNCATE, L"%s", L"uvwxyz") == -1 && Wide[3] == 0);
}

static void ExpectWide(const WCHAR *Wanted, const WCHAR *Got, int Length)
{
    if (wcscmp(Wanted, Got) != 0 || Length != (int)wcslen(Wanted)) {
        printf("%d characters:", Length);
        for (; *Got != 0; Got++) {
            printf(" %x", *Got);
        }
        printf("\n");
        exit(1);
    }
}

#define EXPECT_WIDE(Wanted, ...)                                                                   \
    do {                                                                                           \
        WCHAR Got[64];                                                                             \
        int Length = CrtMsSnwprintf(Got, ARRAYSIZE(Got), __VA_ARGS__);                             \
        ExpectWide(Wanted, Got, Length);                                                           \
    } while (0)

static void TestWideFormats(void)
{
    ANSI_STRING Ansi = {3, 4, "beep"};
    UNICODE_STRING Unicode = {6, 8, L"beep"};
    static const WCHAR Lone[] = {0xD800, 'x', 0};

    EXPECT_WIDE(L"wide narrow wide", L"%s %S %ls", L"wide", "narrow", L"wide");
    EXPECT_WIDE(L"narrow wide", L"%hs %ws", "narrow", L"wide");
    EXPECT_WIDE(L"\x20ACy", L"%c%C", 0x20AC, 'y');
    EXPECT_WIDE(L"bee bee", L"%Z %wZ", &Ansi, &Unicode);
    EXPECT_WIDE(L"\x20AC|  ab|0005|(null)", L"\x20AC|%4.2s|%04d|%s", L"abc", 5, NULL);
    EXPECT_WIDE(L"\xE9\xD83D\xDE00", L"%S", "\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT_WIDE(Lone, L"%s", Lone); /* nothing is lost between the same kinds */
    EXPECT_WIDE(L"100% %\x20AC", L"%d%% %\x20AC", 100);
}

/* Formats of ASCII characters with arguments that suit both: numbers only. */
static void TestWideIsNarrow(void)
{
    static const char Alphabet[] = "%%%%%-+ #0.0123456789hlIjztLdiuoxXpc ab";
    ULONG64 A = 0x123456789ABCDEF0;

    for (int Round = 0; Round < 200000; Round++) {
        char Format[20], Narrow[48];
        WCHAR WideFormat[20], Wide[48];
        int Count = rand() % 19, Size = rand() % 48, NarrowLength, WideLength;

        for (int i = 0; i < Count; i++) {
            Format[i] = Alphabet[rand() % (int)(sizeof(Alphabet) - 1)];
            WideFormat[i] = (WCHAR)Format[i];
        }
        Format[Count] = 0;
        WideFormat[Count] = 0;
        /* A character that is no ASCII has another length in UTF-8. */
        A = A & ~0xFFULL & ~0xFF00ULL ? (A * 6364136223846793005 & ~0xFFFFULL) | 'A'
                                      : 'A' | A << 16;
        NarrowLength = CrtMsSnprintf(Narrow, (size_t)Size, Format, A, A, A, A, A, A, A, A, A);
        WideLength = CrtMsSnwprintf(Wide, (size_t)Size, WideFormat, A, A, A, A, A, A, A, A, A);
        assert(NarrowLength == WideLength);
        for (int i = 0; i < Size && (NarrowLength < 0 || i < NarrowLength); i++) {
            assert((UCHAR)Narrow[i] == Wide[i]);
        }
    }
}

int main(void)
{
    TestOldWay();
    TestCheckedWay();
    TestWideFormats();
    TestWideIsNarrow();
    printf("ok\n");
    return 0;
}
