/*
 * Starting the other processors, one after the other, from phase 1.
 *
 * Each gets a KI_PROCESSOR and an idle stack before it is woken; it makes itself ready and counts
 * itself in last of all, so what is in KiProcessorBlock below KeNumberProcessors can be used. One
 * that does not come in time ends the enumeration: numbers stay without gaps, and since it might
 * still wake up, the trampoline page is then kept for ever, with nothing in it to take.
 */
#include <ntddk.h>
#include "hal.h"
#include "kd.h"
#include "mm.h"
#include "processor.h"

#define PROCESSOR_TAG 'corP'
#define START_TIMEOUT_100NS (10000 * 10000ULL)
#define EFER_LMA (1ULL << 10)

/* First C code of a processor, on its idle stack, interrupts off. The trampoline's tables are left
 * at once, since they are freed when all processors run; the idle thread is made before the
 * processor counts as active, because from then on others may choose it for their threads. */
static DECLSPEC_NORETURN void KiApplicationProcessorStart(PKI_PROCESSOR Processor)
{
    PKPRCB Prcb = &Processor->Pcr.Prcb;

    __writecr3(MmQuerySystemDirectoryBase());
    KiInitializeProcessor(Processor, Prcb->Number, Prcb->ApicId);
    MmInitializeProcessor();
    HalInitializeProcessor();
    KiInitializeIdleThread(Prcb, &Processor->IdleThread, KiQueryIdleProcess(),
                           Processor->IdleStackBase,
                           (PUCHAR)Processor->IdleStackBase - KERNEL_STACK_SIZE);
    __atomic_fetch_or(&KeActiveProcessors, Prcb->SetMember, __ATOMIC_SEQ_CST);
    /* From here on shoot-downs include this processor; what it has cached may be older. */
    KiFlushProcessorTlb();
    KiProgramClock(Prcb);
    KiLoadDebugRegisters();
    __atomic_store_n(&Prcb->Started, TRUE, __ATOMIC_RELEASE);
    KiIdleLoop();
}

/* Large enough to come as whole pages, so the interrupt stacks in it are aligned. */
static PKI_PROCESSOR KiCreateProcessor(ULONG Number, ULONG ApicId)
{
    PKI_PROCESSOR Processor =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Processor), PROCESSOR_TAG);

    if (Processor == NULL) {
        return NULL;
    }
    RtlZeroMemory(Processor, sizeof(*Processor));
    Processor->Pcr.Prcb.Number = Number;
    Processor->Pcr.Prcb.ApicId = ApicId;
    Processor->IdleStackBase = MmCreateKernelStack();
    if (Processor->IdleStackBase == NULL) {
        ExFreePoolWithTag(Processor, PROCESSOR_TAG);
        return NULL;
    }
    return Processor;
}

/* The page is RAM that nobody else was given, mapped like all RAM. NXE has to be set before the
 * first access through the kernel's tables, so EFER goes along. */
static PKI_PROCESSOR_START KiPrepareTrampoline(void)
{
    PUCHAR Page = MmPhysicalToVirtual(LOADER_SMP_TRAMPOLINE_BASE);
    SIZE_T Size = KiTrampolineEnd - KiTrampolineStart;
    PKI_PROCESSOR_START Start = (PKI_PROCESSOR_START)(Page + Size - sizeof(*Start));

    KI_ASSERT(Size <= PAGE_SIZE);
    memcpy(Page, KiTrampolineStart, Size);
    Start->BootCr3 = MmQueryTrampolineDirectoryBase();
    KI_ASSERT(Start->BootCr3 < LOADER_MAPPED_LIMIT);
    Start->Efer = __readmsr(MSR_EFER) & ~EFER_LMA;
    Start->Entry = KiApplicationProcessorStart;
    return Start;
}

/* Far longer than it takes: under an emulator the host may be busy with something else. */
static BOOLEAN KiWaitUntilStarted(PKPRCB Prcb)
{
    ULONG64 Deadline = HalQueryCounter100ns() + START_TIMEOUT_100NS;

    while (!__atomic_load_n(&Prcb->Started, __ATOMIC_ACQUIRE)) {
        if (HalQueryCounter100ns() > Deadline) {
            return FALSE;
        }
        YieldProcessor();
    }
    return TRUE;
}

/* FALSE: no more processors can be started. */
static BOOLEAN KiStartProcessor(PKI_PROCESSOR_START Start, ULONG Number, ULONG ApicId)
{
    PKI_PROCESSOR Processor = KiCreateProcessor(Number, ApicId);
    PKPRCB Prcb;

    if (Processor == NULL) {
        KdPrintf("ke: no memory for processor %u\n", Number);
        return FALSE;
    }
    Prcb = &Processor->Pcr.Prcb;
    Start->StackBase = Processor->IdleStackBase;
    __atomic_store_n(&Start->Processor, Processor, __ATOMIC_RELEASE);
    HalStartProcessor(ApicId, LOADER_SMP_TRAMPOLINE_BASE >> PAGE_SHIFT);
    if (KiWaitUntilStarted(Prcb)) {
        KeNumberProcessors = Number + 1;
        return TRUE;
    }
    /* It may have been about to take its structure; if it has, it is on its way and must be waited
     * for, since it uses what was made for it, and is soon given threads to run. */
    if (__atomic_exchange_n(&Start->Processor, NULL, __ATOMIC_ACQ_REL) == NULL) {
        while (!KiWaitUntilStarted(Prcb)) {
            KdPrintf("ke: waiting for processor %u (APIC id %u)\n", Number, ApicId);
        }
        KeNumberProcessors = Number + 1;
        return TRUE;
    }
    KdPrintf("ke: processor %u (APIC id %u) does not start; going on with %u\n", Number, ApicId,
             Number);
    return FALSE;
}

void KeStartAllProcessors(void)
{
    ULONG Count = HalQueryProcessorCount();
    PKI_PROCESSOR_START Start = KiPrepareTrampoline();
    BOOLEAN AllStarted = TRUE;

    if (Count > KI_MAX_PROCESSORS) {
        KdPrintf("ke: of %u processors the kernel uses %u\n", Count, KI_MAX_PROCESSORS);
        Count = KI_MAX_PROCESSORS;
    }
    for (ULONG Number = 1; Number < Count && AllStarted; Number++) {
        AllStarted = KiStartProcessor(Start, Number, HalQueryProcessorApicId(Number));
    }
    if (AllStarted) {
        MmFreeLoaderMemory(KeLoaderBlock);
    }
}
