/*
 * The wait services: KeWaitForSingleObject, KeWaitForMultipleObjects, KeDelayExecutionThread. Each
 * is the same loop around the mechanism in wait.c: let APCs in, look at the objects, look for
 * reasons not to block, block; and again when a kernel APC broke the wait.
 */
#include "wait.h"

static __attribute__((noinline)) NTSTATUS NTAPI KiWaitForObject(PDISPATCHER_HEADER Object,
                                                                KWAIT_REASON WaitReason,
                                                                KPROCESSOR_MODE WaitMode,
                                                                BOOLEAN Alertable,
                                                                PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KeGetCurrentThread();
    PKWAIT_BLOCK Block = &Thread->WaitBlock[0];
    KI_WAIT Wait;
    NTSTATUS Status;

    KiPrepareWait(&Wait, WaitReason, WaitMode, Alertable, Timeout);
    KiEnterWait(Thread);
    do {
        while (KiDeliverApcsBeforeWait(Thread)) {
        }
        if (KiIsSignalled(Object, Thread)) {
            Status = KiSatisfyWait(Object, Thread);
            break;
        }
        if (KiWaitEndsNow(Thread, &Wait, &Status)) {
            break;
        }
        Block->Object = Object;
        Block->WaitType = WaitAny;
        Block->WaitKey = (USHORT)STATUS_WAIT_0;
        Status = KiBlockThread(Thread, Block, 1, Wait.HasTimeout ? &Wait.DueTime100ns : NULL);
    } while (Status == STATUS_KERNEL_APC);
    return KiFinishWait(Thread, Status);
}

/* Blocks, with the lock held, in the most usual of waits: in kernel mode, not alertable, without
 * end. An APC that breaks it leads to the long way, for another start. */
static __attribute__((noinline)) NTSTATUS NTAPI KiSleepOn(PKTHREAD Thread,
                                                          PDISPATCHER_HEADER Object,
                                                          KWAIT_REASON WaitReason, KIRQL OldIrql)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[0];
    NTSTATUS Status;

    Thread->WaitIrql = OldIrql;
    Thread->WaitMode = KernelMode;
    Thread->WaitReason = (UCHAR)WaitReason;
    Thread->Alertable = FALSE;
    Block->Object = Object;
    Block->WaitType = WaitAny;
    Block->WaitKey = (USHORT)STATUS_WAIT_0;
    Status = KiBlockThread(Thread, Block, 1, NULL);
    if (Status != STATUS_KERNEL_APC) {
        return (NTSTATUS)KiUnlockDispatcherReturning(OldIrql, Status);
    }
    Thread->WaitNext = TRUE;
    return KiWaitForObject(Object, WaitReason, KernelMode, FALSE, NULL);
}

/* A signalled object, no APC pending: all of the wait is to take the signal. Else the lock goes
 * over to the long way, as from KeSetEvent(.., TRUE) to the wait after it. */
NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KeGetCurrentThread();
    PDISPATCHER_HEADER Header = Object;
    KIRQL OldIrql;

    if (KeGetCurrentIrql() < DISPATCH_LEVEL && !Thread->WaitNext) {
        KiCheckWaitLocks();
        OldIrql = KiLockDispatcher();
        if (!Thread->ApcState.KernelApcPending && Header->Type != MutantObject) {
            if (Header->SignalState > 0) {
                KiTakeSignal(Header);
                return (NTSTATUS)KiUnlockDispatcherReturning(OldIrql, STATUS_SUCCESS);
            }
            if (Timeout == NULL && !Alertable && WaitMode == KernelMode) {
                return KiSleepOn(Thread, Header, WaitReason, OldIrql);
            }
        }
        Thread->WaitNext = TRUE;
        Thread->WaitIrql = OldIrql;
    }
    return KiWaitForObject(Header, WaitReason, WaitMode, Alertable, Timeout);
}

