/* debugstep.h - private to ke: one instruction of a processor that stands still for the
 * debugger. */
#ifndef _DEBUGSTEP_H_
#define _DEBUGSTEP_H_

#include "debugger.h"

#define EFLAGS_TF 0x100ULL
#define STEP_FLAGS (EFLAGS_TF | EFLAGS_IF)

/* Makes the processor stop after its next instruction. FALSE: that was done by hand, at once. */
BOOLEAN KiArmStep(PKD_PROCESSOR Processor);
/* What the flags would be without the step, after the instruction and before it. */
void KiFinishStep(PKD_PROCESSOR Processor, PKTRAP_FRAME Frame);
void KiRestoreStepFlags(PKD_PROCESSOR Processor, PKTRAP_FRAME Frame);

#endif
