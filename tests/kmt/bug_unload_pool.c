/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: \(0x0+62, 0x[0-9A-F]+, 0x0+, 0x0+3\)
 * SAYS: pool Leak: 3 blocks, \d+ bytes, allocated at bug_unload_pool!
 * Promise: a driver that goes without freeing its pool memory is told where it allocated it. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    PVOID volatile Kept;
    for (volatile ULONG i = 0; i < 3; i++) { // one call, not three
        Kept = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'kaeL');
    }
    (VOID) Kept;
}
