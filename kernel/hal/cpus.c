/*
 * cpus.c - the `cpus` command: what each processor is and does.
 *
 * Other processors' blocks are read as they stand; only the running thread needs the dispatcher
 * lock, because without it the thread could end and be freed under the reader.
 */
#include "halp.h"
#include "kd.h"

#define CPUID_BRAND 0x80000002 /* and the two after it: 16 characters each */
#define BRAND_SIZE 49

typedef struct _HALP_RUNNING {
    CHAR Name[24];
    ULONG ThreadId;
} HALP_RUNNING;

/* Model name without the padding in front that some have. */
static const char *HalpQueryBrand(CHAR Brand[BRAND_SIZE])
{
    ULONG Info[4];

    for (ULONG i = 0; i < 3; i++) {
        HalpCpuid(Info, CPUID_BRAND + i);
        memcpy(Brand + 16 * i, Info, sizeof(Info));
    }
    Brand[BRAND_SIZE - 1] = 0;
    while (*Brand == ' ') {
        Brand++;
    }
    return Brand;
}

/* What runs may have changed by the time it is printed, but it did run. */
static void HalpQueryRunning(PKPRCB Prcb, HALP_RUNNING *Running)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKTHREAD Thread = Prcb->CurrentThread;

    memcpy(Running->Name, Thread->Name, sizeof(Running->Name));
    Running->Name[sizeof(Running->Name) - 1] = 0;
    Running->ThreadId = (ULONG)(ULONG_PTR)Thread->Cid.UniqueThread;
    if (Thread == Prcb->IdleThread) {
        memcpy(Running->Name, "idle", sizeof("idle"));
    }
    KiUnlockDispatcher(OldIrql);
}

/* A processor has no tick of its own while idle, so idle is what is left of the time since boot. */
static ULONG HalpIdlePercent(PKPRCB Prcb)
{
    ULONG64 Ticks = HalQueryCounter100ns() / KI_TICK_100NS + 1;
    ULONG64 Busy = min(Prcb->KernelTicks + Prcb->DpcTicks, Ticks);

    return (ULONG)((Ticks - Busy) * 100 / Ticks);
}

static NTSTATUS HalpCpusCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    CHAR Brand[BRAND_SIZE];
    ULONG64 Hertz;
    const char *Counter = HalQueryCounterName(&Hertz);

    UNREFERENCED_PARAMETER(Argv);
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    KdConsolePrint(Console, "%s\n", HalpQueryBrand(Brand));
    KdConsolePrint(Console, "%u running of %u found, %s, time from the %s at %u.%03u MHz\n",
                   KeNumberProcessors, HalpPlatform.CpuCount, HalpX2Apic ? "x2APIC" : "xAPIC",
                   Counter, (ULONG)(Hertz / 1000000), (ULONG)(Hertz / 1000 % 1000));
    KdConsolePrint(Console, "CPU  APIC  idle   switches  interrupts  thread\n");
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        HALP_RUNNING Running;
        if (Prcb == NULL || !Prcb->Started) {
            continue;
        }
        HalpQueryRunning(Prcb, &Running);
        KdConsolePrint(Console, "%3u  %4u  %3u%% %10I64u  %10I64u  %u %s\n", Prcb->Number,
                       Prcb->ApicId, HalpIdlePercent(Prcb), Prcb->ContextSwitches,
                       Prcb->InterruptCount, Running.ThreadId, Running.Name);
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("cpus", "", "processors and what they are doing", HalpCpusCommand);
