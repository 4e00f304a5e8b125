/* STOP: 0x000000C7 TIMER_OR_DPC_INVALID
 * MACHINE: debug=1
 * SAYS: STOP: 0x000000C7 \(0x0000000000000000,
 * Promise: pool that is freed with an armed timer in it is reported. */
#include "kmt.h"

typedef struct _EXTENSION {
    ULONG64 Other[5];
    KTIMER Timer;
} EXTENSION;

static VOID KmtRun(VOID)
{
    EXTENSION *Extension = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Extension), 'tmtK');

    KeInitializeTimer(&Extension->Timer);
    KeSetTimer(&Extension->Timer, KmtMs(60000), NULL);
    ExFreePoolWithTag(Extension, 'tmtK');
    DbgPrint("never reached\n");
}
