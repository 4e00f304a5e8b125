/*
 * Promises: a driver's ntstrsafe.h routines and the formatting routines they import cut, terminate
 * and answer as on Windows, through the real imports and the Windows calling convention.
 */
#include "kmt.h"
#include <ntstrsafe.h>

static VOID TestTexts(VOID)
{
    WCHAR Text[8];
    CHAR Narrow[8];
    size_t Length;

    KMT_EQUAL(RtlStringCchCopyW(Text, 8, L"Zero"), STATUS_SUCCESS, "a text that fits");
    KMT_EQUAL(RtlStringCchCatW(Text, 8, L"Booster"), STATUS_BUFFER_OVERFLOW, "one that does not");
    KMT_CHECK(wcscmp(Text, L"ZeroBoo") == 0, "is cut and terminated");
    KMT_EQUAL(RtlStringCbCopyA(Narrow, 0, "x"), STATUS_INVALID_PARAMETER, "no room at all");
    KMT_EQUAL(RtlStringCbLengthW(Text, sizeof(Text), &Length), STATUS_SUCCESS, "length");
    KMT_EQUAL(Length, 14, "in bytes");
}

static VOID TestFormats(VOID)
{
    WCHAR Buffer[40];
    CHAR Narrow[24];
    UNICODE_STRING String = {0, sizeof(Buffer), Buffer};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Zero");

    KMT_EQUAL(RtlUnicodeStringPrintf(&String, L"%wZ%d %I64x %S", &Name, 7, 1ULL << 40, "ok"),
              STATUS_SUCCESS, "a formatted string");
    KMT_EQUAL(String.Length, 28 * sizeof(WCHAR), "has its length");
    KMT_CHECK(RtlEqualMemory(Buffer, L"\\Device\\Zero7 10000000000 ok", String.Length), "and text");
    KMT_EQUAL(RtlStringCchPrintfA(Narrow, 24, "%ws|%5u|%p", L"wide", 12, NULL),
              STATUS_BUFFER_OVERFLOW, "a formatted text that is too long");
    KMT_CHECK(strcmp(Narrow, "wide|   12|000000000000") == 0, "is cut");
    KMT_EQUAL(_snprintf(Narrow, 4, "%d", 12345), -1, "_snprintf says so");
    KMT_CHECK(RtlEqualMemory(Narrow, "1234|", 5), "and leaves no terminator");
    KMT_EQUAL(sprintf_s(Narrow, sizeof(Narrow), "%s", "text"), 4, "sprintf_s");
    KMT_EQUAL(swprintf_s(Buffer, 4, L"%s", L"text"), -1, "swprintf_s that does not fit");
    KMT_EQUAL(Buffer[0], 0, "makes an empty text");
    KMT_EQUAL(_snwprintf(Buffer, 40, L"%ws %hs", L"a", "b"), 3, "_snwprintf");
}

static VOID KmtRun(VOID)
{
    TestTexts();
    TestFormats();
}
