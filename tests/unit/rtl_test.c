/*
 * Proves that the counted-string routines keep Windows' rules: what is cut and what is refused,
 * where terminators go, odd lengths, case; that conversions keep every character; and that calendar
 * fields survive a trip through every day of 800 years.
 *
 * unit-sources: lib/rtl/strings.c lib/rtl/convert.c lib/rtl/number.c lib/rtl/upcase.c lib/rtl/utf.c
 * unit-sources: lib/rtl/time.c lib/rtl/version.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ntddk.h>

static int Allocations, FailAllocation;

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    (void)PoolType, (void)Tag;
    if (FailAllocation) {
        return NULL;
    }
    Allocations++;
    return malloc(NumberOfBytes);
}

VOID NTAPI ExFreePool(PVOID P)
{
    Allocations--;
    free(P);
}

/* A string over an exact heap block, so that the sanitizer sees every byte beyond it. */
static UNICODE_STRING Room(USHORT Bytes)
{
    return (UNICODE_STRING){0, Bytes, malloc(Bytes)};
}

static UNICODE_STRING Make(PCWSTR Text)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Text);
    return String;
}

static BOOLEAN Is(UNICODE_STRING *String, PCWSTR Text)
{
    UNICODE_STRING Wanted = Make(Text);

    return RtlEqualUnicodeString(String, &Wanted, FALSE);
}

static void TestInit(void)
{
    UNICODE_STRING String = Make(NULL);
    ANSI_STRING Ansi;
    static WCHAR Long[40000];

    assert(String.Length == 0 && String.MaximumLength == 0 && String.Buffer == NULL);
    String = Make(L"ab");
    assert(String.Length == 4 && String.MaximumLength == 6);
    for (int i = 0; i < 39999; i++) {
        Long[i] = 'x';
    }
    String = Make(Long);
    assert(String.Length == 65532 && String.MaximumLength == 65534);
    assert(RtlInitUnicodeStringEx(&String, Long) == STATUS_NAME_TOO_LONG && String.Length == 0);
    Long[32766] = 0;
    assert(RtlInitUnicodeStringEx(&String, Long) == STATUS_SUCCESS && String.Length == 65532);
    RtlInitAnsiString(&Ansi, "abc");
    assert(Ansi.Length == 3 && Ansi.MaximumLength == 4);
}

static void TestCopyAndAppend(void)
{
    UNICODE_STRING Source = Make(L"abcd"), Small = Room(5), Exact = Room(8), Big = Room(10);

    RtlCopyUnicodeString(&Small, &Source);
    assert(Small.Length == 5 && Small.Buffer[1] == 'b');
    RtlCopyUnicodeString(&Exact, &Source);
    assert(Exact.Length == 8);
    RtlCopyUnicodeString(&Big, &Source);
    assert(Big.Length == 8 && Big.Buffer[4] == 0);
    RtlCopyUnicodeString(&Big, NULL);
    assert(Big.Length == 0);
    assert(RtlAppendUnicodeToString(&Big, L"abc") == STATUS_SUCCESS && Big.Buffer[3] == 0);
    assert(RtlAppendUnicodeToString(&Big, L"def") == STATUS_BUFFER_TOO_SMALL && Is(&Big, L"abc"));
    assert(RtlAppendUnicodeToString(&Big, L"de") == STATUS_SUCCESS && Is(&Big, L"abcde"));
    assert(RtlAppendUnicodeToString(&Big, NULL) == STATUS_SUCCESS);
    assert(RtlAppendUnicodeStringToString(&Exact, &Source) == STATUS_BUFFER_TOO_SMALL);
    free(Small.Buffer);
    free(Exact.Buffer);
    free(Big.Buffer);
}

static void TestCompare(void)
{
    UNICODE_STRING A = Make(L"\\Device\\Beep"), B = Make(L"\\DEVICE\\beep"), C = Make(L"\\Device");
    ULONG HashA, HashB;

    assert(RtlCompareUnicodeString(&A, &B, FALSE) > 0 && !RtlCompareUnicodeString(&A, &B, TRUE));
    assert(RtlEqualUnicodeString(&A, &B, TRUE) && !RtlEqualUnicodeString(&A, &B, FALSE));
    assert(RtlCompareUnicodeString(&C, &A, TRUE) < 0 && RtlCompareUnicodeString(&A, &C, TRUE) > 0);
    assert(RtlPrefixUnicodeString(&C, &B, TRUE) && !RtlPrefixUnicodeString(&C, &B, FALSE));
    assert(!RtlPrefixUnicodeString(&A, &C, TRUE));
    RtlHashUnicodeString(&A, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &HashA);
    RtlHashUnicodeString(&B, TRUE, HASH_STRING_ALGORITHM_X65599, &HashB);
    assert(HashA == HashB);
    A = Make(L"ab");
    RtlHashUnicodeString(&A, FALSE, HASH_STRING_ALGORITHM_DEFAULT, &HashA);
    assert(HashA == 'a' * 65599U + 'b');
    assert(RtlHashUnicodeString(&A, FALSE, 2, &HashA) == STATUS_INVALID_PARAMETER);
    assert(RtlCompareMemory("abcd", "abxd", 4) == 2 && RtlCompareMemory("a", "a", 1) == 1);
}

