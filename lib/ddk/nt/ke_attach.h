/*
 * nt/ke_attach.h - a thread in another process's address space for a while (book ch. 8).
 *
 * An attached thread still belongs to its own process: only the addresses below the system's, the
 * table that its handles mean, and what PsGetCurrentProcess answers change. APCs for the original
 * environment wait until it is back; I/O that was begun while attached ends while attached. Who
 * attaches holds a reference to the process.
 */
#include <wdm.h>

#ifndef _NT_KE_ATTACH_
#define _NT_KE_ATTACH_

/* The caller only keeps it from attaching to detaching. */
typedef struct _KAPC_STATE {
    LIST_ENTRY ApcListHead[MaximumMode];
    struct _KPROCESS *Process;
    BOOLEAN KernelApcInProgress;
    BOOLEAN KernelApcPending;
    BOOLEAN UserApcPending;
} KAPC_STATE, *PKAPC_STATE, *PRKAPC_STATE;

/*
 * The current thread uses Process's address space until KeUnstackDetachProcess with the same
 * ApcState, which is the caller's memory, not pageable. May be nested. Bugchecks
 * INVALID_PROCESS_ATTACH_ATTEMPT in a DPC; so does a thread that ends attached, and an APC or work
 * item that returns attached differently. IRQL <= APC_LEVEL. WDK: KeStackAttachProcess; book ch. 8.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeStackAttachProcess(_Inout_ PRKPROCESS Process,
                                            _Out_ PRKAPC_STATE ApcState);
/* Back to where it was before. Kernel APCs that were sent to the attached thread run before.
 * Bugchecks INVALID_PROCESS_DETACH_ATTEMPT (process, environment, first APC left, IRQL) when the
 * thread is not attached, in a normal APC of the attached environment, and when APCs of it cannot
 * run now: in a guarded region, at APC_LEVEL. IRQL <= APC_LEVEL. WDK: KeUnstackDetachProcess; book
 * ch. 8. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeUnstackDetachProcess(_In_ PRKAPC_STATE ApcState);

/* The same without nesting: a thread that is attached to another process already bugchecks
 * INVALID_PROCESS_ATTACH_ATTEMPT. Detaching does nothing when it is not attached. WDK:
 * KeAttachProcess, KeDetachProcess (obsolete). */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeAttachProcess(_Inout_ PRKPROCESS Process);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeDetachProcess(VOID);
/* Whether the current thread is attached. Any IRQL. Not documented by Microsoft:
 * KeIsAttachedProcess. */
NTKERNELAPI BOOLEAN NTAPI KeIsAttachedProcess(VOID);

#endif
