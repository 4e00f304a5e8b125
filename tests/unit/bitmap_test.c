/*
 * Proves that runs of pages are found, marked, given back and flushed exactly: against a plain
 * array, for random runs over word boundaries, and at the limits.
 *
 * unit-sources: kernel/mm/bitmap.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mm/bitmap.h"

#define BITS 1024

static ULONG64 Map[BITS / 64], Mask[BITS / 64];
static char Plain[BITS];
static int Number, Failures;

static void Check(int Held, const char *Text)
{
    printf("%sok %d - %s\n", Held ? "" : "not ", ++Number, Text);
    Failures += !Held;
}

static ULONG PlainFind(ULONG From, ULONG Limit, ULONG Count)
{
    for (ULONG First = From; First + Count <= Limit; First++) {
        ULONG Clear = 0;

        while (Clear < Count && !Plain[First + Clear]) {
            Clear++;
        }
        if (Clear == Count) {
            return First;
        }
    }
    return MI_NO_RUN;
}

static int SameAsPlain(void)
{
    for (ULONG Bit = 0; Bit < BITS; Bit++) {
        if ((Map[Bit / 64] >> (Bit % 64) & 1) != (ULONG64)Plain[Bit]) {
            return 0;
        }
    }
    return 1;
}

static void TestAgainstPlain(void)
{
    int Wrong = 0;

    for (int Step = 0; Step < 20000; Step++) {
        ULONG Limit = 64 + (ULONG)rand() % (BITS - 63);
        ULONG From = (ULONG)rand() % Limit;
        ULONG Count = 1 + (ULONG)rand() % (Step % 10 == 0 ? 200 : 12);
        ULONG Found = MiFindClearRun(Map, From, Limit, Count);

        Wrong += Found != PlainFind(From, Limit, Count);
        if (Found != MI_NO_RUN) {
            MiSetRun(Map, Found, Count);
            memset(Plain + Found, 1, Count);
            Wrong += !MiIsRunSet(Map, Found, Count);
        }
        From = (ULONG)rand() % (BITS - 40);
        Count = 1 + (ULONG)rand() % 40;
        MiClearRun(Map, From, Count);
        memset(Plain + From, 0, Count);
        Wrong += MiIsRunSet(Map, From, Count);
    }
    Check(Wrong == 0, "20000 random runs as in a plain array");
    Check(SameAsPlain(), "the map ends as the array does");
}

static void TestSubtract(void)
{
    memset(Map, 0xFF, sizeof(Map));
    MiSetRun(Mask, 60, 10);
    MiSetRun(Mask, 500, 3);
    MiSubtractRun(Map, Mask, 60, 503);
    memset(Plain, 1, BITS);
    memset(Plain + 60, 0, 10);
    memset(Plain + 500, 0, 3);
    Check(SameAsPlain(), "subtracting clears exactly what the mask has");
    Check(MiFindClearRun(Mask, 0, BITS, BITS) == 0, "and empties the mask");
}

static void TestLimits(void)
{
    memset(Map, 0, sizeof(Map));
    Check(MiFindClearRun(Map, 0, BITS, BITS) == 0, "the whole map is one run");
    Check(MiFindClearRun(Map, 1, BITS, BITS) == MI_NO_RUN, "a run does not pass the limit");
    Check(MiFindClearRun(Map, BITS, BITS, 1) == MI_NO_RUN, "nothing is found at the limit");
    Check(MiFindClearRun(Map, 0, 0, 1) == MI_NO_RUN, "nothing is found in an empty map");
    MiSetRun(Map, 0, BITS);
    Check(MiFindClearRun(Map, 0, BITS, 1) == MI_NO_RUN, "nothing is found in a full map");
    MiClearRun(Map, BITS - 1, 1);
    Check(MiFindClearRun(Map, 0, BITS, 1) == BITS - 1, "the last bit is found");
    Check(MiFindClearRun(Map, 0, BITS - 1, 1) == MI_NO_RUN, "but not behind the limit");
}

int main(void)
{
    srand(1);
    TestAgainstPlain();
    TestSubtract();
    TestLimits();
    printf("1..%d\n", Number);
    return Failures != 0;
}
