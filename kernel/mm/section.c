/*
 * section.c - the pageable sections of drivers: which there are, and who has locked them.
 *
 * The loader tells of every section whose name begins with PAGE. All pages of an image are
 * resident; in the debug kernel those of pageable sections that nobody has locked can vanish
 * (pageable.c). A handle is the section's record, or, for a section that is resident anyway, the
 * address that was asked for.
 */
#include "mi.h"
#include "ex.h"

#define MI_TAG_SECTION 'eSmM'

/* Legend: s MiSectionLock   i fixed. */
typedef struct _MI_SECTION {
    LIST_ENTRY Link; /* s */
    PCHAR Start;     /* i */
    SIZE_T Pages;    /* i */
    ULONG Locks;     /* s */
} MI_SECTION, *PMI_SECTION;

static KSPIN_LOCK MiSectionLock;
KI_RANKED_LOCK(MiSectionLock, LOCK_ORDER_MM_SECTION);
static LIST_ENTRY MiSections = {&MiSections, &MiSections}; /* s */

void MmRegisterPageableSection(PVOID Start, SIZE_T Pages)
{
    PMI_SECTION Section = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(MI_SECTION), MI_TAG_SECTION);
    KIRQL OldIrql;

    if (Section == NULL) {
        return; /* it stays resident, which is allowed */
    }
    Section->Start = Start;
    Section->Pages = Pages;
    OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);
    InsertTailList(&MiSections, &Section->Link);
    KeReleaseSpinLock(&MiSectionLock, OldIrql);
    MiSetPageable(Start, Pages, TRUE);
}

/* The next section of an image; NULL: no more. With the lock held. */
static PMI_SECTION MiFindSection(PVOID Start, PVOID End)
{
    for (PLIST_ENTRY At = MiSections.Flink; At != &MiSections; At = At->Flink) {
        PMI_SECTION Section = CONTAINING_RECORD(At, MI_SECTION, Link);

        if (Section->Start < (PCHAR)End &&
            Section->Start + Section->Pages * PAGE_SIZE > (PCHAR)Start) {
            return Section;
        }
    }
    return NULL;
}

void MiForgetSections(PVOID Base, SIZE_T Pages)
{
    PMI_SECTION Section;

    do {
        KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);

        Section = MiFindSection(Base, (PCHAR)Base + Pages * PAGE_SIZE);
        if (Section != NULL) {
            RemoveEntryList(&Section->Link);
        }
        KeReleaseSpinLock(&MiSectionLock, OldIrql);
        if (Section != NULL) {
            ExFreePoolWithTag(Section, MI_TAG_SECTION);
        }
    } while (Section != NULL);
}

static BOOLEAN MiIsImagePage(PVOID Va)
{
    PMMPTE Entry = MiIsInWindow(&MiImages, Va) ? MiFindPte(Va) : NULL;

    return Entry != NULL && (*Entry & MI_PTE_FRAME) != 0;
}

static void MiLockSection(PMI_SECTION Section)
{
    if (Section->Locks++ == 0) {
        MiSetPageable(Section->Start, Section->Pages, FALSE);
    }
}

PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    PMI_SECTION Section;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (!MiIsImagePage(AddressWithinSection)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_AN_IMAGE, (ULONG_PTR)AddressWithinSection, 0, 0);
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);
    Section = MiFindSection(AddressWithinSection, (PCHAR)AddressWithinSection + 1);
    if (Section != NULL) {
        MiLockSection(Section);
    }
    KeReleaseSpinLock(&MiSectionLock, OldIrql);
    return Section != NULL ? Section : AddressWithinSection;
}

VOID NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (!MiIsInWindow(&MiImages, ImageSectionHandle)) {
        OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);
        MiLockSection(ImageSectionHandle);
        KeReleaseSpinLock(&MiSectionLock, OldIrql);
    }
}

VOID NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    PMI_SECTION Section = ImageSectionHandle;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (MiIsInWindow(&MiImages, ImageSectionHandle)) {
        return;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);
    if (Section->Locks == 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_SECTION_NOT_LOCKED, (ULONG_PTR)Section->Start,
                     (ULONG_PTR)Section, Section->Pages);
    }
    if (--Section->Locks == 0) {
        MiSetPageable(Section->Start, Section->Pages, TRUE);
    }
    KeReleaseSpinLock(&MiSectionLock, OldIrql);
}

/*** Whole drivers. ***/

/* Makes all of an image pageable, or what its sections say; what is locked stays resident. */
static void MiSetDriverPageable(PCHAR Base, SIZE_T Pages, BOOLEAN All)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiSectionLock);

    for (SIZE_T i = 0; i < Pages; i++) {
        PCHAR Va = Base + i * PAGE_SIZE;
        PMI_SECTION Section = MiFindSection(Va, Va + 1);

        MiSetPageable(Va, 1, Section == NULL ? All : Section->Locks == 0);
    }
    KeReleaseSpinLock(&MiSectionLock, OldIrql);
}

/* The first page of an image and their number; an unmapped page is on either side. */
static PCHAR MiFindImage(PVOID Va, SIZE_T *Pages)
{
    PCHAR Base = PAGE_ALIGN(Va);

    if (!MiIsImagePage(Va)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MM_NOT_AN_IMAGE, (ULONG_PTR)Va, 0, 0);
    }
    while (MiIsImagePage(Base - PAGE_SIZE)) {
        Base -= PAGE_SIZE;
    }
    for (*Pages = 1; MiIsImagePage(Base + *Pages * PAGE_SIZE); ++*Pages) {
    }
    return Base;
}

PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection)
{
    SIZE_T Pages;
    PCHAR Base;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Base = MiFindImage(AddressWithinSection, &Pages);
    MiSetDriverPageable(Base, Pages, TRUE);
    return Base;
}

VOID NTAPI MmResetDriverPaging(PVOID AddressWithinSection)
{
    SIZE_T Pages;
    PCHAR Base;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    Base = MiFindImage(AddressWithinSection, &Pages);
    MiSetDriverPageable(Base, Pages, FALSE);
}