/* The first signalled object's index, or Count. */
static ULONG KiFindSignalled(PKTHREAD Thread, ULONG Count, PVOID Object[])
{
    ULONG i = 0;
    while (i < Count && !KiIsSignalled(Object[i], Thread)) {
        i++;
    }
    return i;
}

/* Satisfies the wait if it can be satisfied now; TRUE with its status. */
static BOOLEAN KiTrySatisfy(PKTHREAD Thread, ULONG Count, PVOID Object[], WAIT_TYPE Type,
                            PNTSTATUS Status)
{
    ULONG i;
    if (Type == WaitAny) {
        i = KiFindSignalled(Thread, Count, Object);
        if (i == Count) {
            return FALSE;
        }
        *Status = (NTSTATUS)i | KiSatisfyWait(Object[i], Thread);
        return TRUE;
    }
    for (i = 0; i < Count; i++) {
        if (!KiIsSignalled(Object[i], Thread)) {
            return FALSE;
        }
    }
    *Status = STATUS_SUCCESS;
    for (i = 0; i < Count; i++) {
        *Status |= KiSatisfyWait(Object[i], Thread);
    }
    return TRUE;
}

static void KiFillWaitBlocks(PKWAIT_BLOCK Blocks, ULONG Count, PVOID Object[], WAIT_TYPE Type)
{
    for (ULONG i = 0; i < Count; i++) {
        Blocks[i].Object = Object[i];
        Blocks[i].WaitType = (UCHAR)Type;
        Blocks[i].WaitKey = (USHORT)i;
    }
}

/* The caller's wait blocks, or the thread's own when they suffice; bugchecks when neither does. */
static PKWAIT_BLOCK KiChooseWaitBlocks(PKTHREAD Thread, ULONG Count, PKWAIT_BLOCK Array)
{
    ULONG Limit = Array != NULL ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;
    if (Count == 0 || Count > Limit) {
        KeBugCheckEx(MAXIMUM_WAIT_OBJECTS_EXCEEDED, Count, Limit, 0, 0);
    }
    return Array != NULL ? Array : Thread->WaitBlock;
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    PKTHREAD Thread = KeGetCurrentThread();
    PKWAIT_BLOCK Blocks = KiChooseWaitBlocks(Thread, Count, WaitBlockArray);
    KI_WAIT Wait;
    NTSTATUS Status;

    KiPrepareWait(&Wait, WaitReason, WaitMode, Alertable, Timeout);
    KiEnterWait(Thread);
    do {
        while (KiDeliverApcsBeforeWait(Thread)) {
        }
        if (KiTrySatisfy(Thread, Count, Object, WaitType, &Status) ||
            KiWaitEndsNow(Thread, &Wait, &Status)) {
            break;
        }
        KiFillWaitBlocks(Blocks, Count, Object, WaitType);
        Status = KiBlockThread(Thread, Blocks, Count, Wait.HasTimeout ? &Wait.DueTime100ns : NULL);
    } while (Status == STATUS_KERNEL_APC);
    return KiFinishWait(Thread, Status);
}

static __attribute__((noinline)) NTSTATUS NTAPI KiDelay(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                                        PLARGE_INTEGER Interval)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KI_WAIT Wait;
    NTSTATUS Status;

    KiPrepareWait(&Wait, DelayExecution, WaitMode, Alertable, Interval);
    KiEnterWait(Thread);
    do {
        while (KiDeliverApcsBeforeWait(Thread)) {
        }
        if (KiWaitEndsNow(Thread, &Wait, &Status)) {
            break;
        }
        Status = KiBlockThread(Thread, NULL, 0, &Wait.DueTime100ns);
    } while (Status == STATUS_KERNEL_APC);
    return KiFinishWait(Thread, Status == STATUS_TIMEOUT ? STATUS_SUCCESS : Status);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    return Interval->QuadPart == 0 ? KeYieldExecution() : KiDelay(WaitMode, Alertable, Interval);
}
