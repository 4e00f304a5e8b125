/*
 * apic.c - the local APIC of each processor: task priority, IPIs, end of interrupt, one-shot timer.
 *
 * Registers are in memory (xAPIC) or MSRs (x2APIC, used when the processor has it); the choice is
 * made once. All state is the processor's own, so there is no lock. In xAPIC mode the interrupt
 * command register takes two writes; interrupts are off between them, because a handler that sends
 * an IPI of its own would overwrite the half already there.
 */
#include "halp.h"

/* Register numbers: offset >> 4 in memory, MSR - 800h. */
enum {
    ApicId = 0x02,
    ApicVersion = 0x03,
    ApicEndOfInterrupt = 0x0B,
    ApicSpurious = 0x0F,
    ApicErrorStatus = 0x28,
    ApicCommandLow = 0x30,
    ApicCommandHigh = 0x31,
    ApicLvtTimer = 0x32,
    ApicLvtThermal = 0x33,
    ApicLvtPerformance = 0x34,
    ApicLvtInput0 = 0x35,
    ApicLvtInput1 = 0x36,
    ApicLvtError = 0x37,
    ApicInitialCount = 0x38,
    ApicCurrentCount = 0x39,
    ApicDivide = 0x3E,
    ApicSelfIpi = 0x3F /* x2APIC only */
};

#define APIC_MSR_BASE 0x800
#define APIC_BASE_ENABLE (1ULL << 11)
#define APIC_BASE_X2APIC (1ULL << 10)
#define APIC_BASE_ADDRESS 0x000FFFFFFFFFF000ULL
#define APIC_SPURIOUS_ENABLE 0x100
#define APIC_LVT_MASKED (1U << 16)
#define APIC_LVT_NMI (4U << 8)
#define APIC_LVT_ACTIVE_LOW (1U << 13)
#define APIC_LVT_LEVEL (1U << 15)
#define APIC_DIVIDE_BY_1 0x0B
#define APIC_COMMAND_PENDING (1U << 12)
#define APIC_COMMAND_ASSERT (1U << 14)
#define APIC_COMMAND_NMI (4U << 8)
#define APIC_COMMAND_INIT (5U << 8)
#define APIC_COMMAND_STARTUP (6U << 8)
#define APIC_COMMAND_SELF (1U << 18)
#define XAPIC_MAX_ID 0xFE /* FFh addresses all processors */

#define CPUID_FEATURES 1
#define CPUID_1_ECX_X2APIC (1U << 21)
#define INIT_DELAY_US 10000
#define STARTUP_DELAY_US 200
#define COMMAND_POLL_LIMIT 1000000

BOOLEAN HalpX2Apic;
ULONG64 HalpClockMultiplier;
static volatile ULONG *HalpApic; /* xAPIC registers, 4 ULONGs apart */

static inline ULONG HalpReadApic(ULONG Register)
{
    return HalpX2Apic ? (ULONG)__readmsr(APIC_MSR_BASE + Register) : HalpApic[Register * 4];
}

static inline void HalpWriteApic(ULONG Register, ULONG Value)
{
    if (HalpX2Apic) {
        __writemsr(APIC_MSR_BASE + Register, Value);
    } else {
        HalpApic[Register * 4] = Value;
    }
}

/* The id before the APIC is mapped, as the processor got it at reset. */
static ULONG HalpInitialApicId(void)
{
    ULONG Info[4];

    HalpCpuid(Info, CPUID_FEATURES);
    return Info[1] >> 24;
}

ULONG HalCurrentApicId(void)
{
    if (HalpX2Apic) {
        return HalpReadApic(ApicId);
    }
    return HalpApic != NULL ? HalpReadApic(ApicId) >> 24 : HalpInitialApicId();
}

ULONG HalQueryProcessorCount(void)
{
    return HalpPlatform.CpuCount;
}

ULONG HalQueryProcessorApicId(ULONG Number)
{
    return Number < HalpPlatform.CpuCount ? HalpPlatform.Cpu[Number].ApicId : ~0U;
}

