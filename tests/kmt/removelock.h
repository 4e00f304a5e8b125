/* removelock.h - the test of remove locks, for drivers of the free and of the checked layout: the
 * files that include it say which by DBG. */
#include "kmt.h"

static IO_REMOVE_LOCK Lock;
static LONG volatile Inside, Entered, Refused, Late;
static BOOLEAN volatile Gone;

static VOID TestCounts(VOID)
{
    IoInitializeRemoveLock(&Lock, 'tsmK', 0, 0);
    KMT_EQUAL(Lock.Common.IoCount, 1, "a new lock is the device's own");
    KMT_EQUAL(IoAcquireRemoveLock(&Lock, &Lock), STATUS_SUCCESS, "acquired");
    KMT_EQUAL(IoAcquireRemoveLock(&Lock, NULL), STATUS_SUCCESS, "and again");
    KMT_EQUAL(Lock.Common.IoCount, 3, "is counted");
    IoReleaseRemoveLock(&Lock, &Lock);
    KIRQL Irql;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    NTSTATUS Status = IoAcquireRemoveLock(&Lock, &Irql);
    IoReleaseRemoveLock(&Lock, &Irql);
    KeLowerIrql(Irql);
    KMT_EQUAL(Status, STATUS_SUCCESS, "at DISPATCH_LEVEL, too");
    IoReleaseRemoveLockAndWait(&Lock, NULL);
    KMT_EQUAL(Lock.Common.IoCount, 0, "nobody has it after the removal");
    KMT_CHECK(Lock.Common.Removed, "the device is marked removed");
    KMT_EQUAL(IoAcquireRemoveLock(&Lock, NULL), STATUS_DELETE_PENDING, "and cannot be acquired");
    KMT_EQUAL(Lock.Common.IoCount, 0, "which counts nothing");
}

/* Uses the device until it is refused. */
static VOID NTAPI Use(PVOID Context)
{
    while (NT_SUCCESS(IoAcquireRemoveLock(&Lock, Context))) {
        InterlockedIncrement(&Inside);
        InterlockedIncrement(&Entered);
        for (ULONG i = 0; i < 50; i++) {
            YieldProcessor();
        }
        if (Gone) {
            InterlockedIncrement(&Late);
        }
        InterlockedDecrement(&Inside);
        IoReleaseRemoveLock(&Lock, Context);
    }
    InterlockedIncrement(&Refused);
}

#define USERS 6
#define ROUNDS 12

static VOID TestRemoval(VOID)
{
    PETHREAD Threads[USERS];
    LONG LeftInside = 0;
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        Gone = FALSE;
        IoInitializeRemoveLock(&Lock, 'tsmK', 0, 0);
        for (ULONG i = 0; i < USERS; i++) {
            Threads[i] = KmtStartThread(Use, &Threads[i]);
        }
        LONG Before = Entered;
        KmtSleep(10);
        for (ULONG Looks = 0; Entered == Before && KmtLookAgain(&Looks);) {
        }
        IoAcquireRemoveLock(&Lock, &Lock);
        IoReleaseRemoveLockAndWait(&Lock, &Lock);
        Gone = TRUE;
        LeftInside += Inside;
        for (ULONG i = 0; i < USERS; i++) {
            KmtJoin(Threads[i]);
        }
    }
    DbgPrint("# %d uses\n", Entered);
    KMT_EQUAL(LeftInside, 0, "the removal waits for all who are inside");
    KMT_EQUAL(Late, 0, "nobody is inside afterwards");
    KMT_EQUAL(Refused, USERS * ROUNDS, "everybody is refused in the end");
    KMT_CHECK(Entered > 0, "somebody was inside");
}
