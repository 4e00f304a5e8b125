/* STOP: 0x000000E2 MANUALLY_INITIATED_CRASH
 * Promise: a KbCallbackDumpIo routine that faults is not called again, and costs nobody the crash
 * file (test_crash.py). */
#include "kmt.h"

static KBUGCHECK_REASON_CALLBACK_RECORD Record;

static VOID NTAPI Fault(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Given,
                        PVOID ReasonData, ULONG Length)
{
    UNREFERENCED_PARAMETER(Reason);
    UNREFERENCED_PARAMETER(Given);
    UNREFERENCED_PARAMETER(ReasonData);
    *(volatile ULONG *)0x10 = Length;
}

static VOID KmtRun(VOID)
{
    KeRegisterBugCheckReasonCallback(&Record, Fault, KbCallbackDumpIo, (PUCHAR) "faults");
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}
