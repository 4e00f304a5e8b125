/* STOP: 0x000000C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION
 * SAYS: Culprit: driver bug_irp_free_twice.sys
 * Promise: freeing an IRP twice is stopped. */
#include "kmtdevice.h"

static VOID KmtRun(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);
    IoFreeIrp(Irp);
    IoFreeIrp(Irp);
    DbgPrint("never reached\n");
}
