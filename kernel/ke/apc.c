/*
 * Asynchronous procedure calls: routines that run in the context of one particular thread.
 *
 * A thread has two lists of APCs, guarded by KiDispatcherLock: kernel mode (special ones, without a
 * normal routine, first) and user mode. Delivery of kernel APCs is an interrupt at APC_LEVEL:
 *
 *      IofCompleteRequest (any thread)           target thread T
 *        KeInsertQueueApc(T)
 *          T runs here or elsewhere      --->      self-interrupt 1Fh, or an IPI that asks for it;
 *                                                  taken when T's IRQL drops below APC_LEVEL
 *          T waits at PASSIVE_LEVEL      --->      wait broken with STATUS_KERNEL_APC; being
 *                                                  switched to, T asks for the interrupt itself
 *          T is ready                    --->      the same, when it is switched to
 *        KiDeliverApc in T: the kernel routine at APC_LEVEL, then the normal one at PASSIVE_LEVEL
 *
 * The interrupt may come when T has just been switched away; then another thread finds its own
 * list empty, and T asks again when it returns. KernelApcPending is T's memory of that; delivery
 * clears it, even when a critical region makes it leave APCs behind, and leaving the region sets it
 * again.
 *
 * While a thread is attached to another process it has two pairs of lists (see attach.c): an APC is
 * queued for one environment, and is signalled only if the thread is in it. One for the attached
 * environment of a thread that is not attached, or not any more, is delivered where it is.
 */
#include "dispatch.h"

void NTAPI KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                           PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                           PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                           PVOID NormalContext)
{
    Apc->Type = ApcObject;
    Apc->Size = sizeof(*Apc);
    Apc->Thread = Thread;
    Apc->ApcStateIndex =
        (CCHAR)(Environment == CurrentApcEnvironment ? Thread->ApcStateIndex : (UCHAR)Environment);
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    Apc->ApcMode = NormalRoutine != NULL ? ApcMode : KernelMode;
    Apc->NormalContext = NormalRoutine != NULL ? NormalContext : NULL;
    Apc->Inserted = FALSE;
}

static PKAPC KiApcOf(PLIST_ENTRY Link)
{
    return CONTAINING_RECORD(Link, KAPC, ApcListEntry);
}

/* The environment that an APC is for, among those its thread has now. */
static UCHAR KiEnvironmentOf(PKAPC Apc)
{
    if (Apc->ApcStateIndex == InsertApcEnvironment) {
        Apc->ApcStateIndex = (CCHAR)Apc->Thread->ApcStateIndex;
    }
    return min((UCHAR)Apc->ApcStateIndex, Apc->Thread->ApcStateIndex);
}

/* Special APCs go behind the special ones, before the normal ones; the others go last. */
static void KiLinkApc(PKAPC Apc, PKAPC_STATE State)
{
    PLIST_ENTRY Head = &State->ApcListHead[(UCHAR)Apc->ApcMode];
    PLIST_ENTRY Position = Head;
    if (Apc->NormalRoutine == NULL) {
        Position = Head->Flink;
        while (Position != Head && KiApcOf(Position)->NormalRoutine == NULL) {
            Position = Position->Flink;
        }
    }
    InsertTailList(Position, &Apc->ApcListEntry);
    KI_TRACE_STORE(ApcQueue, Apc->Inserted, TRUE, Apc, 0, 0);
}

/* Could a waiting thread run this kernel APC now? */
static BOOLEAN KiMayBreakWait(PKTHREAD Thread, PKAPC Apc)
{
    if (Thread->WaitIrql >= APC_LEVEL || Thread->SpecialApcDisable != 0) {
        return FALSE;
    }
    return (BOOLEAN)(Apc->NormalRoutine == NULL ||
                     (Thread->KernelApcDisable == 0 && !Thread->ApcState.KernelApcInProgress));
}

static void KiSignalKernelApc(PKTHREAD Thread, PKAPC Apc, KPRIORITY Increment)
{
    Thread->ApcState.KernelApcPending = TRUE;
    if (Thread->State == Running) {
        if (Thread == KeGetCurrentThread()) {
            KiRequestApcInterrupt();
        } else {
            KiSendIpi(Thread->NextProcessor, KIPI_APC);
        }
    } else if (Thread->State == Waiting && KiMayBreakWait(Thread, Apc)) {
        KiUnwaitThread(Thread, STATUS_KERNEL_APC, Increment);
    }
}

