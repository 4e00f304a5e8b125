/*
 * Proves that both kinds of generic tables hold what was put in, in order, whatever is inserted,
 * deleted, looked up and enumerated in between; that an AVL tree is balanced after each step and a
 * splay tree well formed; and that neither loses memory.
 *
 * unit-sources: lib/rtl/splay.c lib/rtl/table.c lib/rtl/avl.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ntddk.h>

#define KEYS 120

typedef struct {
    int Key, Twice;
} ITEM;

static int Blocks, Refuse;
static char In[KEYS];   /* whether the key is in the table */
static int Order[KEYS]; /* keys by age */
static int Count;

static RTL_GENERIC_COMPARE_RESULTS Compare(PVOID Left, PVOID Right)
{
    int A = ((ITEM *)Left)->Key, B = ((ITEM *)Right)->Key;
    return A < B ? GenericLessThan : A > B ? GenericGreaterThan : GenericEqual;
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI CompareSplay(PRTL_GENERIC_TABLE Table, PVOID Left,
                                                      PVOID Right)
{
    assert(Table->TableContext == &Blocks);
    return Compare(Left, Right);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI CompareAvl(PRTL_AVL_TABLE Table, PVOID Left, PVOID Right)
{
    assert(Table->TableContext == &Blocks);
    return Compare(Left, Right);
}

static PVOID Allocate(CLONG Size)
{
    Blocks += !Refuse;
    return Refuse ? NULL : malloc(Size);
}

static PVOID NTAPI AllocateSplay(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    (void)Table;
    assert(Size == 40 + sizeof(ITEM));
    return Allocate(Size);
}

static PVOID NTAPI AllocateAvl(PRTL_AVL_TABLE Table, CLONG Size)
{
    (void)Table;
    assert(Size == 32 + sizeof(ITEM));
    return Allocate(Size);
}

static VOID NTAPI FreeSplay(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    (void)Table;
    Blocks--;
    free(Buffer);
}

static VOID NTAPI FreeAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    (void)Table;
    Blocks--;
    free(Buffer);
}

static int CheckAvl(PRTL_BALANCED_LINKS Node, PRTL_BALANCED_LINKS Parent)
{
    if (Node == NULL) {
        return 0;
    }
    assert(Node->Parent == Parent);
    int Left = CheckAvl(Node->LeftChild, Node), Right = CheckAvl(Node->RightChild, Node);
    assert(Node->Balance == Right - Left && abs(Right - Left) <= 1);
    return 1 + (Left > Right ? Left : Right);
}

static int CheckSplay(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS Parent)
{
    if (Node == NULL) {
        return 0;
    }
    assert(Node->Parent == Parent);
    return 1 + CheckSplay(Node->LeftChild, Node) + CheckSplay(Node->RightChild, Node);
}

static RTL_GENERIC_TABLE Splay;
static RTL_AVL_TABLE Avl;

static void CheckForm(int IsAvl)
{
    if (IsAvl) {
        assert(CheckAvl(Avl.BalancedRoot.RightChild, &Avl.BalancedRoot) == (int)Avl.DepthOfTree);
        assert((int)RtlNumberGenericTableElementsAvl(&Avl) == Count);
        assert(RtlIsGenericTableEmptyAvl(&Avl) == (Count == 0));
    } else {
        assert(CheckSplay(Splay.TableRoot, Splay.TableRoot) == Count);
        assert((int)RtlNumberGenericTableElements(&Splay) == Count);
        assert(RtlIsGenericTableEmpty(&Splay) == (Count == 0));
    }
}

static ITEM *Insert(int IsAvl, ITEM *Item, BOOLEAN *New, int Full)
{
    TABLE_SEARCH_RESULT Result;
    PVOID Node;
    if (!Full) {
        return IsAvl ? RtlInsertElementGenericTableAvl(&Avl, Item, sizeof(*Item), New)
                     : RtlInsertElementGenericTable(&Splay, Item, sizeof(*Item), New);
    }
    if (IsAvl) {
        RtlLookupElementGenericTableFullAvl(&Avl, Item, &Node, &Result);
        return RtlInsertElementGenericTableFullAvl(&Avl, Item, sizeof(*Item), New, Node, Result);
    }
    RtlLookupElementGenericTableFull(&Splay, Item, &Node, &Result);
    return RtlInsertElementGenericTableFull(&Splay, Item, sizeof(*Item), New, Node, Result);
}

static void TestInsert(int IsAvl, int Key)
{
    ITEM Item = {Key, 2 * Key}, *Found;
    BOOLEAN New = 77;
    Refuse = rand() % 10 == 0;
    Found = Insert(IsAvl, &Item, &New, rand() & 1);
    assert(New == (!In[Key] && !Refuse));
    assert((Found != NULL) == (In[Key] || !Refuse));
    assert(Found == NULL || (Found->Key == Key && Found->Twice == 2 * Key));
    if (New) {
        In[Key] = 1;
        Order[Count++] = Key;
    }
    Refuse = 0;
}

static void TestDelete(int IsAvl, int Key)
{
    ITEM Item = {Key, 0};
    BOOLEAN Gone = IsAvl ? RtlDeleteElementGenericTableAvl(&Avl, &Item)
                         : RtlDeleteElementGenericTable(&Splay, &Item);
    assert(Gone == In[Key]);
    for (int i = 0; Gone && i < Count; i++) {
        if (Order[i] == Key) {
            memmove(Order + i, Order + i + 1, (size_t)(Count - 1 - i) * sizeof(int));
            Count--;
            break;
        }
    }
    In[Key] = 0;
}

static void TestLookup(int IsAvl, int Key)
{
    ITEM Item = {Key, 0}, *Found = IsAvl ? RtlLookupElementGenericTableAvl(&Avl, &Item)
                                         : RtlLookupElementGenericTable(&Splay, &Item);
    assert((Found != NULL) == In[Key] && (Found == NULL || Found->Twice == 2 * Key));
}

static void TestEnumerations(int IsAvl)
{
    PVOID Place = NULL;
    ITEM *Item;
    BOOLEAN Restart = TRUE;
    for (int Key = 0; Key < KEYS; Key++) {
        if (In[Key]) {
            Item = IsAvl ? RtlEnumerateGenericTableWithoutSplayingAvl(&Avl, &Place)
                         : RtlEnumerateGenericTableWithoutSplaying(&Splay, &Place);
            assert(Item != NULL && Item->Key == Key);
        }
    }
    assert((IsAvl ? RtlEnumerateGenericTableWithoutSplayingAvl(&Avl, &Place)
                  : RtlEnumerateGenericTableWithoutSplaying(&Splay, &Place)) == NULL);
    for (int Key = 0; Key < KEYS; Key++) {
        if (In[Key]) {
            Item = IsAvl ? RtlEnumerateGenericTableAvl(&Avl, Restart)
                         : RtlEnumerateGenericTable(&Splay, Restart);
            assert(Item != NULL && Item->Key == Key);
            Restart = FALSE;
        }
    }
}

static void TestNumbered(int IsAvl)
{
    int Number = 0;
    for (int Key = 0; IsAvl && Key < KEYS; Key++) {
        if (In[Key]) {
            assert(((ITEM *)RtlGetElementGenericTableAvl(&Avl, (ULONG)Number++))->Key == Key);
        }
    }
    for (int Try = 0; Count != 0 && Try < 20; Try++) {
        int i = rand() % Count, Key = 0, Left = i;
        ITEM *Item = IsAvl ? RtlGetElementGenericTableAvl(&Avl, (ULONG)i)
                           : RtlGetElementGenericTable(&Splay, (ULONG)i);
        for (; IsAvl && (!In[Key] || Left-- > 0); Key++) {
        }
        assert(Item->Key == (IsAvl ? Key : Order[i]));
    }
    assert(RtlGetElementGenericTableAvl(&Avl, MAXULONG) == NULL);
    assert(RtlGetElementGenericTable(&Splay, MAXULONG) == NULL);
}

/* All that are enumerated go at once: none is passed over. */
static void TestDeleteAll(int IsAvl)
{
    int Seen = 0, Before = Count;
    for (;;) {
        ITEM *Item = IsAvl ? RtlEnumerateGenericTableAvl(&Avl, Seen == 0)
                           : RtlEnumerateGenericTable(&Splay, TRUE);
        if (Item == NULL) {
            break;
        }
        Seen++;
        TestDelete(IsAvl, Item->Key);
        CheckForm(IsAvl);
    }
    assert(Seen == Before && Count == 0 && Blocks == 0);
}

static void TestTable(int IsAvl)
{
    for (int Round = 0; Round < 30; Round++) {
        for (int Step = 0; Step < 400; Step++) {
            int Key = rand() % KEYS;
            switch (rand() % (Round % 3 + 3)) {
            case 0:
                TestDelete(IsAvl, Key);
                break;
            case 1:
                TestLookup(IsAvl, Key);
                break;
            default:
                TestInsert(IsAvl, Key);
            }
            CheckForm(IsAvl);
        }
        TestEnumerations(IsAvl);
        TestNumbered(IsAvl);
        if (Round % 10 == 9) {
            TestDeleteAll(IsAvl);
        }
    }
}

int main(void)
{
    RtlInitializeGenericTable(&Splay, CompareSplay, AllocateSplay, FreeSplay, &Blocks);
    RtlInitializeGenericTableAvl(&Avl, CompareAvl, AllocateAvl, FreeAvl, &Blocks);
    TestTable(0);
    TestTable(1);
    printf("ok\n");
    return 0;
}
