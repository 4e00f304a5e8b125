/*
 * Proves that the routines of ntstrsafe.h never write outside their target, end every text, cut
 * where Windows cuts, answer with Windows' statuses, and do with flags what the flags say: for
 * every size of target around the text's, narrow and wide, counted in characters and in bytes.
 *
 * unit-sources: lib/rtl/format.c lib/rtl/utf.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crt/printf.c"

/* What drivers import. */
int _vsnprintf(char *Buffer, size_t Count, const char *Format, NT_VA_LIST Arguments)
{
    return CrtMsVsnprintf(Buffer, Count, Format, Arguments);
}
int _vsnwprintf(wchar_t *Buffer, size_t Count, const wchar_t *Format, NT_VA_LIST Arguments)
{
    return CrtMsVsnwprintf(Buffer, Count, Format, Arguments);
}
#include <ntstrsafe.h>

#define AREA 16

static char Text[AREA];

/* The text in its area, and not a byte of another value behind its Size. */
static void Expect(int Line, const char *Wanted, size_t Size)
{
    if (strcmp(Text, Wanted) != 0) {
        printf("line %d: got \"%s\", wanted \"%s\"\n", Line, Text, Wanted);
        exit(1);
    }
    for (size_t i = Size; i < AREA; i++) {
        assert(Text[i] == '#');
    }
    memset(Text, '#', AREA);
}
#define EXPECT(Wanted, Size) Expect(__LINE__, Wanted, Size)

static void TestCopy(void)
{
    memset(Text, '#', AREA);
    for (size_t Size = 1; Size < 10; Size++) {
        static const char Source[] = "abcde";
        char Wanted[10] = "";
        NTSTATUS Status = Size > 5 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;

        strncpy(Wanted, Source, Size - 1);
        assert(RtlStringCchCopyA(Text, Size, Source) == Status);
        EXPECT(Wanted, Size);
        assert(RtlStringCbCopyA(Text, Size, Source) == Status);
        EXPECT(Wanted, Size);
        assert(RtlStringCchPrintfA(Text, Size, "%s%c", "abcd", 'e') == Status);
        EXPECT(Wanted, Size);
        Text[0] = 0;
        assert(RtlStringCchCatA(Text, Size, Source) == Status);
        EXPECT(Wanted, Size);
        assert(RtlStringCchCopyNA(Text, Size, "abcdefgh", 5) == Status);
        EXPECT(Wanted, Size);
    }
    assert(RtlStringCchCopyNA(Text, 8, "abc", 0) == STATUS_SUCCESS);
    EXPECT("", 8);
    /* What is behind the limit is not looked at. */
    assert(RtlStringCchCopyNA(Text, 8, (const char[]){'x', 'y'}, 2) == STATUS_SUCCESS);
    EXPECT("xy", 8);
}

static void TestCat(void)
{
    RtlStringCchCopyA(Text, 8, "abc");
    assert(RtlStringCchCatA(Text, 8, "defg") == STATUS_SUCCESS);
    assert(RtlStringCchCatA(Text, 8, "") == STATUS_SUCCESS);
    assert(RtlStringCbCatA(Text, 8, "h") == STATUS_BUFFER_OVERFLOW);
    EXPECT("abcdefg", 8);
    RtlStringCchCopyA(Text, 8, "abc");
    assert(RtlStringCchCatNA(Text, 8, "defgh", 2) == STATUS_SUCCESS);
    EXPECT("abcde", 8);
    /* No terminator within the size: refused, and nothing written. */
    assert(RtlStringCchCatA(Text, 4, "x") == STATUS_INVALID_PARAMETER && Text[0] == '#');
}

