/*
 * debugger.h - between the debugger's stub (kd/stub), which talks to gdb over COM2, and ke, which
 * stops the processors for it and lets them go (ke/debugger.c).
 */
#ifndef _DEBUGGER_H_
#define _DEBUGGER_H_

#include <ntddk.h>
#include "trap.h"

/* What of a stopped processor is not in its trap frame. Its own until it has set Frame; then the
 * debugger's until that is NULL again. */
typedef struct DECLSPEC_ALIGN(16) _KD_PROCESSOR {
    UCHAR Fx[512];               /* FXSAVE image */
    PKTRAP_FRAME volatile Frame; /* NULL: it runs */
    volatile BOOLEAN Leaving;    /* it is about to run, unless somebody stops it again */
    ULONG64 Cr0, Cr2, Cr3, Cr4, Cr8, Efer, FsBase, GsBase, KernelGsBase;
    ULONG Ds, Es, Fs, Gs;
    BOOLEAN Stepping;
    UCHAR StepOpcode;  /* what is stepped over, without prefixes */
    ULONG64 StepFlags; /* TF and IF that it has without the step */
} KD_PROCESSOR, *PKD_PROCESSOR;

typedef enum _KD_STOP_REASON {
    KdStopBreakIn, /* Ctrl-C */
    KdStopAttach,  /* somebody speaks on the line */
    KdStopCrash,   /* the break key, and no debugger there: a person wants the machine to crash */
    KdStopTrap,    /* int3 in the code, or a debug exception: see Address */
    KdStopBreakpoint, /* one of gdb's */
    KdStopStep,
    KdStopHardware, /* one in a debug register; Address is its number */
    KdStopBugCheck  /* a crash; Address is its code */
} KD_STOP_REASON;

typedef struct _KD_STOP {
    KD_STOP_REASON Reason;
    ULONG Processor;
    ULONG64 Address;
} KD_STOP, *PKD_STOP;

typedef struct _KD_RESUME {
    BOOLEAN Step; /* one instruction of Processor alone; else everybody goes on */
    ULONG Processor;
} KD_RESUME, *PKD_RESUME;

/* The debug registers as every processor gets them when it goes on. Written while all stand
 * still. */
typedef struct _KD_DEBUG_REGISTERS {
    ULONG64 Address[4];
    ULONG64 Control; /* DR7 */
} KD_DEBUG_REGISTERS;
#define KD_DR7_OFF 0x400 /* the bit that is always set */

/* Of a routine that the debugger runs while its breakpoints are in the code, outside the files that
 * are its own (linker.ld): none can be set there. */
#define KI_DEBUGGER_TEXT __attribute__((section(".text.debugger")))

/*** ke/debugger.c; any IRQL. ***/

extern KD_DEBUG_REGISTERS KiDebugRegisters;
/* A processor that stands still for the debugger or a crash; NULL: it runs, or there is none. */
PKD_PROCESSOR KiQueryStopped(ULONG Number);
/* Stops here and waits for a debugger that is not there yet. */
void KiWaitForDebugger(void);
/* TRUE when a breakpoint must not be set at Address: the debugger itself would run into it. */
BOOLEAN KiIsDebuggerCode(ULONG64 Address);

/* This processor owns the debugger, at HIGH_LEVEL, and nobody stops for it. FALSE: it does so
 * already, or has crashed while somebody else did. */
BOOLEAN KiOwnDebugger(void);
void KiDisownDebugger(void);
/* Around a change of the kernel's code, with interrupts off, while nobody else executes it: in
 * between the debugger's breakpoints are out of the code, and nobody stops for it. FALSE: as with
 * KiOwnDebugger; nothing may be changed, and nothing is to be ended. */
BOOLEAN KiBeginCodeChange(void);
void KiEndCodeChange(void);

/*** kd/stub; with interrupts off. ***/

/* The command line's wishes, after HalInitializeSystem: opens COM2 and, if `break` is among them,
 * waits. */
void KdStartDebugger(void);
/* TRUE: breakpoints and assertions are somebody's. */
BOOLEAN KdIsDebuggerPresent(void);
/* TRUE: there may be one, at some time. */
BOOLEAN KdIsDebuggerPossible(void);
/* Looks at the line. TRUE: the machine is to stop, for *Reason; else *Ours says whether an NMI may
 * have been the line's all the same. */
BOOLEAN KdPollDebugger(PBOOLEAN Ours, KD_STOP_REASON *Reason);
/* The debugger works, all processors stand still. Returns when they are to go on. */
void KdServeDebugger(const KD_STOP *Stop, PKD_RESUME Resume);
/* TRUE: gdb has a breakpoint at Address now. */
BOOLEAN KdIsBreakpoint(ULONG64 Address);
/* The debugger ran into a breakpoint of its user's: it goes, until the machine goes on. */
void KdLiftBreakpoints(void);
/* Puts what gdb has set into the code, before the machine goes on. */
void KdInsertBreakpoints(void);
/* The machine goes on: a byte makes an NMI from now on, and so does one that came while nobody
 * listened. */
void KdListen(void);
/* Shows gdb what is printed while the machine runs, if it wants that. HIGH_LEVEL, one caller at a
 * time. */
void KdShowDebugger(const CHAR *Text, SIZE_T Length);
/* TRUE: this processor is the debugger, all others stand still. */
BOOLEAN KiIsServingDebugger(void);
/* The debugger itself has faulted: the request that did it is answered with an error. */
DECLSPEC_NORETURN void KdAbandonRequest(void);

#endif
