/*
 * Processor affinity. KTHREAD.Affinity says where a thread may run now; while a system affinity is
 * set, UserAffinity keeps its own. Both are guarded by KiDispatcherLock. Only the current thread
 * changes its affinity, so it is never in a ready queue that it may not be in.
 */
#include "dispatch.h"

/* The current thread may run only on Affinity from here on; moves it when this processor is not one
 * of them. Lock held; it is held on return too, maybe on another processor. */
static void KiConfineThread(PKTHREAD Thread, KAFFINITY Affinity)
{
    Thread->Affinity = Affinity;
    if ((Affinity & KeGetCurrentPrcb()->SetMember) == 0) {
        KiReadyThreadAt(Thread, TRUE);
        KiSwitchAway();
    }
}

KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KAFFINITY Usable = Affinity & KeActiveProcessors;
    KAFFINITY Previous;
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    OldIrql = KiLockDispatcher();
    Previous = Thread->UserAffinity != 0 ? Thread->Affinity : 0;
    if (Usable != 0) {
        if (Thread->UserAffinity == 0) {
            Thread->UserAffinity = Thread->Affinity;
        }
        KiConfineThread(Thread, Usable);
    }
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    KeSetSystemAffinityThreadEx(Affinity);
}

VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL OldIrql;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    if (Affinity != 0) {
        KeSetSystemAffinityThreadEx(Affinity);
        return;
    }
    OldIrql = KiLockDispatcher();
    if (Thread->UserAffinity != 0) {
        KAFFINITY Own = Thread->UserAffinity;
        Thread->UserAffinity = 0;
        KiConfineThread(Thread, Own);
    }
    KiUnlockDispatcher(OldIrql);
}

VOID NTAPI KeRevertToUserAffinityThread(VOID)
{
    KeRevertToUserAffinityThreadEx(0);
}

VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity,
                                          PGROUP_AFFINITY PreviousAffinity)
{
    KAFFINITY Previous = KeSetSystemAffinityThreadEx(Affinity->Group == 0 ? Affinity->Mask : 0);
    if (PreviousAffinity != NULL) {
        RtlZeroMemory(PreviousAffinity, sizeof(*PreviousAffinity));
        PreviousAffinity->Mask = Previous;
    }
}

VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    KeRevertToUserAffinityThreadEx(PreviousAffinity->Mask);
}

CCHAR NTAPI KeSetIdealProcessorThread(PKTHREAD Thread, CCHAR Processor)
{
    KIRQL OldIrql = KiLockDispatcher();
    CCHAR Previous = (CCHAR)Thread->IdealProcessor;
    if ((UCHAR)Processor < KeNumberProcessors) {
        Thread->IdealProcessor = (UCHAR)Processor;
    }
    KiUnlockDispatcher(OldIrql);
    return Previous;
}

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? KeNumberProcessors : 0;
}

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? KI_MAX_PROCESSORS : 0;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    ULONG Number = KeGetCurrentProcessorNumber();
    if (ProcNumber != NULL) {
        *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)Number};
    }
    return Number;
}
