/*
 * avl.c - generic tables in AVL trees: the heights of a node's two sides differ by one at most, and
 * each node remembers by how much (Balance: right less left). The root is the right child of the
 * table's own node, so that every node has a parent. Pure.
 */
#include <ntddk.h>

#define LEFT (-1)
#define RIGHT 1

/* An element as it is allocated. */
typedef struct _RTLP_AVL_ELEMENT {
    RTL_BALANCED_LINKS Links;
    DECLSPEC_ALIGN(8) UCHAR Data[];
} RTLP_AVL_ELEMENT, *PRTLP_AVL_ELEMENT;
C_ASSERT(offsetof(RTLP_AVL_ELEMENT, Data) == sizeof(RTL_BALANCED_LINKS));

typedef PRTL_BALANCED_LINKS NODE;

static PVOID RtlpData(NODE Node)
{
    return Node != NULL ? CONTAINING_RECORD(Node, RTLP_AVL_ELEMENT, Links)->Data : NULL;
}

static NODE *RtlpSide(NODE Node, int Side)
{
    return Side == LEFT ? &Node->LeftChild : &Node->RightChild;
}

static int RtlpSideOf(NODE Node)
{
    return Node->Parent->LeftChild == Node ? LEFT : RIGHT;
}

/* Puts New, which may be NULL, in the place of Old. */
static void RtlpReplace(NODE Old, NODE New)
{
    *RtlpSide(Old->Parent, RtlpSideOf(Old)) = New;
    if (New != NULL) {
        New->Parent = Old->Parent;
    }
}

/* Node takes the place of its parent, which becomes its child. */
static void RtlpLift(NODE Node)
{
    NODE Parent = Node->Parent, Moved;
    int Side = RtlpSideOf(Node);

    RtlpReplace(Parent, Node);
    Moved = *RtlpSide(Node, -Side);
    *RtlpSide(Parent, Side) = Moved;
    if (Moved != NULL) {
        Moved->Parent = Parent;
    }
    *RtlpSide(Node, -Side) = Parent;
    Parent->Parent = Node;
}

/* Node's side Heavy is two higher than the other. *Lower: what stands in its place is lower than it
 * was before that side grew, or the other one shrank. */
static NODE RtlpRestore(NODE Node, int Heavy, BOOLEAN *Lower)
{
    NODE Child = *RtlpSide(Node, Heavy), Inner;

    *Lower = TRUE;
    /* The heavy side leans outwards, or not at all: one rotation. When it did not lean, which
     * happens only after a deletion, the height stays what it was and both lean towards each
     * other. */
    if (Child->Balance != -Heavy) {
        RtlpLift(Child);
        *Lower = Child->Balance != 0;
        Node->Balance = (CHAR)(*Lower ? 0 : Heavy);
        Child->Balance = (CHAR)(*Lower ? 0 : -Heavy);
        return Child;
    }
    /* It leans inwards: the inner grandchild rises twice, and its children go one to each side. */
    Inner = *RtlpSide(Child, -Heavy);
    RtlpLift(Inner);
    RtlpLift(Inner);
    Node->Balance = (CHAR)(Inner->Balance == Heavy ? -Heavy : 0);
    Child->Balance = (CHAR)(Inner->Balance == -Heavy ? Heavy : 0);
    Inner->Balance = 0;
    return Inner;
}

/* Node is new, and has no children. */
static void RtlpGrow(PRTL_AVL_TABLE Table, NODE Node)
{
    BOOLEAN Lower;

    /* Upwards as long as each side's growth makes the whole higher. */
    for (NODE At = Node; At->Parent != &Table->BalancedRoot; At = At->Parent) {
        int Side = RtlpSideOf(At);
        if (At->Parent->Balance == -Side) {
            At->Parent->Balance = 0;
            return;
        }
        if (At->Parent->Balance == Side) {
            RtlpRestore(At->Parent, Side, &Lower);
            return;
        }
        At->Parent->Balance = (CHAR)Side;
    }
    Table->DepthOfTree++;
}

