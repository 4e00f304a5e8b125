/* STOP: 0x000000E3 RESOURCE_NOT_OWNED
 * Promise: only who has a resource alone converts it to shared. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static ERESOURCE Resource;
    ExInitializeResourceLite(&Resource);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExConvertExclusiveToSharedLite(&Resource);
    DbgPrint("never reached\n");
}
