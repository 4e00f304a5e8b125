/* STOP: 0x000000E4 WORKER_INVALID
 * Promise: an I/O work item is made for a device or driver object only. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PIO_WORKITEM Item = ExAllocatePool2(POOL_FLAG_NON_PAGED, IoSizeofWorkItem(), 'tseT');
    IoInitializeWorkItem(PsInitialSystemProcess, Item);
    DbgPrint("never reached\n");
}
