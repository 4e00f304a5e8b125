/* room.c - where memory will be free once the firmware has gone. Pure. */
#include "loader.h"

#define LOWEST 0x100000 /* below it the kernel starts its processors */

uint64_t BlRamBetween(const BL_MEMORY *Memory, size_t Count, uint64_t Low, uint64_t High)
{
    uint64_t Bytes = 0;

    for (size_t i = 0; i < Count; i++) {
        uint64_t Start = Memory[i].Base, End = Start + Memory[i].Length;

        Start = Start < Low ? Low : Start;
        End = End > High ? High : End;
        if (Memory[i].Type == BL_MEMORY_RAM && Start < End) {
            Bytes += End - Start;
        }
    }
    return Bytes;
}

static int BlIsFree(const BL_MEMORY *Taken, size_t TakenCount, uint64_t Low, uint64_t High)
{
    for (size_t i = 0; i < TakenCount; i++) {
        if (Taken[i].Base < High && Taken[i].Base + Taken[i].Length > Low) {
            return 0;
        }
    }
    return 1;
}

/* The lowest place begins where RAM does, or where something taken ends. */
uint64_t BlFindRoom(const BL_MEMORY *Memory, size_t Count, const BL_MEMORY *Taken,
                    size_t TakenCount, uint64_t Size)
{
    uint64_t Lowest = 0;

    for (size_t i = 0; i < Count + TakenCount; i++) {
        const BL_MEMORY *Edge = i < Count ? &Memory[i] : &Taken[i - Count];
        uint64_t At = i < Count ? Edge->Base : Edge->Base + Edge->Length;

        At = At < LOWEST ? LOWEST : (At + BL_PAGE - 1) & ~(uint64_t)(BL_PAGE - 1);
        if (At + Size <= BL_LOW_LIMIT && (Lowest == 0 || At < Lowest) &&
            BlRamBetween(Memory, Count, At, At + Size) == Size &&
            BlIsFree(Taken, TakenCount, At, At + Size)) {
            Lowest = At;
        }
    }
    return Lowest;
}
