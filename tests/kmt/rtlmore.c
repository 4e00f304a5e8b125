/*
 * Promises: byte strings, copies of strings, GUIDs as text, bitmaps, byte order, random numbers and
 * seconds work for a driver through its imports; strings that routines allocate go back to the
 * pool.
 */
#include "kmt.h"

static VOID TestStrings(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Zero"), Copy, Lower, Text;
    GUID Guid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}}, Back;
    STRING First = {3, 3, "abc"}, Second = {3, 3, "ABC"};
    ULONG Value = 0;

    KMT_EQUAL(RtlDuplicateUnicodeString(1, &Name, &Copy), STATUS_SUCCESS, "a copy");
    KMT_CHECK(Copy.Buffer[Copy.Length / sizeof(WCHAR)] == 0, "with a terminator");
    KMT_EQUAL(RtlDowncaseUnicodeString(&Lower, &Copy, TRUE), STATUS_SUCCESS, "in lower case");
    KMT_CHECK(RtlEqualMemory(Lower.Buffer, L"\\device\\zero", Lower.Length), "all of it");
    KMT_EQUAL(RtlStringFromGUID(&Guid, &Text), STATUS_SUCCESS, "a GUID's text");
    KMT_CHECK(wcscmp(Text.Buffer, L"{12345678-9ABC-DEF0-0102-030405060708}") == 0,
              "is its usual form");
    KMT_EQUAL(RtlGUIDFromString(&Text, &Back), STATUS_SUCCESS, "and back");
    KMT_CHECK(RtlEqualMemory(&Guid, &Back, sizeof(GUID)), "to the same");
    RtlFreeUnicodeString(&Text);
    RtlFreeUnicodeString(&Lower);
    RtlFreeUnicodeString(&Copy);
    KMT_CHECK(RtlEqualString(&First, &Second, TRUE), "byte strings ignoring case");
    KMT_EQUAL(RtlCharToInteger("0x20", 0, &Value), STATUS_SUCCESS, "a number in a text");
    KMT_EQUAL(Value, 32, "is read");
}

static VOID TestNumbers(VOID)
{
    ULONG Bits[2] = {0, 0}, Seed = 1, Seconds = 0;
    LARGE_INTEGER Time;
    RTL_BITMAP Map;

    RtlInitializeBitMap(&Map, Bits, 40);
    KMT_EQUAL(RtlFindClearBitsAndSet(&Map, 35, 0), 0, "a run of clear bits");
    KMT_EQUAL(RtlNumberOfSetBits(&Map), 35, "is set");
    KMT_EQUAL(RtlFindClearBits(&Map, 6, 0), MAXULONG, "a longer one is not there");
    KMT_EQUAL(RtlUlongByteSwap(0x01020304), 0x04030201, "bytes in the other order");
    KMT_CHECK(RtlRandomEx(&Seed) != RtlRandomEx(&Seed) && Seed != 1, "random numbers");
    KeQuerySystemTime(&Time);
    KMT_CHECK(RtlTimeToSecondsSince1970(&Time, &Seconds) && Seconds > 1500000000, "UNIX time");
}

static VOID KmtRun(VOID)
{
    TestStrings();
    TestNumbers();
}
