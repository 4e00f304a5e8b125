/*
 * poolmon.c - what the records of poolowner.c look like to people: `pool`, the totals and tags, and
 * `poolmon`, the same by driver or by place in the code, sorted by any column, as the tool of that
 * name does it.
 *
 * Both collect one row for each group of records into memory of their own, then sort and print.
 */
#include "pool.h"
#include "kd.h"
#include "ldr.h"

#define EX_MONITOR_TAG 'moPx' /* "xPom" */

static const char *const ExpKindNames[EX_POOL_KINDS] = {"NonPaged", "Paged", "Execute"};

/* What records have in common that are shown in one row. */
typedef enum _EX_POOL_GROUPING {
    ExGroupTag,
    ExGroupDriver, /* and tag */
    ExGroupCaller  /* and tag */
} EX_POOL_GROUPING;

typedef struct _EX_POOL_ROW {
    ULONG Tag;
    ULONG Kind;
    PVOID Who; /* module's base, caller, or NULL */
    LONG64 Allocations, Frees, Bytes;
} EX_POOL_ROW, *PEX_POOL_ROW;

typedef struct _EX_POOL_TABLE {
    EX_POOL_GROUPING Grouping;
    char Sort;            /* the column's letter, see ExpCompareRows */
    LONG Kind;            /* the only one shown; -1: all */
    const char *Included; /* pattern of the tags shown; NULL: all */
    const char *Excluded; /* pattern of the tags not shown; NULL: none */
    PEX_POOL_ROW Rows;
    ULONG Count;
} EX_POOL_TABLE, *PEX_POOL_TABLE;

/*** Collecting. ***/

static PVOID ExpRowOwner(const EX_POOL_TABLE *Table, PVOID Caller)
{
    PLDR_MODULE Module;

    switch (Table->Grouping) {
    case ExGroupDriver:
        Module = LdrFindModule(Caller);
        return Module == NULL ? NULL : Module->Base;
    case ExGroupCaller:
        return Caller;
    default:
        return NULL;
    }
}

/* The row of a group; new ones are all zero but for what they have in common. */
static PEX_POOL_ROW ExpFindRow(PEX_POOL_TABLE Table, ULONG Tag, ULONG Kind, PVOID Who)
{
    PEX_POOL_ROW Row = Table->Rows;

    for (ULONG i = 0; i < Table->Count; i++, Row++) {
        if (Row->Tag == Tag && Row->Kind == Kind && Row->Who == Who) {
            return Row;
        }
    }
    Table->Count++;
    *Row = (EX_POOL_ROW){.Tag = Tag, .Kind = Kind, .Who = Who};
    return Row;
}

static BOOLEAN ExpIsShown(const EX_POOL_TABLE *Table, const EX_POOL_OWNER *Owner, ULONG Kind)
{
    return Owner->Key != 0 && Owner->Allocations != 0 &&
           (Table->Kind < 0 || Table->Kind == (LONG)Kind) &&
           (Table->Included == NULL || ExpMatchTag(Owner->Tag, Table->Included)) &&
           (Table->Excluded == NULL || !ExpMatchTag(Owner->Tag, Table->Excluded));
}

/* Table->Rows is the caller's to free. FALSE: no memory. */
static BOOLEAN ExpCollectRows(PEX_POOL_TABLE Table)
{
    Table->Rows = ExAllocatePoolWithTag(PagedPool, ARRAYSIZE(ExpOwners) * sizeof(EX_POOL_ROW),
                                        EX_MONITOR_TAG);
    for (ULONG i = 0; Table->Rows != NULL && i < ARRAYSIZE(ExpOwners); i++) {
        const EX_POOL_OWNER *Owner = &ExpOwners[i];
        ULONG Kind = EX_KIND_OF_INDEX(ExpIndexOfKey(Owner->Key));

        if (ExpIsShown(Table, Owner, Kind)) {
            PEX_POOL_ROW Row =
                ExpFindRow(Table, Owner->Tag, Kind, ExpRowOwner(Table, ExpCallerOfKey(Owner->Key)));

            Row->Allocations += Owner->Allocations;
            Row->Frees += Owner->Frees;
            Row->Bytes += ExpOwnerBytes(Owner);
        }
    }
    return Table->Rows != NULL;
}

/*** Sorting: by the column asked for, the largest first; what is alike, by tag and kind. ***/

static LONG64 ExpSortValue(const EX_POOL_ROW *Row, char Column)
{
    LONG64 Count = Row->Allocations - Row->Frees;

    switch (Column) {
    case 'a':
        return Row->Allocations;
    case 'f':
        return Row->Frees;
    case 'd':
        return Count;
    case 'b':
        return Row->Bytes;
    case 'm':
        return Count == 0 ? 0 : Row->Bytes / Count;
    default:
        return 0;
    }
}

static BOOLEAN ExpIsRowBefore(const EX_POOL_ROW *A, const EX_POOL_ROW *B, char Column)
{
    LONG64 ValueA = ExpSortValue(A, Column), ValueB = ExpSortValue(B, Column);
    ULONG TagA = __builtin_bswap32(A->Tag), TagB = __builtin_bswap32(B->Tag);

    if (ValueA != ValueB) {
        return ValueA > ValueB;
    }
    if (TagA != TagB) {
        return TagA < TagB;
    }
    return A->Kind != B->Kind ? A->Kind < B->Kind : (ULONG_PTR)A->Who < (ULONG_PTR)B->Who;
}

static void ExpSortRows(PEX_POOL_TABLE Table)
{
    for (ULONG i = 1; i < Table->Count; i++) {
        EX_POOL_ROW Row = Table->Rows[i];
        ULONG At = i;

        for (; At > 0 && ExpIsRowBefore(&Row, &Table->Rows[At - 1], Table->Sort); At--) {
            Table->Rows[At] = Table->Rows[At - 1];
        }
        Table->Rows[At] = Row;
    }
}

