/*
 * bitmap.h - runs of bits in a map of 64-bit words. Pure code, tested on the host.
 *
 * Bit n is bit n % 64 of word n / 64. Callers lock.
 */
#ifndef _MI_BITMAP_H_
#define _MI_BITMAP_H_

#include <ntdef.h>

#define MI_NO_RUN 0xFFFFFFFFU

/* First index >= From where Count clear bits stand together below Limit; MI_NO_RUN if none do. */
ULONG MiFindClearRun(const ULONG64 *Map, ULONG From, ULONG Limit, ULONG Count);
void MiSetRun(ULONG64 *Map, ULONG First, ULONG Count);
void MiClearRun(ULONG64 *Map, ULONG First, ULONG Count);
/* TRUE when all bits of the run are set. */
BOOLEAN MiIsRunSet(const ULONG64 *Map, ULONG First, ULONG Count);
/* Clears in Map what is set in Mask, and all of Mask, from First (rounded down to a word) to
 * End. */
void MiSubtractRun(ULONG64 *Map, ULONG64 *Mask, ULONG First, ULONG End);

#endif
