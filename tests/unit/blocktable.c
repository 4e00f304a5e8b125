/*
 * Proves the table of blocks that the pools' traces are kept in, against a model that remembers
 * everything: a block in use keeps its record, a freed one until its address is used again or its
 * place is needed, the one freed first going first; what has no room is counted.
 */
#define DBG 1
#include <stdio.h>
#include <stdlib.h>

#include "kernel/ex/blocktable.c"

#define CAPACITY 16
#define ADDRESSES 24
#define STEPS 200000

static int Number, Failures;

static void Check(int Held, const char *Text)
{
    printf("%sok %d - %s\n", Held ? "" : "not ", ++Number, Text);
    Failures += !Held;
}

static EX_BLOCK_TABLE Table;

static void Start(void)
{
    free(Table.Blocks);
    ExpInitializeBlocks(&Table, calloc(1, EX_BLOCK_TABLE_BYTES(CAPACITY)), CAPACITY);
}

static void TestOrder(void)
{
    Start();
    for (ULONG i = 0; i < CAPACITY; i++) {
        Check(ExpEnterBlock(&Table, 0x1000 + i * 64, 40, i) != NULL,
              "there is room for as many as the table has");
    }
    Check(ExpEnterBlock(&Table, 0x9000, 1, 1) == NULL && Table.Lost == 1,
          "one more is lost, and counted");
    Check(ExpFindBlock(&Table, 0x9000) == NULL, "it has no record");
    ExpMarkFreed(&Table, ExpFindBlock(&Table, 0x1000 + 5 * 64));
    ExpMarkFreed(&Table, ExpFindBlock(&Table, 0x1000 + 3 * 64));
    ExpMarkFreed(&Table, ExpFindBlock(&Table, 0x1000 + 5 * 64));
    Check(Table.Live == CAPACITY - 2, "a block freed twice is freed once");
    Check(ExpFindBlock(&Table, 0x1000 + 5 * 64)->Freed, "a freed block is remembered");
    Check(ExpEnterBlock(&Table, 0x9000, 1, 1) != NULL, "a freed block's record is used again");
    Check(ExpFindBlock(&Table, 0x1000 + 5 * 64) == NULL, "the one that was freed first");
    Check(ExpFindBlock(&Table, 0x1000 + 3 * 64)->Freed, "and not the other");
    Check(!ExpEnterBlock(&Table, 0x1000 + 3 * 64, 7, 9)->Freed,
          "an address that is used again has one record");
    Check(Table.Live == CAPACITY && Table.FirstFreed == 0 && Table.LastFreed == 0,
          "nothing is left freed");
}

static void TestAround(void)
{
    PEX_BLOCK Run, Block;

    Start();
    Run = ExpEnterBlock(&Table, 0x10000, 8192, 1);
    Check(ExpFindBlockAround(&Table, 0x10000 + 8191, 16) == Run, "the last byte");
    Check(ExpFindBlockAround(&Table, 0x10000 + 8192, 16) == NULL, "the one behind it");
    Check(ExpFindBlockAround(&Table, 0x10000 - 16, 16) == Run, "the header");
    Check(ExpFindBlockAround(&Table, 0x10000 - 17, 16) == NULL, "the byte before it");
    ExpMarkFreed(&Table, Run);
    Block = ExpEnterBlock(&Table, 0x10040, 0, 2);
    Check(ExpFindBlockAround(&Table, 0x10040, 16) == Block, "what was there last, if only a byte");
    Check(ExpFindBlockAround(&Table, 0x10050, 16) == Run, "beside it, what was before");
    Check(ExpFindBlockAround(&Table, ~(ULONG_PTR)0, 16) == NULL, "the end of all addresses");
}

/* The model: by address, whether it is in use and when it was freed. */
static void TestRandomly(void)
{
    struct {
        int Known, Live;
        ULONG64 FreedAt;
    } Model[ADDRESSES] = {0};
    ULONG Live = 0, Known = 0, Wrong = 0, Seed = 1;
    ULONG64 Lost = 0;

    Start();
    for (ULONG Step = 1; Step <= STEPS; Step++) {
        ULONG i = (Seed = Seed * 1664525 + 1013904223) >> 8, Victim = ADDRESSES;
        ULONG_PTR Address = 0x1000 + (i %= ADDRESSES) * 0x1000;
        PEX_BLOCK Block = ExpFindBlock(&Table, Address);

        Wrong += (Block != NULL) != Model[i].Known;
        Wrong += Block != NULL && Block->Freed == Model[i].Live;
        if (Model[i].Live) {
            ExpMarkFreed(&Table, Block);
            Model[i].Live = 0;
            Model[i].FreedAt = Step;
            Live--;
            continue;
        }
        if (!Model[i].Known && Known == CAPACITY) {
            for (ULONG k = 0; k < ADDRESSES; k++) {
                if (Model[k].Known && !Model[k].Live &&
                    (Victim == ADDRESSES || Model[k].FreedAt < Model[Victim].FreedAt)) {
                    Victim = k;
                }
            }
            if (Victim == ADDRESSES) {
                Lost++;
                Wrong += ExpEnterBlock(&Table, Address, 1, 1) != NULL;
                continue;
            }
            Model[Victim].Known = 0;
            Known--;
        }
        Wrong += ExpEnterBlock(&Table, Address, 1, 1) == NULL;
        Known += !Model[i].Known;
        Live++;
        Model[i].Known = Model[i].Live = 1;
        Wrong += Table.Live != Live || Table.Lost != Lost || Table.Used < Known;
    }
    Check(Wrong == 0 && Lost != 0, "the table is as the model all the time");
}

static void TestStacks(void)
{
    EX_STACK A = {1, 2, 2, {&Table, &Number}}, B = {3, 4, 2, {&Table, &Number, &Failures}};

    Check(ExpIsSameStack(&A, &B), "stacks are the same whoever has them, whatever is behind them");
    B.Count = 3;
    Check(!ExpIsSameStack(&A, &B), "a longer one is another");
    B.Count = 2;
    B.Frames[1] = &Table;
    Check(!ExpIsSameStack(&A, &B), "one through another place is another");
}

int main(void)
{
    TestOrder();
    TestAround();
    TestRandomly();
    TestStacks();
    free(Table.Blocks);
    printf("1..%d\n", Number);
    return Failures != 0;
}
