/*
 * apic.c - the local APIC of each processor: task priority, IPIs, end of interrupt, one-shot timer.
 *
 * Registers are in memory (xAPIC) or MSRs (x2APIC, used when the processor has it); the choice is
 * made once. All state is the processor's own, so there is no lock. In xAPIC mode the interrupt
 * command register takes two writes; interrupts are off between them, because a handler that sends
 * an IPI of its own would overwrite the half already there.
 *
 * IRQL is the APIC's task priority, which CR8 shows: an interrupt is delivered when its vector's
 * high nibble is greater, and waits in the APIC until then. That is all the hardware a DPC needs:
 * it is requested as vector 2Fh on the requester itself, and arrives when IRQL drops below 2.
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
/* IA32_APIC_BASE: the state goes disabled, xAPIC, x2APIC, and back only through disabled. */
#define APIC_BASE_ENABLE (1ULL << 11)
#define APIC_BASE_X2APIC (1ULL << 10)
#define APIC_BASE_ADDRESS 0x000FFFFFFFFFF000ULL
#define APIC_SPURIOUS_ENABLE 0x100
/* Local vector table entries. Delivery modes (bits 8-10) are the interrupt command's, too. */
#define APIC_LVT_MASKED (1U << 16)
#define APIC_LVT_NMI (4U << 8)
#define APIC_LVT_ACTIVE_LOW (1U << 13)
#define APIC_LVT_LEVEL (1U << 15)
#define APIC_DIVIDE_BY_1 0x0B
/* The interrupt command: vector, delivery mode, level, and whom it is for. */
#define APIC_COMMAND_PENDING (1U << 12)
#define APIC_COMMAND_ASSERT (1U << 14)
#define APIC_COMMAND_NMI (4U << 8)
#define APIC_COMMAND_INIT (5U << 8)
#define APIC_COMMAND_STARTUP (6U << 8)
#define APIC_COMMAND_SELF (1U << 18)
#define XAPIC_MAX_ID 0xFE /* FFh addresses all processors */

#define CPUID_FEATURES 1
#define CPUID_1_ECX_X2APIC (1U << 21)
/* What the multiprocessor specification asks for between the steps of a start. */
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

/* The sender may be in an NMI itself, between the two writes of a command, whose destination has to
 * be there still. */
void HalSendNmi(ULONG ApicId)
{
    ULONG High = HalpX2Apic ? 0 : HalpReadApic(ApicCommandHigh);

    HalpSendCommand(ApicId, APIC_COMMAND_NMI | APIC_COMMAND_ASSERT);
    if (!HalpX2Apic) {
        HalpWaitCommand();
        HalpWriteApic(ApicCommandHigh, High);
    }
}

/* NMI ignores IRQL and the interrupt flag, so it reaches processors that spin with both shut. It
 * goes out one by one, to those that run: one that the firmware parked must not meet an NMI. */
void HalSendNmiToOthers(void)
{
    ULONG Self = HalCurrentApicId();

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i];
        if (Prcb != NULL && Prcb->Started && Prcb->ApicId != Self) {
            HalSendNmi(Prcb->ApicId);
        }
    }
}

/*
 * INIT puts the processor into a state in which it only waits for a start-up IPI, whose vector is
 * the page it then starts in, in real mode. Emulators need no time for that, and 10 ms per
 * processor is more than the rest of the boot takes.
 */
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

/*
 * The timer counts down at the rate of the bus or the core crystal, and interrupts at 0. Undivided
 * it is most exact, and its 32 bits still last 4 s at 1 GHz, much longer than a tick.
 */
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

/*
 * Everything that is not the timer is masked: the 8259s' line (input 0), error reports, counters
 * that nobody has set up. Where the board wired NMI the input is open again.
 */
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
