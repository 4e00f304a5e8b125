/* STOP: 0x000000C7 TIMER_OR_DPC_INVALID
 * MACHINE: debug=1
 * SAYS: bug_unload_timer.sys is being unloaded and leaves behind
 * SAYS: armed timer [0-9A-F]+: bug_unload_timer!Expired
 * Promise: a driver that goes while its timer is armed is stopped before the timer can call into
 * nothing. */
#include "kmt.h"

static KTIMER Timer;
static KDPC Dpc;

static VOID NTAPI Expired(PKDPC Own, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Own);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID KmtRun(VOID)
{
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Expired, NULL);
    KeSetTimer(&Timer, KmtMs(3600000), &Dpc);
}
