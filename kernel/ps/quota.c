/*
 * quota.c - what processes are charged for pool memory, and may be.
 *
 * Counters change by compare-exchange and so never pass the limit, whoever charges at once. The
 * peak follows the usage and is exact, too: whoever made it sets it.
 */
#include "psp.h"

static PPS_QUOTA PspQuotaOf(PEPROCESS Process, POOL_TYPE PoolType)
{
    return &Process->Quota[(PoolType & PagedPool) != 0];
}

static void PspRaisePeak(PPS_QUOTA Quota, ULONG64 Usage)
{
    ULONG64 Peak = Quota->Peak;

    while (Usage > Peak && !__atomic_compare_exchange_n(&Quota->Peak, &Peak, Usage, FALSE,
                                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        continue;
    }
}

NTSTATUS NTAPI PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    PPS_QUOTA Quota = PspQuotaOf(Process, PoolType);
    ULONG64 Usage = Quota->Usage, Limit = Quota->Limit;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    do {
        if (Usage + Amount < Usage || (Limit != 0 && Usage + Amount > Limit)) {
            return STATUS_QUOTA_EXCEEDED;
        }
    } while (!__atomic_compare_exchange_n(&Quota->Usage, &Usage, Usage + Amount, FALSE,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    PspRaisePeak(Quota, Usage + Amount);
    return STATUS_SUCCESS;
}

VOID NTAPI PsChargePoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    NTSTATUS Status = PsChargeProcessPoolQuota(Process, PoolType, Amount);

    if (!NT_SUCCESS(Status)) {
        KeRaiseStatus(Status);
    }
}

VOID NTAPI PsReturnPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    PPS_QUOTA Quota = PspQuotaOf(Process, PoolType);
    ULONG64 Usage = Quota->Usage;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    do {
        if (Usage < Amount) {
            KeBugCheckEx(QUOTA_UNDERFLOW, (ULONG_PTR)Process, (ULONG)PoolType, Usage, Amount);
        }
    } while (!__atomic_compare_exchange_n(&Quota->Usage, &Usage, Usage - Amount, FALSE,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

/*** The `quota` command. ***/

static void PspShowQuota(PKD_CONSOLE Console, PEPROCESS Process)
{
    static const char *const Names[] = {"NonPaged", "Paged"};

    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        const PS_QUOTA *Quota = &Process->Quota[i];

        KdConsolePrint(Console, "%5u %-16s %-8s usage %I64u peak %I64u",
                       (ULONG)(ULONG_PTR)Process->UniqueProcessId, Process->ImageFileName, Names[i],
                       Quota->Usage, Quota->Peak);
        if (Quota->Limit != 0) {
            KdConsolePrint(Console, " limit %I64u", Quota->Limit);
        }
        KdConsolePrint(Console, "\n");
    }
}

/* "quota PID NONPAGED PAGED": limits in bytes, 0 for none. */
static NTSTATUS PspRunQuotaCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 NonPaged, Paged;
    PEPROCESS Process;
    NTSTATUS Status;

    if (Argc == 3 || Argc > 4) {
        return KdConsoleUsage(Console);
    }
    if (Argc == 4 && (!KdParseNumber(Argv[2], &NonPaged) || !KdParseNumber(Argv[3], &Paged))) {
        return KdConsoleUsage(Console);
    }
    Status = PsConsoleProcess(Console, Argc > 1 ? Argv[1] : NULL, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Argc == 4) {
        Process->Quota[0].Limit = NonPaged;
        Process->Quota[1].Limit = Paged;
    }
    PspShowQuota(Console, Process);
    ObfDereferenceObject(Process);
    return STATUS_SUCCESS;
}

KD_COMMAND("quota", "[PID [NONPAGED PAGED]]",
           "pool memory charged to a process; limits in bytes, 0 for none", PspRunQuotaCommand);
