/* nt/kd.h - whether there is a debugger (book ch. 5). */
#include <wdm.h>

#ifndef _NT_KD_
#define _NT_KD_

/* TRUE: the system was started for a debugger, and it has not been disabled; TRUE: none is
 * attached. What a driver reads under the names is the import slot, which points to a BOOLEAN. Any
 * IRQL. WDK: KdDebuggerEnabled, KdDebuggerNotPresent. */
#ifdef _NTOSKRNL_
extern BOOLEAN KdDebuggerEnabled;
extern BOOLEAN KdDebuggerNotPresent;
#define KD_DEBUGGER_ENABLED KdDebuggerEnabled
#define KD_DEBUGGER_NOT_PRESENT KdDebuggerNotPresent
#else
extern PBOOLEAN KdDebuggerEnabled;
extern PBOOLEAN KdDebuggerNotPresent;
#define KD_DEBUGGER_ENABLED *KdDebuggerEnabled
#define KD_DEBUGGER_NOT_PRESENT *KdDebuggerNotPresent
#endif

/* What KdDebuggerNotPresent is now. Over a serial line a debugger is there from its first request
 * until it detaches: one that has been killed is not noticed. Any IRQL. WDK:
 * KdRefreshDebuggerNotPresent. */
NTKERNELAPI BOOLEAN NTAPI KdRefreshDebuggerNotPresent(VOID);

/* No debugger from now on: breakpoints are bugchecks, and the line is not listened to. Each call
 * takes one of KdEnableDebugger to undo. Those that are set stay in the code, so only a driver that
 * hides from a debugger calls it while one is attached. STATUS_DEBUGGER_INACTIVE: the system was
 * not started for one; KdEnableDebugger: STATUS_INVALID_PARAMETER: it is not disabled. Any IRQL.
 * WDK: KdDisableDebugger, KdEnableDebugger. */
NTKERNELAPI NTSTATUS NTAPI KdDisableDebugger(VOID);
NTKERNELAPI NTSTATUS NTAPI KdEnableDebugger(VOID);

#if DBG
#define KdBreakPoint() DbgBreakPoint()
#define KdBreakPointWithStatus(s) DbgBreakPointWithStatus(s)
#else
#define KdBreakPoint()
#define KdBreakPointWithStatus(s)
#endif

#endif
