/*
 * Proves that RtlFormatString formats as Windows' kernel does, never writes past its buffer, always
 * says how much room the whole text needs, and stays fast whatever widths a format asks for.
 *
 * unit-sources: lib/rtl/format.c lib/rtl/utf.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/inc/kd.h"

static SIZE_T NT_VARARGS Format(char *Buffer, SIZE_T Size, const char *Text, ...)
{
    NT_VA_LIST Arguments;
    SIZE_T Length;

    nt_va_start(Arguments, Text);
    Length = RtlFormatString(Buffer, Size, Text, Arguments);
    nt_va_end(Arguments);
    return Length;
}

#define EXPECT(Wanted, ...)                                                                        \
    do {                                                                                           \
        char Buffer[256];                                                                          \
        SIZE_T Length = Format(Buffer, sizeof(Buffer), __VA_ARGS__);                               \
        if (strcmp(Buffer, Wanted) != 0 || Length != strlen(Wanted)) {                             \
            printf("line %d: got \"%s\" (%llu), wanted \"%s\"\n", __LINE__, Buffer, Length,        \
                   Wanted);                                                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void TestIntegers(void)
{
    EXPECT("0 -1 4294967295", "%d %i %u", 0, -1, -1);
    EXPECT("-2147483648", "%ld", (LONG)0x80000000);
    EXPECT("ff FF 0xff 0XFF 0", "%x %X %#x %#X %#x", 255, 255, 255, 255, 0);
    EXPECT("17 017 0", "%o %#o %#o", 15, 15, 0);
    EXPECT("18446744073709551615", "%I64u", ~0ULL);
    EXPECT("-9223372036854775808", "%lld", (LONG64)(1ULL << 63));
    EXPECT("ffffffffffffffff ffffffff", "%I64x %I32x", ~0ULL, ~0U);
    EXPECT("1122334455667788", "%Ix", 0x1122334455667788ULL);
    EXPECT("5 6 7", "%zu %jd %td", 5ULL, 6LL, 7LL);
    EXPECT("-1 255 65535 -1", "%hhd %hhu %hu %hd", 0x1FF, 0x1FF, -1, 0x1FFFF);
    /* l is 32 bits: what follows in memory must not be read as its upper half. */
    EXPECT("1 2 3", "%lu %lx %ld", 1U | 0ULL, 2U, 3);
}

static void TestFieldsOfIntegers(void)
{
    EXPECT("[   42][42   ][00042]", "[%5d][%-5d][%05d]", 42, 42, 42);
    EXPECT("[-0042][  -42][+42][ 42]", "[%05d][%5d][%+d][% d]", -42, -42, 42, 42);
    EXPECT("[  042][042  ]", "[%5.3d][%-05.3d]", 42, 42);
    EXPECT("[][0][     ]", "[%.0d][%.1d][%5.0d]", 0, 0, 0);
    EXPECT("[0x002a][0x2a  ]", "[%#06x][%-#6x]", 42, 42);
    EXPECT("[  7][7  ][  7]", "[%*d][%*d][%*.*d]", 3, 7, -3, 7, 3, -1, 7);
    EXPECT("0000002A", "%08X", 42);
}

static void TestPointers(void)
{
    EXPECT("FFFFF80012345678", "%p", (PVOID)0xFFFFF80012345678);
    EXPECT("0000000000000000", "%p", NULL);
}

static void TestNarrow(void)
{
    EXPECT("a|b |  c", "%c|%-2c|%3c", 'a', 'b', 'c');
    EXPECT("text|te| text|text |0text", "%s|%.2s|%5s|%-5s|%05s", "text", "text", "text", "text",
           "text");
    EXPECT("(null)|(nu|(null)", "%s|%.3s|%ws", NULL, NULL, NULL);
    EXPECT("%|100%|%y|%", "%%|%d%%|%y|%", 100);
    EXPECT("hs hS hC", "%hs %hS %hC%s", "hs", "hS", 'h', "C");
    EXPECT("abc", "%.*s", 3, "abcdef");
}

