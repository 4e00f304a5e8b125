/* STOP: 0x000000C4 DRIVER_VERIFIER_DETECTED_VIOLATION
 * MACHINE: debug=1
 * SAYS: \(0x0+D2,
 * SAYS: ERESOURCE that was not deleted, made [0-9A-F]+: bug_unload_resource!
 * Promise: a driver that goes without deleting its executive resources is stopped. */
#include "kmt.h"

static ERESOURCE Resource;

static VOID KmtRun(VOID)
{
    ExInitializeResourceLite(&Resource);
}
