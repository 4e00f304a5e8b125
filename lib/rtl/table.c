/*
 * table.c - generic tables: elements in a splay tree, and in a list in the order in which they
 * came. Pure.
 *
 * Each search brings what it found to the root, so that what is asked for often is near it. So a
 * lookup writes, too: two readers at a time would destroy the tree, and a lock that readers share
 * is not enough. Only RtlEnumerateGenericTableWithoutSplaying leaves everything as it is.
 */
#include <ntddk.h>

/* An element as it is allocated. */
typedef struct _RTLP_ELEMENT {
    RTL_SPLAY_LINKS Links;
    LIST_ENTRY Order;
    DECLSPEC_ALIGN(8) UCHAR Data[];
} RTLP_ELEMENT, *PRTLP_ELEMENT;
C_ASSERT(offsetof(RTLP_ELEMENT, Data) == sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY));

static PRTLP_ELEMENT RtlpElement(PRTL_SPLAY_LINKS Links)
{
    return CONTAINING_RECORD(Links, RTLP_ELEMENT, Links);
}

VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table,
                                     PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                     PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                     PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    Table->TableRoot = NULL;
    InitializeListHead(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->NumberGenericTableElements = 0;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

/* The node equal to Buffer, or that which it would be a child of. */
static TABLE_SEARCH_RESULT RtlpSearch(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                      PRTL_SPLAY_LINKS *Found)
{
    PRTL_SPLAY_LINKS At = Table->TableRoot;
    TABLE_SEARCH_RESULT Result = TableEmptyTree;

    *Found = NULL;
    while (At != NULL) {
        RTL_GENERIC_COMPARE_RESULTS Order =
            Table->CompareRoutine(Table, Buffer, RtlpElement(At)->Data);
        *Found = At;
        if (Order == GenericEqual) {
            return TableFoundNode;
        }
        Result = Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        At = Order == GenericLessThan ? At->LeftChild : At->RightChild;
    }
    return Result;
}

PVOID NTAPI RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS Found;

    /* After a search in vain, too: the parent of what may be inserted is the root then. */
    *SearchResult = RtlpSearch(Table, Buffer, &Found);
    *NodeOrParent = Found;
    if (Found != NULL) {
        Table->TableRoot = RtlSplay(Found);
    }
    return *SearchResult == TableFoundNode ? RtlpElement(Found)->Data : NULL;
}

PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    TABLE_SEARCH_RESULT Result;
    PVOID Node;

    return RtlLookupElementGenericTableFull(Table, Buffer, &Node, &Result);
}

/* The search ended at an empty place below Parent, so nothing in the table lies between the two.
 * With Parent at the root one of its subtrees is all that lies beyond New: New takes that over, and
 * Parent with the other one becomes its second child. */
static void RtlpEnter(PRTL_GENERIC_TABLE Table, PRTL_SPLAY_LINKS New, PRTL_SPLAY_LINKS Parent,
                      TABLE_SEARCH_RESULT Where)
{
    RtlInitializeSplayLinks(New);
    if (Parent == NULL) {
        Table->TableRoot = New;
        return;
    }
    RtlSplay(Parent);
    if (Where == TableInsertAsLeft) {
        New->LeftChild = Parent->LeftChild;
        New->RightChild = Parent;
        Parent->LeftChild = NULL;
    } else {
        New->RightChild = Parent->RightChild;
        New->LeftChild = Parent;
        Parent->RightChild = NULL;
    }
    if (New->LeftChild != NULL) {
        New->LeftChild->Parent = New;
    }
    if (New->RightChild != NULL) {
        New->RightChild->Parent = New;
    }
    Table->TableRoot = New;
}

