/*
 * image.c - memory for driver images: a run of addresses, fresh pages, protection by page.
 *
 * An unmapped page follows each image, so that running off its end faults.
 */
#include "mi.h"

PVOID MmAllocateImage(SIZE_T Pages)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    return MiReserveFresh(&MiImages, Pages, 1, MiUseImage, TRUE);
}

void MmProtectImage(PVOID Base, SIZE_T Pages, ULONG Protection)
{
    MMPTE Bits = MiLeafBits(Protection);
    PCHAR At = Base;

    for (SIZE_T i = 0; i < Pages; i++, At += PAGE_SIZE) {
        PMMPTE Entry = MiIsInWindow(&MiImages, At) ? MiFindPte(At) : NULL;

        if (Entry == NULL || !MiHasPage(*Entry)) {
            KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_AN_IMAGE, (ULONG_PTR)At, Pages, Protection);
        }
        *Entry = (*Entry & MI_PTE_FRAME) | Bits;
    }
    KeFlushTlbRange(Base, Pages);
}

/* Makes the pages fault on every processor, with what they are mapped to still in the entries:
 * MiUnmapRun frees by those. */
static void MiRevokePages(PVOID Base, SIZE_T Pages)
{
    for (SIZE_T i = 0; i < Pages; i++) {
        *MiFindPte((PCHAR)Base + i * PAGE_SIZE) &= ~(MI_PTE_PRESENT | MI_PTE_PAGEABLE);
    }
    KeFlushTlbRange(Base, Pages);
}

void MmDiscardImagePages(PVOID Base, SIZE_T Pages)
{
    if (!MiIsInWindow(&MiImages, Base)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_AN_IMAGE, (ULONG_PTR)Base, Pages, 1);
    }
    MiRevokePages(Base, Pages);
    MiUnmapRun(Base, Pages, TRUE);
}

void MmFreeImage(PVOID Base, SIZE_T Pages)
{
    if (!MiIsInWindow(&MiImages, Base)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_AN_IMAGE, (ULONG_PTR)Base, Pages, 0);
    }
    MiForgetSections(Base, Pages);
    /* Before the pages are anything else: code that is gone must not run on from what another
     * processor remembers. */
    MiRevokePages(Base, Pages);
    MiUnmapRun(Base, Pages, TRUE);
    MiRelease(&MiImages, Base, Pages + 1);
}