/* Parent's side Side has become one lower. */
static void RtlpShrink(PRTL_AVL_TABLE Table, NODE Parent, int Side)
{
    while (Parent != &Table->BalancedRoot) {
        BOOLEAN Lower = TRUE;
        /* The other side still has the height: nobody above notices. */
        if (Parent->Balance == 0) {
            Parent->Balance = (CHAR)-Side;
            return;
        }
        if (Parent->Balance == Side) {
            Parent->Balance = 0;
        } else {
            Parent = RtlpRestore(Parent, -Side, &Lower);
        }
        if (!Lower) {
            return;
        }
        Side = RtlpSideOf(Parent);
        Parent = Parent->Parent;
    }
    Table->DepthOfTree--;
}

/* The outermost node below Node, on one side. */
static NODE RtlpOutermost(NODE Node, int Side)
{
    while (Node != NULL && *RtlpSide(Node, Side) != NULL) {
        Node = *RtlpSide(Node, Side);
    }
    return Node;
}

/* The node behind (RIGHT) or before (LEFT) in order; NULL: none. */
static NODE RtlpNext(PRTL_AVL_TABLE Table, NODE Node, int Side)
{
    NODE Below = RtlpOutermost(*RtlpSide(Node, Side), -Side);

    if (Below != NULL) {
        return Below;
    }
    while (Node->Parent != &Table->BalancedRoot && RtlpSideOf(Node) == Side) {
        Node = Node->Parent;
    }
    return Node->Parent != &Table->BalancedRoot ? Node->Parent : NULL;
}

/* A node with two children has its neighbour taken out, which then stands in for it. */
static void RtlpTakeOut(PRTL_AVL_TABLE Table, NODE Node)
{
    NODE Out = Node->LeftChild != NULL && Node->RightChild != NULL
                   ? RtlpOutermost(Node->RightChild, LEFT)
                   : Node;
    NODE Parent = Out->Parent;
    int Side = RtlpSideOf(Out);

    /* It has one child at most. The tree is balanced before the neighbour takes the node's place,
     * since a rotation may move the node. */
    RtlpReplace(Out, Out->LeftChild != NULL ? Out->LeftChild : Out->RightChild);
    RtlpShrink(Table, Parent, Side);
    if (Out != Node) {
        RtlpReplace(Node, Out);
        Out->Balance = Node->Balance;
        Out->LeftChild = Node->LeftChild;
        Out->RightChild = Node->RightChild;
        if (Out->LeftChild != NULL) {
            Out->LeftChild->Parent = Out;
        }
        if (Out->RightChild != NULL) {
            Out->RightChild->Parent = Out;
        }
    }
}

/* Places count from the beginning, and any change may move them. */
static void RtlpForgetOrder(PRTL_AVL_TABLE Table)
{
    Table->OrderedPointer = NULL;
    Table->WhichOrderedElement = 0;
}

VOID NTAPI RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table,
                                        PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                        PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                        PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    RtlZeroMemory(Table, sizeof(*Table));
    Table->BalancedRoot.Parent = &Table->BalancedRoot;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

PVOID NTAPI RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                PVOID *NodeOrParent,
                                                TABLE_SEARCH_RESULT *SearchResult)
{
    NODE At = Table->BalancedRoot.RightChild;

    *SearchResult = TableEmptyTree;
    *NodeOrParent = NULL;
    while (At != NULL) {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, RtlpData(At));
        *NodeOrParent = At;
        if (Order == GenericEqual) {
            *SearchResult = TableFoundNode;
            return RtlpData(At);
        }
        *SearchResult = Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        At = *RtlpSide(At, Order == GenericLessThan ? LEFT : RIGHT);
    }
    return NULL;
}

