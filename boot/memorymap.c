/*
 * From ranges as firmware and loaders report them to a sorted memory map without overlaps.
 *
 * Every address where a range begins or ends is a border. Between two neighbouring borders nothing
 * changes, so the greatest type that covers the first byte holds for the whole piece. Quadratic,
 * but for maps of a dozen entries, and right for any overlap.
 */
#include "boot.h"

#define PAGE_BYTES 4096ULL
#define NOTHING LoaderMaximumType

VOID BlAddRange(PBL_MEMORY_RANGES Ranges, ULONG64 Base, ULONG64 Length, LOADER_MEMORY_TYPE Type)
{
    ULONG64 Last = 0 - PAGE_BYTES; /* no range reaches the last page, so End + a page never wraps */
    ULONG64 End = Length > Last - Base || Base > Last ? Last : Base + Length;

    if (Length == 0 || Base >= Last) {
        return;
    }
    if (Type == LoaderFree) {
        Base = (Base + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        End &= ~(PAGE_BYTES - 1);
    } else {
        Base &= ~(PAGE_BYTES - 1);
        End = (End + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    }
    if (Base >= End) {
        return;
    }
    if (Ranges->Count == LOADER_MAXIMUM_DESCRIPTORS) {
        Ranges->Overflow = TRUE;
        return;
    }
    Ranges->Range[Ranges->Count++] = (BL_MEMORY_RANGE){Base, End, Type};
}

LOADER_MEMORY_TYPE BlTypeFromE820(ULONG Type)
{
    static const LOADER_MEMORY_TYPE Types[] = {
        LoaderReserved, LoaderFree, LoaderReserved, LoaderAcpiReclaim, LoaderAcpiNvs, LoaderBad,
    };

    return Type < ARRAYSIZE(Types) ? Types[Type] : LoaderReserved;
}

/* The first border above Address, or 0 when there is none. */
static ULONG64 BlNextBorder(const BL_MEMORY_RANGES *Ranges, ULONG64 Address)
{
    ULONG64 Next = 0;

    for (ULONG i = 0; i < Ranges->Count; i++) {
        ULONG64 Borders[] = {Ranges->Range[i].Base, Ranges->Range[i].End};

        for (ULONG j = 0; j < ARRAYSIZE(Borders); j++) {
            if (Borders[j] > Address && (Next == 0 || Borders[j] < Next)) {
                Next = Borders[j];
            }
        }
    }
    return Next;
}

/* The greatest type that covers Address, or NOTHING. */
static LOADER_MEMORY_TYPE BlTypeAt(const BL_MEMORY_RANGES *Ranges, ULONG64 Address)
{
    LOADER_MEMORY_TYPE Type = NOTHING;

    for (ULONG i = 0; i < Ranges->Count; i++) {
        const BL_MEMORY_RANGE *Range = &Ranges->Range[i];

        if (Address >= Range->Base && Address < Range->End &&
            (Type == NOTHING || Range->Type > Type)) {
            Type = Range->Type;
        }
    }
    return Type;
}

ULONG BlResolveRanges(PBL_MEMORY_RANGES Ranges, PLOADER_MEMORY_DESCRIPTOR Map, ULONG Capacity)
{
    PLOADER_MEMORY_DESCRIPTOR Last = NULL;
    ULONG Count = 0;
    ULONG64 Next;

    for (ULONG64 Base = 0; (Next = BlNextBorder(Ranges, Base)) != 0; Base = Next) {
        LOADER_MEMORY_TYPE Type = BlTypeAt(Ranges, Base);
        ULONG64 PageCount = (Next - Base) / PAGE_BYTES;

        if (Type == NOTHING) {
            continue;
        }
        if (Last != NULL && Last->Type == Type &&
            Last->Base + Last->PageCount * PAGE_BYTES == Base) {
            Last->PageCount += PageCount;
            continue;
        }
        if (Count == Capacity) {
            Ranges->Overflow = TRUE;
            break;
        }
        Last = &Map[Count++];
        *Last = (LOADER_MEMORY_DESCRIPTOR){Base, PageCount, Type};
    }
    return Count;
}
