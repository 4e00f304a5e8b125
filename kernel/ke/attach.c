/*
 * attach.c - a thread in another process's address space for a while.
 *
 * KTHREAD.ApcState is always what counts now: the process whose tables CR3 holds, and the APCs that
 * may be delivered. Attaching puts it away, lists and all, and begins a new one; detaching takes it
 * back:
 *
 *                              ApcState        SavedApcState     the caller's, nested
 *      not attached            own process     -                 -
 *      attached to P           P               own process       -
 *      attached to Q from P    Q               own process       P
 *
 * So an APC for the original environment that comes meanwhile goes into SavedApcState and waits
 * there; ApcStatePointer tells a sender which of the two is which. All of it changes under
 * KiDispatcherLock, CR3 with it: whoever switches threads compares processes under the same lock.
 *
 * A process that threads are attached to must not be deleted; StackCount finds out who does it all
 * the same.
 */
#include "dispatch.h"
#include "ldr.h"

/* KAPC_STATE.Process of one that was put away, where it is no process. */
#define KI_NOT_SAVED NULL              /* the state is in SavedApcState */
#define KI_SAME_PROCESS ((PKPROCESS)1) /* nothing was put away */

static DECLSPEC_NORETURN ARCH_COLD void KiBadAttach(PKPROCESS Process, BOOLEAN InDpc)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                 (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex, InDpc);
}

void KiCheckAttached(PKPROCESS Process, PVOID Routine)
{
    PKTHREAD Thread = KeGetCurrentThread();
    if (Thread->ApcState.Process != Process) {
        CHAR Culprit[96];
        LdrFormatAddress(Routine, Culprit, sizeof(Culprit));
        KeBugCheckBlaming(Culprit, INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                          (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex, FALSE);
    }
}

/* DPCs use the thread that they have interrupted, and would take it elsewhere. */
static void KiCheckAttachIrql(PKPROCESS Process, PVOID Caller)
{
    KIRQL Irql = KeGetCurrentIrql();
    if (Irql > APC_LEVEL) {
        if (KeGetCurrentPrcb()->DpcActive) {
            KiBadAttach(Process, TRUE);
        }
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Process, Irql, 0, (ULONG_PTR)Caller);
    }
}

/* From ends up empty. */
static void KiMoveList(PLIST_ENTRY To, PLIST_ENTRY From)
{
    InitializeListHead(To);
    if (!IsListEmpty(From)) {
        *To = *From;
        To->Flink->Blink = To;
        To->Blink->Flink = To;
        InitializeListHead(From);
    }
}

static void KiMoveApcState(PKAPC_STATE To, PKAPC_STATE From)
{
    KiMoveList(&To->ApcListHead[KernelMode], &From->ApcListHead[KernelMode]);
    KiMoveList(&To->ApcListHead[UserMode], &From->ApcListHead[UserMode]);
    To->Process = From->Process;
    To->KernelApcInProgress = From->KernelApcInProgress;
    To->KernelApcPending = From->KernelApcPending;
    To->UserApcPending = From->UserApcPending;
}

static void KiLoadTables(PKPROCESS New, PKPROCESS Old)
{
    if (New->DirectoryTableBase != Old->DirectoryTableBase) {
        __writecr3(New->DirectoryTableBase);
    }
}

/* Lock held. */
static void KiAttach(PKTHREAD Thread, PKPROCESS Process, PKAPC_STATE Saved)
{
    PKAPC_STATE State = &Thread->ApcState;
    Process->StackCount += 1;
    KiMoveApcState(Saved, State);
    State->Process = Process;
    State->KernelApcInProgress = State->KernelApcPending = State->UserApcPending = FALSE;
    if (Saved == &Thread->SavedApcState) {
        Thread->ApcStatePointer[OriginalApcEnvironment] = Saved;
        Thread->ApcStatePointer[AttachedApcEnvironment] = State;
        Thread->ApcStateIndex = AttachedApcEnvironment;
    }
    KiLoadTables(Process, Saved->Process);
}

