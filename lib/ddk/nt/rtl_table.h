/*
 * nt/rtl_table.h - tables of elements in order: splay trees (RTL_GENERIC_TABLE) and AVL trees
 * (RTL_AVL_TABLE).
 *
 * An element is a copy of the caller's bytes behind the table's own links, in memory from the
 * caller's routine: it gets sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY), or
 * sizeof(RTL_BALANCED_LINKS), bytes more. The table has no lock: calls come one after another,
 * those of a splay table even when they only look something up. IRQL and memory are as the caller's
 * routines and elements want them. Sources: WDK, under the names.
 */
#include <wdm.h>

#ifndef _NT_RTL_TABLE_
#define _NT_RTL_TABLE_

typedef enum _TABLE_SEARCH_RESULT {
    TableEmptyTree,
    TableFoundNode,
    TableInsertAsLeft,
    TableInsertAsRight
} TABLE_SEARCH_RESULT;

typedef enum _RTL_GENERIC_COMPARE_RESULTS {
    GenericLessThan,
    GenericGreaterThan,
    GenericEqual
} RTL_GENERIC_COMPARE_RESULTS;

/*** Splay trees. The parent of the root is the root itself. ***/

typedef struct _RTL_SPLAY_LINKS {
    struct _RTL_SPLAY_LINKS *Parent;
    struct _RTL_SPLAY_LINKS *LeftChild;
    struct _RTL_SPLAY_LINKS *RightChild;
} RTL_SPLAY_LINKS, *PRTL_SPLAY_LINKS;

#define RtlInitializeSplayLinks(Links)                                                             \
    ((Links)->Parent = (Links), (Links)->LeftChild = NULL, (Links)->RightChild = NULL)
#define RtlParent(Links) ((PRTL_SPLAY_LINKS)(Links)->Parent)
#define RtlLeftChild(Links) ((PRTL_SPLAY_LINKS)(Links)->LeftChild)
#define RtlRightChild(Links) ((PRTL_SPLAY_LINKS)(Links)->RightChild)
#define RtlIsRoot(Links) (RtlParent(Links) == (PRTL_SPLAY_LINKS)(Links))
#define RtlIsLeftChild(Links) (RtlLeftChild(RtlParent(Links)) == (PRTL_SPLAY_LINKS)(Links))
#define RtlIsRightChild(Links) (RtlRightChild(RtlParent(Links)) == (PRTL_SPLAY_LINKS)(Links))
#define RtlInsertAsLeftChild(ParentLinks, ChildLinks)                                              \
    ((ParentLinks)->LeftChild = (ChildLinks), (ChildLinks)->Parent = (ParentLinks))
#define RtlInsertAsRightChild(ParentLinks, ChildLinks)                                             \
    ((ParentLinks)->RightChild = (ChildLinks), (ChildLinks)->Parent = (ParentLinks))

/* Makes Links the root, as splaying does; returns it. WDK: RtlSplay. */
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlSplay(_Inout_ PRTL_SPLAY_LINKS Links);
/* Takes Links out; returns the root of the rest, NULL: nothing is left. WDK: RtlDelete. */
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlDelete(_In_ PRTL_SPLAY_LINKS Links);
/* The next node in order, or the one before (RtlRealPredecessor), of the whole tree; NULL: Links is
 * the last. WDK: RtlRealSuccessor, RtlRealPredecessor. */
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(_In_ PRTL_SPLAY_LINKS Links);
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(_In_ PRTL_SPLAY_LINKS Links);
/* The same among those below Links. WDK: RtlSubtreeSuccessor, RtlSubtreePredecessor. */
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(_In_ PRTL_SPLAY_LINKS Links);
NTSYSAPI PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(_In_ PRTL_SPLAY_LINKS Links);

struct _RTL_GENERIC_TABLE;

/* How First stands to Second. One of them may be what was given to a lookup: not a whole
 * element. */
typedef RTL_GENERIC_COMPARE_RESULTS NTAPI RTL_GENERIC_COMPARE_ROUTINE(
    _In_ struct _RTL_GENERIC_TABLE *Table, _In_ PVOID FirstStruct, _In_ PVOID SecondStruct);
