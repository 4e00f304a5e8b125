/*
 * nt/ke_intr.h - DPCs, interrupt objects, processors and bugchecks (book ch. 6).
 *
 * A KDPC lives in non-paged memory of the caller's. It stands in at most one processor's queue; it
 * may be changed, freed or queued again from the moment its routine has been called. DPC routines
 * run at DISPATCH_LEVEL on the processor whose queue held them, one at a time there, and may not
 * wait.
 */
#include <wdm.h>

#ifndef _NT_KE_INTR_
#define _NT_KE_INTR_

#include <nt/ke_affinity.h>

/* Makes Dpc ready for use: medium importance, no target processor. DeferredRoutine is called with
 * Dpc, DeferredContext and the two arguments of KeInsertQueueDpc. Any IRQL. WDK: KeInitializeDpc;
 * book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeDpc(_Out_ PRKDPC Dpc, _In_ PKDEFERRED_ROUTINE DeferredRoutine,
                                       _In_opt_ PVOID DeferredContext);
/* Queues Dpc on its target processor, or on this one. FALSE: it stood in a queue already, and keeps
 * that call's arguments. Importance decides when it runs: MediumImportance on this processor, and
 * HighImportance and MediumHighImportance on any, as soon as the IRQL there permits; otherwise the
 * processor looks at its queue when it is idle, when the queue is 4 deep, and at its next clock
 * tick. Any IRQL. WDK: KeInsertQueueDpc. */
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueDpc(_Inout_ PRKDPC Dpc, _In_opt_ PVOID SystemArgument1,
                                           _In_opt_ PVOID SystemArgument2);
/* Takes Dpc out of its queue. FALSE: it stood in none; then it may be running this moment on
 * another processor (KeFlushQueuedDpcs waits for that). Any IRQL. WDK: KeRemoveQueueDpc. */
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueDpc(_Inout_ PRKDPC Dpc);
/* Returns when every DPC that was queued on any processor at the time of the call has run to its
 * end: for DriverUnload. WDK: KeFlushQueuedDpcs. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeFlushQueuedDpcs(VOID);
/* HighImportance queues at the head, every other at the tail; see KeInsertQueueDpc. Counts from the
 * next insertion on. Any IRQL. WDK: KeSetImportanceDpc. */
NTKERNELAPI VOID NTAPI KeSetImportanceDpc(_Inout_ PRKDPC Dpc, _In_ KDPC_IMPORTANCE Importance);
/* From the next insertion on, Dpc runs on processor Number (0 and up). One that is not running
 * takes none: the DPC then runs where it is queued. Any IRQL. WDK: KeSetTargetProcessorDpc. */
NTKERNELAPI VOID NTAPI KeSetTargetProcessorDpc(_Inout_ PRKDPC Dpc, _In_ CCHAR Number);

/* The same with a group, of which there is one, 0. STATUS_INVALID_PARAMETER, and Dpc stays as it
 * was: no such processor runs, or Reserved is not 0. Any IRQL. WDK: KeSetTargetProcessorDpcEx. */
NTKERNELAPI NTSTATUS NTAPI KeSetTargetProcessorDpcEx(_Inout_ PKDPC Dpc,
                                                     _In_ PPROCESSOR_NUMBER ProcNumber);
/* KeInitializeDpc for a threaded DPC: DeferredRoutine runs at PASSIVE_LEVEL in a thread of its
 * processor that goes before every other one; ordinary DPCs interrupt it. It must not wait, and
 * takes locks that it shares with other DPCs by the ForDpc routines, since the system may run it at
 * DISPATCH_LEVEL after all. Any IRQL. WDK: KeInitializeThreadedDpc; book ch. 6. */
NTKERNELAPI VOID NTAPI KeInitializeThreadedDpc(_Out_ PRKDPC Dpc,
                                               _In_ PKDEFERRED_ROUTINE DeferredRoutine,
                                               _In_opt_ PVOID DeferredContext);
/* Takes SpinLock in a DPC that may be threaded: at DISPATCH_LEVEL from here on. Returns the IRQL to
 * give back. WDK: KeAcquireSpinLockForDpc; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI KIRQL NTAPI KeAcquireSpinLockForDpc(_Inout_ PKSPIN_LOCK SpinLock);
/* Frees it, back to OldIrql. Not owned: SPIN_LOCK_NOT_OWNED. WDK: KeReleaseSpinLockForDpc. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeReleaseSpinLockForDpc(_Inout_ PKSPIN_LOCK SpinLock, _In_ KIRQL OldIrql);

/* Calls Routine(Dpc, Context, SystemArgument1, SystemArgument2) on every processor at the same
 * time, at DISPATCH_LEVEL, and returns when all have called KeSignalCallDpcDone, which each must,
 * last of all. One call at a time: others wait. Not documented in the WDK. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI KeGenericCallDpc(_In_ PKDEFERRED_ROUTINE Routine, _In_opt_ PVOID Context);
/* The routine has finished on this processor. Not documented in the WDK. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI KeSignalCallDpcDone(_In_ PVOID SystemArgument1);
/* Waits in the routine until all processors have come here; TRUE on exactly one of them. May be
 * called again for another meeting. Not documented in the WDK. */