/*** Interrupt commands ***/

/* An earlier command has left the APIC. Emulated ones leave at once, and asking costs an exit. */
static void HalpWaitCommand(void)
{
    if (HalpUnderHypervisor) {
        return;
    }
    for (ULONG i = 0; i < COMMAND_POLL_LIMIT; i++) {
        if (!(HalpReadApic(ApicCommandLow) & APIC_COMMAND_PENDING)) {
            return;
        }
        YieldProcessor();
    }
}

static void HalpSendCommand(ULONG Destination, ULONG Command)
{
    ULONG64 Flags;

    if (HalpX2Apic) {
        /* Writing the MSR orders nothing: what the target will look at has to be visible first. */
        _mm_mfence();
        _mm_lfence();
        __writemsr(APIC_MSR_BASE + ApicCommandLow, ((ULONG64)Destination << 32) | Command);
        return;
    }
    Flags = __readeflags();
    _disable();
    HalpWaitCommand();
    HalpWriteApic(ApicCommandHigh, Destination << 24);
    HalpWriteApic(ApicCommandLow, Command);
    HalpRestoreInterrupts(Flags);
}

void HalSendIpi(ULONG ApicId, ULONG Vector)
{
    HalpSendCommand(ApicId, Vector | APIC_COMMAND_ASSERT);
}

void HalSendSelfIpi(ULONG Vector)
{
    if (HalpX2Apic) {
        HalpWriteApic(ApicSelfIpi, Vector);
    } else if (HalpUnderHypervisor) {
        /* One write is the whole command: the shorthand needs no destination. */
        HalpWriteApic(ApicCommandLow, Vector | APIC_COMMAND_ASSERT | APIC_COMMAND_SELF);
    } else {
        HalpSendCommand(0, Vector | APIC_COMMAND_ASSERT | APIC_COMMAND_SELF);
    }
}

/* One by one, to those that run: one that the firmware parked must not meet an NMI. */
void HalSendNmiToOthers(void)
{
    ULONG Self = HalCurrentApicId();

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        if (Prcb != NULL && Prcb->Started && Prcb->ApicId != Self) {
            HalpSendCommand(Prcb->ApicId, APIC_COMMAND_NMI | APIC_COMMAND_ASSERT);
        }
    }
}

void HalStartProcessor(ULONG ApicId, ULONG StartPage)
{
    HalpRememberTsc();
    HalpSendCommand(ApicId, APIC_COMMAND_INIT | APIC_COMMAND_ASSERT);
    if (!HalpUnderHypervisor) {
        KeStallExecutionProcessor(INIT_DELAY_US);
    }
    /* Twice: the first may get lost; a running processor ignores the second. */
    for (ULONG i = 0; i < 2; i++) {
        HalpSendCommand(ApicId, APIC_COMMAND_STARTUP | APIC_COMMAND_ASSERT | (StartPage & 0xFF));
        if (!HalpUnderHypervisor) {
            KeStallExecutionProcessor(STARTUP_DELAY_US);
        }
    }
}

void HalEndOfInterrupt(void)
{
    HalpWriteApic(ApicEndOfInterrupt, 0);
}

/*** Timer ***/

void HalpStartApicCount(void)
{
    HalpWriteApic(ApicDivide, APIC_DIVIDE_BY_1);
    HalpWriteApic(ApicLvtTimer, APIC_LVT_MASKED | KI_VECTOR_CLOCK);
    HalpWriteApic(ApicInitialCount, MAXULONG);
}

ULONG HalpReadApicCount(void)
{
    return HalpReadApic(ApicCurrentCount);
}

void HalpStopApicCount(void)
{
    HalpWriteApic(ApicInitialCount, 0);
    HalpWriteApic(ApicLvtTimer, KI_VECTOR_CLOCK);
}

