/*
 * handle.h - private to ex: where in a handle table a handle's entry stands. Pure arithmetic.
 *
 * Handle values are index * 4; index 0 is never used. Leaves hold EX_LEAF_ENTRIES entries; above
 * them are up to two levels of pointer blocks.
 */
#ifndef _EX_HANDLE_H_
#define _EX_HANDLE_H_

#include <ntdef.h>

#define EX_LEAF_ENTRIES 128U
#define EX_POINTERS 256U
#define EX_MAXIMUM_INDEX (EX_LEAF_ENTRIES * EX_POINTERS * EX_POINTERS)

static inline HANDLE ExpIndexToHandle(ULONG Index)
{
    return (HANDLE)((ULONG_PTR)Index << 2);
}

/* 0 for what cannot be a handle: too large, or not a multiple of 4. */
static inline ULONG ExpHandleToIndex(HANDLE Handle)
{
    ULONG_PTR Value = (ULONG_PTR)Handle;

    return (Value & 3) != 0 || Value >> 2 >= EX_MAXIMUM_INDEX ? 0 : (ULONG)(Value >> 2);
}

/* Indexes that a table with Levels levels can hold. */
static inline ULONG ExpLevelCapacity(ULONG Levels)
{
    ULONG Capacity = EX_LEAF_ENTRIES;

    while (--Levels != 0) {
        Capacity *= EX_POINTERS;
    }
    return Capacity;
}

/* Slot at a level (0: in the leaf) on the way to Index. */
static inline ULONG ExpLevelSlot(ULONG Index, ULONG Level)
{
    if (Level == 0) {
        return Index % EX_LEAF_ENTRIES;
    }
    Index /= EX_LEAF_ENTRIES;
    return Level == 1 ? Index % EX_POINTERS : Index / EX_POINTERS;
}

#endif
