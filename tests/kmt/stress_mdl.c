/*
 * Promises: a thread on each processor locks, maps, unmaps and advances MDLs, its own and of memory
 * that all share, at fresh and at reserved addresses, while the others read through its mappings:
 * nobody ever sees pages that are mapped no more (a stale translation), no mapping is taken for
 * another's, and no page stays locked.
 *
 * Each page holds the number of its buffer and its own. A slot is a mapping with the number that
 * must be seen through it; its spin lock keeps the mapping while somebody reads.
 */
#include "kmt.h"

#define TAG 'sMtK'
#define MOST_PROCESSORS 8
#define BUFFERS 3
#define PAGES 24 /* so the search for fresh addresses comes round soon, and with it their reuse */
#define SHARED_PAGES 6
#define STEPS                                                                                      \
    1200 /* of all together: a flush asks every processor, which may have to wait for its turn */

typedef struct {
    KSPIN_LOCK Lock;
    PUCHAR Mapped; /* NULL: nothing is mapped now */
    ULONG Buffer;  /* which is */
    ULONG Pages;
} SLOT;

typedef struct {
    ULONG Number, Seed;
    PUCHAR Buffer[BUFFERS];
    PMDL Mdl[BUFFERS];
    PVOID Reserved;
    SLOT Slots[2]; /* at fresh addresses, at the reserved one */
} WORKER;

static WORKER Workers[MOST_PROCESSORS];
static ULONG Count;
static PUCHAR Shared;
static volatile LONG Stale, Refused, Wrong;

static ULONG64 Stamp(ULONG Worker, ULONG Buffer, ULONG Page)
{
    return 0x5A00000000000000ULL | (ULONG64)Worker << 32 | Buffer << 16 | Page;
}

static ULONG64 FirstOf(const UCHAR *Page)
{
    return *(const volatile ULONG64 *)Page;
}

/* Any page of somebody's mapping. */
static VOID Look(WORKER *Mine)
{
    WORKER *Other = &Workers[KmtRandom(&Mine->Seed) % Count];
    SLOT *Slot = &Other->Slots[KmtRandom(&Mine->Seed) & 1];
    KIRQL OldIrql;

    KeAcquireSpinLock(&Slot->Lock, &OldIrql);
    for (ULONG i = 0; Slot->Mapped != NULL && i < 4; i++) {
        ULONG Page = KmtRandom(&Mine->Seed) % Slot->Pages;

        if (FirstOf(Slot->Mapped + Page * PAGE_SIZE) != Stamp(Other->Number, Slot->Buffer, Page)) {
            InterlockedIncrement(&Stale);
        }
    }
    KeReleaseSpinLock(&Slot->Lock, OldIrql);
}

/* Another buffer than before, at a fresh address. The other slot has one of the buffers mapped. */
static VOID RemapFresh(WORKER *Mine)
{
    SLOT *Slot = &Mine->Slots[0];
    KIRQL OldIrql;

    KeAcquireSpinLock(&Slot->Lock, &OldIrql);
    if (Slot->Mapped != NULL) {
        MmUnmapLockedPages(Slot->Mapped, Mine->Mdl[Slot->Buffer]);
    }
    do {
        Slot->Buffer = (Slot->Buffer + 1) % BUFFERS;
    } while (Slot->Buffer == Mine->Slots[1].Buffer && Mine->Slots[1].Mapped != NULL);
    Slot->Mapped = MmMapLockedPagesSpecifyCache(Mine->Mdl[Slot->Buffer], KernelMode, MmCached, NULL,
                                                FALSE, NormalPagePriority);
    Refused += Slot->Mapped == NULL;
    KeReleaseSpinLock(&Slot->Lock, OldIrql);
}

/* The same address with other pages at once: what the others remember of it must be gone. */
static VOID RemapReserved(WORKER *Mine)
{
    SLOT *Slot = &Mine->Slots[1];
    KIRQL OldIrql;

    KeAcquireSpinLock(&Slot->Lock, &OldIrql);
    if (Slot->Mapped != NULL) {
        MmUnmapReservedMapping(Mine->Reserved, TAG, Mine->Mdl[Slot->Buffer]);
    }
    do {
        Slot->Buffer = (Slot->Buffer + 1) % BUFFERS;
    } while (Slot->Buffer == Mine->Slots[0].Buffer && Mine->Slots[0].Mapped != NULL);
    Slot->Mapped =
        MmMapLockedPagesWithReservedMapping(Mine->Reserved, TAG, Mine->Mdl[Slot->Buffer], MmCached);
    Refused += Slot->Mapped == NULL;
    KeReleaseSpinLock(&Slot->Lock, OldIrql);
}