static void KiSignalUserApc(PKTHREAD Thread, KPRIORITY Increment)
{
    if (Thread->State == Waiting && Thread->WaitMode == UserMode && Thread->Alertable) {
        Thread->ApcState.UserApcPending = TRUE;
        KiUnwaitThread(Thread, STATUS_USER_APC, Increment);
    }
}

BOOLEAN KiQueueApc(PKAPC Apc, KPRIORITY Increment)
{
    PKTHREAD Thread = Apc->Thread;
    if (!Thread->ApcQueueable || Apc->Inserted) {
        return FALSE;
    }
    KiLinkApc(Apc, Thread->ApcStatePointer[KiEnvironmentOf(Apc)]);
    if (KiEnvironmentOf(Apc) != Thread->ApcStateIndex) {
        return TRUE; /* it comes up when the thread is back in its own process */
    }
    if (Apc->ApcMode == KernelMode) {
        KiSignalKernelApc(Thread, Apc, Increment);
    } else {
        KiSignalUserApc(Thread, Increment);
    }
    return TRUE;
}

BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                               KPRIORITY Increment)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Queued;
    if (!Apc->Inserted) { /* a queued one keeps its arguments */
        Apc->SystemArgument1 = SystemArgument1;
        Apc->SystemArgument2 = SystemArgument2;
    }
    Queued = KiQueueApc(Apc, Increment);
    KiUnlockDispatcher(OldIrql);
    return Queued;
}

BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Removed = Apc->Inserted;
    if (Removed) {
        RemoveEntryList(&Apc->ApcListEntry);
        Apc->Inserted = FALSE;
    }
    KiUnlockDispatcher(OldIrql);
    return Removed;
}

BOOLEAN KiIsKernelApcDue(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];
    if (IsListEmpty(Head) || Thread->SpecialApcDisable != 0) {
        return FALSE;
    }
    return (BOOLEAN)(KiApcOf(Head->Flink)->NormalRoutine == NULL ||
                     (Thread->KernelApcDisable == 0 && !Thread->ApcState.KernelApcInProgress));
}

/* The kernel APC that may be delivered now, unlinked and copied to *Copy, or NULL. The APC's memory
 * belongs to its kernel routine from here on. Lock held. */
static PKAPC KiTakeKernelApc(PKTHREAD Thread, PKAPC Copy)
{
    PKAPC Apc = KiApcOf(Thread->ApcState.ApcListHead[KernelMode].Flink);
    if (!KiIsKernelApcDue(Thread)) {
        return NULL;
    }
    RemoveEntryList(&Apc->ApcListEntry);
    KI_TRACE_STORE(ApcRun, Apc->Inserted, FALSE, Apc, 0, 0);
    *Copy = *Apc;
    return Apc;
}

/* Runs one APC at APC_LEVEL, no locks; its normal routine, if one is left, at PASSIVE_LEVEL. */
static void KiRunKernelApc(PKTHREAD Thread, PKAPC Apc, PKAPC Copy)
{
    Copy->KernelRoutine(Apc, &Copy->NormalRoutine, &Copy->NormalContext, &Copy->SystemArgument1,
                        &Copy->SystemArgument2);
    if (KI_TRACE_IRQL(ApcEnd, Apc, Copy, 0) != APC_LEVEL) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KeGetCurrentIrql() << 16 | APC_LEVEL << 8, 0,
                     (ULONG_PTR)Copy->KernelRoutine, (ULONG_PTR)Apc);
    }
    if (Copy->NormalRoutine != NULL) {
        Thread->ApcState.KernelApcInProgress = TRUE;
        KeLowerIrql(PASSIVE_LEVEL);
        Copy->NormalRoutine(Copy->NormalContext, Copy->SystemArgument1, Copy->SystemArgument2);
        if (KI_TRACE_IRQL(ApcEnd, Apc, 0, 0) != PASSIVE_LEVEL) {
            KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KeGetCurrentIrql() << 16 | PASSIVE_LEVEL << 8, 0,
                         (ULONG_PTR)Copy->NormalRoutine, (ULONG_PTR)Apc);
        }
        KfRaiseIrql(APC_LEVEL);
        Thread->ApcState.KernelApcInProgress = FALSE;
    }
}