typedef RTL_GENERIC_COMPARE_ROUTINE *PRTL_GENERIC_COMPARE_ROUTINE;
/* ByteSize bytes, aligned to 8, or NULL. */
typedef PVOID NTAPI RTL_GENERIC_ALLOCATE_ROUTINE(_In_ struct _RTL_GENERIC_TABLE *Table,
                                                 _In_ CLONG ByteSize);
typedef RTL_GENERIC_ALLOCATE_ROUTINE *PRTL_GENERIC_ALLOCATE_ROUTINE;
typedef VOID NTAPI RTL_GENERIC_FREE_ROUTINE(_In_ struct _RTL_GENERIC_TABLE *Table,
                                            _In_ PVOID Buffer);
typedef RTL_GENERIC_FREE_ROUTINE *PRTL_GENERIC_FREE_ROUTINE;

typedef struct _RTL_GENERIC_TABLE {
    PRTL_SPLAY_LINKS TableRoot;
    LIST_ENTRY InsertOrderList;
    PLIST_ENTRY OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine;
    PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine;
    PRTL_GENERIC_FREE_ROUTINE FreeRoutine;
    PVOID TableContext;
} RTL_GENERIC_TABLE, *PRTL_GENERIC_TABLE;
C_ASSERT(sizeof(RTL_GENERIC_TABLE) == 0x48);

/* An empty table; TableContext is the caller's own. WDK: RtlInitializeGenericTable. */
NTSYSAPI VOID NTAPI RtlInitializeGenericTable(_Out_ PRTL_GENERIC_TABLE Table,
                                              _In_ PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                              _In_ PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                              _In_ PRTL_GENERIC_FREE_ROUTINE FreeRoutine,
                                              _In_opt_ PVOID TableContext);
/* Copies BufferSize bytes into the table, unless an equal element is there; answers the element in
 * it. *NewElement, unless NULL: whether it is new. NULL: no memory. WDK:
 * RtlInsertElementGenericTable. */
NTSYSAPI PVOID NTAPI RtlInsertElementGenericTable(_In_ PRTL_GENERIC_TABLE Table, _In_ PVOID Buffer,
                                                  _In_ CLONG BufferSize,
                                                  _Out_opt_ PBOOLEAN NewElement);
/* The same with what RtlLookupElementGenericTableFull has found. WDK:
 * RtlInsertElementGenericTableFull. */
NTSYSAPI PVOID NTAPI RtlInsertElementGenericTableFull(_In_ PRTL_GENERIC_TABLE Table,
                                                      _In_ PVOID Buffer, _In_ CLONG BufferSize,
                                                      _Out_opt_ PBOOLEAN NewElement,
                                                      _In_opt_ PVOID NodeOrParent,
                                                      _In_ TABLE_SEARCH_RESULT SearchResult);
/* Takes out and frees the element equal to Buffer; FALSE: there is none. WDK:
 * RtlDeleteElementGenericTable. */
NTSYSAPI BOOLEAN NTAPI RtlDeleteElementGenericTable(_In_ PRTL_GENERIC_TABLE Table,
                                                    _In_ PVOID Buffer);
/* The element equal to Buffer, or NULL. WDK: RtlLookupElementGenericTable. */
NTSYSAPI PVOID NTAPI RtlLookupElementGenericTable(_In_ PRTL_GENERIC_TABLE Table, _In_ PVOID Buffer);
/* The same; *NodeOrParent and *SearchResult: where it is, or belongs. WDK:
 * RtlLookupElementGenericTableFull. */
NTSYSAPI PVOID NTAPI RtlLookupElementGenericTableFull(_In_ PRTL_GENERIC_TABLE Table,
                                                      _In_ PVOID Buffer, _Out_ PVOID *NodeOrParent,
                                                      _Out_ TABLE_SEARCH_RESULT *SearchResult);
/* The first element in order (Restart), or the one behind the one answered last; NULL: no more. Any
 * other call in between changes where it goes on. WDK: RtlEnumerateGenericTable. */
