/* STOP: 0x00000010 SPIN_LOCK_NOT_OWNED
 * Promise: a reader does not release a shared spin lock as the writer. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    EX_SPIN_LOCK Lock = 0;
    KIRQL OldIrql = ExAcquireSpinLockShared(&Lock);
    ExReleaseSpinLockExclusive(&Lock, OldIrql);
    DbgPrint("never reached\n");
}
