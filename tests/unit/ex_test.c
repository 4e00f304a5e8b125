/*
 * Proves the arithmetic of pools and handle tables: every size has the smallest class that holds
 * it, slabs hold what they claim, aligned blocks are aligned; every handle leads to an entry of its
 * own.
 *
 * unit-sources: kernel/ex/sizeclass.c
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/ex/handle.h"
#include "kernel/ex/pool.h"

static int Number, Failures;

static void Check(int Held, const char *Text)
{
    printf("%sok %d - %s\n", Held ? "" : "not ", ++Number, Text);
    Failures += !Held;
}

static void TestSizes(void)
{
    int Small = 0, NotSmallest = 0, Unaligned = 0;

    for (ULONG Size = 0; Size <= EX_POOL_MAXIMUM_SMALL; Size++) {
        ULONG Class = ExpClassOfSize(Size), Aligned = ExpAlignedClassOfSize(Size);
        ULONG Bytes = Size + sizeof(POOL_HEADER);

        Small += Class >= EX_POOL_CLASSES || ExpClassBytes[Class] < Bytes;
        NotSmallest += Class != 0 && ExpClassBytes[Class - 1] >= Bytes;
        Unaligned += Aligned < EX_POOL_CLASSES &&
                     (ExpClassBytes[Aligned] % 64 != 0 || ExpClassBytes[Aligned] < Bytes);
    }
    Check(Small == 0, "every size fits into its class");
    Check(NotSmallest == 0, "no smaller class would do");
    Check(Unaligned == 0, "aligned classes are whole cache lines and large enough");
    Check(ExpAlignedClassOfSize(EX_POOL_MAXIMUM_SMALL) < EX_POOL_CLASSES,
          "the largest small block can be aligned");
}

static void TestSlabs(void)
{
    int Wrong = 0, Wasted = 0;

    for (ULONG Class = 0; Class < EX_POOL_CLASSES; Class++) {
        ULONG Blocks = ExpBlocksPerSlab(Class);
        ULONG End = EX_SLAB_FIRST + Blocks * ExpClassBytes[Class];

        Wrong += Blocks == 0 || End + sizeof(POOL_HEADER) > PAGE_SIZE;
        Wrong += ExpClassBytes[Class] % EX_POOL_UNIT != 0;
        Wrong += ExpClassBytes[Class] / EX_POOL_UNIT > 255;
        Wasted += PAGE_SIZE - End > PAGE_SIZE / 10;
        Wrong += ExpCacheDepth[EX_POOL_INDEX(0, Class)] < 2;
        Wrong += ExpCacheDepth[EX_POOL_INDEX(1, Class)] < 2;
    }
    Check(Wrong == 0, "a slab's blocks and its end fit into a page");
    Check(Wasted == 0, "a slab wastes less than a tenth of its page");
}

static void TestHandles(void)
{
    int Wrong = 0;

    for (ULONG Index = 1; Index < EX_MAXIMUM_INDEX; Index += 1 + Index / 5000) {
        ULONG Levels = 1;
        ULONG Back;

        Wrong += ExpHandleToIndex(ExpIndexToHandle(Index)) != Index;
        while (Index >= ExpLevelCapacity(Levels)) {
            Levels++;
        }
        Back = Levels > 2 ? ExpLevelSlot(Index, 2) : 0;
        Back = Back * EX_POINTERS + (Levels > 1 ? ExpLevelSlot(Index, 1) : 0);
        Back = Back * EX_LEAF_ENTRIES + ExpLevelSlot(Index, 0);
        Wrong += Back != Index || Levels > 3;
    }
    Check(Wrong == 0, "the way to every handle is its own");
    Check(ExpLevelCapacity(3) == EX_MAXIMUM_INDEX, "three levels hold the most handles");
    Check(ExpHandleToIndex((HANDLE)5) == 0 && ExpHandleToIndex((HANDLE)6) == 0,
          "no handle that is not a multiple of 4");
    Check(ExpHandleToIndex((HANDLE)((ULONG_PTR)EX_MAXIMUM_INDEX << 2)) == 0 &&
              ExpHandleToIndex((HANDLE) ~(ULONG_PTR)3) == 0,
          "no handle beyond the largest");
    Check(ExpHandleToIndex(NULL) == 0, "NULL is no handle");
}

int main(void)
{
    ExpInitializeClasses();
    TestSizes();
    TestSlabs();
    TestHandles();
    printf("1..%d\n", Number);
    return Failures != 0;
}
