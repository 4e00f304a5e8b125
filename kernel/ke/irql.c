/*
 * The `irql` command: shows that the IRQL is CR8, by raising it, and where it stands in a DPC and in
 * an interprocessor interrupt on each processor. Prints only after the IRQL is back.
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
