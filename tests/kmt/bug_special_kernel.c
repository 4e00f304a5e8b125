/* STOP: 0x000000CC PAGE_FAULT_IN_FREED_SPECIAL_POOL
 * Promise: so does the kernel's use of it on the driver's behalf.
 */
#include "kmt.h"

#define TAG 'tseT'

static VOID KmtRun(VOID)
{
    PKEVENT Event =
        ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL, sizeof(KEVENT), TAG);

    KeInitializeEvent(Event, NotificationEvent, FALSE);
    ExFreePoolWithTag(Event, TAG);
    KeSetEvent(Event, 0, FALSE);
    DbgPrint("never reached\n");
}
