/*
 * A processor's tables: GDT, TSS with the interrupt stacks, IDT, and the KPCR behind GS.
 *
 * Each processor owns one KI_PROCESSOR; only the IDT is shared, because every processor handles
 * every vector the same way. The boot processor's structure is static, so that exceptions are
 * reported from the kernel's first instructions on; the others' come from non-paged pool and live
 * for ever.
 */
#include <ntddk.h>
#include "hal.h"
#include "processor.h"

#define GATE_INTERRUPT 0x8E /* present, ring 0, interrupts off on entry */
/* Present, ring 0, long mode; base and limit do not count in 64-bit mode. Marked as accessed
 * already, or the processor would write that mark into the table at the first load. */
#define DESCRIPTOR_CODE 0x00209B0000000000ULL
#define DESCRIPTOR_DATA 0x0000930000000000ULL
#define TSS_AVAILABLE 0x89   /* present, 64-bit TSS; LTR turns it into "busy" */
#define DEFAULT_MXCSR 0x1F80 /* all exceptions masked, round to nearest */
#define CPUID_EDX_MCE (1U << 7)
#define CPUID_EDX_MCA (1U << 14)
#define CR4_MCE (1ULL << 6)

typedef struct _KIDTENTRY64 {
    USHORT OffsetLow;
    USHORT Selector;
    UCHAR IstIndex;
    UCHAR Type;
    USHORT OffsetMiddle;
    ULONG OffsetHigh;
    ULONG Reserved;
} KIDTENTRY64;
C_ASSERT(sizeof(KIDTENTRY64) == 16);

DECLSPEC_ALIGN(64) KI_PROCESSOR KiBootProcessor;
PKPRCB KiProcessorBlock[KI_MAX_PROCESSORS];
ULONG KeNumberProcessors;
KAFFINITY KeActiveProcessors;
static DECLSPEC_ALIGN(16) KIDTENTRY64 KiIdt[256];

static UCHAR KiIstOfVector(ULONG Vector)
{
    switch (Vector) {
    case KI_TRAP_DOUBLE_FAULT:
        return KI_IST_DOUBLE_FAULT;
    case KI_TRAP_NMI:
        return KI_IST_NMI;
    case KI_TRAP_MACHINE_CHECK:
        return KI_IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

/* All gates are interrupt gates: handlers decide themselves when others may interrupt them. */
static void KiBuildIdt(void)
{
    for (ULONG Vector = 0; Vector < ARRAYSIZE(KiIdt); Vector++) {
        ULONG64 Handler = KiVectorTable[Vector];
        KiIdt[Vector] = (KIDTENTRY64){.OffsetLow = (USHORT)Handler,
                                      .Selector = KGDT_R0_CODE,
                                      .IstIndex = KiIstOfVector(Vector),
                                      .Type = GATE_INTERRUPT,
                                      .OffsetMiddle = (USHORT)(Handler >> 16),
                                      .OffsetHigh = (ULONG)(Handler >> 32)};
    }
}

/* The TSS is there for its interrupt stacks alone; its descriptor takes two entries. Stacks grow
 * down, so each begins where the next one in the array starts. */
static void KiBuildGdt(PKI_PROCESSOR Processor)
{
    ULONG64 Tss = (ULONG64)&Processor->Tss;
    ULONG64 *Entry = &Processor->Gdt[KGDT_TSS / 8];

    Processor->Gdt[KGDT_R0_CODE / 8] = DESCRIPTOR_CODE;
    Processor->Gdt[KGDT_R0_DATA / 8] = DESCRIPTOR_DATA;
    Entry[0] = (sizeof(KTSS64) - 1) | (Tss & 0xFFFFFF) << 16 | (ULONG64)TSS_AVAILABLE << 40 |
               (Tss >> 24 & 0xFF) << 56;
    Entry[1] = Tss >> 32;

    for (ULONG i = 0; i < KI_IST_COUNT; i++) {
        Processor->Tss.Ist[i] = (ULONG64)Processor->IstStack[i + 1];
    }
    Processor->Tss.IoMapBase = sizeof(KTSS64); /* no ports for anybody below ring 0 */
}

/* Before GS points to it: what KeGetCurrentPrcb users need from the first moment on. */
static void KiInitializePrcb(PKI_PROCESSOR Processor, ULONG Number, ULONG ApicId)
{
    PKPRCB Prcb = &Processor->Pcr.Prcb;

    Processor->Pcr.Self = &Processor->Pcr;
    Processor->Pcr.CurrentPrcb = Prcb;
    Prcb->MxCsr = DEFAULT_MXCSR;
    Prcb->LegacyNumber = (UCHAR)Number;
    Prcb->Number = Number;
    Prcb->SetMember = (KAFFINITY)1 << Number;
    Prcb->ApicId = ApicId;
    Prcb->Processor = Processor;
    Prcb->TimerWheel = &Processor->Wheel;
    Prcb->NextClock100ns = KI_WHEEL_NEVER;
    KiWheelInitialize(Prcb->TimerWheel);
    KiInitializeDpcQueues(Prcb);
    for (ULONG i = 0; i < KI_PRIORITY_LEVELS; i++) {
        InitializeListHead(&Prcb->ReadyList[i]);
    }
}

/* Without CR4.MCE a machine check shuts the processor down before anybody can report it. */
static void KiEnableMachineCheck(void)
{
    ULONG Info[4];

    __cpuidex(Info, 1, 0);
    if ((Info[3] & CPUID_EDX_MCE) && (Info[3] & CPUID_EDX_MCA)) {
        __writecr4(__readcr4() | CR4_MCE);
    }
}

void KiInitializeProcessor(PKI_PROCESSOR Processor, ULONG Number, ULONG ApicId)
{
    KI_DESCRIPTOR Gdt = {sizeof(Processor->Gdt) - 1, Processor->Gdt};
    KI_DESCRIPTOR Idt = {sizeof(KiIdt) - 1, KiIdt};

    if (Number == 0) {
        KiBuildIdt();
    }
    KiBuildGdt(Processor);
    KiInitializePrcb(Processor, Number, ApicId);
    KiLoadDescriptorTables(&Gdt, &Idt);
    __writemsr(MSR_GS_BASE, (ULONG64)&Processor->Pcr);
    __asm__ volatile("ldmxcsr %0" : : "m"(Processor->Pcr.Prcb.MxCsr));
    KiEnableMachineCheck();
    KiProcessorBlock[Number] = &Processor->Pcr.Prcb;
}

/* All work of an idle processor arrives as interrupts, dispatch requests by others included, so a
 * halt cannot miss any: one that comes between two halts is handled before the second. */
void KiIdleLoop(void)
{
    for (;;) {
        _enable();
        __halt();
    }
}

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    KAFFINITY Active = __atomic_load_n(&KeActiveProcessors, __ATOMIC_ACQUIRE);

    if (ActiveProcessors != NULL) {
        *ActiveProcessors = Active;
    }
    return KiCountProcessors(Active);
}

KAFFINITY NTAPI KeQueryActiveProcessors(void)
{
    return __atomic_load_n(&KeActiveProcessors, __ATOMIC_ACQUIRE);
}