NTSYSAPI PVOID NTAPI RtlEnumerateGenericTable(_In_ PRTL_GENERIC_TABLE Table, _In_ BOOLEAN Restart);
/* The same with the place kept by the caller, *RestartKey, NULL at first; the tree stays as it is.
 * The element answered last must still be there. WDK: RtlEnumerateGenericTableWithoutSplaying. */
NTSYSAPI PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(_In_ PRTL_GENERIC_TABLE Table,
                                                             _Inout_ PVOID *RestartKey);
/* The I-th element, from 0, in the order in which they were inserted; NULL: there are fewer. WDK:
 * RtlGetElementGenericTable. */
NTSYSAPI PVOID NTAPI RtlGetElementGenericTable(_In_ PRTL_GENERIC_TABLE Table, _In_ ULONG I);
/* How many there are, and whether there are none. WDK: RtlNumberGenericTableElements,
 * RtlIsGenericTableEmpty. */
NTSYSAPI ULONG NTAPI RtlNumberGenericTableElements(_In_ PRTL_GENERIC_TABLE Table);
NTSYSAPI BOOLEAN NTAPI RtlIsGenericTableEmpty(_In_ PRTL_GENERIC_TABLE Table);

/*** AVL trees: looking something up changes nothing. The root is BalancedRoot's right child. ***/

typedef struct _RTL_BALANCED_LINKS {
    struct _RTL_BALANCED_LINKS *Parent;
    struct _RTL_BALANCED_LINKS *LeftChild;
    struct _RTL_BALANCED_LINKS *RightChild;
    CHAR Balance; /* height of the right side less that of the left: -1, 0, 1 */
    UCHAR Reserved[3];
} RTL_BALANCED_LINKS, *PRTL_BALANCED_LINKS;

struct _RTL_AVL_TABLE;

/* As those of splay trees. */
typedef RTL_GENERIC_COMPARE_RESULTS NTAPI RTL_AVL_COMPARE_ROUTINE(_In_ struct _RTL_AVL_TABLE *Table,
                                                                  _In_ PVOID FirstStruct,
                                                                  _In_ PVOID SecondStruct);
typedef RTL_AVL_COMPARE_ROUTINE *PRTL_AVL_COMPARE_ROUTINE;
typedef PVOID NTAPI RTL_AVL_ALLOCATE_ROUTINE(_In_ struct _RTL_AVL_TABLE *Table,
                                             _In_ CLONG ByteSize);
typedef RTL_AVL_ALLOCATE_ROUTINE *PRTL_AVL_ALLOCATE_ROUTINE;
typedef VOID NTAPI RTL_AVL_FREE_ROUTINE(_In_ struct _RTL_AVL_TABLE *Table, _In_ PVOID Buffer);
typedef RTL_AVL_FREE_ROUTINE *PRTL_AVL_FREE_ROUTINE;

typedef struct _RTL_AVL_TABLE {
    RTL_BALANCED_LINKS BalancedRoot;
    PVOID OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    ULONG DepthOfTree;
    PRTL_BALANCED_LINKS RestartKey;
    ULONG DeleteCount;
    PRTL_AVL_COMPARE_ROUTINE CompareRoutine;
    PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine;
    PRTL_AVL_FREE_ROUTINE FreeRoutine;
    PVOID TableContext;
} RTL_AVL_TABLE, *PRTL_AVL_TABLE;
C_ASSERT(sizeof(RTL_AVL_TABLE) == 0x68);

/* Making, filling and emptying a tree: as their namesakes above. WDK: RtlInitializeGenericTableAvl
 * and so on. */
NTSYSAPI VOID NTAPI RtlInitializeGenericTableAvl(_Out_ PRTL_AVL_TABLE Table,
                                                 _In_ PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                                 _In_opt_ PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                                 _In_opt_ PRTL_AVL_FREE_ROUTINE FreeRoutine,
                                                 _In_opt_ PVOID TableContext);
NTSYSAPI PVOID NTAPI RtlInsertElementGenericTableAvl(_In_ PRTL_AVL_TABLE Table, _In_ PVOID Buffer,
                                                     _In_ CLONG BufferSize,
                                                     _Out_opt_ PBOOLEAN NewElement);
