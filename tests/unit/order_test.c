/*
 * Proves the order of services: by start type, group, tag; and that no list of groups or tags,
 * whatever it holds, is read beyond its end.
 *
 * unit-sources: kernel/ldr/order.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ldr/order.h"

/* A copy of exactly so many bytes, for the sanitizer. */
static void *Exactly(const void *Bytes, SIZE_T Size)
{
    void *Copy = malloc(Size > 0 ? Size : 1);

    memcpy(Copy, Bytes, Size);
    return Copy;
}

static void TestGroups(void)
{
    static const WCHAR List[] = L"Boot Bus Extender\0Base\0\xE9\0Filter"; /* with the last end */
    const SIZE_T Chars = ARRAYSIZE(List);

    assert(OrderFindGroup(List, Chars, L"Boot Bus Extender") == 0);
    assert(OrderFindGroup(List, Chars, L"BASE") == 1 && OrderFindGroup(List, Chars, L"base") == 1);
    assert(OrderFindGroup(List, Chars, L"\xE9") == 2);
    assert(OrderFindGroup(List, Chars, L"Filter") == 3);
    assert(OrderFindGroup(List, Chars, L"Boot") == ORDER_UNLISTED);
    assert(OrderFindGroup(List, Chars, L"Bases") == ORDER_UNLISTED);
    assert(OrderFindGroup(List, Chars, L"") == ORDER_NONE);
    assert(OrderFindGroup(List, 0, L"Base") == ORDER_UNLISTED);
    for (SIZE_T Cut = 0; Cut <= Chars; Cut++) {
        WCHAR *Copy = Exactly(List, Cut * sizeof(WCHAR));
        assert((OrderFindGroup(Copy, Cut, L"Filter") == 3) == (Cut >= Chars - 1));
        OrderFindGroup(Copy, Cut, L"Zebra");
        free(Copy);
    }
}

static void TestTags(void)
{
    static const ULONG List[] = {3, 7, 1, 9};

    assert(OrderFindTag(List, sizeof(List), 7) == 0 && OrderFindTag(List, sizeof(List), 1) == 1);
    assert(OrderFindTag(List, sizeof(List), 9) == 2 &&
           OrderFindTag(List, sizeof(List), 0) == ORDER_NONE);
    assert(OrderFindTag(List, sizeof(List), 2) == ORDER_UNLISTED);
    for (SIZE_T Cut = 0; Cut <= sizeof(List); Cut++) {
        void *Copy = Exactly(List, Cut);
        assert((OrderFindTag(Copy, Cut, 9) == 2) == (Cut == sizeof(List)));
        free(Copy);
    }
    static const ULONG Liar[] = {0xFFFFFFFF, 7};
    void *Copy = Exactly(Liar, sizeof(Liar));
    assert(OrderFindTag(Copy, sizeof(Liar), 8) == ORDER_UNLISTED);
    free(Copy);
}

static void TestCompare(void)
{
    static const ORDER_KEY Sorted[] = {
        {0, 0, 0},
        {0, 0, 1},
        {0, 0, ORDER_NONE},
        {0, 1, 0},
        {0, ORDER_UNLISTED, ORDER_NONE},
        {0, ORDER_NONE, ORDER_NONE},
        {1, 0, 0},
        {2, 0, ORDER_UNLISTED},
        {2, 0, ORDER_NONE},
    };

    for (ULONG i = 0; i < ARRAYSIZE(Sorted); i++) {
        for (ULONG j = 0; j < ARRAYSIZE(Sorted); j++) {
            int Order = OrderCompare(&Sorted[i], &Sorted[j]);
            assert(i == j ? Order == 0 : (Order < 0) == (i < j));
        }
    }
}

int main(void)
{
    puts("1..3");
    TestGroups();
    puts("ok 1 - groups");
    TestTags();
    puts("ok 2 - tags");
    TestCompare();
    puts("ok 3 - the order");
    return 0;
}
