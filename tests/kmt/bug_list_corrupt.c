/* STOP: 0x00000139 KERNEL_SECURITY_CHECK_FAILURE
 * Promise: a broken list link is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    LIST_ENTRY Head, Entry;
    InitializeListHead(&Head);
    InsertTailList(&Head, &Entry);
    Entry.Blink = &Entry;
    RemoveEntryList(&Entry);
}
