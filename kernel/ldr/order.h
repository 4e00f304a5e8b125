/*
 * order.h - in which order services are started: by start type, then by their groups' places in the
 * list of groups, then by their tags' places in the list of their group, then by name. Pure.
 */
#ifndef _LDR_ORDER_H_
#define _LDR_ORDER_H_

#include <ntdef.h>

/* Who is in no group, or has no tag, comes last; before them those whose group or tag is in no
 * list. */
#define ORDER_UNLISTED 0xFFFFFFFEU
#define ORDER_NONE 0xFFFFFFFFU

typedef struct _ORDER_KEY {
    ULONG Start;
    ULONG Group; /* place in the list, ORDER_UNLISTED or ORDER_NONE */
    ULONG Tag;   /* the same in the group's own list */
} ORDER_KEY, *PORDER_KEY;

/* Place of Group in Chars characters of names, each terminated (ServiceGroupOrder's List). */
ULONG OrderFindGroup(const WCHAR *List, SIZE_T Chars, const WCHAR *Group);
/* Place of Tag in Size bytes: a count, then so many tags (a value of GroupOrderList). */
ULONG OrderFindTag(const VOID *List, SIZE_T Size, ULONG Tag);
/* < 0, 0, > 0, as strcmp, without the names. */
int OrderCompare(const ORDER_KEY *Left, const ORDER_KEY *Right);

#endif
