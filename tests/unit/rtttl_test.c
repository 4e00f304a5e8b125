/*
 * Proves that tunes are read as RTTTL means them: pitches to the nearest hertz against floating
 * point, lengths that never drift, and for everything that is not a tune the exact column.
 *
 * unit-sources: drivers/kmelody/client/rtttl.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ntddk.h"
#include "drivers/kmelody/client/rtttl.h"

#define CAPACITY 64

static MELODY_NOTE Notes[CAPACITY];
static RTTTL_RESULT Result;

static BOOLEAN Parse(const char *Text)
{
    return RtttlParse(Text, strlen(Text), Notes, CAPACITY, &Result);
}

static void ExpectNote(ULONG Index, ULONG Frequency, ULONG Duration, ULONG Delay)
{
    assert(Index < Result.NoteCount);
    assert(Notes[Index].Frequency == Frequency && Notes[Index].Duration == Duration);
    assert(Notes[Index].Delay == Delay && Notes[Index].Repeat == 1);
}

static void ExpectError(const char *Text, ULONG Column, const char *Word)
{
    if (Parse(Text) || Result.Column != Column || strstr(Result.Reason, Word) == NULL) {
        printf("not ok - %s: column %u: %s\n", Text, Result.Column, Result.Reason);
        exit(1);
    }
}

/* 440 Hz, so many semitones up or down: multiplied out, so that no mathematics library is needed.
 */
static double Pitch(int Semitones)
{
    const double Step = 1.0594630943592953; /* twelfth root of two */
    double Hertz = 440;

    for (; Semitones > 0; Semitones--) {
        Hertz *= Step;
    }
    for (; Semitones < 0; Semitones++) {
        Hertz /= Step;
    }
    return Hertz;
}

static void TestPitches(void)
{
    static const char *const Names[] = {"c",  "c#", "d",  "d#", "e",  "f",
                                        "f#", "g",  "g#", "a",  "a#", "b"};

    for (int Octave = 1; Octave <= 8; Octave++) {
        for (int i = 0; i < 12; i++) {
            char Text[32];
            double Hertz = Pitch(i - 9 + 12 * (Octave - 4));

            sprintf(Text, "x::%s%d", Names[i], Octave);
            if (Hertz < 36.5) {
                ExpectError(Text, 4, "37 Hz");
                continue;
            }
            assert(Parse(Text) && Notes[0].Frequency == (ULONG)(Hertz + 0.5));
        }
    }
    assert(Parse("x::h5,b5,b#4,c5,e#4,f4,E4"));
    assert(Notes[0].Frequency == Notes[1].Frequency && Notes[2].Frequency == Notes[3].Frequency);
    assert(Notes[4].Frequency == Notes[5].Frequency && Notes[6].Frequency == 330);
}

static void TestGrammar(void)
{
    assert(Parse("Tune:d=8,o=5,b=120:c,4d#6.,p,2p.,16A.5,  1 6 h . "));
    assert(Result.NameLength == 4 && memcmp(Result.Name, "Tune", 4) == 0);
    assert(Result.NoteCount == 4);
    ExpectNote(0, 523, 250, 0);
    ExpectNote(1, 1245, 750, 250 + 1500);
    ExpectNote(2, 880, 188, 0); /* 187.5, from a whole position to a half one */
    ExpectNote(3, 988, 187, 0);
    assert(Result.Milliseconds == 250 + 750 + 1750 + 375);
    /* Defaults: quarters at 63 a minute in the sixth octave. */
    assert(Parse("\t:\r\n: a\n") && Result.NoteCount == 1);
    ExpectNote(0, 1760, 952, 0);
    /* A rest with nothing before it. */
    assert(Parse("x:b=60,:p,2p,a4") && Result.NoteCount == 2);
    ExpectNote(0, 0, 1000, 2000);
    ExpectNote(1, 440, 1000, 0);
}

/* A thousand notes at a speed that no whole number of milliseconds fits. */
static void TestNoDrift(void)
{
    static MELODY_NOTE Many[1000];
    static char Text[4096] = "x:d=32,b=997:";
    double Whole = 240000.0 / 997;
    ULONG64 Sum = 0;

    for (int i = 0; i < 1000; i++) {
        strcat(Text, i % 2 ? "a." : "a,");
        strcat(Text, i % 2 && i < 999 ? "," : "");
    }
    assert(RtttlParse(Text, strlen(Text), Many, 1000, &Result) && Result.NoteCount == 1000);
    for (int i = 0; i < 1000; i++) {
        double Units = (i / 2) * 5 + (i % 2 ? 2 : 0);

        assert(__builtin_fabs((double)Sum - Units / 64 * Whole) <= 0.5001);
        Sum += Many[i].Duration;
    }
    assert(Sum == Result.Milliseconds);
}

