/*
 * Promises: a remove lock in the layout of a free build counts the uses of a device, refuses new
 * ones with STATUS_DELETE_PENDING once it is being removed, and the removal waits for exactly those
 * that were inside.
 */
#undef DBG
#define DBG 0
#include "removelock.h"

static VOID KmtRun(VOID)
{
    KMT_EQUAL(sizeof(IO_REMOVE_LOCK), 0x20, "the free layout");
    TestCounts();
    TestRemoval();
}
