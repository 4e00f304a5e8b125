/* STOP: 0x0000000A IRQL_NOT_LESS_OR_EQUAL
 * Promise: a thread that waits at DISPATCH_LEVEL is stopped. */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KEVENT Never;
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    KMT_EQUAL(KmtWait(&Never, 10), STATUS_TIMEOUT, "never reached");
    KeLowerIrql(OldIrql);
}
