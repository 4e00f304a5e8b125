/*
 * Promises: a remove lock in the layout of a checked build does what a free one does, and keeps
 * track: a block for each use, freed with it, watermark and time limit as they were asked for.
 */
#undef DBG
#define DBG 1
#include "removelock.h"

static LONG Length(VOID)
{
    LONG Count = 0;
    for (PLIST_ENTRY Link = Lock.Dbg.LockList.Flink; Link != &Lock.Dbg.LockList;
         Link = Link->Flink) {
        Count++;
    }
    return Count;
}

static VOID TestTracking(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 2, 3);
    KMT_EQUAL(Lock.Dbg.HighWatermark, 3, "the watermark");
    KMT_EQUAL(Lock.Dbg.MaxLockedTicks, 2 * 60 * 10000000LL / KeQueryTimeIncrement(),
              "the limit, in ticks");
    KMT_EQUAL(Lock.Dbg.AllocateTag, 'tsmK', "the tag");
    for (ULONG_PTR Tag = 1; Tag <= 3; Tag++) {
        IoAcquireRemoveLock(&Lock, (PVOID)Tag);
    }
    KMT_EQUAL(Length(), 3, "each use has its block, up to the watermark");
    IoReleaseRemoveLock(&Lock, (PVOID)2);
    KMT_EQUAL(Length(), 2, "which goes with it");
    IoReleaseRemoveLock(&Lock, (PVOID)1);
    IoReleaseRemoveLockAndWait(&Lock, (PVOID)3);
    KMT_EQUAL(Length(), 0, "and with the removal");
    KMT_EQUAL(Lock.Dbg.LowMemoryCount, 0, "none was left out");
}

static VOID KmtRun(VOID)
{
    KMT_EQUAL(sizeof(IO_REMOVE_LOCK), 0x78, "the checked layout");
    TestTracking();
    TestCounts();
    TestRemoval();
}
