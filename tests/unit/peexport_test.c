/*
 * Proves that exports are found by name and by ordinal, forwards told apart from addresses and
 * taken apart rightly, and that no damage to an export table makes the search read outside of the
 * image.
 *
 * unit-sources: kernel/ldr/peexport.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ldr/pe.h"

#define SIZE 0x400
#define TABLE 0x100 /* directory; functions, names and indices follow */
#define FUNCTIONS 0x140
#define NAMES 0x180
#define INDICES 0x1C0
#define TEXTS 0x200
#define TABLE_SIZE 0x200
#define BASE_ORDINAL 5

static UCHAR *Mapped; /* exactly SIZE bytes: the sanitizer watches its ends */
static PE_IMAGE Image;

static void Put(ULONG Rva, ULONG Value, ULONG Size)
{
    memcpy(Mapped + Rva, &Value, Size);
}

/* Ordinals 5 Beta 20h, 6 Alpha 30h, 7 a gap, 8 Gamma forwarded to x.Y, 9 without name 50h. */
static void MakeTable(void)
{
    static const char *const Texts[] = {"Alpha", "Beta", "Gamma", "x.Y"};
    const IMAGE_EXPORT_DIRECTORY Table = {.Base = BASE_ORDINAL,
                                          .NumberOfFunctions = 5,
                                          .NumberOfNames = 3,
                                          .AddressOfFunctions = FUNCTIONS,
                                          .AddressOfNames = NAMES,
                                          .AddressOfNameOrdinals = INDICES};
    const ULONG Functions[] = {0x20, 0x30, 0, TEXTS + 3 * 16, 0x50};

    memset(Mapped, 0xCC, SIZE);
    memcpy(Mapped + TABLE, &Table, sizeof(Table));
    memcpy(Mapped + FUNCTIONS, Functions, sizeof(Functions));
    for (ULONG i = 0; i < ARRAYSIZE(Texts); i++) {
        strcpy((char *)Mapped + TEXTS + i * 16, Texts[i]);
        Put(NAMES + 4 * i, TEXTS + i * 16, 4);
    }
    Put(INDICES + 0, 1, 2);
    Put(INDICES + 2, 0, 2);
    Put(INDICES + 4, 3, 2);
    Image = (PE_IMAGE){.ImageSize = SIZE};
    Image.Directories[IMAGE_DIRECTORY_ENTRY_EXPORT] = (IMAGE_DATA_DIRECTORY){TABLE, TABLE_SIZE};
}

/* RVA of what is found; 0: missing; 1: out of range; 2: a forward. */
static ULONG Find(const CHAR *Name, ULONG Ordinal)
{
    const PE_SYMBOL Symbol = {Name, Ordinal};
    PE_EXPORT Export;
    PE_REASON Reason = PeFindExport(&Image, Mapped, &Symbol, &Export);

    assert(Reason == PeOk || Reason == PeExportMissing || Reason == PeExportRange);
    if (Reason != PeOk) {
        return Reason == PeExportRange;
    }
    if (Export.Forward != NULL) {
        assert(strlen(Export.Forward) < SIZE);
        return 2;
    }
    return Export.Rva;
}

static void TestFinding(void)
{
    MakeTable();
    assert(Find("Alpha", 0) == 0x30 && Find("Beta", 0) == 0x20 && Find("Gamma", 0) == 2);
    assert(Find("", 0) == 0 && Find("Alph", 0) == 0 && Find("Alphaa", 0) == 0);
    assert(Find("Zeta", 0) == 0 && Find("alpha", 0) == 0);
    assert(Find(NULL, 5) == 0x20 && Find(NULL, 6) == 0x30 && Find(NULL, 7) == 0);
    assert(Find(NULL, 8) == 2 && Find(NULL, 9) == 0x50);
    assert(Find(NULL, 4) == 0 && Find(NULL, 10) == 0 && Find(NULL, 0) == 0 && Find(NULL, ~0U) == 0);
    Image.Directories[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress = 0;
    assert(Find("Alpha", 0) == 0);
}

static void TestRanges(void)
{
    MakeTable();
    Put(FUNCTIONS, SIZE, 4);
    assert(Find("Beta", 0) == 1);
    MakeTable();
    Put(TABLE + offsetof(IMAGE_EXPORT_DIRECTORY, AddressOfNames), SIZE - 4, 4);
    assert(Find("Beta", 0) == 1);
    MakeTable();
    Put(TABLE + offsetof(IMAGE_EXPORT_DIRECTORY, AddressOfNameOrdinals), SIZE - 1, 4);
    assert(Find("Beta", 0) == 1);
    MakeTable();
    Put(INDICES + 2, 5, 2);
    assert(Find("Beta", 0) == 0);
    MakeTable();
    Image.Directories[IMAGE_DIRECTORY_ENTRY_EXPORT].Size = SIZE; /* everything is a forward */
    memset(Mapped + 0x300, 'x', 0x100);
    Put(FUNCTIONS, 0x3F0, 4);
    assert(Find("Beta", 0) == 1);
}

static void TestForwards(void)
{
    CHAR Module[8];
    PE_SYMBOL Symbol;

    assert(PeSplitForward("a.B", Module, sizeof(Module), &Symbol));
    assert(strcmp(Module, "a") == 0 && strcmp(Symbol.Name, "B") == 0);
    assert(PeSplitForward("a.b.C", Module, sizeof(Module), &Symbol));
    assert(strcmp(Module, "a.b") == 0 && strcmp(Symbol.Name, "C") == 0);
    assert(PeSplitForward("abcdefg.#65535", Module, sizeof(Module), &Symbol));
    assert(strcmp(Module, "abcdefg") == 0 && Symbol.Name == NULL && Symbol.Ordinal == 65535);
    static const char *const Wrong[] = {"",      "a",     ".B",         "a.",       ".",    "a.#",
                                        "a.#1x", "a.#-1", "abcdefgh.B", "a.#65536", "a.# 1"};
    for (ULONG i = 0; i < ARRAYSIZE(Wrong); i++) {
        assert(!PeSplitForward(Wrong[i], Module, sizeof(Module), &Symbol));
    }
}

static void Fuzz(unsigned Rounds)
{
    static const char *const Names[] = {"Alpha", "Beta", "Gamma", "", "zzz"};

    srand(1);
    for (unsigned i = 0; i < Rounds; i++) {
        MakeTable();
        for (int n = 1 + rand() % 8; n > 0; n--) {
            ULONG Value = rand() % 2 != 0 ? (ULONG)rand() % (2 * SIZE) : (ULONG)rand() << 1;
            Put(TABLE + (ULONG)(rand() % 64) * 4, Value, 4);
        }
        for (ULONG n = 0; n < ARRAYSIZE(Names); n++) {
            Find(Names[n], 0);
            Find(NULL, n + BASE_ORDINAL);
        }
    }
}

int main(void)
{
    Mapped = malloc(SIZE);
    puts("1..4");
    TestFinding();
    puts("ok 1 - by name and by ordinal");
    TestRanges();
    puts("ok 2 - out of range");
    TestForwards();
    puts("ok 3 - forwards");
    Fuzz(50000);
    puts("ok 4 - 50000 tables damaged at random");
    free(Mapped);
    return 0;
}
