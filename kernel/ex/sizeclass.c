/*
 * sizeclass.c - the sizes of small pool blocks. Pure arithmetic.
 *
 * Sizes are chosen so that a whole number of blocks nearly fills the 4032 bytes of a slab, and as many as
 * possible are multiples of 64: those are the cache-aligned ones.
 */
#include "pool.h"

/* Bytes of a block with its header. */
const USHORT ExpClassBytes[EX_POOL_CLASSES] = {32,  48,  64,  80,  96,   112,  128,  144, 160, 176,
                                               192, 208, 224, 240, 256,  288,  320,  336, 400, 448,
                                               496, 576, 672, 800, 1008, 1344, 2016, 4032};

ULONG ExpClassOfSize(SIZE_T Size)
{
    SIZE_T Bytes = Size + sizeof(POOL_HEADER);
    ULONG Class;

    if (Bytes <= 256) {
        return Bytes <= 32 ? 0 : (ULONG)((Bytes + 15) / EX_POOL_UNIT) - 2;
    }
    Class = 15;
    while (ExpClassBytes[Class] < Bytes) {
        Class++;
    }
    return Class;
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

ULONG ExpCacheDepth(ULONG Class)
{
    /* About a page of blocks, but at least two. */
    return max(2U, min(32U, ExpBlocksPerSlab(Class)));
}
