/*
 * Promise: a driver can ask whether there is a debugger, and is told the truth when there is none.
 */
#include "kmt.h"

static VOID KmtRun(VOID)
{
    KMT_CHECK(!KD_DEBUGGER_ENABLED, "not enabled");
    KMT_CHECK(KD_DEBUGGER_NOT_PRESENT, "not present");
    KMT_CHECK(KdRefreshDebuggerNotPresent(), "still not present");
    KMT_EQUAL(KdDisableDebugger(), STATUS_DEBUGGER_INACTIVE, "nothing to disable");
    KMT_EQUAL(KdEnableDebugger(), STATUS_DEBUGGER_INACTIVE, "nothing to enable");
}