/* With the dispatcher lock, and no APC of this environment that could still be delivered: on the
 * way out, because the environment goes; on the way in, because who has sent it to a thread that
 * takes APCs may rely on its coming now, not when the thread is back. */
static KIRQL KiLockAfterApcs(PKTHREAD Thread)
{
    for (;;) {
        KIRQL OldIrql = KiLockDispatcher();
        if (OldIrql >= APC_LEVEL || !KiIsKernelApcDue(Thread)) {
            return OldIrql;
        }
        KiUnlockDispatcher(OldIrql);
        KiCheckForKernelApc(Thread); /* taken at once: this is PASSIVE_LEVEL */
    }
}

VOID NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KiCheckAttachIrql(Process, __builtin_return_address(0));
    if (Thread->ApcState.Process == Process) {
        ApcState->Process = KI_SAME_PROCESS;
        return;
    }
    KIRQL OldIrql = KiLockAfterApcs(Thread);
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KiAttach(Thread, Process, ApcState);
    } else {
        ApcState->Process = KI_NOT_SAVED;
        KiAttach(Thread, Process, &Thread->SavedApcState);
    }
    KiUnlockDispatcher(OldIrql);
}

static void KiCheckDetach(PKTHREAD Thread, KIRQL OldIrql)
{
    PKAPC_STATE State = &Thread->ApcState;
    PLIST_ENTRY First = State->ApcListHead[KernelMode].Flink;
    if (First == &State->ApcListHead[KernelMode]) {
        First = State->ApcListHead[UserMode].Flink;
    }
    BOOLEAN Empty = First == &State->ApcListHead[UserMode];
    if (Thread->ApcStateIndex == OriginalApcEnvironment || State->KernelApcInProgress || !Empty) {
        KeBugCheckEx(INVALID_PROCESS_DETACH_ATTEMPT, (ULONG_PTR)State->Process,
                     Thread->ApcStateIndex,
                     Empty ? 0 : (ULONG_PTR)CONTAINING_RECORD(First, KAPC, ApcListEntry), OldIrql);
    }
}

static void KiDetach(PKTHREAD Thread, PKAPC_STATE Saved)
{
    KIRQL OldIrql = KiLockAfterApcs(Thread);
    PKPROCESS Left = Thread->ApcState.Process;
    KiCheckDetach(Thread, OldIrql);
    KiMoveApcState(&Thread->ApcState, Saved);
    if (Saved == &Thread->SavedApcState) {
        Saved->Process = NULL;
        Thread->ApcStatePointer[OriginalApcEnvironment] = &Thread->ApcState;
        Thread->ApcStatePointer[AttachedApcEnvironment] = Saved;
        Thread->ApcStateIndex = OriginalApcEnvironment;
    }
    KiLoadTables(Thread->ApcState.Process, Left);
    Left->StackCount -= 1;
    if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        Thread->ApcState.KernelApcPending = TRUE; /* what has come meanwhile */
        KiRequestApcInterrupt();
    }
    KiUnlockDispatcher(OldIrql);
}

VOID NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (ApcState->Process != KI_SAME_PROCESS) {
        KiDetach(Thread, ApcState->Process == KI_NOT_SAVED ? &Thread->SavedApcState : ApcState);
    }
}

VOID NTAPI KeAttachProcess(PRKPROCESS Process)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KiCheckAttachIrql(Process, __builtin_return_address(0));
    if (Thread->ApcState.Process == Process) {
        return;
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KiBadAttach(Process, FALSE);
    }
    KIRQL OldIrql = KiLockAfterApcs(Thread);
    KiAttach(Thread, Process, &Thread->SavedApcState);
    KiUnlockDispatcher(OldIrql);
}

VOID NTAPI KeDetachProcess(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KiDetach(Thread, &Thread->SavedApcState);
    }
}

BOOLEAN NTAPI KeIsAttachedProcess(VOID)
{
    return KeGetCurrentThread()->ApcStateIndex != OriginalApcEnvironment;
}

/* Its memory is about to go, and nobody can attach any more who has a right to. */
void KeCheckProcessLeft(PKPROCESS Process)
{
    if (Process->StackCount != 0) {
        KiBadAttach(Process, FALSE);
    }
}