PVOID NTAPI RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             CLONG BufferSize, PBOOLEAN NewElement,
                                             PVOID NodeOrParent, TABLE_SEARCH_RESULT SearchResult)
{
    PRTLP_ELEMENT Element;

    if (NewElement != NULL) {
        *NewElement = FALSE;
    }
    if (SearchResult == TableFoundNode) {
        Table->TableRoot = RtlSplay(NodeOrParent);
        return RtlpElement(NodeOrParent)->Data;
    }
    /* The sum is what the caller's allocator is asked for, in 32 bits. */
    if (BufferSize > MAXULONG - sizeof(RTLP_ELEMENT)) {
        return NULL;
    }
    Element = Table->AllocateRoutine(Table, (CLONG)sizeof(RTLP_ELEMENT) + BufferSize);
    if (Element == NULL) {
        return NULL;
    }
    RtlCopyMemory(Element->Data, Buffer, BufferSize);
    InsertTailList(&Table->InsertOrderList, &Element->Order);
    Table->NumberGenericTableElements++;
    RtlpEnter(Table, &Element->Links, NodeOrParent, SearchResult);
    if (NewElement != NULL) {
        *NewElement = TRUE;
    }
    return Element->Data;
}

PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                         PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS Found;
    TABLE_SEARCH_RESULT Result = RtlpSearch(Table, Buffer, &Found);

    return RtlInsertElementGenericTableFull(Table, Buffer, BufferSize, NewElement, Found, Result);
}

BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Found;

    if (RtlpSearch(Table, Buffer, &Found) != TableFoundNode) {
        return FALSE;
    }
    Table->TableRoot = RtlDelete(Found);
    RemoveEntryList(&RtlpElement(Found)->Order);
    Table->NumberGenericTableElements--;
    /* Behind the element all places have changed, and it may be the one that is remembered. */
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->FreeRoutine(Table, RtlpElement(Found));
    return TRUE;
}

static PRTL_SPLAY_LINKS RtlpFirst(PRTL_SPLAY_LINKS Root)
{
    while (Root != NULL && Root->LeftChild != NULL) {
        Root = Root->LeftChild;
    }
    return Root;
}

/* The one answered last is the root. That is all there is to remember it by: a lookup between two
 * calls makes the enumeration go on behind what was looked up. */
PVOID NTAPI RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    PRTL_SPLAY_LINKS Next;

    if (Table->TableRoot == NULL) {
        return NULL;
    }
    Next = Restart ? RtlpFirst(Table->TableRoot) : RtlRealSuccessor(Table->TableRoot);
    if (Next == NULL) {
        return NULL;
    }
    Table->TableRoot = RtlSplay(Next);
    return RtlpElement(Next)->Data;
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Next =
        *RestartKey == NULL ? RtlpFirst(Table->TableRoot) : RtlRealSuccessor(*RestartKey);

    if (Next == NULL) {
        return NULL;
    }
    *RestartKey = Next;
    return RtlpElement(Next)->Data;
}

/* From the end or the place looked at last, whichever is nearest. WhichOrderedElement counts
 * from 1. */
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    ULONG Wanted = I + 1, Count = Table->NumberGenericTableElements;

    if (I >= Count) {
        return NULL;
    }
    if (Wanted < Table->WhichOrderedElement && Wanted < Table->WhichOrderedElement - Wanted) {
        Table->OrderedPointer = &Table->InsertOrderList;
        Table->WhichOrderedElement = 0;
    } else if (Wanted > Table->WhichOrderedElement &&
               Count + 1 - Wanted < Wanted - Table->WhichOrderedElement) {
        Table->OrderedPointer = &Table->InsertOrderList;
        Table->WhichOrderedElement = Count + 1;
    }
    while (Table->WhichOrderedElement < Wanted) {
        Table->OrderedPointer = Table->OrderedPointer->Flink;
        Table->WhichOrderedElement++;
    }
    while (Table->WhichOrderedElement > Wanted) {
        Table->OrderedPointer = Table->OrderedPointer->Blink;
        Table->WhichOrderedElement--;
    }
    return CONTAINING_RECORD(Table->OrderedPointer, RTLP_ELEMENT, Order)->Data;
}

ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->TableRoot == NULL;
}