static void TestRefusals(void)
{
    size_t Length = 7;

    memset(Text, '#', AREA);
    assert(RtlStringCchCopyA(Text, 0, "x") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCopyA(Text, 0, "") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCopyA(NULL, 4, "x") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCopyA(Text, NTSTRSAFE_MAX_CCH + 1ULL, "x") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCatA(Text, 0, "x") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchPrintfA(Text, 0, "x") == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchPrintfA(NULL, 4, "x") == STATUS_INVALID_PARAMETER);
    assert(Text[0] == '#');
    assert(RtlStringCchCopyA(Text, 4, NULL) == STATUS_INVALID_PARAMETER);
    EXPECT("", 4);
    assert(RtlStringCchCopyNA(Text, 4, "x", SIZE_MAX) == STATUS_INVALID_PARAMETER);
    EXPECT("", 4);
    assert(RtlStringCchLengthA("abc", 4, &Length) == STATUS_SUCCESS && Length == 3);
    assert(RtlStringCchLengthA("abc", 3, &Length) == STATUS_INVALID_PARAMETER && Length == 0);
    assert(RtlStringCchLengthA(NULL, 3, NULL) == STATUS_INVALID_PARAMETER);
    assert(RtlStringCbLengthW(L"abc", 8, &Length) == STATUS_SUCCESS && Length == 6);
    assert(RtlStringCbLengthW(L"abc", 7, &Length) == STATUS_INVALID_PARAMETER && Length == 0);
}

static void TestFlags(void)
{
    char *End;
    size_t Left;

    memset(Text, '#', AREA);
    assert(RtlStringCchCopyExA(Text, 8, "abc", &End, &Left, 0) == STATUS_SUCCESS);
    assert(End == Text + 3 && Left == 5);
    assert(RtlStringCchCatExA(Text, 8, "defghi", &End, &Left, 0) == STATUS_BUFFER_OVERFLOW);
    assert(End == Text + 7 && Left == 1);
    EXPECT("abcdefg", 8);
    assert(RtlStringCchCopyExA(Text, 8, "ab", NULL, NULL, STRSAFE_FILL_BYTE('z')) ==
           STATUS_SUCCESS);
    assert(memcmp(Text, "ab\0zzzzz##", 10) == 0);
    assert(RtlStringCchCopyExA(Text, 4, "abcdef", &End, &Left, STRSAFE_FAILURE_BYTE('z')) ==
           STATUS_BUFFER_OVERFLOW);
    assert(memcmp(Text, "zzz\0", 4) == 0 && End == Text + 3 && Left == 1);
    assert(RtlStringCchCopyExA(Text, 4, "abcdef", &End, &Left, STRSAFE_NULL_ON_FAILURE) ==
           STATUS_BUFFER_OVERFLOW);
    assert(Text[0] == 0 && End == Text && Left == 4);
    assert(RtlStringCchCopyA(Text, 4, "ab") == STATUS_SUCCESS);
    assert(RtlStringCchCatExA(Text, 4, "cdef", &End, &Left, STRSAFE_NO_TRUNCATION) ==
           STATUS_BUFFER_OVERFLOW);
    assert(strcmp(Text, "ab") == 0 && Left == 2);
    assert(RtlStringCchPrintfExA(Text, 4, NULL, NULL, STRSAFE_NO_TRUNCATION, "%d", 12345) ==
           STATUS_BUFFER_OVERFLOW);
    assert(Text[0] == 0);
    assert(RtlStringCchCopyExA(Text, 4, NULL, NULL, NULL, STRSAFE_IGNORE_NULLS) == STATUS_SUCCESS);
    assert(RtlStringCchCopyExA(NULL, 0, NULL, &End, &Left, STRSAFE_IGNORE_NULLS) == STATUS_SUCCESS);
    assert(RtlStringCchCopyExA(NULL, 0, "x", NULL, NULL, STRSAFE_IGNORE_NULLS) ==
           STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCopyExA(Text, 0, "x", NULL, NULL, 0) == STATUS_BUFFER_OVERFLOW);
    assert(RtlStringCchCopyExA(Text, 4, "x", NULL, NULL, 0x2000) == STATUS_INVALID_PARAMETER);
}

static void TestWide(void)
{
    WCHAR Wide[8], *End;
    size_t Left;

    memset(Wide, '#', sizeof(Wide));
    assert(RtlStringCbCopyW(Wide, 9, L"abcdef") == STATUS_BUFFER_OVERFLOW);
    assert(wcscmp(Wide, L"abc") == 0 && Wide[4] == 0x2323);
    assert(RtlStringCbCatExW(Wide, 11, L"d", &End, &Left, 0) == STATUS_SUCCESS);
    assert(End == Wide + 4 && Left == 3);
    assert(RtlStringCbCopyNW(Wide, 16, L"uvwxyz", 6) == STATUS_SUCCESS && Wide[3] == 0);
    assert(RtlStringCbPrintfW(Wide, 10, L"%s:%d", L"ab", 123) == STATUS_BUFFER_OVERFLOW);
    assert(wcscmp(Wide, L"ab:1") == 0);
    assert(RtlStringCbCopyW(Wide, 1, L"") == STATUS_INVALID_PARAMETER);
}

