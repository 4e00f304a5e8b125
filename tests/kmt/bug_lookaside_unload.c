/* STOP: 0x000000CE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS
 * Promise: a driver that unloads with a lookaside list in its image that it has not deleted is
 * told. */
#include "kmt.h"

static LOOKASIDE_LIST_EX List;

static VOID KmtRun(VOID)
{
    KMT_EQUAL(ExInitializeLookasideListEx(&List, NULL, NULL, NonPagedPoolNx, 0, 64, 'tseT', 0),
              STATUS_SUCCESS, "a list");
}
