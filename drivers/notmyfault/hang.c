/*
 * hang.c - what does not crash but hangs, until something notices, and what is left behind.
 */
#include "notmyfaultp.h"

#define MAXIMUM_PROCESSORS 64

/*** Two spin locks, crosswise ***/

static KSPIN_LOCK Locks[2];
static volatile LONG Holders;

/* Takes its own lock, sees that the other processor has its, and goes for that one. */
static VOID NTAPI TakeCrosswise(PVOID Context)
{
    SIZE_T Own = (SIZE_T)Context;
    KIRQL OldIrql;

    KeSetSystemAffinityThread((KAFFINITY)1 << Own);
    KeAcquireSpinLock(&Locks[Own], &OldIrql);
    InterlockedIncrement(&Holders);
    while (Holders != 2) {
        YieldProcessor();
    }
    KeAcquireSpinLockAtDpcLevel(&Locks[1 - Own]);
    KeReleaseSpinLockFromDpcLevel(&Locks[1 - Own]);
    KeReleaseSpinLock(&Locks[Own], OldIrql);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

NTSTATUS NotMyFaultDoDeadlock(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    if (KeQueryActiveProcessorCount(NULL) < 2) {
        return STATUS_NOT_SUPPORTED;
    }
    Holders = 0;
    for (SIZE_T i = 0; i < ARRAYSIZE(Locks); i++) {
        HANDLE Thread;
        NTSTATUS Status;

        KeInitializeSpinLock(&Locks[i]);
        Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, TakeCrosswise,
                                      (PVOID)i);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        ZwClose(Thread);
    }
    return STATUS_SUCCESS;
}

/*** A DPC that never ends ***/

static KDPC EndlessDpc;

static VOID NTAPI RunForEver(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (;;) {
        YieldProcessor();
    }
}

NTSTATUS NotMyFaultDoHangInDpc(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    KeInitializeDpc(&EndlessDpc, RunForEver, NULL);
    KeInsertQueueDpc(&EndlessDpc, NULL, NULL);
    return STATUS_SUCCESS;
}

/*** All processors ***/

static KDPC Dpcs[MAXIMUM_PROCESSORS];

static VOID NTAPI RunAtHighLevel(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KIRQL OldIrql;

    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    __asm__ volatile("cli" : : : "memory");
    RunForEver(Dpc, Context, Argument1, Argument2);
}

/* Says so first, for whoever waits until nobody runs any more. */
static VOID NTAPI AnnounceAndHang(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    DbgPrint("notmyfault: processor %u hangs\n", KeGetCurrentProcessorNumber());
    ((PKDEFERRED_ROUTINE)Context)(Dpc, NULL, Argument1, Argument2);
}

/* This processor's own DPC waits until all of them are on their way. */
static NTSTATUS HangAll(PKDEFERRED_ROUTINE Routine)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < min(KeQueryActiveProcessorCount(NULL), MAXIMUM_PROCESSORS); i++) {
        KeInitializeDpc(&Dpcs[i], AnnounceAndHang, (PVOID)Routine);
        KeSetTargetProcessorDpc(&Dpcs[i], (CCHAR)i);
        KeSetImportanceDpc(&Dpcs[i], HighImportance);
        KeInsertQueueDpc(&Dpcs[i], NULL, NULL);
    }
    KeLowerIrql(OldIrql);
    return STATUS_SUCCESS;
}

NTSTATUS NotMyFaultDoHangAllInDpcs(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return HangAll(RunForEver);
}

NTSTATUS NotMyFaultDoHangAtHighLevel(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return HangAll(RunAtHighLevel);
}

/*** A request that is never completed ***/

NTSTATUS NotMyFaultDoHangWithIrp(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

/*** A timer that outlives the driver ***/

static KTIMER Timer;
static KDPC TimerDpc;

static VOID NTAPI Expired(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

/* Every 10 ms from now on; the unload routine knows nothing of it. */
NTSTATUS NotMyFaultDoArmTimer(PIRP Irp)
{
    LARGE_INTEGER Due;

    UNREFERENCED_PARAMETER(Irp);
    Due.QuadPart = -10 * 10000;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, Expired, NULL);
    KeSetTimerEx(&Timer, Due, 10, &TimerDpc);
    return STATUS_SUCCESS;
}