static void TestErrors(void)
{
    ExpectError("", 1, "colon");
    ExpectError("no tune", 8, "colon");
    ExpectError("x:d=4", 6, "colon");
    ExpectError("x:d=4:", 7, "missing");
    ExpectError("x:q=4:a", 3, "setting");
    ExpectError("x:d4:a", 4, "equals");
    ExpectError("x:d=3:a", 5, "duration");
    ExpectError("x:d=64:a", 5, "duration");
    ExpectError("x:d=:a", 5, "duration");
    ExpectError("x:o=0:a", 5, "octave");
    ExpectError("x:o=9:a", 5, "octave");
    ExpectError("x:b=0:a", 5, "beats");
    ExpectError("x:b=1000:a", 5, "beats");
    ExpectError("x:b=99999999999999999999:a", 5, "beats");
    ExpectError("x:d=4o=5:a", 6, "comma");
    ExpectError("x::a,,b", 6, "missing");
    ExpectError("x::a,", 6, "missing");
    ExpectError("x::i", 4, "a to h");
    ExpectError("x::4", 5, "missing");
    ExpectError("x::5a", 4, "duration");
    ExpectError("x::a9", 5, "octave");
    ExpectError("x::a0", 5, "octave");
    ExpectError("x::a.5.", 7, "dot");
    ExpectError("x::a..", 6, "dot");
    ExpectError("x::a b", 6, "comma");
    ExpectError("x::p#", 5, "comma");
    ExpectError("x::a:b", 5, "comma");
    ExpectError("x::a\xff", 5, "comma");
}

static void TestCapacity(void)
{
    assert(RtttlParse("x::a,b,p", 8, Notes, 2, &Result) && Result.NoteCount == 2);
    assert(!RtttlParse("x::a,b,c", 8, Notes, 2, &Result) && Result.Column == 8);
    assert(!RtttlParse("x::a", 4, Notes, 0, &Result));
    /* Endless rests do not overflow a delay: they go on in a note of silence. */
    assert(Parse("x:b=1,d=1:a,p.,p.,p.,p.,a") && Result.NoteCount == 4);
    for (ULONG i = 0; i < Result.NoteCount; i++) {
        assert(Notes[i].Duration <= MELODY_MAXIMUM_MS && Notes[i].Delay <= MELODY_MAXIMUM_MS);
    }
}

/* Random text over the format's letters, in memory of exactly its size. */
static void TestRandom(unsigned Seed)
{
    static const char Letters[] = "abcdefghpo=:,.#0123456789 \n";
    SIZE_T Length, Start;
    char *Text;

    srand(Seed);
    Length = 1 + (SIZE_T)rand() % 40;
    Start = (SIZE_T)rand() % 9;
    Text = malloc(Length);
    for (SIZE_T i = 0; i < Length; i++) {
        Text[i] = Letters[(SIZE_T)rand() % (sizeof(Letters) - 1)];
    }
    memcpy(Text, "x:d=4:a,", min(Length, Start));
    if (!RtttlParse(Text, Length, Notes, CAPACITY, &Result)) {
        assert(Result.Reason != NULL && Result.Column >= 1 && Result.Column <= Length + 1);
    }
    for (ULONG i = 0; i < Result.NoteCount; i++) {
        assert(Notes[i].Duration >= 1 && Notes[i].Duration <= MELODY_MAXIMUM_MS);
    }
    free(Text);
}

int main(void)
{
    puts("1..6");
    TestPitches();
    puts("ok 1 - pitches");
    TestGrammar();
    puts("ok 2 - grammar");
    TestNoDrift();
    puts("ok 3 - no drift");
    TestErrors();
    puts("ok 4 - errors by column");
    TestCapacity();
    puts("ok 5 - limits");
    for (unsigned Seed = 1; Seed <= 100000; Seed++) {
        TestRandom(Seed);
    }
    puts("ok 6 - 100000 random texts");
    return 0;
}
