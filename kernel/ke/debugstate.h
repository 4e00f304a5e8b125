/* debugstate.h - private to ke: what a processor is while it stands still for the debugger. */
#ifndef _DEBUGSTATE_H_
#define _DEBUGSTATE_H_

#include "debugger.h"
#include "ke.h"

extern KD_PROCESSOR KiDebugProcessors[KI_MAX_PROCESSORS];

static inline PKD_PROCESSOR KiCurrentDebugProcessor(void)
{
    return &KiDebugProcessors[KeGetCurrentPrcb()->Number];
}

/* Takes back what KiSaveStopped has kept: the processor goes on. KiLoadDebugRegisters comes later,
 * when it leaves the debugger. */
void KiRestoreStopped(void);
void KiWriteDr7(ULONG64 Value);
/* What the processor has met since the last look; it adds to what is there. */
ULONG64 KiTakeDr6(void);
/* Of a debug register's stop: gdb has not taken it away meanwhile. */
BOOLEAN KiIsWatched(const KD_STOP *Stop);
/* If another stop comes first, this one need not be remembered: it comes again, unless gdb has
 * taken away what it was for. What a watchpoint has seen is over. */
BOOLEAN KiRecurs(const KD_STOP *Stop);

#endif