/* A part of what everybody locks: mapped, perhaps advanced, a part of it mapped, too. */
static VOID LockShared(WORKER *Mine)
{
    ULONG First = KmtRandom(&Mine->Seed) % SHARED_PAGES;
    ULONG Pages = 1 + KmtRandom(&Mine->Seed) % (SHARED_PAGES - First);
    PUCHAR Start = Shared + First * PAGE_SIZE;
    PMDL Mdl = IoAllocateMdl(Start, Pages * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Start, PAGE_SIZE, FALSE, FALSE, NULL);
    ULONG Last = First + Pages - 1;
    PUCHAR Mapped;

    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    Wrong += Mapped == NULL || FirstOf(Mapped) != Stamp(99, 0, First);
    if (Pages > 1 && (KmtRandom(&Mine->Seed) & 1)) {
        MmAdvanceMdl(Mdl, PAGE_SIZE);
    }
    IoBuildPartialMdl(Mdl, Part, Shared + Last * PAGE_SIZE, PAGE_SIZE);
    Mapped = MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
    Wrong += Mapped == NULL || FirstOf(Mapped) != Stamp(99, 0, Last);
    IoFreeMdl(Part);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
}

static VOID NTAPI Work(PVOID Context)
{
    WORKER *Mine = Context;

    KeSetSystemAffinityThread((KAFFINITY)1 << Mine->Number);
    for (ULONG i = 0; i < STEPS / Count; i++) {
        switch (KmtRandom(&Mine->Seed) % 8) {
        case 0:
            RemapReserved(Mine);
            break;
        case 1:
        case 2:
        case 3:
            RemapFresh(Mine);
            break;
        case 4:
            LockShared(Mine);
            break;
        default:
            Look(Mine);
            Look(Mine);
        }
    }
    KeRevertToUserAffinityThread();
}

static PUCHAR MakeBuffer(POOL_FLAGS Flags, ULONG Worker, ULONG Buffer, ULONG Pages)
{
    PUCHAR Memory = ExAllocatePool2(Flags, Pages * PAGE_SIZE, TAG);

    for (ULONG i = 0; i < Pages; i++) {
        *(PULONG64)(Memory + i * PAGE_SIZE) = Stamp(Worker, Buffer, i);
    }
    return Memory;
}

static VOID Prepare(WORKER *Mine, ULONG Number)
{
    Mine->Number = Number;
    Mine->Seed = 0x9E3779B9 * (Number + 1);
    Mine->Reserved = MmAllocateMappingAddress(PAGES * PAGE_SIZE, TAG);
    for (ULONG i = 0; i < ARRAYSIZE(Mine->Slots); i++) {
        KeInitializeSpinLock(&Mine->Slots[i].Lock);
        Mine->Slots[i].Pages = PAGES;
    }
    for (ULONG i = 0; i < BUFFERS; i++) {
        Mine->Buffer[i] =
            MakeBuffer(i == 0 ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED, Number, i, PAGES);
        Mine->Mdl[i] = IoAllocateMdl(Mine->Buffer[i], PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
        MmProbeAndLockPages(Mine->Mdl[i], KernelMode, IoModifyAccess);
    }
}

/* MmUnlockPages ends the fresh mapping by itself. */
static VOID Finish(WORKER *Mine)
{
    if (Mine->Slots[1].Mapped != NULL) {
        MmUnmapReservedMapping(Mine->Reserved, TAG, Mine->Mdl[Mine->Slots[1].Buffer]);
    }
    MmFreeMappingAddress(Mine->Reserved, TAG);
    for (ULONG i = 0; i < BUFFERS; i++) {
        MmUnlockPages(Mine->Mdl[i]);
        IoFreeMdl(Mine->Mdl[i]);
        ExFreePoolWithTag(Mine->Buffer[i], TAG);
    }
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[MOST_PROCESSORS];

    Count = min(KmtProcessors(), MOST_PROCESSORS);
    Shared = MakeBuffer(POOL_FLAG_PAGED, 99, 0, SHARED_PAGES);
    for (ULONG i = 0; i < Count; i++) {
        Prepare(&Workers[i], i);
    }
    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(Work, &Workers[i]);
    }
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Stale, 0, "nobody reads through a stale translation");
    KMT_EQUAL(Wrong, 0, "what all lock is what each sees");
    KMT_EQUAL(Refused, 0, "there are always addresses");
    for (ULONG i = 0; i < Count; i++) {
        Finish(&Workers[i]);
    }
    // A page that were still locked would stop the machine here.
    ExFreePoolWithTag(Shared, TAG);
}
