/* STOP: 0x0000000F SPIN_LOCK_ALREADY_OWNED
 * Promise: a thread at DISPATCH_LEVEL that takes a spin lock it has is stopped, too. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql;
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &OldIrql);
    KeAcquireSpinLock(&Lock, &OldIrql);
    DbgPrint("never reached\n");
}