_IRQL_requires_(DISPATCH_LEVEL)
NTKERNELAPI LOGICAL NTAPI KeSignalCallDpcSynchronize(_In_ PVOID SystemArgument2);

/* Runs SynchronizeRoutine(SynchronizeContext) at Interrupt's SynchronizeIrql with its spin lock
 * held, so that its service routine does not run meanwhile; returns what the routine returned. The
 * routine may not take it again. IRQL <= SynchronizeIrql, else IRQL_NOT_LESS_OR_EQUAL. WDK:
 * KeSynchronizeExecution; book ch. 6. */
NTKERNELAPI BOOLEAN NTAPI KeSynchronizeExecution(_Inout_ PKINTERRUPT Interrupt,
                                                 _In_ PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                                 _In_opt_ PVOID SynchronizeContext);
/* The same in two steps: raises to SynchronizeIrql and takes the lock; returns the old IRQL for
 * KeReleaseInterruptSpinLock. IRQL <= SynchronizeIrql. WDK: KeAcquireInterruptSpinLock. */
NTKERNELAPI KIRQL NTAPI KeAcquireInterruptSpinLock(_Inout_ PKINTERRUPT Interrupt);
/* Gives the lock back and lowers to OldIrql. At SynchronizeIrql. WDK:
 * KeReleaseInterruptSpinLock. */
NTKERNELAPI VOID NTAPI KeReleaseInterruptSpinLock(_Inout_ PKINTERRUPT Interrupt,
                                                  _In_ KIRQL OldIrql);

/* Stops all processors, prints the code with its name, the parameters, registers and backtraces on
 * the serial port, and halts; under `exec` it ends QEMU instead. Codes and the meaning of
 * parameters: bugcodes.h, WDK "Bug Check Code Reference". Any IRQL. WDK: KeBugCheckEx; book ch.
 * 6. */
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI KeBugCheckEx(_In_ ULONG BugCheckCode,
                                                      _In_ ULONG_PTR BugCheckParameter1,
                                                      _In_ ULONG_PTR BugCheckParameter2,
                                                      _In_ ULONG_PTR BugCheckParameter3,
                                                      _In_ ULONG_PTR BugCheckParameter4);
/* KeBugCheckEx with four zeros. Any IRQL. WDK: KeBugCheck. */
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI KeBugCheck(_In_ ULONG BugCheckCode);

/* How many processors run; *ActiveProcessors receives their set, bit n for number n. Any IRQL. WDK:
 * KeQueryActiveProcessorCount. */
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCount(_Out_opt_ PKAFFINITY ActiveProcessors);
/* The set of processors that run. Any IRQL. WDK: KeQueryActiveProcessors. */
NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);

/* Current processor's number: gs:[184h], as drivers inline it. Any IRQL; the answer holds only at
 * DISPATCH_LEVEL or above. WDK: KeGetCurrentProcessorNumber. */
FORCEINLINE ULONG KeGetCurrentProcessorNumber(VOID)
{
    ULONG Number;
    __asm__ volatile("movl %%gs:0x184, %0" : "=r"(Number));
    return Number;
}

typedef ULONG_PTR NTAPI KIPI_BROADCAST_WORKER(_In_ ULONG_PTR Argument);
typedef KIPI_BROADCAST_WORKER *PKIPI_BROADCAST_WORKER;
/* Runs BroadcastFunction(Context) on every processor at IPI_LEVEL: none begins before all have
 * arrived, and the call returns, with this processor's result, when all have finished. The function
 * must be short, may not lower the IRQL and may take no lock that code below IPI_LEVEL holds.
 * IRQL < IPI_LEVEL, interrupts on. WDK: KeIpiGenericCall. */
_IRQL_requires_max_(CLOCK_LEVEL)
NTKERNELAPI ULONG_PTR NTAPI KeIpiGenericCall(_In_ PKIPI_BROADCAST_WORKER BroadcastFunction,
                                             _In_ ULONG_PTR Context);

#endif