void HalArmClock(ULONG64 Delay100ns)
{
    unsigned __int128 Count = (unsigned __int128)Delay100ns * HalpClockMultiplier;

    /* Rounded up: a little late is allowed, early is not. 0 would stop the timer. */
    Count = (Count >> HALP_CLOCK_SHIFT) + 1;
    HalpWriteApic(ApicInitialCount, Count > MAXULONG ? MAXULONG : (ULONG)Count);
}

/*** Start ***/

static void HalpSetNmiInputs(ULONG ApicId)
{
    ULONG Uid = HALP_ALL_CPUS;

    for (ULONG i = 0; i < HalpPlatform.CpuCount; i++) {
        if (HalpPlatform.Cpu[i].ApicId == ApicId) {
            Uid = HalpPlatform.Cpu[i].AcpiUid;
        }
    }
    for (ULONG i = 0; i < HalpPlatform.LocalNmiCount; i++) {
        const HALP_LOCAL_NMI *Nmi = &HalpPlatform.LocalNmi[i];
        if (Nmi->AcpiUid == HALP_ALL_CPUS || Nmi->AcpiUid == Uid) {
            HalpWriteApic(ApicLvtInput0 + Nmi->Input,
                          APIC_LVT_NMI | (Nmi->ActiveLow ? APIC_LVT_ACTIVE_LOW : 0) |
                              (Nmi->Level ? APIC_LVT_LEVEL : 0));
        }
    }
}

static void HalpEnableApic(void)
{
    static const UCHAR Masked[] = {ApicLvtInput0, ApicLvtInput1, ApicLvtError, ApicLvtPerformance,
                                   ApicLvtThermal};
    ULONG64 Base = __readmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;
    ULONG LastLvt;

    /* x2APIC cannot be entered from a disabled APIC in one step. */
    __writemsr(MSR_APIC_BASE, Base);
    if (HalpX2Apic) {
        __writemsr(MSR_APIC_BASE, Base | APIC_BASE_X2APIC);
    }
    HalpWriteApic(ApicSpurious, APIC_SPURIOUS_ENABLE | KI_VECTOR_SPURIOUS);
    /* The timer is entry 0; the two inputs and the error entry always exist, others may not. */
    LastLvt = (HalpReadApic(ApicVersion) >> 16) & 0xFF;
    for (ULONG i = 0; i < ARRAYSIZE(Masked) && i < max(LastLvt, 3U); i++) {
        HalpWriteApic(Masked[i], APIC_LVT_MASKED);
    }
    HalpSetNmiInputs(HalCurrentApicId());
    HalpWriteApic(ApicDivide, APIC_DIVIDE_BY_1);
    HalpStopApicCount();
}

void HalInitializeProcessor(void)
{
    HalpEnableApic();
    HalpCheckProcessorTsc();
}

/* Ids above FEh can be reached in x2APIC mode only. */
static void HalpDropUnreachableProcessors(void)
{
    ULONG Kept = 0;

    for (ULONG i = 0; i < HalpPlatform.CpuCount; i++) {
        if (HalpX2Apic || HalpPlatform.Cpu[i].ApicId <= XAPIC_MAX_ID) {
            HalpPlatform.Cpu[Kept++] = HalpPlatform.Cpu[i];
        }
    }
    HalpPlatform.CpusIgnored += HalpPlatform.CpuCount - Kept;
    HalpPlatform.CpuCount = Kept;
}

void HalpInitializeLocalApic(void)
{
    ULONG64 Base = __readmsr(MSR_APIC_BASE);
    ULONG Info[4];

    HalpCpuid(Info, CPUID_FEATURES);
    HalpX2Apic = (Info[2] & CPUID_1_ECX_X2APIC) != 0;
    if (!HalpX2Apic) {
        HalpApic = HalpMapRegisters(Base & APIC_BASE_ADDRESS, PAGE_SIZE);
        if (HalpApic == NULL) {
            KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureMapApic, Base, 0, 0);
        }
    }
    HalpEnableApic();
    HalpDropUnreachableProcessors();
    HalpPutBootProcessorFirst(&HalpPlatform, HalCurrentApicId());
}
