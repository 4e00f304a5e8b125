/*
 * sizeclass.c - the sizes of small pool blocks. Pure arithmetic.
 *
 * Sizes are chosen so that a whole number of blocks nearly fills the 4032 bytes of a slab, and as
 * many as possible are multiples of 64: those are the cache-aligned ones.
 */
#include "pool.h"

/* Bytes of a block with its header. */
const USHORT ExpClassBytes[EX_POOL_CLASSES] = {32,  48,  64,  80,  96,   112,  128,  144, 160, 176,
                                               192, 208, 224, 240, 256,  288,  320,  336, 400, 448,
                                               496, 576, 672, 800, 1008, 1344, 2016, 4032};

UCHAR ExpClassOfUnits[EX_POOL_MAXIMUM_UNITS + 1];

UCHAR ExpCacheDepth[EX_POOL_INDEXES];

void ExpInitializeClasses(void)
{
    ULONG Class = 0;

    for (ULONG Units = 0; Units < ARRAYSIZE(ExpClassOfUnits); Units++) {
        if (Units * EX_POOL_UNIT > ExpClassBytes[Class]) {
            Class++;
        }
        ExpClassOfUnits[Units] = (UCHAR)Class;
    }
    for (Class = 0; Class < EX_POOL_CLASSES; Class++) {
        /* About a page of blocks, but at least two. */
        UCHAR Depth = (UCHAR)max(2U, min(32U, ExpBlocksPerSlab(Class)));

        for (ULONG Kind = 0; Kind < EX_POOL_KINDS; Kind++) {
            ExpCacheDepth[EX_POOL_INDEX(Kind, Class)] = Depth;
        }
    }
}

ULONG ExpAlignedClassOfSize(SIZE_T Size)
{
    ULONG Class = ExpClassOfSize(Size);

    while (Class < EX_POOL_CLASSES && ExpClassBytes[Class] % 64 != 0) {
        Class++;
    }
    return Class;
}

ULONG ExpBlocksPerSlab(ULONG Class)
{
    return EX_SLAB_ROOM / ExpClassBytes[Class];
}
