/*
 * locktrack.c - who has locked which pages (debug kernel only).
 *
 * A short table, for the few MDLs that are locked at a time: what does not fit is not checked.
 * Pages locked for ever, and blocks of pool freed while they are, show only here: a small block
 * shares its page with others, which go on living.
 */
#include "mi.h"
#include "leak.h"

#if DBG

#define MI_TRACKED_LOCKS 256

/* Legend: l MiTrackLock. */
typedef struct _MI_TRACKED_LOCK {
    PMDL Mdl;        /* l */
    ULONG_PTR Start; /* l  the buffer when it was locked */
    ULONG_PTR End;   /* l */
    PVOID Caller;    /* l */
} MI_TRACKED_LOCK;

static KSPIN_LOCK MiTrackLock;
KI_RANKED_LOCK(MiTrackLock, LOCK_ORDER_MM_LOCKED);
static MI_TRACKED_LOCK MiTracked[MI_TRACKED_LOCKS]; /* l */
static volatile ULONG MiTrackedCount;               /* l */

void MiNoteLock(PMDL Mdl, PVOID Caller)
{
    ULONG_PTR Start = (ULONG_PTR)MmGetMdlVirtualAddress(Mdl);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiTrackLock);

    if (MiTrackedCount < MI_TRACKED_LOCKS) {
        MiTracked[MiTrackedCount++] = (MI_TRACKED_LOCK){Mdl, Start, Start + Mdl->ByteCount, Caller};
    }
    KeReleaseSpinLock(&MiTrackLock, OldIrql);
}

void MiForgetLock(PMDL Mdl)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiTrackLock);

    for (ULONG i = 0; i < MiTrackedCount; i++) {
        if (MiTracked[i].Mdl == Mdl) {
            MiTracked[i] = MiTracked[--MiTrackedCount];
            break;
        }
    }
    KeReleaseSpinLock(&MiTrackLock, OldIrql);
}

/* Copies the first lock of a buffer that touches [Start, End). */
static BOOLEAN MiFindLock(PVOID Start, PVOID End, MI_TRACKED_LOCK *Found)
{
    KIRQL OldIrql;
    BOOLEAN Result = FALSE;

    if (MiTrackedCount == 0) {
        return FALSE;
    }
    OldIrql = KeAcquireSpinLockRaiseToDpc(&MiTrackLock);
    for (ULONG i = 0; i < MiTrackedCount && !Result; i++) {
        *Found = MiTracked[i];
        Result = Found->Start < (ULONG_PTR)End && Found->End > (ULONG_PTR)Start;
    }
    KeReleaseSpinLock(&MiTrackLock, OldIrql);
    return Result;
}

static DECLSPEC_NORETURN void MiReportLockedPages(PMDL Mdl, PVOID Caller)
{
    KeBugCheckEx(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS, (ULONG_PTR)Caller, 0, (ULONG_PTR)Mdl,
                 MiMdlPages(Mdl));
}

void MmCheckFreedMdl(PMDL Mdl)
{
    if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
        MI_TRACKED_LOCK Lock = {0};

        for (ULONG i = 0; i < MiTrackedCount; i++) {
            if (MiTracked[i].Mdl == Mdl) {
                Lock = MiTracked[i];
            }
        }
        MiReportLockedPages(Mdl, Lock.Caller);
    }
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_FREED_MDL_MAPPED, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags, (ULONG_PTR)Mdl->MappedSystemVa);
    }
}

void MmCheckFreedMemory(PVOID Start, PVOID End)
{
    MI_TRACKED_LOCK Lock;

    if (MiFindLock(Start, End, &Lock)) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_FREED_POOL_LOCKED, (ULONG_PTR)Start,
                     (ULONG_PTR)Lock.Mdl, (ULONG_PTR)Lock.Caller);
    }
}

void MmFindLeaks(PLDR_LEAKS Leaks)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiTrackLock);

    for (ULONG i = 0; i < MiTrackedCount; i++) {
        if (LdrIsInImage(Leaks, MiTracked[i].Caller)) {
            PLDR_LEAK Leak =
                LdrNoteLeak(Leaks, LdrLeakLockedPages, MiTracked[i].Mdl, MiTracked[i].Caller);
            if (Leak != NULL) {
                Leak->Count = MiMdlPages(MiTracked[i].Mdl);
            }
        }
    }
    KeReleaseSpinLock(&MiTrackLock, OldIrql);
}

void MiCheckResidentBuffer(PMDL Mdl)
{
    if (MmQueryPoolKind(Mdl->StartVa) == 1) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, MM_MDL_OF_PAGEABLE, (ULONG_PTR)Mdl,
                     (ULONG_PTR)MmGetMdlVirtualAddress(Mdl), 0);
    }
}

#endif