PVOID NTAPI RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    TABLE_SEARCH_RESULT Result;
    PVOID Node;

    return RtlLookupElementGenericTableFullAvl(Table, Buffer, &Node, &Result);
}

PVOID NTAPI RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                CLONG BufferSize, PBOOLEAN NewElement,
                                                PVOID NodeOrParent,
                                                TABLE_SEARCH_RESULT SearchResult)
{
    NODE Parent = SearchResult == TableEmptyTree ? &Table->BalancedRoot : NodeOrParent;
    PRTLP_AVL_ELEMENT Element;

    if (NewElement != NULL) {
        *NewElement = FALSE;
    }
    if (SearchResult == TableFoundNode) {
        return RtlpData(NodeOrParent);
    }
    if (BufferSize > MAXULONG - sizeof(RTLP_AVL_ELEMENT)) {
        return NULL;
    }
    Element = Table->AllocateRoutine(Table, (CLONG)sizeof(RTLP_AVL_ELEMENT) + BufferSize);
    if (Element == NULL) {
        return NULL;
    }
    RtlZeroMemory(&Element->Links, sizeof(Element->Links));
    RtlCopyMemory(Element->Data, Buffer, BufferSize);
    Element->Links.Parent = Parent;
    *RtlpSide(Parent, SearchResult == TableInsertAsLeft ? LEFT : RIGHT) = &Element->Links;
    RtlpGrow(Table, &Element->Links);
    Table->NumberGenericTableElements++;
    RtlpForgetOrder(Table);
    if (NewElement != NULL) {
        *NewElement = TRUE;
    }
    return Element->Data;
}

PVOID NTAPI RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                            PBOOLEAN NewElement)
{
    TABLE_SEARCH_RESULT Result;
    PVOID Node;

    RtlLookupElementGenericTableFullAvl(Table, Buffer, &Node, &Result);
    return RtlInsertElementGenericTableFullAvl(Table, Buffer, BufferSize, NewElement, Node, Result);
}

/* An enumeration that stands on the element goes back by one. */
BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    TABLE_SEARCH_RESULT Result;
    PVOID Node;

    if (RtlLookupElementGenericTableFullAvl(Table, Buffer, &Node, &Result) == NULL) {
        return FALSE;
    }
    if (Table->RestartKey == Node) {
        Table->RestartKey = RtlpNext(Table, Node, LEFT);
    }
    RtlpTakeOut(Table, Node);
    Table->NumberGenericTableElements--;
    Table->DeleteCount++;
    RtlpForgetOrder(Table);
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey)
{
    NODE Next = *RestartKey == NULL ? RtlpOutermost(Table->BalancedRoot.RightChild, LEFT)
                                    : RtlpNext(Table, *RestartKey, RIGHT);

    if (Next != NULL) {
        *RestartKey = Next;
    }
    return RtlpData(Next);
}

PVOID NTAPI RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart)
{
    PVOID Key = Restart ? NULL : Table->RestartKey;
    PVOID Data = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);

    Table->RestartKey = Key;
    return Data;
}

/* From the place looked at last, or from the beginning. WhichOrderedElement counts from 1. */
PVOID NTAPI RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I)
{
    NODE At = Table->OrderedPointer;
    ULONG Place = Table->WhichOrderedElement;

    if (I >= Table->NumberGenericTableElements) {
        return NULL;
    }
    if (At == NULL || (Place > I && I + 1 < Place - I)) {
        At = RtlpOutermost(Table->BalancedRoot.RightChild, LEFT);
        Place = 1;
    }
    for (; Place < I + 1; Place++) {
        At = RtlpNext(Table, At, RIGHT);
    }
    for (; Place > I + 1; Place--) {
        At = RtlpNext(Table, At, LEFT);
    }
    Table->OrderedPointer = At;
    Table->WhichOrderedElement = Place;
    return RtlpData(At);
}

ULONG NTAPI RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements == 0;
}
