/*
 * stressmemory.h - the steps of stress_ke.c that allocate: blocks of pool and of a lookaside list,
 * filled on allocation and looked at when they go. Included once, behind the worker's declarations.
 */
#ifndef _STRESSMEMORY_H_
#define _STRESSMEMORY_H_

static VOID CheckAndFree(BLOCK *Block)
{
    for (ULONG i = 0; Block != NULL && i < Block->Size; i += 61) {
        if (Block->Bytes[i] != (UCHAR)(Block->Fill + i)) {
            InterlockedIncrement(&Damaged);
            break;
        }
    }
    if (Block != NULL) {
        ExFreePoolWithTag(Block, TAG);
    }
}

/* Small blocks mostly, whole pages now and then; each is looked at when it goes. */
static VOID StepPool(WORKER *Worker)
{
    ULONG Random = KmtRandom(&Worker->Seed);
    ULONG Size = (Random & 15) == 0 ? 4000 + Random % 20000 : 1 + Random % 900;
    BLOCK **Slot = &Worker->Kept[(Random >> 16) % KEPT];
    BLOCK *Block = ExAllocatePool2((Random >> 8) & 1 ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED,
                                   sizeof(BLOCK) + Size, TAG);

    CheckAndFree(*Slot);
    *Slot = Block;
    if (Block != NULL) {
        Block->Size = Size;
        Block->Fill = Random >> 24;
        for (ULONG i = 0; i < Size; i += 61) {
            Block->Bytes[i] = (UCHAR)(Block->Fill + i);
        }
    }
}

static VOID StepLookaside(WORKER *Worker)
{
    PULONG Entries[6];

    for (ULONG i = 0; i < 6; i++) {
        Entries[i] = ExAllocateFromNPagedLookasideList(&Lookaside);
        if (Entries[i] != NULL) {
            Entries[i][2] = Worker->Seed + i;
            Entries[i][5] = ~(Worker->Seed + i);
        }
    }
    for (ULONG i = 0; i < 6; i++) {
        if (Entries[i] != NULL) {
            if (Entries[i][2] != Worker->Seed + i || Entries[i][5] != ~(Worker->Seed + i)) {
                InterlockedIncrement(&Damaged);
            }
            ExFreeToNPagedLookasideList(&Lookaside, Entries[i]);
        }
    }
}

#endif
