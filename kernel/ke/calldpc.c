/*
 * One call on every processor, as DPCs: at DISPATCH_LEVEL, where the callers may take locks, unlike
 * in KeIpiGenericCall. Each processor has a DPC of its own for it; the caller's processor calls
 * directly.
 *
 * The routine gets two opaque arguments. The first counts those that have not finished, and the
 * caller spins until all have. The second is a barrier: everybody waits until all have come to it.
 * One call is under way at a time, because two whose routines wait in barriers could each hold
 * processors that the other needs.
 */
#include <ntddk.h>
#include "processor.h"

typedef struct _KI_DPC_BARRIER {
    volatile LONG Left; /* o  that have not come to it */
    LONG Total;
    volatile LONG Generation; /* o  how often all have come */
} KI_DPC_BARRIER;

static KDPC KiCallDpcs[KI_MAX_PROCESSORS];                      /* KiCallDpcFree */
static KI_STATIC_EVENT(KiCallDpcFree, SynchronizationEvent, 1); /* set while no call is under way */

static void KiQueueCallDpc(ULONG Number, PKDEFERRED_ROUTINE Routine, PVOID Context,
                           volatile LONG *Running, KI_DPC_BARRIER *Barrier)
{
    PKDPC Dpc = &KiCallDpcs[Number];

    KeInitializeDpc(Dpc, Routine, Context);
    KeSetTargetProcessorDpc(Dpc, (CCHAR)Number);
    KeSetImportanceDpc(Dpc, HighImportance);
    KeInsertQueueDpc(Dpc, (PVOID)Running, Barrier);
}

void NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context)
{
    LONG Processors = (LONG)KeNumberProcessors;
    volatile LONG Running = Processors;
    KI_DPC_BARRIER Barrier = {Processors, Processors, 0};
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    /* The owner may not be suspended: others wait for it at its back. */
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&KiCallDpcFree, Executive, KernelMode, FALSE, NULL);
    OldIrql = KeRaiseIrqlToDpcLevel();
    for (ULONG i = 0; i < (ULONG)Processors; i++) {
        if (i != KeGetCurrentPrcb()->Number) {
            KiQueueCallDpc(i, Routine, Context, &Running, &Barrier);
        }
    }
    KeInitializeDpc(&KiCallDpcs[KeGetCurrentPrcb()->Number], Routine, Context);
    Routine(&KiCallDpcs[KeGetCurrentPrcb()->Number], Context, (PVOID)&Running, &Barrier);
    while (__atomic_load_n(&Running, __ATOMIC_ACQUIRE) != 0) {
        YieldProcessor();
    }
    KeLowerIrql(OldIrql);
    KeSetEvent(&KiCallDpcFree, IO_NO_INCREMENT, FALSE);
    KeLeaveCriticalRegion();
}

void NTAPI KeSignalCallDpcDone(PVOID SystemArgument1)
{
    InterlockedDecrement(SystemArgument1);
}

/* The last one to come sets the barrier up for the next time before it lets the others go. */
LOGICAL NTAPI KeSignalCallDpcSynchronize(PVOID SystemArgument2)
{
    KI_DPC_BARRIER *Barrier = SystemArgument2;
    LONG Generation = __atomic_load_n(&Barrier->Generation, __ATOMIC_ACQUIRE);

    if (InterlockedDecrement(&Barrier->Left) == 0) {
        Barrier->Left = Barrier->Total;
        __atomic_store_n(&Barrier->Generation, Generation + 1, __ATOMIC_RELEASE);
        return TRUE;
    }
    while (__atomic_load_n(&Barrier->Generation, __ATOMIC_ACQUIRE) == Generation) {
        YieldProcessor();
    }
    return FALSE;
}