static void TestCountedStrings(void)
{
    WCHAR Buffer[5] = {0x2323, 0x2323, 0x2323, 0x2323, 0x2323};
    UNICODE_STRING Target = {0, 8, Buffer}, Source = RTL_CONSTANT_STRING(L"abcdef"), Rest;
    UNICODE_STRING Odd = {3, 8, Buffer}, Long = {10, 8, Buffer}, Nowhere = {0, 8, NULL};

    assert(RtlUnicodeStringCopy(&Target, &Source) == STATUS_BUFFER_OVERFLOW);
    assert(Target.Length == 8 && memcmp(Buffer, L"abcd", 8) == 0 && Buffer[4] == 0x2323);
    assert(RtlUnicodeStringCchCopyN(&Target, &Source, 2) == STATUS_SUCCESS && Target.Length == 4);
    assert(RtlUnicodeStringCatString(&Target, L"x") == STATUS_SUCCESS && Target.Length == 6);
    assert(RtlUnicodeStringCatStringEx(&Target, L"y", &Rest, 0) == STATUS_SUCCESS);
    assert(Target.Length == 8 && Rest.MaximumLength == 0 && Rest.Buffer == Buffer + 4);
    assert(RtlUnicodeStringCat(&Target, &Source) == STATUS_BUFFER_OVERFLOW && Target.Length == 8);
    assert(memcmp(Buffer, L"abxy", 8) == 0);
    assert(RtlUnicodeStringPrintf(&Target, L"%d", 1234) == STATUS_SUCCESS && Target.Length == 8);
    assert(RtlUnicodeStringPrintf(&Target, L"%d", 12345) == STATUS_BUFFER_OVERFLOW);
    assert(Target.Length == 8 && Buffer[3] == '4' && Buffer[4] == 0x2323);
    assert(RtlUnicodeStringPrintfEx(&Target, &Rest, STRSAFE_FILL_BYTE(0), L"%s", L"q") ==
           STATUS_SUCCESS);
    assert(Target.Length == 2 && Buffer[1] == 0 && Buffer[3] == 0 && Rest.MaximumLength == 6);
    assert(RtlUnicodeStringCopyEx(&Target, &Source, NULL, STRSAFE_ZERO_LENGTH_ON_FAILURE) ==
           STATUS_BUFFER_OVERFLOW);
    assert(Target.Length == 0);
    assert(RtlUnicodeStringCopyString(&Odd, L"x") == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringCopyString(&Long, L"x") == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringCopyString(&Nowhere, L"x") == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringCopyString(NULL, L"x") == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringCopyString(&Target, NULL) == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringPrintf(&Target, NULL) == STATUS_INVALID_PARAMETER);
    assert(RtlStringCchCopyUnicodeString(Buffer, 4, &Source) == STATUS_BUFFER_OVERFLOW);
    assert(wcscmp(Buffer, L"abc") == 0 && Buffer[4] == 0x2323);
}

static void TestInit(void)
{
    static WCHAR Long[NTSTRSAFE_UNICODE_STRING_MAX_CCH + 2];
    UNICODE_STRING String;

    assert(RtlUnicodeStringInit(&String, L"ab") == STATUS_SUCCESS);
    assert(String.Length == 4 && String.MaximumLength == 6);
    assert(RtlUnicodeStringInit(&String, NULL) == STATUS_SUCCESS && String.MaximumLength == 0);
    for (size_t i = 0; i < ARRAYSIZE(Long) - 1; i++) {
        Long[i] = 'x';
    }
    assert(RtlUnicodeStringInit(&String, Long) == STATUS_INVALID_PARAMETER);
    assert(RtlUnicodeStringInit(&String, Long + 1) == STATUS_SUCCESS);
    assert(String.Length == 65534 && String.MaximumLength == 65534);
}

int main(void)
{
    TestCopy();
    TestCat();
    TestRefusals();
    TestFlags();
    TestWide();
    TestCountedStrings();
    TestInit();
    printf("ok\n");
    return 0;
}
