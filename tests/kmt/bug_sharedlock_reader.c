/* STOP: 0x00000010 SPIN_LOCK_NOT_OWNED
 * Promise: the writer does not release a shared spin lock as a reader. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    EX_SPIN_LOCK Lock = 0;
    KIRQL OldIrql = ExAcquireSpinLockExclusive(&Lock);
    ExReleaseSpinLockShared(&Lock, OldIrql);
    DbgPrint("never reached\n");
}
