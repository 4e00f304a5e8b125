/* STOP: 0x000000E3 RESOURCE_NOT_OWNED
 * Promise: a resource is given back only by its owner. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    static ERESOURCE Resource;
    ExInitializeResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    DbgPrint("never reached\n");
}
