/*
 * Promises: the run-time library and the C run-time do for a driver, through its imports and its
 * calling convention, what they do on Windows; functions with more than a page of locals work;
 * strings that routines allocate come from the pool and go back to it.
 */
#include "kmt.h"

static VOID TestCountedStrings(VOID)
{
    WCHAR Buffer[8];
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Beep"),
                   Text = {0, sizeof(Buffer), Buffer};
    UNICODE_STRING Prefix;
    ULONG First, Second;

    RtlInitUnicodeString(&Prefix, L"\\DEVICE");
    KMT_CHECK(RtlPrefixUnicodeString(&Prefix, &Name, TRUE), "prefix, ignoring case");
    KMT_CHECK(!RtlPrefixUnicodeString(&Prefix, &Name, FALSE), "no prefix, minding case");
    KMT_CHECK(RtlCompareUnicodeString(&Prefix, &Name, TRUE) < 0, "a prefix is less");
    RtlCopyUnicodeString(&Text, &Name);
    KMT_EQUAL(Text.Length, 16, "a copy is cut at the destination's room");
    KMT_CHECK(RtlEqualMemory(Buffer, L"\\Device\\", 16), "and holds the beginning");
    KMT_EQUAL(RtlAppendUnicodeToString(&Text, L"x"), STATUS_BUFFER_TOO_SMALL, "append, no room");
    Text.Length = 0;
    KMT_EQUAL(RtlAppendUnicodeToString(&Text, L"abc"), STATUS_SUCCESS, "append, room");
    KMT_EQUAL(Buffer[3], 0, "terminated, since there is room");
    RtlHashUnicodeString(&Prefix, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &First);
    RtlInitUnicodeString(&Prefix, L"\\device");
    RtlHashUnicodeString(&Prefix, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &Second);
    KMT_EQUAL(First, Second, "equal strings hash alike");
    KMT_EQUAL(RtlUpcaseUnicodeChar(0xE9), 0xC9, "upper case beyond ASCII");
    KMT_EQUAL(RtlCompareMemory("abcd", "abxd", 4), 2, "equal bytes are counted");
}

static VOID TestConversions(VOID)
{
    UNICODE_STRING Wide, Upper, Number = RTL_CONSTANT_STRING(L"-0x10");
    ANSI_STRING Narrow, Back;
    ULONG Value = 0;

    RtlInitAnsiString(&Narrow, "gr\xC3\xBC\xC3\x9F");
    KMT_EQUAL(RtlAnsiStringToUnicodeString(&Wide, &Narrow, TRUE), STATUS_SUCCESS, "to UTF-16");
    KMT_CHECK(Wide.Length == 8 && RtlEqualMemory(Wide.Buffer, L"gr\xFC\xDF", 10), "right text");
    KMT_EQUAL(RtlUnicodeStringToAnsiString(&Back, &Wide, TRUE), STATUS_SUCCESS, "and back");
    KMT_CHECK(strcmp(Back.Buffer, Narrow.Buffer) == 0, "to the same text");
    KMT_EQUAL(RtlUpcaseUnicodeString(&Upper, &Wide, TRUE), STATUS_SUCCESS, "upper case");
    KMT_CHECK(RtlEqualMemory(Upper.Buffer, L"GR\xDC\xDF", 8), "of what has one");
    RtlFreeUnicodeString(&Upper);
    RtlFreeUnicodeString(&Wide);
    RtlFreeAnsiString(&Back);
    KMT_CHECK(Wide.Buffer == NULL && Back.Buffer == NULL, "freed strings are empty");
    KMT_EQUAL(RtlUnicodeStringToInteger(&Number, 0, &Value), STATUS_SUCCESS, "a number is read");
    KMT_EQUAL((LONG)Value, -16, "with sign and prefix");
}

static VOID TestTimeAndVersion(VOID)
{
    TIME_FIELDS Fields;
    LARGE_INTEGER Now, Back;
    RTL_OSVERSIONINFOEXW Version = {.dwOSVersionInfoSize = sizeof(Version)};

    KeQuerySystemTime(&Now);
    RtlTimeToTimeFields(&Now, &Fields);
    KMT_CHECK(RtlTimeFieldsToTime(&Fields, &Back), "the time now has valid fields");
    KMT_EQUAL(Back.QuadPart / 10000, Now.QuadPart / 10000, "which make the same millisecond");
    RtlGetVersion((PRTL_OSVERSIONINFOW)&Version);
    KMT_EQUAL(Version.dwMajorVersion, 10, "Windows 10's interface");
}

static VOID TestCrt(VOID)
{
    CHAR Text[32] = "abc";
    WCHAR Wide[8];
    volatile SIZE_T Count = 5; /* so that the compiler calls instead of inlining */

    KMT_CHECK(memmove(Text + 1, Text, Count) == Text + 1, "memmove answers the destination");
    KMT_CHECK(strcmp(Text, "aabc") == 0, "and minds the overlap");
    KMT_CHECK(memcmp(Text, "aabd", Count) < 0 && memcmp(Text, "aabc", Count) == 0, "memcmp");
    memset(Text, 'x', Count);
    KMT_CHECK(strchr(Text, 'c') == NULL && strlen(Text) == Count, "memset, strlen, strchr");
    KMT_EQUAL(strcpy_s(Text, Count, "12345"), ERANGE, "strcpy_s refuses what does not fit");
    KMT_EQUAL(Text[0], 0, "and leaves nothing");
    KMT_EQUAL(wcscpy_s(Wide, 8, L"beep"), 0, "wcscpy_s");
    KMT_EQUAL(wcscat_s(Wide, 8, L".sys"), ERANGE, "wcscat_s, one too long");
    KMT_CHECK(_wcsicmp(L"Beep", L"bEEP") == 0 && wcscmp(L"a", L"b") < 0, "wide comparisons");
    KMT_CHECK(_stricmp("Beep", "bEEP") == 0 && strncmp("abc", "abd", 2) == 0, "comparisons");
    KMT_CHECK(wcsrchr(L"a\\b\\c", '\\')[1] == 'c' && strrchr("a.b.c", '.')[1] == 'c',
              "from the end");
}

/* Its prologue probes three pages. */
static __attribute__((noinline)) ULONG UseBigFrame(ULONG Seed)
{
    volatile UCHAR Pages[3 * PAGE_SIZE];
    ULONG Sum = 0;

    for (ULONG i = 0; i < sizeof(Pages); i++) {
        Pages[i] = (UCHAR)KmtRandom(&Seed);
    }
    for (ULONG i = 0; i < sizeof(Pages); i++) {
        Sum = Sum * 31 + Pages[i];
    }
    return Sum;
}

static VOID KmtRun(VOID)
{
    TestCountedStrings();
    TestConversions();
    TestTimeAndVersion();
    TestCrt();
    KMT_EQUAL(UseBigFrame(1), UseBigFrame(1), "a function with three pages of locals");
}
