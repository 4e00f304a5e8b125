/*
 * count.c - extending counters, and the divisions that turn a frequency into a multiplier.
 *
 * Extending by an example with 8 bits: Last is 0x1F0. Raw 0xF8 is 0x1F8. Raw 0x05 would be 0x105,
 * which is before Last, so the counter has wrapped, once: 0x205. Had nobody looked for more than a
 * whole round, that round would be lost; the clock interrupt looks 64 times a second.
 */
#include "count.h"

ULONG64 HalpExtendCount(volatile ULONG64 *Last, ULONG64 Mask, ULONG64 (*ReadRaw)(void))
{
    ULONG64 Old, New;

    /* Raw is read after Last: it is never older, so a smaller one has wrapped. The exchange proves
     * that Last still stood when it was read, even if it stays the same. */
    do {
        Old = __atomic_load_n(Last, __ATOMIC_SEQ_CST);
        New = (Old & ~Mask) | ReadRaw();
        New += New < Old ? Mask + 1 : 0;
    } while (
        !__atomic_compare_exchange_n(Last, &Old, New, FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return New;
}

/* Long division, bit by bit: the dividend has more than 64 bits. */
ULONG64 HalpShiftDivide(ULONG64 Numerator, ULONG Shift, ULONG64 Denominator)
{
    ULONG64 Quotient = Numerator / Denominator;
    ULONG64 Rest = Numerator % Denominator;

    for (; Shift > 0; Shift--) {
        Rest <<= 1;
        Quotient = (Quotient << 1) | (Rest >= Denominator);
        Rest -= Rest >= Denominator ? Denominator : 0;
    }
    return Quotient;
}
