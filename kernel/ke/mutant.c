/*
 * Mutants: locks with an owner, recursive, and abandoned when the owner ends. SignalState is 1 when
 * free, 0 when owned once, and one less for every further acquisition; a wait by the owner never
 * blocks. Guarded by KiDispatcherLock, as is the owner's list of the mutants it holds.
 *
 * A KMUTEX is a mutant with ApcDisable = 1: holding it is being in a critical region, so that the
 * owner cannot be suspended or made to run a normal kernel APC that wants the same mutex.
 */
#include "wait.h"

VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    UNREFERENCED_PARAMETER(Level); /* Windows ignores it too */
    KiInitializeHeader(&Mutex->Header, MutantObject, sizeof(*Mutex), 1);
    Mutex->OwnerThread = NULL;
    Mutex->Abandoned = FALSE;
    Mutex->ApcDisable = 1;
    InitializeListHead(&Mutex->MutantListEntry);
}

void KiReleaseMutant(PKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned)
{
    PKTHREAD Owner = Mutant->OwnerThread;
    Mutant->Header.SignalState = Abandoned ? 1 : Mutant->Header.SignalState + 1;
    if (Mutant->Header.SignalState != 1) {
        return;
    }
    Mutant->Abandoned = Abandoned;
    Mutant->OwnerThread = NULL;
    RemoveEntryList(&Mutant->MutantListEntry);
    // A mutex only its owner releases. The owner of another mutant may be changing its count now.
    if (Mutant->ApcDisable != 0) {
        Owner->KernelApcDisable = (SHORT)(Owner->KernelApcDisable + Mutant->ApcDisable);
    }
    if (!IsListEmpty(&Mutant->Header.WaitListHead)) {
        KiWaitTest(&Mutant->Header, Increment);
    }
}

VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    KeInitializeMutex(Mutant, 0);
    Mutant->ApcDisable = 0;
    if (InitialOwner) {
        KIRQL OldIrql = KiLockDispatcher();
        KiSatisfyWait(&Mutant->Header, KeGetCurrentThread());
        KiUnlockDispatcher(OldIrql);
    }
}

LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL OldIrql = KiLockDispatcher();
    LONG Previous = Mutant->Header.SignalState;
    if (Mutant->OwnerThread != Thread && (!Abandoned || Mutant->OwnerThread == NULL)) {
        KeBugCheckEx(THREAD_NOT_MUTEX_OWNER, (ULONG_PTR)Thread, (ULONG_PTR)Mutant->OwnerThread,
                     (ULONG_PTR)Mutant, 0);
    }
    KiReleaseMutant(Mutant, Increment, Abandoned);
    KiFinishSignal(OldIrql, Wait);
    /* The end of a mutex's critical region: normal APCs that came meanwhile are due now. */
    KiCheckForKernelApc(Thread);
    return Previous;
}

BOOLEAN KeTryReleaseMutant(PRKMUTANT Mutant, PLONG Previous)
{
    // Only its owner makes the caller the owner, or not.
    if (*(PKTHREAD volatile *)&Mutant->OwnerThread != KeGetCurrentThread()) {
        return FALSE;
    }
    *Previous = KeReleaseMutant(Mutant, MUTANT_INCREMENT, FALSE, FALSE);
    return TRUE;
}

void KeAbandonMutant(PRKMUTANT Mutant)
{
    KIRQL OldIrql = KiLockDispatcher();
    if (Mutant->OwnerThread != NULL) {
        KiReleaseMutant(Mutant, MUTANT_INCREMENT, TRUE);
    }
    KiFinishSignal(OldIrql, FALSE);
}

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KeReleaseMutant(Mutex, MUTANT_INCREMENT, FALSE, Wait);
}

LONG NTAPI KeReadStateMutant(PRKMUTANT Mutant)
{
    return *(volatile LONG *)&Mutant->Header.SignalState;
}

VOID NTAPI KeQueryOwnerMutant(PKMUTANT Mutant, PCLIENT_ID ClientId)
{
    KIRQL OldIrql = KiLockDispatcher();
    RtlZeroMemory(ClientId, sizeof(*ClientId));
    if (Mutant->OwnerThread != NULL) {
        *ClientId = Mutant->OwnerThread->Cid;
    }
    KiUnlockDispatcher(OldIrql);
}

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    return *(volatile LONG *)&Mutex->Header.SignalState;
}
