/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * MACHINE: debug=1 cmdline=pageable=1
 * SAYS: this is paged pool: it may be on disk
 * Promise: paged pool is not locked at DISPATCH_LEVEL: it might have to be read in. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID Block = ExAllocatePool2(POOL_FLAG_PAGED, 100, 0x74736554);
    PMDL Mdl = IoAllocateMdl(Block, 100, FALSE, FALSE, NULL);
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    DbgPrint("never reached\n");
}
