/*
 * removelock.c - remove locks: how a driver waits for the end of what it is doing with a device.
 *
 * IoCount is one for the device itself and one for each use. IoReleaseRemoveLockAndWait sets
 * Removed, drops two, its caller's use and the device's, and waits for RemoveEvent, which whoever
 * makes the count 0 sets. An acquisition counts first and then looks at Removed: either it is seen
 * by the wait, or it sees that it has come too late and takes its count back.
 *
 * The lock of a driver compiled with DBG has a second part with a block for each use: who, where,
 * since when. Its own spin lock guards the list. A use for which there was no memory is only
 * counted (LowMemoryCount), and a release that finds no block may be that one's.
 */
#include "iop.h"

#define IOP_REMOVE_LOCK_SIGNATURE 0x524C4F43 /* "COLR" */
#define IOP_TICKS_PER_MINUTE (60 * 10000000LL)

struct _IO_REMOVE_LOCK_TRACKING_BLOCK {
    LIST_ENTRY Link; /* of Dbg.LockList */
    PVOID Tag;
    LARGE_INTEGER Since; /* ticks */
    PCSTR File;
    ULONG Line;
};

/* The larger layout, whatever this kernel was compiled with. */
typedef struct _IOP_CHECKED_LOCK {
    IO_REMOVE_LOCK_COMMON_BLOCK Common;
    IO_REMOVE_LOCK_DBG_BLOCK Dbg;
} IOP_CHECKED_LOCK, *PIOP_CHECKED_LOCK;

static IO_REMOVE_LOCK_DBG_BLOCK *IopCheckedPart(PIO_REMOVE_LOCK Lock, ULONG Size)
{
    PIOP_CHECKED_LOCK Checked = (PIOP_CHECKED_LOCK)Lock;
    if (Size != sizeof(IOP_CHECKED_LOCK)) {
        return NULL;
    }
    KI_ASSERT(Checked->Dbg.Signature == IOP_REMOVE_LOCK_SIGNATURE);
    return &Checked->Dbg;
}

VOID NTAPI IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                    ULONG HighWatermark, ULONG RemlockSize)
{
    IO_REMOVE_LOCK_DBG_BLOCK *Dbg = &((PIOP_CHECKED_LOCK)Lock)->Dbg;
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (RemlockSize == sizeof(IOP_CHECKED_LOCK)) {
        RtlZeroMemory(Dbg, sizeof(*Dbg));
        Dbg->Signature = IOP_REMOVE_LOCK_SIGNATURE;
        Dbg->HighWatermark = HighWatermark;
        Dbg->MaxLockedTicks = MaxLockedMinutes * IOP_TICKS_PER_MINUTE / KeQueryTimeIncrement();
        Dbg->AllocateTag = (LONG)AllocateTag;
        KeInitializeSpinLock(&Dbg->Spin);
        InitializeListHead(&Dbg->LockList);
    }
    Lock->Common.Removed = FALSE;
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

/* Without memory the use is counted all the same. */
static void IopTrackUse(IO_REMOVE_LOCK_DBG_BLOCK *Dbg, PVOID Tag, PCSTR File, ULONG Line)
{
    PIO_REMOVE_LOCK_TRACKING_BLOCK Block =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Block), (ULONG)Dbg->AllocateTag);
    if (Block == NULL) {
        InterlockedIncrement(&Dbg->LowMemoryCount);
        return;
    }
    Block->Tag = Tag;
    Block->File = File;
    Block->Line = Line;
    KeQueryTickCount(&Block->Since);
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Dbg->Spin);
    InsertHeadList(&Dbg->LockList, &Block->Link);
    KeReleaseSpinLock(&Dbg->Spin, OldIrql);
}

/* The latest use with Tag, out of the list; NULL: none. */
static PIO_REMOVE_LOCK_TRACKING_BLOCK IopTakeUse(IO_REMOVE_LOCK_DBG_BLOCK *Dbg, PVOID Tag)
{
    PIO_REMOVE_LOCK_TRACKING_BLOCK Found = NULL;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Dbg->Spin);
    for (PLIST_ENTRY Link = Dbg->LockList.Flink; Link != &Dbg->LockList; Link = Link->Flink) {
        PIO_REMOVE_LOCK_TRACKING_BLOCK Block =
            CONTAINING_RECORD(Link, struct _IO_REMOVE_LOCK_TRACKING_BLOCK, Link);
        if (Block->Tag == Tag) {
            RemoveEntryList(&Block->Link);
            Found = Block;
            break;
        }
    }
    KeReleaseSpinLock(&Dbg->Spin, OldIrql);
    return Found;
}

