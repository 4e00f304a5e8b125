/* order.c - the places of groups and tags. The lists come from the registry and may hold
 * anything. */
#include "order.h"
#include <nt/crt.h>

static WCHAR OrderFold(WCHAR Character)
{
    return Character >= L'A' && Character <= L'Z' ? (WCHAR)(Character | 0x20) : Character;
}

/* Compares Group with the text at List, which ends at a zero or after Chars characters. */
static BOOLEAN OrderIsName(const WCHAR *List, SIZE_T Chars, const WCHAR *Group)
{
    SIZE_T i = 0;

    while (i < Chars && List[i] != 0 && OrderFold(List[i]) == OrderFold(Group[i])) {
        i++;
    }
    return (i == Chars || List[i] == 0) && Group[i] == 0;
}

ULONG OrderFindGroup(const WCHAR *List, SIZE_T Chars, const WCHAR *Group)
{
    ULONG Place = 0;

    if (Group[0] == 0) {
        return ORDER_NONE;
    }
    for (SIZE_T i = 0; i < Chars && List[i] != 0; Place++) {
        if (OrderIsName(List + i, Chars - i, Group)) {
            return Place;
        }
        while (i < Chars && List[i] != 0) {
            i++;
        }
        i++;
    }
    return ORDER_UNLISTED;
}

ULONG OrderFindTag(const VOID *List, SIZE_T Size, ULONG Tag)
{
    const UCHAR *Bytes = List;
    SIZE_T Entries = Size / sizeof(ULONG);
    ULONG Count = 0;

    if (Tag == 0) {
        return ORDER_NONE;
    }
    if (Entries != 0) {
        memcpy(&Count, Bytes, sizeof(Count));
    }
    for (ULONG i = 0; i < Count && i + 1 < Entries; i++) {
        ULONG Own;

        memcpy(&Own, Bytes + (i + 1) * sizeof(Own), sizeof(Own));
        if (Own == Tag) {
            return i;
        }
    }
    return ORDER_UNLISTED;
}

int OrderCompare(const ORDER_KEY *Left, const ORDER_KEY *Right)
{
    if (Left->Start != Right->Start) {
        return Left->Start < Right->Start ? -1 : 1;
    }
    if (Left->Group != Right->Group) {
        return Left->Group < Right->Group ? -1 : 1;
    }
    if (Left->Tag != Right->Tag) {
        return Left->Tag < Right->Tag ? -1 : 1;
    }
    return 0;
}
