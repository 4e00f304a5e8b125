/*
 * bitmap.c - finding and marking runs of bits, a word at a time.
 */
#include "bitmap.h"

#define WORD_BITS 64U

/* First index in [From, Limit) whose bit is Set; Limit when there is none. The word is shifted by
 * the bits before From and zeros come in at the top, so what is found lies behind From. */
static ULONG MiNextBit(const ULONG64 *Map, ULONG From, ULONG Limit, BOOLEAN Set)
{
    ULONG64 Invert = Set ? 0 : ~0ULL;
    ULONG64 Word;

    while (From < Limit) {
        Word = (Map[From / WORD_BITS] ^ Invert) >> (From % WORD_BITS);
        if (Word != 0) {
            From += (ULONG)__builtin_ctzll(Word);
            break;
        }
        From = (From / WORD_BITS + 1) * WORD_BITS;
    }
    return From < Limit ? From : Limit;
}

ULONG MiFindClearRun(const ULONG64 *Map, ULONG From, ULONG Limit, ULONG Count)
{
    ULONG End;

    for (;;) {
        From = MiNextBit(Map, From, Limit, FALSE);
        if (Count > Limit - From) {
            return MI_NO_RUN;
        }
        End = MiNextBit(Map, From, From + Count, TRUE);
        if (End == From + Count) {
            return From;
        }
        From = End;
    }
}

/* The part of the word at *First that the run covers; moves *First behind it. */
static ULONG64 MiTakeWordMask(ULONG *First, ULONG *Count)
{
    ULONG Shift = *First % WORD_BITS;
    ULONG Bits = WORD_BITS - Shift < *Count ? WORD_BITS - Shift : *Count;

    *First += Bits;
    *Count -= Bits;
    return (Bits == WORD_BITS ? ~0ULL : (1ULL << Bits) - 1) << Shift;
}

void MiSetRun(ULONG64 *Map, ULONG First, ULONG Count)
{
    while (Count != 0) {
        ULONG64 *Word = &Map[First / WORD_BITS];

        *Word |= MiTakeWordMask(&First, &Count);
    }
}

void MiClearRun(ULONG64 *Map, ULONG First, ULONG Count)
{
    while (Count != 0) {
        ULONG64 *Word = &Map[First / WORD_BITS];

        *Word &= ~MiTakeWordMask(&First, &Count);
    }
}

BOOLEAN MiIsRunSet(const ULONG64 *Map, ULONG First, ULONG Count)
{
    return MiNextBit(Map, First, First + Count, FALSE) == First + Count;
}

void MiSubtractRun(ULONG64 *Map, ULONG64 *Mask, ULONG First, ULONG End)
{
    for (ULONG Word = First / WORD_BITS; Word * WORD_BITS < End; Word++) {
        Map[Word] &= ~Mask[Word];
        Mask[Word] = 0;
    }
}
