/* STOP: 0x000000E2 MANUALLY_INITIATED_CRASH
 * SAYS: \*\*\* bugcheck 0x000000\w\w .* while reporting, at rip
 * Promise: a callback that faults while the system stops is told in one line, and ends the report;
 * the memory still goes to the crash disk (test_crash.py). */
#include "kmt.h"

static KBUGCHECK_CALLBACK_RECORD Record;

static VOID NTAPI Fault(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Length);
    *(volatile ULONG *)Buffer = 1;
}

static VOID KmtRun(VOID)
{
    KeRegisterBugCheckCallback(&Record, Fault, (PVOID)0x10, 4, (PUCHAR) "faults");
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}
