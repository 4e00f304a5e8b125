/*
 * Gates: a signal that lets one thread through, for meetings inside the system. The thread that is
 * let through is boosted as by an event. Guarded by KiDispatcherLock.
 */
#include "dispatch.h"

VOID NTAPI KeInitializeGate(PKGATE Gate)
{
    KiInitializeHeader(&Gate->Header, GateObject, sizeof(*Gate), 0);
}

VOID NTAPI KeSignalGateBoostPriority(PKGATE Gate)
{
    KIRQL OldIrql = KiLockDispatcher();
    Gate->Header.SignalState = 1;
    KiWaitTest(&Gate->Header, EVENT_INCREMENT);
    KiUnlockDispatcher(OldIrql);
}

VOID NTAPI KeWaitForGate(PKGATE Gate, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode)
{
    KeWaitForSingleObject(Gate, WaitReason, WaitMode, FALSE, NULL);
}