/*** The `pool` command. ***/

static void ExpShowTotals(PKD_CONSOLE Console)
{
    EX_POOL_STATISTICS Total;

    for (ULONG Kind = 0; Kind < EX_POOL_KINDS; Kind++) {
        ExpQueryKindStatistics(Kind, &Total);
        KdConsolePrint(Console, "%-8s  allocs %I64u frees %I64u bytes %I64u pages %I64u\n",
                       ExpKindNames[Kind], Total.Allocations, Total.Frees, Total.BytesInUse,
                       Total.PagesInUse);
    }
}

static NTSTATUS ExpShowPool(PKD_CONSOLE Console, int Argc, char **Argv)
{
    EX_POOL_TABLE Table = {.Sort = 't', .Kind = -1, .Included = Argc == 2 ? Argv[1] : NULL};
    char Tag[5];

    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    if (!ExpCollectRows(&Table)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (Argc == 1) {
        ExpShowTotals(Console);
    }
    if (Table.Count == 0) {
        KdConsolePrint(Console, "Nothing has been allocated with the tag %s.\n", Argv[1]);
    }
    ExpSortRows(&Table);
    for (ULONG i = 0; i < Table.Count; i++) {
        const EX_POOL_ROW *Row = &Table.Rows[i];

        ExpFormatTag(Row->Tag, Tag);
        KdConsolePrint(Console, "%s %-8s  allocs %I64d frees %I64d diff %I64d bytes %I64d\n", Tag,
                       ExpKindNames[Row->Kind], Row->Allocations, Row->Frees,
                       Row->Allocations - Row->Frees, Row->Bytes);
    }
    ExFreePoolWithTag(Table.Rows, EX_MONITOR_TAG);
    return STATUS_SUCCESS;
}

KD_COMMAND("pool", "[TAG]", "pool totals, and what each tag has allocated and freed", ExpShowPool);

/*** The `poolmon` command. ***/

static void ExpFormatOwner(const EX_POOL_TABLE *Table, PVOID Who, char *Text, SIZE_T Size)
{
    PLDR_MODULE Module = LdrFindModule(Who);

    Text[0] = 0;
    if (Table->Grouping == ExGroupTag) {
        return;
    }
    if (Module == NULL) {
        strcpy_s(Text, Size, "(unloaded)");
    } else if (Table->Grouping == ExGroupCaller) {
        LdrFormatAddress(Who, Text, Size);
    } else {
        strcpy_s(Text, Size, Module->Name);
    }
}

static void ExpShowRows(PKD_CONSOLE Console, const EX_POOL_TABLE *Table)
{
    static const char *const Headings[] = {"", "  Driver", "  Allocated by"};
    char Tag[5], Owner[96];

    KdConsolePrint(Console, " %-5s%-8s%12s%12s%10s%12s%10s%s\n", "Tag", "Type", "Allocs", "Frees",
                   "Diff", "Bytes", "Per Alloc", Headings[Table->Grouping]);
    for (ULONG i = 0; i < Table->Count; i++) {
        const EX_POOL_ROW *Row = &Table->Rows[i];

        ExpFormatTag(Row->Tag, Tag);
        ExpFormatOwner(Table, Row->Who, Owner, sizeof(Owner));
        KdConsolePrint(Console, " %-5s%-8s%12I64d%12I64d%10I64d%12I64d%10I64d  %s\n", Tag,
                       ExpKindNames[Row->Kind], Row->Allocations, Row->Frees,
                       Row->Allocations - Row->Frees, Row->Bytes, ExpSortValue(Row, 'm'), Owner);
    }
}

/* One option: a letter, with or without the tool's slash or dash, or a pattern. */
static BOOLEAN ExpParseMonitorOption(PEX_POOL_TABLE Table, const char *Option)
{
    if (*Option != '/' && *Option != '-') {
        Table->Included = Option;
        return TRUE;
    }
    Option++;
    if (*Option == 'i' || *Option == 'x') {
        *(*Option == 'i' ? &Table->Included : &Table->Excluded) = Option + 1;
        return (BOOLEAN)(Option[1] != 0);
    }
    if (*Option == 0 || Option[1] != 0) {
        return FALSE;
    }
    if (strchr("tafdbm", *Option) != NULL) {
        Table->Sort = *Option;
    } else if (*Option == 'n' || *Option == 'p') {
        Table->Kind = *Option == 'p' ? EX_KIND_PAGED : 0;
    } else if (*Option == 'g' || *Option == 'c') {
        Table->Grouping = *Option == 'g' ? ExGroupDriver : ExGroupCaller;
    } else {
        return FALSE;
    }
    return TRUE;
}

static NTSTATUS ExpMonitorPool(PKD_CONSOLE Console, int Argc, char **Argv)
{
    EX_POOL_TABLE Table = {.Sort = 't', .Kind = -1};

    for (int i = 1; i < Argc; i++) {
        if (!ExpParseMonitorOption(&Table, Argv[i])) {
            return KdConsoleUsage(Console);
        }
    }
    if (!ExpCollectRows(&Table)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExpSortRows(&Table);
    ExpShowRows(Console, &Table);
    ExFreePoolWithTag(Table.Rows, EX_MONITOR_TAG);
    return STATUS_SUCCESS;
}

KD_COMMAND("poolmon", "[/t|/a|/f|/d|/b|/m] [/n|/p] [/g|/c] [TAG|/iTAG] [/xTAG]",
           "pool use by tag, sorted by a column; /g by driver, /c by caller", ExpMonitorPool);