static void IopEndTrackedUse(PIO_REMOVE_LOCK Lock, IO_REMOVE_LOCK_DBG_BLOCK *Dbg, PVOID Tag,
                             PVOID Caller)
{
    LARGE_INTEGER Now;
    PIO_REMOVE_LOCK_TRACKING_BLOCK Block = IopTakeUse(Dbg, Tag);
    if (Block == NULL) {
        if (InterlockedDecrement(&Dbg->LowMemoryCount) < 0) {
            IopCheckFailed(IOP_CHECK_REMOVE_LOCK_TAG, Caller, (ULONG_PTR)Lock, (ULONG_PTR)Tag);
        }
        return;
    }
    KeQueryTickCount(&Now);
    if (Dbg->MaxLockedTicks != 0 && Now.QuadPart - Block->Since.QuadPart > Dbg->MaxLockedTicks) {
        KdPrintf("*** held since %s:%u\n", Block->File, Block->Line);
        IopCheckFailed(IOP_CHECK_REMOVE_LOCK_LONG, Caller, (ULONG_PTR)Lock, (ULONG_PTR)Tag);
    }
    ExFreePool(Block);
}

/* TRUE: the count is 0 now. */
static BOOLEAN IopDropUse(PIO_REMOVE_LOCK Lock, PVOID Tag, PVOID Caller)
{
    LONG Left = InterlockedDecrement(&Lock->Common.IoCount);
    if (Left < 0) {
        IopCheckFailed(IOP_CHECK_REMOVE_LOCK_FREE, Caller, (ULONG_PTR)Lock, (ULONG_PTR)Tag);
    }
    return Left == 0;
}

NTSTATUS NTAPI IoAcquireRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, PCSTR File, ULONG Line,
                                     ULONG RemlockSize)
{
    IO_REMOVE_LOCK_DBG_BLOCK *Dbg = IopCheckedPart(Lock, RemlockSize);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    LONG Count = InterlockedIncrement(&Lock->Common.IoCount);
    if (__atomic_load_n(&Lock->Common.Removed, __ATOMIC_SEQ_CST)) {
        if (IopDropUse(Lock, Tag, __builtin_return_address(0))) {
            KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
        }
        return STATUS_DELETE_PENDING;
    }
    if (Dbg != NULL) {
        // The device's own count is none of the uses.
        if (Dbg->HighWatermark != 0 && (ULONG)(Count - 1) > Dbg->HighWatermark) {
            IopCheckFailed(IOP_CHECK_REMOVE_LOCK_MANY, __builtin_return_address(0), (ULONG_PTR)Lock,
                           (ULONG_PTR)Tag);
        }
        IopTrackUse(Dbg, Tag, File, Line);
    }
    return STATUS_SUCCESS;
}

VOID NTAPI IoReleaseRemoveLockEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    IO_REMOVE_LOCK_DBG_BLOCK *Dbg = IopCheckedPart(Lock, RemlockSize);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    if (Dbg != NULL) {
        IopEndTrackedUse(Lock, Dbg, Tag, __builtin_return_address(0));
    }
    if (!IopDropUse(Lock, Tag, __builtin_return_address(0))) {
        return;
    }
    // The device's own use ends with IoReleaseRemoveLockAndWait alone.
    if (!Lock->Common.Removed) {
        IopCheckFailed(IOP_CHECK_REMOVE_LOCK_FREE, __builtin_return_address(0), (ULONG_PTR)Lock,
                       (ULONG_PTR)Tag);
    }
    KeSetEvent(&Lock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
}

VOID NTAPI IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK Lock, PVOID Tag, ULONG RemlockSize)
{
    IO_REMOVE_LOCK_DBG_BLOCK *Dbg = IopCheckedPart(Lock, RemlockSize);
    PVOID Caller = __builtin_return_address(0);
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (__atomic_exchange_n(&Lock->Common.Removed, TRUE, __ATOMIC_SEQ_CST)) {
        IopCheckFailed(IOP_CHECK_REMOVE_LOCK_TWICE, Caller, (ULONG_PTR)Lock, (ULONG_PTR)Tag);
    }
    if (Dbg != NULL) {
        IopEndTrackedUse(Lock, Dbg, Tag, Caller);
    }
    // Two at once, so that nobody sets the event in between: it may be gone after this returns.
    LONG Before = InterlockedExchangeAdd(&Lock->Common.IoCount, -2);
    if (Before < 2) {
        IopCheckFailed(IOP_CHECK_REMOVE_LOCK_FREE, Caller, (ULONG_PTR)Lock, (ULONG_PTR)Tag);
    }
    if (Before > 2) {
        KeWaitForSingleObject(&Lock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
    }
}
