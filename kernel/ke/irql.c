/*
 * The routines behind the inline ones of nt/irql.h, and the `irql` command. The command shows that
 * the IRQL is CR8, by raising it, and where it stands in a DPC and in an interprocessor interrupt
 * on each processor. Prints only after the IRQL is back.
 */
#include <ntddk.h>
#include "kd.h"
#include "processor.h"

static const struct {
    KIRQL Level;
    const char *Name;
} KiLevels[] = {{PASSIVE_LEVEL, "PASSIVE_LEVEL"},   {APC_LEVEL, "APC_LEVEL"},
                {DISPATCH_LEVEL, "DISPATCH_LEVEL"}, {CLOCK_LEVEL, "CLOCK_LEVEL"},
                {IPI_LEVEL, "IPI_LEVEL"},           {HIGH_LEVEL, "HIGH_LEVEL"}};

static const char *KiLevelName(KIRQL Irql)
{
    for (ULONG i = 0; i < ARRAYSIZE(KiLevels); i++) {
        if (KiLevels[i].Level == Irql) {
            return KiLevels[i].Name;
        }
    }
    return "a device's level";
}

typedef struct _KI_IRQL_VISIT {
    KEVENT Done;
    ULONG Processor;
    KIRQL Irql;
} KI_IRQL_VISIT;

static KDEFERRED_ROUTINE KiIrqlDpc;
static void NTAPI KiIrqlDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KI_IRQL_VISIT *Visit = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    Visit->Processor = KeGetCurrentProcessorNumber();
    Visit->Irql = KeGetCurrentIrql();
    KeSetEvent(&Visit->Done, IO_NO_INCREMENT, FALSE);
}

static KIPI_BROADCAST_WORKER KiIrqlIpi;
static ULONG_PTR NTAPI KiIrqlIpi(ULONG_PTR Argument)
{
    ((KIRQL *)Argument)[KeGetCurrentProcessorNumber()] = KeGetCurrentIrql();
    return 0;
}

static void KiShowProcessors(PKD_CONSOLE Console)
{
    KIRQL InIpi[KI_MAX_PROCESSORS] = {0};

    KeIpiGenericCall(KiIrqlIpi, (ULONG_PTR)InIpi);
    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        KI_IRQL_VISIT Visit;
        KDPC Dpc;
        KeInitializeEvent(&Visit.Done, NotificationEvent, FALSE);
        KeInitializeDpc(&Dpc, KiIrqlDpc, &Visit);
        KeSetTargetProcessorDpc(&Dpc, (CCHAR)i);
        KeSetImportanceDpc(&Dpc, HighImportance);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        KeWaitForSingleObject(&Visit.Done, Executive, KernelMode, FALSE, NULL);
        KdConsolePrint(Console, "  CPU %u: in a DPC %s (%u), in an IPI %s (%u)\n", Visit.Processor,
                       KiLevelName(Visit.Irql), Visit.Irql, KiLevelName(InIpi[i]), InIpi[i]);
    }
}

static NTSTATUS KiIrqlCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    KIRQL Seen[ARRAYSIZE(KiLevels)];
    KIRQL Now = KeGetCurrentIrql();

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    for (ULONG i = 0; i < ARRAYSIZE(KiLevels); i++) {
        KIRQL OldIrql = KfRaiseIrql(KiLevels[i].Level);
        Seen[i] = KeGetCurrentIrql();
        KeLowerIrql(OldIrql);
    }
    KdConsolePrint(Console, "IRQL %s (%u)\n", KiLevelName(Now), Now);
    for (ULONG i = 0; i < ARRAYSIZE(KiLevels); i++) {
        KdConsolePrint(Console, "  raised to %-14s CR8 reads %2u\n", KiLevels[i].Name, Seen[i]);
    }
    KiShowProcessors(Console);
    return Now == PASSIVE_LEVEL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
KD_COMMAND("irql", "", "the current IRQL, and CR8 as it is raised to each level", KiIrqlCommand);

/*
 * What drivers import that do not inline a move to CR8. There is a place for a check here, which
 * the move alone has not: a level that would go the other way is a mistake that shows itself only
 * later, as a lost interrupt or a deadlock.
 */
KIRQL NTAPI KiRaiseIrql(KIRQL NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (NewIrql < OldIrql || NewIrql > HIGH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, OldIrql, NewIrql, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    return KfRaiseIrql(NewIrql);
}

VOID NTAPI KiLowerIrql(KIRQL NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (NewIrql > OldIrql) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, NewIrql, OldIrql, 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    KeLowerIrql(NewIrql);
}

KIRQL NTAPI KiRaiseIrqlToDpcLevel(VOID)
{
    return KiRaiseIrql(DISPATCH_LEVEL);
}

KIRQL NTAPI KiRaiseIrqlToSynchLevel(VOID)
{
    return KiRaiseIrql(SYNCH_LEVEL);
}

KIRQL NTAPI KiGetCurrentIrql(VOID)
{
    return KeGetCurrentIrql();
}