static void TestCase(void)
{
    int Pairs = 0;

    for (int i = 0; i <= 0xFFFF; i++) {
        WCHAR Upper = RtlUpcaseUnicodeChar((WCHAR)i);
        assert(RtlUpcaseUnicodeChar(Upper) == Upper);
        if (Upper != i) {
            assert(RtlDowncaseUnicodeChar(Upper) == i);
            assert((Upper < 0x80) == (i < 0x80));
            Pairs++;
        }
    }
    assert(Pairs > 1000);
    assert(RtlUpcaseUnicodeChar('z') == 'Z' && RtlUpcaseUnicodeChar('{') == '{');
    assert(RtlUpcaseUnicodeChar(0xE4) == 0xC4 && RtlUpcaseUnicodeChar(0xF7) == 0xF7);
    assert(RtlUpcaseUnicodeChar(0xFF) == 0x178 && RtlUpcaseUnicodeChar(0x44F) == 0x42F);
    assert(RtlUpcaseUnicodeChar(0x131) == 0x131 && RtlUpcaseUnicodeChar(0xDF) == 0xDF);
}

/* Every character there is, there and back. */
static void TestRoundTrip(void)
{
    for (ULONG Character = 1; Character <= 0x10FFFF; Character += Character < 0x3000 ? 1 : 37) {
        WCHAR Units[2] = {(WCHAR)Character, 0};
        UNICODE_STRING Wide = {2, 2, Units}, Back;
        ANSI_STRING Narrow;
        if (Character >= 0xD800 && Character < 0xE000) {
            continue;
        }
        if (Character >= 0x10000) {
            Units[0] = (WCHAR)(0xD7C0 + (Character >> 10));
            Units[1] = (WCHAR)(0xDC00 + (Character & 0x3FF));
            Wide.Length = Wide.MaximumLength = 4;
        }
        assert(RtlUnicodeStringToAnsiString(&Narrow, &Wide, TRUE) == STATUS_SUCCESS);
        assert(RtlAnsiStringToUnicodeString(&Back, &Narrow, TRUE) == STATUS_SUCCESS);
        assert(RtlEqualUnicodeString(&Wide, &Back, FALSE) && Back.Buffer[Back.Length / 2] == 0);
        RtlFreeAnsiString(&Narrow);
        RtlFreeUnicodeString(&Back);
    }
    assert(Allocations == 0);
}

/* Bytes that are no UTF-8 become U+FFFD, one each, and never eat what follows. */
static void TestBrokenText(void)
{
    static const char *Broken[] = {
        "\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"};

    for (size_t i = 0; i < ARRAYSIZE(Broken); i++) {
        char Text[16];
        ANSI_STRING Narrow;
        UNICODE_STRING Wide;
        sprintf(Text, "%sz", Broken[i]);
        RtlInitAnsiString(&Narrow, Text);
        assert(RtlAnsiStringToUnicodeString(&Wide, &Narrow, TRUE) == STATUS_SUCCESS);
        assert(Wide.Length == Narrow.Length * 2 && Wide.Buffer[0] == 0xFFFD);
        assert(Wide.Buffer[Wide.Length / 2 - 1] == 'z');
        RtlFreeUnicodeString(&Wide);
    }
}

static void TestConversionRoom(void)
{
    ANSI_STRING Narrow = {3, 3, "abc"}, To = {0, 3, malloc(3)};
    UNICODE_STRING Wide = Room(6), Euro = Make(L"a\x20AC"), Upper;

    assert(RtlAnsiStringToUnicodeString(&Wide, &Narrow, FALSE) == STATUS_BUFFER_OVERFLOW);
    Narrow.Length = 2;
    assert(RtlAnsiStringToUnicodeString(&Wide, &Narrow, FALSE) == STATUS_SUCCESS &&
           Wide.Length == 4);
    assert(RtlUnicodeStringToAnsiString(&To, &Euro, FALSE) == STATUS_BUFFER_OVERFLOW);
    assert(To.Length == 1 && strcmp(To.Buffer, "a") == 0);
    To.MaximumLength = 0;
    assert(RtlUnicodeStringToAnsiString(&To, &Euro, FALSE) == STATUS_BUFFER_OVERFLOW);
    assert(RtlUnicodeStringToAnsiSize(&Euro) == 5 && RtlAnsiStringToUnicodeSize(&Narrow) == 6);
    free(To.Buffer);
    FailAllocation = 1;
    assert(RtlUnicodeStringToAnsiString(&To, &Euro, TRUE) == STATUS_NO_MEMORY);
    assert(RtlAnsiStringToUnicodeString(&Upper, &Narrow, TRUE) == STATUS_NO_MEMORY);
    FailAllocation = 0;
    assert(RtlUpcaseUnicodeString(&Upper, &Wide, TRUE) == STATUS_SUCCESS && Is(&Upper, L"AB"));
    RtlFreeUnicodeString(&Upper);
    assert(Upper.Buffer == NULL && Allocations == 0);
    RtlFreeUnicodeString(&Upper);
    Upper = Room(2);
    assert(RtlUpcaseUnicodeString(&Upper, &Wide, FALSE) == STATUS_BUFFER_OVERFLOW);
    free(Upper.Buffer);
    free(Wide.Buffer);
}

