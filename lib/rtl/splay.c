/*
 * splay.c - splay trees: a node that is looked for becomes the root, by rotations that halve the
 * depth of all on its way. So what is used often is found soon, and no node has to remember how
 * high it is. The parent of the root is the root itself. Pure.
 */
#include <ntddk.h>

/* Node takes the place of its parent, which becomes its child. */
static void RtlpRotateUp(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Parent = Node->Parent, Above = Parent->Parent, Moved;

    if (Parent->LeftChild == Node) {
        Moved = Parent->LeftChild = Node->RightChild;
        Node->RightChild = Parent;
    } else {
        Moved = Parent->RightChild = Node->LeftChild;
        Node->LeftChild = Parent;
    }
    if (Moved != NULL) {
        Moved->Parent = Parent;
    }
    Parent->Parent = Node;
    if (Above == Parent) {
        Node->Parent = Node;
        return;
    }
    Node->Parent = Above;
    if (Above->LeftChild == Parent) {
        Above->LeftChild = Node;
    } else {
        Above->RightChild = Node;
    }
}

PRTL_SPLAY_LINKS NTAPI RtlSplay(PRTL_SPLAY_LINKS Links)
{
    while (!RtlIsRoot(Links)) {
        PRTL_SPLAY_LINKS Parent = Links->Parent;
        if (RtlIsRoot(Parent)) {
            RtlpRotateUp(Links);
            /* Twice to the same side: the parent first, or a long chain would stay as long. */
        } else if (RtlIsLeftChild(Links) == RtlIsLeftChild(Parent)) {
            RtlpRotateUp(Parent);
            RtlpRotateUp(Links);
        } else {
            RtlpRotateUp(Links);
            RtlpRotateUp(Links);
        }
    }
    return Links;
}

/* The root's two sides are joined again: the last node on the left has no right child when it is
 * the root. */
PRTL_SPLAY_LINKS NTAPI RtlDelete(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Left, Right, Last;

    RtlSplay(Links);
    Left = Links->LeftChild;
    Right = Links->RightChild;
    if (Left == NULL) {
        if (Right != NULL) {
            Right->Parent = Right;
        }
        return Right;
    }
    Last = RtlSubtreePredecessor(Links);
    /* From here on the left side is a tree of its own, whose largest node becomes the root of
     * both. */
    Left->Parent = Left;
    RtlSplay(Last);
    Last->RightChild = Right;
    if (Right != NULL) {
        Right->Parent = Last;
    }
    return Last;
}

PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS At = Links->RightChild;

    while (At != NULL && At->LeftChild != NULL) {
        At = At->LeftChild;
    }
    return At;
}

PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS At = Links->LeftChild;

    while (At != NULL && At->RightChild != NULL) {
        At = At->RightChild;
    }
    return At;
}

PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Below = RtlSubtreeSuccessor(Links);

    if (Below != NULL) {
        return Below;
    }
    /* Up, as long as what is above comes before. */
    while (!RtlIsRoot(Links) && RtlIsRightChild(Links)) {
        Links = Links->Parent;
    }
    return RtlIsRoot(Links) ? NULL : Links->Parent;
}

PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS Below = RtlSubtreePredecessor(Links);

    if (Below != NULL) {
        return Below;
    }
    while (!RtlIsRoot(Links) && RtlIsLeftChild(Links)) {
        Links = Links->Parent;
    }
    return RtlIsRoot(Links) ? NULL : Links->Parent;
}