static void TestWide(void)
{
    static const WCHAR Wide[] = {'a', 0xE9, 0x20AC, 0xD83D, 0xDE00, 0xD800, 'z', 0};

    EXPECT("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBDz", "%ws", Wide);
    EXPECT("a\xC3\xA9|   a\xC3\xA9|wide", "%.2S|%5.2ls|%S", Wide, Wide, L"wide");
    EXPECT("\xE2\x82\xACx", "%C%wc", 0x20AC, 'x');
    EXPECT("A", "%lc", 'A');
}

static void TestCountedStrings(void)
{
    ANSI_STRING Ansi = {3, 4, "beep"};
    UNICODE_STRING Unicode = {6, 8, L"beep"}, Odd = {5, 8, L"beep"}, None = {6, 8, NULL};

    EXPECT("bee|bee|  bee|be", "%Z|%wZ|%5wZ|%wZ", &Ansi, &Unicode, &Unicode, &Odd);
    EXPECT("(null)|(null)|bee", "%wZ|%Z|%lZ", &None, NULL, &Unicode);
}

/* Never stored through, and what follows takes its own argument. */
static void TestUnsupported(void)
{
    int Count = 7;

    EXPECT("%n 5", "%n %d", &Count, 5);
    assert(Count == 7);
    EXPECT("%f 5 %10.3g 6", "%f %d %10.3g %d", 0LL, 5, 0LL, 6);
    EXPECT("%ll", "%ll");
    EXPECT("%5", "%5");
}

static void TestRoom(void)
{
    char Buffer[8];

    memset(Buffer, '#', sizeof(Buffer));
    assert(Format(Buffer, 5, "%s", "0123456789") == 10);
    assert(memcmp(Buffer, "0123\0###", 8) == 0);
    assert(Format(Buffer, 1, "%d", 12345) == 5 && Buffer[0] == 0);
    assert(Format(NULL, 0, "%ws", L"abc") == 3);
    assert(Format(Buffer, 5, "%2147483647d|%-999999999s|", 1, "x") ==
           2147483647ULL + 1 + 999999999 + 1);
    assert(Format(Buffer, 5, "%.99999999999d", 1) == 2147483647ULL);
    assert(Format(Buffer, 5, "%*d", -2147483647 - 1, 1) == 2147483647ULL);
}

/* Random formats over arguments that suit every conversion: 64-bit values that are pointers to a
 * structure which is a string of both kinds and a terminated text. */
static void TestFuzz(void)
{
    static const char Alphabet[] = "%%%%%-+ #0*.0123456789hlwIjztLdiuoxXpcCsSZnefgaq ";
    static WCHAR Text[] = L"text";
    static union {
        UNICODE_STRING Unicode;
        char Terminated[sizeof(UNICODE_STRING) + 2];
    } Argument;
    ULONG64 A;

    Argument.Unicode = (UNICODE_STRING){8, 10, Text};
    A = (ULONG64)&Argument;
    for (int Round = 0; Round < 300000; Round++) {
        char Pattern[24], Buffer[64];
        SIZE_T Size = (SIZE_T)rand() % sizeof(Buffer), Length;
        int Count = rand() % (int)(sizeof(Pattern) - 1);
        for (int i = 0; i < Count; i++) {
            Pattern[i] = Alphabet[rand() % (int)(sizeof(Alphabet) - 1)];
        }
        Pattern[Count] = 0;
        memset(Buffer, 0x5A, sizeof(Buffer));
        Length = Format(Buffer, Size, Pattern, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
                        A, A, A, A, A, A);
        for (SIZE_T i = Size; i < sizeof(Buffer); i++) {
            assert(Buffer[i] == 0x5A);
        }
        assert(Size == 0 || Buffer[Length < Size ? Length : Size - 1] == 0);
    }
}

int main(void)
{
    TestIntegers();
    TestFieldsOfIntegers();
    TestPointers();
    TestNarrow();
    TestWide();
    TestCountedStrings();
    TestUnsupported();
    TestRoom();
    TestFuzz();
    printf("ok\n");
    return 0;
}
