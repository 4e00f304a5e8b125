/*
 * Promise: drivers can import the C run-time's bounded text and memory, numbers from text, kinds of
 * characters, searching and sorting; they are called with Windows' convention, and so are the
 * routines given to them. What they answer in detail is proved on the host
 * (tests/unit/crtmore_test.c).
 */
#include "kmt.h"

static volatile SIZE_T Room = 6; /* so that the compiler calls instead of inlining */

static int __cdecl Compare(const void *Left, const void *Right)
{
    LONG A = *(const LONG *)Left, B = *(const LONG *)Right;
    return A < B ? -1 : A > B;
}

static VOID TestText(VOID)
{
    CHAR Text[8] = "ab", List[] = "one,two", *Context;
    WCHAR Wide[8] = L"ab";

    KMT_EQUAL(strncpy_s(Text, Room, "12345678", 3), 0, "strncpy_s");
    KMT_EQUAL(strncat_s(Text, Room, "45678", 2), 0, "strncat_s");
    KMT_CHECK(strcmp(Text, "12345") == 0, "make a text");
    KMT_EQUAL(strncat_s(Text, Room, "6", 1), ERANGE, "which is full");
    KMT_EQUAL(strncpy_s(Text, Room, "12345678", _TRUNCATE), STRUNCATE, "or cut");
    KMT_EQUAL(wcsncpy_s(Wide, Room, L"12345678", 3), 0, "wcsncpy_s");
    KMT_EQUAL(wcsncat_s(Wide, Room, L"45678", 2), 0, "wcsncat_s");
    KMT_CHECK(wcscmp(Wide, L"12345") == 0, "make a wide one");
    KMT_CHECK(strspn(Text, "21") == 2 && strcspn(Text, "3") == 2, "strspn, strcspn");
    KMT_CHECK(wcsspn(Wide, L"21") == 2 && wcscspn(Wide, L"3") == 2, "wcsspn, wcscspn");
    Text[2] = 0;
    Wide[2] = 0;
    KMT_CHECK(strcmp(strncat(Text, "abc", Room - 4), "12ab") == 0, "strncat");
    KMT_CHECK(wcscmp(wcsncat(Wide, L"abc", Room - 4), L"12ab") == 0, "wcsncat");
    KMT_CHECK(strcmp(_strupr(Text), "12AB") == 0 && strcmp(_strlwr(Text), "12ab") == 0, "cases");
    KMT_CHECK(wcscmp(_wcsupr(Wide), L"12AB") == 0 && wcscmp(_wcslwr(Wide), L"12ab") == 0,
              "wide cases");
    KMT_CHECK(strcmp(strtok_s(List, ",", &Context), "one") == 0 &&
                  strcmp(strtok_s(NULL, ",", &Context), "two") == 0 &&
                  strtok_s(NULL, ",", &Context) == NULL,
              "strtok_s");
}

static VOID TestMemory(VOID)
{
    CHAR Bytes[8] = "abcdef";

    KMT_CHECK(memchr(Bytes, 'd', Room) == Bytes + 3 && memchr(Bytes, 'd', 3) == NULL, "memchr");
    KMT_EQUAL(memmove_s(Bytes + 1, Room, Bytes, 5), 0, "memmove_s");
    KMT_CHECK(strcmp(Bytes, "aabcde") == 0, "minds the overlap");
    KMT_EQUAL(memcpy_s(Bytes, 2, "xyz", Room), ERANGE, "memcpy_s refuses what does not fit");
    KMT_CHECK(Bytes[0] == 0 && Bytes[1] == 0 && Bytes[2] == 'b', "and leaves zeros");
}

static VOID TestNumbers(VOID)
{
    PWCHAR End;

    KMT_CHECK(atoi("-12") == -12 && atol("34") == 34, "atoi, atol");
    KMT_CHECK(_wtoi(L"-12") == -12 && _wtol(L"34") == 34, "_wtoi, _wtol");
    KMT_CHECK(wcstoul(L"0x1F;", &End, 0) == 0x1F && *End == L';', "wcstoul");
    KMT_CHECK(isdigit('0') && isxdigit('f') && islower('a') && isupper('A') && isspace(' ') &&
                  isprint('!'),
              "characters of a kind");
    KMT_CHECK(!isdigit('a') && !isxdigit('g') && !islower('A') && !isupper('a') && !isspace('a') &&
                  !isprint(7),
              "and others");
    srand(1);
    KMT_CHECK(rand() == 41 && rand() == 18467, "the numbers by chance that Windows has");
}

static VOID TestArrays(VOID)
{
    static LONG Numbers[1000];
    ULONG Seed = 99, Wrong = 0;
    LONG Missing = -1;

    for (ULONG i = 0; i < ARRAYSIZE(Numbers); i++) {
        Numbers[i] = (LONG)(KmtRandom(&Seed) & 0xFFFFFF);
    }
    qsort(Numbers, ARRAYSIZE(Numbers), sizeof(LONG), Compare);
    for (ULONG i = 0; i < ARRAYSIZE(Numbers); i++) {
        PLONG Found = bsearch(&Numbers[i], Numbers, ARRAYSIZE(Numbers), sizeof(LONG), Compare);
        Wrong += Found == NULL || *Found != Numbers[i];
        Wrong += i != 0 && Numbers[i - 1] > Numbers[i];
    }
    KMT_EQUAL(Wrong, 0, "qsort sorts, bsearch finds");
    KMT_CHECK(bsearch(&Missing, Numbers, ARRAYSIZE(Numbers), sizeof(LONG), Compare) == NULL,
              "what there is");
}

static VOID KmtRun(VOID)
{
    TestText();
    TestMemory();
    TestNumbers();
    TestArrays();
}
