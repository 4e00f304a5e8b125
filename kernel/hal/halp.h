/*
 * halp.h - private to the HAL: ports, its lock, and what its files offer each other.
 *
 * Order of start: platform facts (acpi.c), PICs, local APIC, I/O APICs, time. HAL locks are leaves:
 * taken with interrupts off, held for a few register accesses, nothing is called under them.
 */
#ifndef _HALP_
#define _HALP_

#include "ke.h"
#include "hal.h"
#include "acpi.h"
#include "count.h"

/*** Ports ***/

static inline UCHAR HalpIn8(USHORT Port)
{
    return READ_PORT_UCHAR((PUCHAR)(ULONG_PTR)Port);
}
static inline USHORT HalpIn16(USHORT Port)
{
    return READ_PORT_USHORT((PUSHORT)(ULONG_PTR)Port);
}
static inline ULONG HalpIn32(USHORT Port)
{
    return READ_PORT_ULONG((PULONG)(ULONG_PTR)Port);
}
static inline void HalpOut8(USHORT Port, UCHAR Value)
{
    WRITE_PORT_UCHAR((PUCHAR)(ULONG_PTR)Port, Value);
}
static inline void HalpOut16(USHORT Port, USHORT Value)
{
    WRITE_PORT_USHORT((PUSHORT)(ULONG_PTR)Port, Value);
}
static inline void HalpOut32(USHORT Port, ULONG Value)
{
    WRITE_PORT_ULONG((PULONG)(ULONG_PTR)Port, Value);
}

/*** Locks: any IRQL, since they shut interrupts out instead of raising it. ***/

typedef volatile LONG HALP_LOCK;

/* Returns the flags that HalpReleaseLock restores. */
static inline ULONG64 HalpAcquireLock(HALP_LOCK *Lock)
{
    ULONG64 Flags = __readeflags();

    _disable();
    while (__atomic_exchange_n(Lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (*Lock != 0) {
            YieldProcessor();
        }
    }
    return Flags;
}
static inline void HalpRestoreInterrupts(ULONG64 Flags)
{
    if (Flags & EFLAGS_IF) {
        _enable();
    }
}
static inline void HalpReleaseLock(HALP_LOCK *Lock, ULONG64 Flags)
{
    __atomic_store_n(Lock, 0, __ATOMIC_RELEASE);
    HalpRestoreInterrupts(Flags);
}

/*** The platform (acpi.c, platform.c); written by HalInitializeSystem only. ***/

extern HALP_PLATFORM HalpPlatform;
/* CPUID says a hypervisor or emulator runs us: its signature is in HalpHypervisorName, or "". */
extern BOOLEAN HalpUnderHypervisor;
extern CHAR HalpHypervisorName[13];

/* Finds, checks and parses the tables. Bugchecks HAL_INITIALIZATION_FAILED without a MADT. */
void HalpReadFirmwareTables(PLOADER_BLOCK LoaderBlock);
void HalpDetectHypervisor(void);
/* CPUID leaf; all zero when the processor has no such leaf. */
void HalpCpuid(ULONG Info[4], ULONG Leaf);
/* Device registers; NULL when Physical is no address a device can have. */
volatile void *HalpMapRegisters(ULONG64 Physical, SIZE_T Bytes);

/*** Interrupt controllers ***/

void HalpMaskPics(void);            /* pic.c */
void HalpInitializeLocalApic(void); /* apic.c: boot processor */
extern BOOLEAN HalpX2Apic;          /* registers are MSRs, ids have 32 bits */
extern ULONG64 HalpClockMultiplier; /* timer counts per 100 ns, times 2^HALP_CLOCK_SHIFT */
#define HALP_CLOCK_SHIFT 32
void HalpStartApicCount(void); /* lets the timer count down from its maximum, masked */
ULONG HalpReadApicCount(void);
void HalpStopApicCount(void);

void HalpInitializeIoApics(void); /* ioapic.c: all inputs masked, NMI sources set */
/* Routes input Line->Gsi to Vector on processor ApicId, unmasked; FALSE: no such input. */
BOOLEAN HalpRouteLine(const HALP_LINE *Line, ULONG Vector, ULONG ApicId);
/* Makes the line an NMI of that processor's; FALSE: no such input. */
BOOLEAN HalpRouteNmi(const HALP_LINE *Line, ULONG ApicId);
void HalpMaskLine(ULONG Gsi);
BOOLEAN HalpIsLine(ULONG Gsi);

/* vector.c: Count (at most 16) neighbouring vectors of one level for messages, from a multiple of
 * Alignment (a power of two) on; returns the first, 0: none are free. */
ULONG HalpAllocateVectors(ULONG Count, ULONG Alignment);
void HalpFreeVectors(ULONG First, ULONG Count);

/* debugport.c: the ISA line is the debugger's, and no driver's. */
BOOLEAN HalpIsDebuggerLine(ULONG Line);

/*** Time ***/

/* A counter that runs at a fixed frequency. */
typedef struct _HALP_COUNTER {
    const char *Name;
    ULONG64 (*Read)(void); /* 64 bits, never goes back, the same on all processors; any IRQL */
    ULONG64 FrequencyHertz;
    ULONG64 Base;        /* i  reading at time 0 */
    ULONG64 Multiplier;  /* i  100 ns units per count, times 2^HALP_COUNTER_SHIFT */
    ULONG64 Offset100ns; /* i  added to the time */
} HALP_COUNTER, *PHALP_COUNTER;
#define HALP_COUNTER_SHIFT 56 /* room for the slowest counter, the PIT's 1.19 MHz */

/* Each answers FALSE when the machine has no such counter or it stands still. */
BOOLEAN HalpInitializeHpet(PHALP_COUNTER Counter);
BOOLEAN HalpInitializePmTimer(PHALP_COUNTER Counter);
BOOLEAN HalpInitializePit(PHALP_COUNTER Counter);

void HalpInitializeTime(void); /* clock.c: chooses and calibrates */
/* On another processor: makes its TSC the boot processor's, or gives the TSC up for all. */
void HalpCheckProcessorTsc(void);
/* Just before a processor is started: what its TSC must not be behind. */
void HalpRememberTsc(void);

/* calibrate.c: frequencies of TSC and APIC timer against Reference, which has to run. */
typedef struct _HALP_CALIBRATION {
    ULONG64 TscHertz;
    ULONG64 ApicHertz;
} HALP_CALIBRATION;
void HalpCalibrate(const HALP_COUNTER *Reference, HALP_CALIBRATION *Result);

/* The time-stamp counter, not before earlier loads, so that no processor sees time go back. */
static inline ULONG64 HalpReadTsc(void)
{
    _mm_lfence();
    return __rdtsc();
}

/* Waits until the UART has sent everything, at most some milliseconds. */
void HalpFlushDebugPort(void);
/* reset.asm: loads an empty IDT and takes an interrupt. */
DECLSPEC_NORETURN void HalpTripleFault(void);

#endif
