/*
 * Promise: drivers can keep elements in generic tables, as splay trees and as AVL trees; the table
 * calls the driver's routines, keeps the elements in order, and gives all memory back. The trees
 * themselves are proved on the host (tests/unit/table_test.c).
 */
#include "kmt.h"

#define TAG 'bTmK'
#define COUNT 500

static LONG Blocks;

static RTL_GENERIC_COMPARE_RESULTS Order(PVOID First, PVOID Second)
{
    ULONG A = *(PULONG)First, B = *(PULONG)Second;
    return A < B ? GenericLessThan : A > B ? GenericGreaterThan : GenericEqual;
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI Compare(PRTL_GENERIC_TABLE Table, PVOID First,
                                                 PVOID Second)
{
    UNREFERENCED_PARAMETER(Table);
    return Order(First, Second);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI CompareAvl(PRTL_AVL_TABLE Table, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Table);
    return Order(First, Second);
}

static PVOID NTAPI Allocate(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    UNREFERENCED_PARAMETER(Table);
    Blocks++;
    return ExAllocatePool2(POOL_FLAG_PAGED, Size, TAG);
}

static PVOID NTAPI AllocateAvl(PRTL_AVL_TABLE Table, CLONG Size)
{
    UNREFERENCED_PARAMETER(Table);
    Blocks++;
    return ExAllocatePool2(POOL_FLAG_PAGED, Size, TAG);
}

static VOID NTAPI Free(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    UNREFERENCED_PARAMETER(Table);
    Blocks--;
    ExFreePoolWithTag(Buffer, TAG);
}

static VOID NTAPI FreeAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    UNREFERENCED_PARAMETER(Table);
    Blocks--;
    ExFreePoolWithTag(Buffer, TAG);
}

static VOID TestSplay(VOID)
{
    RTL_GENERIC_TABLE Table;
    TABLE_SEARCH_RESULT Result;
    PVOID Node, Key = NULL;
    BOOLEAN New;
    ULONG Seen = 0, Last = 0, Wrong = 0;

    RtlInitializeGenericTable(&Table, Compare, Allocate, Free, NULL);
    KMT_CHECK(RtlIsGenericTableEmpty(&Table), "a splay table begins empty");
    for (ULONG i = 0; i < COUNT; i++) {
        ULONG Number = i * 7919 % COUNT + 1;
        RtlInsertElementGenericTable(&Table, &Number, sizeof(Number), &New);
        Wrong += !New;
    }
    KMT_EQUAL(RtlNumberGenericTableElements(&Table), COUNT, "takes elements");
    RtlInsertElementGenericTable(&Table, &(ULONG){9}, sizeof(ULONG), &New);
    KMT_CHECK(!New && Wrong == 0, "each once");
    RtlLookupElementGenericTableFull(&Table, &(ULONG){COUNT + 1}, &Node, &Result);
    KMT_EQUAL(Result, TableInsertAsRight, "tells where one belongs");
    RtlInsertElementGenericTableFull(&Table, &(ULONG){COUNT + 1}, sizeof(ULONG), &New, Node,
                                     Result);
    for (PULONG At = RtlEnumerateGenericTable(&Table, TRUE); At != NULL;
         At = RtlEnumerateGenericTable(&Table, FALSE)) {
        Wrong += *At != ++Last;
    }
    while (RtlEnumerateGenericTableWithoutSplaying(&Table, &Key) != NULL) {
        Seen++;
    }
    KMT_CHECK(Wrong == 0 && Last == COUNT + 1 && Seen == Last, "and has them in order");
    KMT_EQUAL(*(PULONG)RtlGetElementGenericTable(&Table, COUNT), COUNT + 1, "or by age");
    KMT_CHECK(RtlLookupElementGenericTable(&Table, &(ULONG){0}) == NULL, "what is not there");
    PRTL_SPLAY_LINKS Root = Table.TableRoot, After = RtlRealSuccessor(Root);
    KMT_CHECK(RtlRealPredecessor(Root) == RtlSubtreePredecessor(Root) &&
                  RtlSubtreeSuccessor(Root) == After,
              "the root's neighbours are below it");
    for (ULONG i = 1; i <= COUNT + 1; i++) {
        Wrong += !RtlDeleteElementGenericTable(&Table, &i);
    }
    KMT_CHECK(Wrong == 0 && Blocks == 0, "all of it goes");
}

static VOID TestLinks(VOID)
{
    RTL_SPLAY_LINKS Nodes[3];

    RtlInitializeSplayLinks(&Nodes[1]);
    RtlInitializeSplayLinks(&Nodes[0]);
    RtlInitializeSplayLinks(&Nodes[2]);
    RtlInsertAsLeftChild(&Nodes[1], &Nodes[0]);
    RtlInsertAsRightChild(&Nodes[1], &Nodes[2]);
    KMT_CHECK(RtlSplay(&Nodes[2]) == &Nodes[2] && RtlIsRoot(&Nodes[2]),
              "a node splayed is the root");
    KMT_CHECK(RtlDelete(&Nodes[2]) == &Nodes[1] && RtlDelete(&Nodes[0]) == &Nodes[1] &&
                  RtlDelete(&Nodes[1]) == NULL,
              "deleted, others are");
}

static VOID TestAvl(VOID)
{
    RTL_AVL_TABLE Table;
    TABLE_SEARCH_RESULT Result;
    PVOID Node, Key = NULL;
    BOOLEAN New;
    ULONG Last = 0, Wrong = 0;

    RtlInitializeGenericTableAvl(&Table, CompareAvl, AllocateAvl, FreeAvl, NULL);
    for (ULONG i = 1; i <= COUNT; i++) {
        RtlInsertElementGenericTableAvl(&Table, &i, sizeof(i), &New);
        Wrong += !New;
    }
    KMT_CHECK(Table.DepthOfTree <= 10 && !RtlIsGenericTableEmptyAvl(&Table),
              "an AVL table is not deep");
    KMT_EQUAL(RtlNumberGenericTableElementsAvl(&Table), COUNT, "with all of its elements");
    RtlLookupElementGenericTableFullAvl(&Table, &(ULONG){7}, &Node, &Result);
    KMT_EQUAL(Result, TableFoundNode, "finds one");
    RtlInsertElementGenericTableFullAvl(&Table, &(ULONG){7}, sizeof(ULONG), &New, Node, Result);
    KMT_CHECK(!New && RtlLookupElementGenericTableAvl(&Table, &(ULONG){0}) == NULL, "but once");
    KMT_EQUAL(*(PULONG)RtlGetElementGenericTableAvl(&Table, 99), 100, "by place in the order");
    while (RtlEnumerateGenericTableWithoutSplayingAvl(&Table, &Key) != NULL) {
        Last++;
    }
    for (PULONG At = RtlEnumerateGenericTableAvl(&Table, TRUE); At != NULL;
         At = RtlEnumerateGenericTableAvl(&Table, FALSE)) {
        Wrong += !RtlDeleteElementGenericTableAvl(&Table, At);
    }
    KMT_CHECK(Last == COUNT && Wrong == 0 && Blocks == 0, "elements go while they are enumerated");
}

static VOID KmtRun(VOID)
{
    TestSplay();
    TestLinks();
    TestAvl();
}
