/*
 * pooltag.c - what each tag has allocated and freed.
 *
 * An open hash table that only grows: a slot, once claimed for a tag by compare-exchange, is that
 * tag's for ever, so looking up takes no lock, and an allocation and its free always count in the
 * same slot. Counters change by locked additions; they are exact whenever nobody is inside the
 * pools. The pools keep no other counts: totals are sums over the table.
 */
#include "pool.h"
#include "kd.h"

/* "Ovfl": those that found the table full. In the slot of tag 0, which so is never found there. */
#define EX_TAG_OTHERS 'lfvO'

EX_POOL_TAG ExpTags[EX_TAG_SLOTS] = {[0] = {.Tag = EX_TAG_OTHERS}};
volatile LONG64 ExpLargePages[EX_POOL_KINDS];

PEX_POOL_TAG NTAPI ExpProbeTag(ULONG Tag, ULONG Kind)
{
    ULONG Slot = (Tag * 0x9E3779B1U) >> EX_TAG_SHIFT;

    if (Tag == 0 || Tag == ' GIB') {
        KeBugCheckEx(BAD_POOL_CALLER, Tag == 0 ? EX_BAD_ZERO_TAG : EX_BAD_BIG_TAG, Kind, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    for (ULONG i = 0; i < EX_TAG_SLOTS; i++) {
        PEX_POOL_TAG Entry = &ExpTags[(Slot + i) & (EX_TAG_SLOTS - 1)];

        if (Entry->Tag == 0) {
            InterlockedCompareExchange(&Entry->Tag, Tag, 0);
        }
        if (Entry->Tag == Tag) {
            return Entry;
        }
    }
    return &ExpTags[0];
}

static void ExpAddCounts(EX_POOL_STATISTICS *Statistics, const EX_POOL_COUNTS *Counts)
{
    Statistics->Allocations += (ULONG64)Counts->Allocations;
    Statistics->Frees += (ULONG64)Counts->Frees;
    Statistics->BytesInUse += (ULONG64)Counts->Bytes;
}

void ExQueryPoolStatistics(POOL_TYPE PoolType, EX_POOL_STATISTICS *Statistics)
{
    ULONG Kind = PoolType & PagedPool;

    *Statistics = (EX_POOL_STATISTICS){0};
    for (ULONG i = 0; i < EX_TAG_SLOTS; i++) {
        ExpAddCounts(Statistics, &ExpTags[i].Counts[Kind]);
    }
    Statistics->PagesInUse = ExpQuerySlabPages(Kind) + (ULONG64)ExpLargePages[Kind];
}

/*** The `pool` command. ***/

static const char *const ExpKindNames[EX_POOL_KINDS] = {"NonPaged", "Paged"};

static void ExpFormatTag(ULONG Tag, char Text[5])
{
    for (ULONG i = 0; i < 4; i++) {
        UCHAR Byte = (UCHAR)(Tag >> (8 * i));

        Text[i] = Byte >= ' ' && Byte < 0x7F ? (char)Byte : '.';
    }
    Text[4] = 0;
}

static void ExpShowTag(PKD_CONSOLE Console, const EX_POOL_TAG *Entry)
{
    char Text[5];

    ExpFormatTag(Entry->Tag, Text);
    for (ULONG Kind = 0; Kind < EX_POOL_KINDS; Kind++) {
        const EX_POOL_COUNTS *Counts = &Entry->Counts[Kind];
        LONG64 Allocations = Counts->Allocations, Frees = Counts->Frees;

        if (Allocations != 0) {
            KdConsolePrint(Console, "%s %-8s  allocs %I64d frees %I64d diff %I64d bytes %I64d\n",
                           Text, ExpKindNames[Kind], Allocations, Frees, Allocations - Frees,
                           Counts->Bytes);
        }
    }
}

/* "Irp" names the tag "Irp ", as people write it. */
static BOOLEAN ExpIsTagNamed(const char Tag[5], const char *Name)
{
    ULONG i = 0;

    while (Name[i] != 0 && Tag[i] == Name[i]) {
        i++;
    }
    while (Tag[i] == ' ' && Name[i] == 0) {
        Tag++;
    }
    return Name[i] == 0 && Tag[i] == 0;
}

/* Tags as they are written, in alphabetical order; at most Room. */
static ULONG ExpSortTags(const EX_POOL_TAG **Sorted, ULONG Room)
{
    ULONG Count = 0;

    for (ULONG i = 0; i < EX_TAG_SLOTS && Count < Room; i++) {
        ULONG Key = __builtin_bswap32(ExpTags[i].Tag);
        ULONG At = Count;

        if (Key == 0) {
            continue;
        }
        for (; At > 0 && __builtin_bswap32(Sorted[At - 1]->Tag) > Key; At--) {
            Sorted[At] = Sorted[At - 1];
        }
        Sorted[At] = &ExpTags[i];
        Count++;
    }
    return Count;
}

static void ExpShowTotals(PKD_CONSOLE Console)
{
    EX_POOL_STATISTICS Total;

    for (ULONG Kind = 0; Kind < EX_POOL_KINDS; Kind++) {
        ExQueryPoolStatistics(Kind == 0 ? NonPagedPool : PagedPool, &Total);
        KdConsolePrint(Console, "%-8s  allocs %I64u frees %I64u bytes %I64u pages %I64u\n",
                       ExpKindNames[Kind], Total.Allocations, Total.Frees, Total.BytesInUse,
                       Total.PagesInUse);
    }
}

static NTSTATUS ExpShowPool(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const EX_POOL_TAG *Sorted[EX_TAG_SLOTS];
    ULONG Count = ExpSortTags(Sorted, ARRAYSIZE(Sorted));
    char Text[5];

    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    if (Argc == 1) {
        ExpShowTotals(Console);
    }
    for (ULONG i = 0; i < Count; i++) {
        ExpFormatTag(Sorted[i]->Tag, Text);
        if (Argc == 1 || ExpIsTagNamed(Text, Argv[1])) {
            ExpShowTag(Console, Sorted[i]);
        }
    }
    return STATUS_SUCCESS;
}

KD_COMMAND("pool", "[TAG]", "pool totals, and what each tag has allocated and freed", ExpShowPool);
