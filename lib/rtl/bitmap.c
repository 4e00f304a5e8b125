/*
 * bitmap.c - runs of equal bits in a bitmap. Everything is made of one step: the end of the run
 * that begins at a bit, found a word at a time. The last word's bits beyond the size are anything:
 * whoever reads a word cuts what he finds to the size. Pure; any IRQL; the caller's lock.
 */
#include <ntddk.h>

#define WORD_BITS 32

VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return BitNumber < BitMapHeader->SizeOfBitMap && RtlCheckBit(BitMapHeader, BitNumber);
}

/* Where the bits from Start on stop being Set: at Limit at the latest, which lies in the bitmap. */
static ULONG RunEnd(PRTL_BITMAP BitMap, ULONG Start, ULONG Limit, BOOLEAN Set)
{
    ULONG Index = Start;

    while (Index < Limit) {
        /* Ones where a bit is of the other kind, from Index on. */
        ULONG Other = BitMap->Buffer[Index / WORD_BITS] ^ (Set ? MAXULONG : 0);
        Other &= MAXULONG << Index % WORD_BITS;
        if (Other != 0) {
            Index = Index / WORD_BITS * WORD_BITS + (ULONG)__builtin_ctz(Other);
            break;
        }
        /* In 64 bits: the last word of the largest bitmap ends where 32 do. */
        Index = (ULONG)min(((ULONG64)Index / WORD_BITS + 1) * WORD_BITS, Limit);
    }
    return min(Index, Limit);
}

/* Without adding up, which could overflow. */
static BOOLEAN IsInside(PRTL_BITMAP BitMap, ULONG Start, ULONG Count)
{
    return Start <= BitMap->SizeOfBitMap && Count <= BitMap->SizeOfBitMap - Start;
}

static void Change(PRTL_BITMAP BitMap, ULONG Start, ULONG Count, BOOLEAN Set)
{
    if (!IsInside(BitMap, Start, Count)) {
        return;
    }
    while (Count != 0) {
        ULONG Offset = Start % WORD_BITS, Part = min(Count, WORD_BITS - Offset);
        /* Part is 1 at least, so the shift is less than a word. */
        ULONG Mask = (MAXULONG >> (WORD_BITS - Part)) << Offset;
        if (Set) {
            BitMap->Buffer[Start / WORD_BITS] |= Mask;
        } else {
            BitMap->Buffer[Start / WORD_BITS] &= ~Mask;
        }
        Start += Part;
        Count -= Part;
    }
}

VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    Change(BitMapHeader, StartingIndex, NumberToClear, FALSE);
}

VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    Change(BitMapHeader, StartingIndex, NumberToSet, TRUE);
}

VOID NTAPI RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    Change(BitMapHeader, BitNumber, 1, FALSE);
}

VOID NTAPI RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    Change(BitMapHeader, BitNumber, 1, TRUE);
}

VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    Change(BitMapHeader, 0, BitMapHeader->SizeOfBitMap, FALSE);
}

VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    Change(BitMapHeader, 0, BitMapHeader->SizeOfBitMap, TRUE);
}

static BOOLEAN Are(PRTL_BITMAP BitMap, ULONG Start, ULONG Count, BOOLEAN Set)
{
    return Count != 0 && IsInside(BitMap, Start, Count) &&
           RunEnd(BitMap, Start, Start + Count, Set) == Start + Count;
}

BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Are(BitMapHeader, StartingIndex, Length, FALSE);
}

BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Are(BitMapHeader, StartingIndex, Length, TRUE);
}

ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    ULONG Size = BitMapHeader->SizeOfBitMap, Count = 0;

    for (ULONG Index = 0; Index < Size; Index++) {
        ULONG End = RunEnd(BitMapHeader, Index, Size, TRUE);
        Count += End - Index;
        /* The loop adds one. */
        Index = RunEnd(BitMapHeader, End, Size, FALSE) - 1;
    }
    return Count;
}

ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    return BitMapHeader->SizeOfBitMap - RtlNumberOfSetBits(BitMapHeader);
}

/* The first Count bits in a row that are Set, beginning from Start to Limit; MAXULONG: none. */
static ULONG FindFrom(PRTL_BITMAP BitMap, ULONG Start, ULONG Limit, ULONG Count, BOOLEAN Set)
{
    ULONG Size = BitMap->SizeOfBitMap;

    while (Start < Limit) {
        ULONG First = RunEnd(BitMap, Start, Size, !Set);
        ULONG End = RunEnd(BitMap, First, Size, Set);
        if (First < Limit && End - First >= Count) {
            return First;
        }
        Start = End;
        if (End >= Size) {
            break;
        }
    }
    return MAXULONG;
}

/* From the hint to the end, then from the beginning: a run may begin before the hint and end behind
 * it. */
static ULONG Find(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint, BOOLEAN Set)
{
    ULONG Found;

    Hint = Hint >= BitMap->SizeOfBitMap ? 0 : Hint;
    if (Count == 0) {
        /* Who looks for nothing gets the first bit of the byte that the hint lies in. */
        return Hint & ~7U;
    }
    Found = FindFrom(BitMap, Hint, BitMap->SizeOfBitMap, Count, Set);
    return Found != MAXULONG ? Found : FindFrom(BitMap, 0, Hint, Count, Set);
}

ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return Find(BitMapHeader, NumberToFind, HintIndex, FALSE);
}

ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return Find(BitMapHeader, NumberToFind, HintIndex, TRUE);
}

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG Found = RtlFindClearBits(BitMapHeader, NumberToFind, HintIndex);

    if (Found != MAXULONG) {
        RtlSetBits(BitMapHeader, Found, NumberToFind);
    }
    return Found;
}

ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG Found = RtlFindSetBits(BitMapHeader, NumberToFind, HintIndex);

    if (Found != MAXULONG) {
        RtlClearBits(BitMapHeader, Found, NumberToFind);
    }
    return Found;
}

ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                       PULONG StartingRunIndex)
{
    ULONG Size = BitMapHeader->SizeOfBitMap;
    ULONG First = RunEnd(BitMapHeader, min(FromIndex, Size), Size, TRUE);

    *StartingRunIndex = First;
    return RunEnd(BitMapHeader, First, Size, FALSE) - First;
}

ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    return RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}

ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    ULONG Longest = 0, Start = 0, Length, Index = 0;

    *StartingIndex = 0;
    while ((Length = RtlFindNextForwardRunClear(BitMapHeader, Index, &Start)) != 0) {
        if (Length > Longest) {
            Longest = Length;
            *StartingIndex = Start;
        }
        Index = Start + Length;
    }
    return Longest;
}