NTSYSAPI PVOID NTAPI RtlInsertElementGenericTableFullAvl(_In_ PRTL_AVL_TABLE Table,
                                                         _In_ PVOID Buffer, _In_ CLONG BufferSize,
                                                         _Out_opt_ PBOOLEAN NewElement,
                                                         _In_opt_ PVOID NodeOrParent,
                                                         _In_ TABLE_SEARCH_RESULT SearchResult);
NTSYSAPI BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(_In_ PRTL_AVL_TABLE Table,
                                                       _In_ PVOID Buffer);
/* Looking: as above, but RtlGetElementGenericTableAvl counts in the elements' order, and
 * RtlEnumerateGenericTableAvl goes on where it was even when elements come and go. WDK:
 * RtlLookupElementGenericTableAvl and so on. */
NTSYSAPI PVOID NTAPI RtlLookupElementGenericTableAvl(_In_ PRTL_AVL_TABLE Table, _In_ PVOID Buffer);
NTSYSAPI PVOID NTAPI RtlLookupElementGenericTableFullAvl(_In_ PRTL_AVL_TABLE Table,
                                                         _In_ PVOID Buffer,
                                                         _Out_ PVOID *NodeOrParent,
                                                         _Out_ TABLE_SEARCH_RESULT *SearchResult);
NTSYSAPI PVOID NTAPI RtlEnumerateGenericTableAvl(_In_ PRTL_AVL_TABLE Table, _In_ BOOLEAN Restart);
/* As RtlEnumerateGenericTableWithoutSplaying, and RtlGetElementGenericTable in the elements' order.
 * WDK: RtlEnumerateGenericTableWithoutSplayingAvl, RtlGetElementGenericTableAvl. */
NTSYSAPI PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(_In_ PRTL_AVL_TABLE Table,
                                                                _Inout_ PVOID *RestartKey);
NTSYSAPI PVOID NTAPI RtlGetElementGenericTableAvl(_In_ PRTL_AVL_TABLE Table, _In_ ULONG I);
/* How many there are, and whether there are none. WDK: RtlNumberGenericTableElementsAvl,
 * RtlIsGenericTableEmptyAvl. */
NTSYSAPI ULONG NTAPI RtlNumberGenericTableElementsAvl(_In_ PRTL_AVL_TABLE Table);
NTSYSAPI BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(_In_ PRTL_AVL_TABLE Table);

/* Drivers that define this get AVL trees under the plain names. */
#ifdef RTL_USE_AVL_TABLES
#define RTL_GENERIC_TABLE RTL_AVL_TABLE
#define PRTL_GENERIC_TABLE PRTL_AVL_TABLE
#define RTL_GENERIC_COMPARE_ROUTINE RTL_AVL_COMPARE_ROUTINE
#define PRTL_GENERIC_COMPARE_ROUTINE PRTL_AVL_COMPARE_ROUTINE
#define RTL_GENERIC_ALLOCATE_ROUTINE RTL_AVL_ALLOCATE_ROUTINE
#define PRTL_GENERIC_ALLOCATE_ROUTINE PRTL_AVL_ALLOCATE_ROUTINE
#define RTL_GENERIC_FREE_ROUTINE RTL_AVL_FREE_ROUTINE
#define PRTL_GENERIC_FREE_ROUTINE PRTL_AVL_FREE_ROUTINE
#define RtlInitializeGenericTable RtlInitializeGenericTableAvl
#define RtlInsertElementGenericTable RtlInsertElementGenericTableAvl
#define RtlInsertElementGenericTableFull RtlInsertElementGenericTableFullAvl
#define RtlDeleteElementGenericTable RtlDeleteElementGenericTableAvl
#define RtlLookupElementGenericTable RtlLookupElementGenericTableAvl
#define RtlLookupElementGenericTableFull RtlLookupElementGenericTableFullAvl
#define RtlEnumerateGenericTable RtlEnumerateGenericTableAvl
#define RtlEnumerateGenericTableWithoutSplaying RtlEnumerateGenericTableWithoutSplayingAvl
#define RtlGetElementGenericTable RtlGetElementGenericTableAvl
#define RtlNumberGenericTableElements RtlNumberGenericTableElementsAvl
#define RtlIsGenericTableEmpty RtlIsGenericTableEmptyAvl
#endif

#endif
