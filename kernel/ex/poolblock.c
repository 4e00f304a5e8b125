/*
 * poolblock.c - which block of pool an address lies in, for a crash screen: read without locks, so
 * blocks may come and go meanwhile, and with nothing believed that does not look as it was made.
 */
#include "pool.h"

/* The run that the page belongs to: back to its first page. No gap lies within a run. */
static SIZE_T ExpFindRun(PCHAR Page, PCHAR *Base, ULONG *Tag, USHORT *Owner)
{
    SIZE_T Pages;

    for (*Base = Page; MmQueryPoolKind(*Base) >= 0; *Base -= PAGE_SIZE) {
        Pages = MmQueryPoolPages(*Base, Tag, Owner);
        if (Pages != 0) {
            return *Base + Pages * PAGE_SIZE > Page ? Pages : 0;
        }
        if (!MmGetPhysicalAddress(*Base).QuadPart) {
            return 0;
        }
    }
    return 0;
}

/* A number that is read without a lock may be anything. */
static PVOID ExpCallerOf(ULONG Number)
{
    return Number < ARRAYSIZE(ExpOwners) ? ExpCallerOfKey(ExpOwners[Number].Key) : NULL;
}

/* The block of a slab; header by header. */
static BOOLEAN ExpFindSmallBlock(PCHAR Slab, PCHAR Address, EX_POOL_BLOCK *Block)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)(Slab + EX_SLAB_FIRST);

    while ((PCHAR)(Header + 1) <= Slab + PAGE_SIZE && Header->Check == ExpHeaderCheck(Header) &&
           Header->BlockSize != 0) {
        PPOOL_HEADER Next = Header + Header->BlockSize;

        if (Address < (PCHAR)Next) {
            ULONG Number = Header->Owner / sizeof(EX_POOL_OWNER);
            UCHAR Type = Header->PoolType;

            Block->Base = Header + 1;
            Block->Size = (SIZE_T)((PCHAR)Next - (PCHAR)Block->Base);
            Block->Tag = Header->PoolTag;
            Block->Caller = ExpCallerOf(Number);
            return Address >= (PCHAR)Block->Base &&
                   (Type == EX_POOL_IN_USE || Type == EX_POOL_BILLED);
        }
        Header = Next;
    }
    return FALSE;
}

BOOLEAN ExQueryPoolBlock(PVOID Address, EX_POOL_BLOCK *Block)
{
    PCHAR Base;
    USHORT Owner = 0;
    SIZE_T Pages = ExpFindRun(PAGE_ALIGN(Address), &Base, &Block->Tag, &Owner);

    if (Pages == 0) {
        return FALSE;
    }
    if (Block->Tag == 0) { /* a slab's page */
        return ExpFindSmallBlock(Base, Address, Block);
    }
    Block->Base = Base;
    Block->Size = Pages * PAGE_SIZE;
    Block->Caller = ExpCallerOf(Owner);
    return TRUE;
}

ULONG64 ExDescribePoolBlock(PVOID Block)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)Block - 1;
    return Header->PoolTag | (Header->BlockSize * EX_POOL_UNIT - sizeof(*Header)) << 32;
}
