/*
 * Proves that the memory map handed to the kernel is sorted, has no overlaps, and types every page
 * by the greatest type that any firmware range gives it, however the ranges lie.
 *
 * unit-sources: boot/memorymap.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"

#define PAGE 4096ULL
#define PAGES 512
#define NOTHING -1

static LOADER_MEMORY_DESCRIPTOR Map[LOADER_MAXIMUM_DESCRIPTORS];

static void TestFreeShrinksAndOthersGrow(void)
{
    static BL_MEMORY_RANGES Ranges;

    BlAddRange(&Ranges, 0, 0x9FC00, LoaderFree);
    BlAddRange(&Ranges, 0x9FC00, 0x400, LoaderReserved);
    BlAddRange(&Ranges, 0x100001, 0xFFE, LoaderFree);
    BlAddRange(&Ranges, 0x200000, 0, LoaderReserved);
    assert(BlResolveRanges(&Ranges, Map, LOADER_MAXIMUM_DESCRIPTORS) == 2);
    assert(Map[0].Base == 0 && Map[0].PageCount == 0x9F && Map[0].Type == LoaderFree);
    assert(Map[1].Base == 0x9F000 && Map[1].PageCount == 1 && Map[1].Type == LoaderReserved);
}

static void TestEndOfAddressSpace(void)
{
    static BL_MEMORY_RANGES Ranges;

    BlAddRange(&Ranges, 0xFFFFFFFFFFF00000ULL, 0x100000, LoaderReserved);
    BlAddRange(&Ranges, 0x1000, ~0ULL, LoaderFree);
    BlAddRange(&Ranges, ~0ULL, 1, LoaderReserved);
    assert(BlResolveRanges(&Ranges, Map, LOADER_MAXIMUM_DESCRIPTORS) == 2);
    assert(Map[0].Base == 0x1000 && Map[0].Type == LoaderFree);
    assert(Map[1].Base == 0xFFFFFFFFFFF00000ULL && Map[1].PageCount == 0xFF);
}

/* More ranges than fit are reported, and so is a map longer than its array. */
static void TestLimits(void)
{
    static BL_MEMORY_RANGES Ranges;

    for (ULONG i = 0; i < LOADER_MAXIMUM_DESCRIPTORS; i++) {
        BlAddRange(&Ranges, 2 * i * PAGE, PAGE, LoaderFree);
    }
    assert(!Ranges.Overflow);
    assert(BlResolveRanges(&Ranges, Map, 64) == 64);
    assert(Map[63].Base == 126 * PAGE);
    assert(Ranges.Overflow);
    Ranges.Overflow = FALSE;
    assert(BlResolveRanges(&Ranges, Map, LOADER_MAXIMUM_DESCRIPTORS) == LOADER_MAXIMUM_DESCRIPTORS);
    assert(!Ranges.Overflow);
    BlAddRange(&Ranges, 0, PAGE, LoaderBad);
    assert(Ranges.Overflow);
}

/* Random ranges in a small space, compared page by page with the plainest way to paint them. */
static void TestAgainstPainting(unsigned Seed)
{
    BL_MEMORY_RANGES Ranges = {0};
    int Painted[PAGES];
    ULONG Count;

    srand(Seed);
    memset(Painted, NOTHING, sizeof(Painted));
    for (int i = rand() % 100; i > 0; i--) {
        ULONG64 Base = rand() % PAGES, Length = rand() % (PAGES - Base + 1) / (1 + rand() % 8);
        int Type = rand() % LoaderMaximumType;

        BlAddRange(&Ranges, Base * PAGE, Length * PAGE, Type);
        for (ULONG64 Page = Base; Page < Base + Length; Page++) {
            Painted[Page] = Painted[Page] > Type ? Painted[Page] : Type;
        }
    }
    Count = BlResolveRanges(&Ranges, Map, LOADER_MAXIMUM_DESCRIPTORS);
    for (ULONG i = 0; i < Count; i++) {
        ULONG64 First = Map[i].Base / PAGE, End = First + Map[i].PageCount;

        assert(Map[i].PageCount > 0);
        assert(i == 0 || Map[i - 1].Base / PAGE + Map[i - 1].PageCount <= First);
        assert(i == 0 || Map[i - 1].Type != Map[i].Type ||
               Map[i - 1].Base / PAGE + Map[i - 1].PageCount < First);
        for (ULONG64 Page = First; Page < End; Page++) {
            assert(Painted[Page] == (int)Map[i].Type);
            Painted[Page] = NOTHING;
        }
    }
    for (int Page = 0; Page < PAGES; Page++) {
        assert(Painted[Page] == NOTHING);
    }
}

int main(void)
{
    TestFreeShrinksAndOthersGrow();
    TestEndOfAddressSpace();
    TestLimits();
    for (unsigned Seed = 1; Seed <= 2000; Seed++) {
        TestAgainstPainting(Seed);
    }
    puts("memory map: ok");
    return 0;
}
