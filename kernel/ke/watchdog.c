/*
 * The DPC watchdog: a processor that spends too long at DISPATCH_LEVEL or above is stopped while
 * what it does can still be seen (DPC_WATCHDOG_VIOLATION).
 *
 * Two limits, as on Windows: 20 s for a single DPC, and 120 s at DISPATCH_LEVEL or above without a
 * moment below, for everything: DPCs, service routines, raised threads. `dpcwatchdog=MS` on the
 * command line sets the first, and the second to six times that; 0 turns both off. What counts is
 * clock ticks that this processor has taken, each of which found it so: a machine that was stopped,
 * or an emulator that had no time, has taken none. Counts are of this processor only, at
 * CLOCK_LEVEL, but for the reset at each DPC's start.
 */
#include "kd.h"
#include "ldr.h"
#include "processor.h"

#define SINGLE_LIMIT_MS 20000
#define TOTAL_PER_SINGLE 6
#define TICK_MS_TIMES_8 125 /* a tick is 15.625 ms */

#define SINGLE_DPC 0 /* DPC_WATCHDOG_VIOLATION: which limit */
#define TOTAL_TIME 1

static ULONG KiSingleLimit = SINGLE_LIMIT_MS * 8 / TICK_MS_TIMES_8; /* ticks; 0: none */

/* The bugcheck's own backtrace shows where the processor is now; this, whose DPC it is. */
static void KiPrintDpc(const KI_DPC_QUEUE *Queue)
{
    CHAR Name[80];

    LdrFormatAddress((PVOID)Queue->Routine, Name, sizeof(Name));
    KdPrintf("*** DPC %p, routine %s\n", Queue->Running, Name);
}

void KiWatchTick(PKPRCB Prcb, KIRQL Interrupted)
{
    PKDPC Running = Prcb->Dpc.Running;

    if (Interrupted < DISPATCH_LEVEL || KiSingleLimit == 0) {
        Prcb->DispatchTicks = 0;
        return;
    }
    Prcb->DispatchTicks += 1;
    Prcb->Dpc.RunTicks += Running != NULL;
    if (Running != NULL && Prcb->Dpc.RunTicks > KiSingleLimit) {
        KiPrintDpc(&Prcb->Dpc);
        KeBugCheckEx(DPC_WATCHDOG_VIOLATION, SINGLE_DPC, Prcb->Dpc.RunTicks, KiSingleLimit, 0);
    }
    if (Prcb->DispatchTicks > KiSingleLimit * TOTAL_PER_SINGLE) {
        KeBugCheckEx(DPC_WATCHDOG_VIOLATION, TOTAL_TIME, KiSingleLimit * TOTAL_PER_SINGLE, 0, 0);
    }
}

void KiStartWatchdog(void)
{
    ULONG64 LimitMs;

    if (KiQueryBootOption("dpcwatchdog", &LimitMs)) {
        KiSingleLimit =
            (ULONG)((min(LimitMs, 1000000) * 8 + TICK_MS_TIMES_8 - 1) / TICK_MS_TIMES_8);
    }
}