void KiDeliverApc(KPROCESSOR_MODE Mode)
{
    PKTHREAD Thread = KeGetCurrentThread();
    PKPROCESS Process = Thread->ApcState.Process;
    KIRQL OldIrql = KiLockDispatcher();
    KAPC Copy;
    PKAPC Apc;
    UNREFERENCED_PARAMETER(Mode);
    Thread->ApcState.KernelApcPending = FALSE;
    while ((Apc = KiTakeKernelApc(Thread, &Copy)) != NULL) {
        KiUnlockDispatcher(OldIrql);
        PVOID Routine = KiRoutineOfApc(&Copy);
        KiRunKernelApc(Thread, Apc, &Copy);
        KiCheckAttached(Process, Routine);
        OldIrql = KiLockDispatcher();
    }
    KiUnlockDispatcher(OldIrql);
}

void KiCheckForKernelApc(PKTHREAD Thread)
{
    /* No lock: whoever puts an APC in signals it, so one that is not seen here finds the thread
     * able to take it, provided that the list is read after the count was written. The processor
     * keeps that order towards its own interrupts. */
    __asm__ volatile("" : : : "memory");
    if (Thread->SpecialApcDisable == 0 && !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        Thread->ApcState.KernelApcPending = TRUE;
        KiRequestApcInterrupt();
    }
}

/* Closes the lists once the kernel list is empty: nothing can be left behind. Else answers its
 * first. */
static PKAPC KiCloseApcLists(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];
    KIRQL OldIrql = KiLockDispatcher();
    PKAPC First = IsListEmpty(Head) ? NULL : KiApcOf(Head->Flink);
    if (First == NULL) {
        Thread->ApcQueueable = FALSE;
    }
    KiUnlockDispatcher(OldIrql);
    return First;
}

/* A user APC that will never run, or NULL. Others may still remove some. */
static PKAPC KiTakeUserApc(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[UserMode];
    KIRQL OldIrql = KiLockDispatcher();
    PKAPC Apc = IsListEmpty(Head) ? NULL : KiApcOf(RemoveHeadList(Head));
    if (Apc != NULL) {
        Apc->Inserted = FALSE;
    }
    KiUnlockDispatcher(OldIrql);
    return Apc;
}

void KiRundownApcs(PKTHREAD Thread)
{
    PKAPC Apc;
    /* A normal routine that ends its thread does not return: what waits behind it may run. */
    Thread->ApcState.KernelApcInProgress = FALSE;
    while ((Apc = KiCloseApcLists(Thread)) != NULL) {
        if (Thread->SpecialApcDisable != 0 || Thread->KernelApcDisable != 0) {
            KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, (ULONG_PTR)Apc,
                         (ULONG_PTR)Thread->KernelApcDisable, KeGetCurrentIrql(), 0);
        }
        KiCheckForKernelApc(Thread); /* taken at once: this is PASSIVE_LEVEL */
    }
    while ((Apc = KiTakeUserApc(Thread)) != NULL) {
        if (Apc->RundownRoutine != NULL) {
            Apc->RundownRoutine(Apc);
        } else {
            ExFreePool(Apc);
        }
    }
}

BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Previous = Thread->Alerted[(UCHAR)AlertMode];
    if (!Previous) {
        if (Thread->State == Waiting && Thread->Alertable && AlertMode <= Thread->WaitMode) {
            KiUnwaitThread(Thread, STATUS_ALERTED, 0);
        } else {
            Thread->Alerted[(UCHAR)AlertMode] = TRUE;
        }
    }
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Alerted = Thread->Alerted[(UCHAR)AlertMode];
    if (Alerted) {
        Thread->Alerted[(UCHAR)AlertMode] = FALSE;
    } else if (AlertMode == UserMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        Thread->ApcState.UserApcPending = TRUE;
    }
    KiUnlockDispatcher(OldIrql);
    return Alerted;
}

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    KeGetCurrentThread()->KernelApcDisable -= 1;
}

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_ASSERT(Thread->KernelApcDisable < 0);
    Thread->KernelApcDisable += 1;
    if (Thread->KernelApcDisable == 0) {
        KiCheckForKernelApc(Thread);
    }
}

VOID NTAPI KeEnterGuardedRegion(VOID)
{
    KeGetCurrentThread()->SpecialApcDisable -= 1;
}

VOID NTAPI KeLeaveGuardedRegion(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_ASSERT(Thread->SpecialApcDisable < 0);
    Thread->SpecialApcDisable += 1;
    KiCheckForKernelApc(Thread); /* special ones come in a critical region, too */
}

BOOLEAN NTAPI KeAreApcsDisabled(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    return (BOOLEAN)(Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0);
}

BOOLEAN NTAPI KeAreAllApcsDisabled(VOID)
{
    return (BOOLEAN)(KeGetCurrentThread()->SpecialApcDisable != 0 ||
                     KeGetCurrentIrql() >= APC_LEVEL);
}
