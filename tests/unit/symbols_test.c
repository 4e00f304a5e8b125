/*
 * Proves that an address finds the symbol it belongs to, against a plain search, and that text
 * which is no symbol file is never read beyond its end.
 *
 * unit-sources: kernel/ldr/symbols.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ldr/symbols.h"

#define COUNT 50

/* COUNT lines with growing numbers, some of them equal; returns the text's length. */
static SIZE_T MakeText(char *Text, ULONG64 *Values)
{
    char *End = Text;
    ULONG64 Value = (ULONG64)rand() % 100;

    for (int i = 0; i < COUNT; i++) {
        Values[i] = Value;
        End += sprintf(End, "%016llx name%d%.*s\n", Value, i, rand() % 20, "xxxxxxxxxxxxxxxxxxxx");
        Value += (ULONG64)rand() % 5;
    }
    return (SIZE_T)(End - Text);
}

static void TestAgainstSearch(unsigned Seed)
{
    static char Text[COUNT * 64];
    ULONG64 Values[COUNT];
    SIZE_T Size;

    srand(Seed);
    Size = MakeText(Text, Values);
    Size -= (SIZE_T)rand() % 2; /* the last line may lack its end */
    for (ULONG64 Value = 0; Value < 400; Value++) {
        SYM_ENTRY Entry;
        int Last = -1;

        for (int i = 0; i < COUNT && Values[i] <= Value; i++) {
            Last = i;
        }
        assert(SymFind(Text, Size, Value, &Entry) == (Last >= 0));
        if (Last >= 0) {
            assert(Entry.Value == Values[Last]);
            assert(memcmp(Entry.Name, "name", 4) == 0 && atoi(Entry.Name + 4) == Last);
        }
    }
}

static void TestDamage(unsigned Seed)
{
    static char Text[COUNT * 64];
    ULONG64 Values[COUNT];
    SYM_ENTRY Entry;
    SIZE_T Size;
    char *Copy;

    srand(Seed);
    Size = MakeText(Text, Values);
    Size = (SIZE_T)rand() % Size + 1;
    Copy = malloc(Size);
    memcpy(Copy, Text, Size);
    for (int i = rand() % 20; i > 0; i--) {
        Copy[(SIZE_T)rand() % Size] = (char)(rand() % 3 ? rand() : '\n');
    }
    for (ULONG64 Value = 0; Value < 300; Value += 7) {
        if (SymFind(Copy, Size, Value, &Entry)) {
            assert(Entry.Name >= Copy && Entry.Name + Entry.NameLength <= Copy + Size);
        }
    }
    free(Copy);
}

int main(void)
{
    SYM_ENTRY Entry;

    puts("1..2");
    assert(!SymFind("", 0, 5, &Entry));
    for (unsigned Seed = 1; Seed <= 500; Seed++) {
        TestAgainstSearch(Seed);
    }
    puts("ok 1 - the nearest symbol below");
    for (unsigned Seed = 1; Seed <= 5000; Seed++) {
        TestDamage(Seed);
    }
    puts("ok 2 - damaged text");
    return 0;
}