static ULONG Parse(PCWSTR Text, ULONG Base)
{
    UNICODE_STRING String = Make(Text);
    ULONG Value;

    assert(RtlUnicodeStringToInteger(&String, Base, &Value) == STATUS_SUCCESS);
    return Value;
}

static void TestNumbers(void)
{
    UNICODE_STRING String = Make(L"1"), Small = Room(8);
    ULONG Value;

    assert(Parse(L" \t-12x", 0) == (ULONG)-12 && Parse(L"+7", 10) == 7 && Parse(L"", 0) == 0);
    assert(Parse(L"0x1F", 0) == 31 && Parse(L"0o17", 0) == 15 && Parse(L"0b102", 0) == 2);
    assert(Parse(L"1F", 16) == 31 && Parse(L"19", 8) == 1 && Parse(L"0x1F", 16) == 0);
    assert(RtlUnicodeStringToInteger(&String, 3, &Value) == STATUS_INVALID_PARAMETER);
    assert(RtlIntegerToUnicodeString(999, 0, &Small) == STATUS_SUCCESS && Is(&Small, L"999"));
    assert(RtlIntegerToUnicodeString(1000, 10, &Small) == STATUS_BUFFER_OVERFLOW);
    assert(RtlIntegerToUnicodeString(0xABC, 16, &Small) == STATUS_SUCCESS && Is(&Small, L"ABC"));
    assert(RtlIntegerToUnicodeString(0, 2, &Small) == STATUS_SUCCESS && Is(&Small, L"0"));
    assert(RtlInt64ToUnicodeString(1, 5, &Small) == STATUS_INVALID_PARAMETER);
    free(Small.Buffer);
    Small = Room(130);
    RtlInt64ToUnicodeString(~0ULL, 2, &Small);
    assert(Small.Length == 128);
    free(Small.Buffer);
}

static void TestTime(void)
{
    TIME_FIELDS Fields, Last = {1600, 12, 31, 0, 0, 0, 0, 0};
    LARGE_INTEGER Time, Back;

    for (LONG64 Day = 0; Day < 800 * 366; Day++) {
        Time.QuadPart = Day * 864000000000LL + 123450000;
        RtlTimeToTimeFields(&Time, &Fields);
        assert(RtlTimeFieldsToTime(&Fields, &Back) && Back.QuadPart == Time.QuadPart);
        assert(Fields.Weekday == (Last.Weekday + 1) % 7 && Fields.Milliseconds == 345);
        assert(Fields.Day == Last.Day + 1 || Fields.Day == 1);
        Last = Fields;
    }
    Time.QuadPart = 116444736000000000LL; /* 1 January 1970, a Thursday */
    RtlTimeToTimeFields(&Time, &Fields);
    assert(Fields.Year == 1970 && Fields.Month == 1 && Fields.Day == 1 && Fields.Weekday == 4);
    Fields = (TIME_FIELDS){2023, 2, 29, 0, 0, 0, 0, 0};
    assert(!RtlTimeFieldsToTime(&Fields, &Time));
    Fields = (TIME_FIELDS){2024, 2, 29, 23, 59, 59, 999, 0};
    assert(RtlTimeFieldsToTime(&Fields, &Time));
    Fields = (TIME_FIELDS){30827, 12, 31, 23, 59, 59, 999, 0};
    assert(RtlTimeFieldsToTime(&Fields, &Time) && Time.QuadPart > 0);
    RtlTimeToTimeFields(&Time, &Fields);
    assert(Fields.Year == 30827 && Fields.Month == 12 && Fields.Day == 31);
    Fields.Year = 30828;
    assert(!RtlTimeFieldsToTime(&Fields, &Time));
}

static void TestVersion(void)
{
    RTL_OSVERSIONINFOEXW Extended = {.dwOSVersionInfoSize = sizeof(Extended), .wReserved = 9};
    RTL_OSVERSIONINFOW Plain = {.dwOSVersionInfoSize = sizeof(Plain)};

    assert(RtlGetVersion((PRTL_OSVERSIONINFOW)&Extended) == STATUS_SUCCESS);
    assert(Extended.dwMajorVersion == 10 && Extended.wProductType == 1 && Extended.wReserved == 0);
    assert(RtlGetVersion(&Plain) == STATUS_SUCCESS && Plain.dwBuildNumber == 19045);
}

int main(void)
{
    TestInit();
    TestCopyAndAppend();
    TestCompare();
    TestCase();
    TestRoundTrip();
    TestBrokenText();
    TestConversionRoom();
    TestNumbers();
    TestTime();
    TestVersion();
    printf("ok\n");
    return 0;
}
