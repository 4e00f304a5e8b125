/* hal.h - what the hardware abstraction layer gives to the kernel. */
#ifndef _HAL_PRIVATE_H_
#define _HAL_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/* First parameter of a HAL_INITIALIZATION_FAILED bugcheck: what is missing, and the others. */
typedef enum _HAL_FAILURE {
    HalFailureNoRootPointer = 1, /* no ACPI root pointer; the address the loader gave */
    HalFailureNoMadt = 2,        /* no usable MADT; addresses of RSDT and XSDT */
    HalFailureMapRegisters = 3,  /* out of system address space; physical address, bytes */
    HalFailureNoIoApic = 4,      /* no I/O APIC answers; how many the MADT has */
    HalFailureNoCounter = 5,     /* no HPET, PM timer or PIT counts */
    HalFailureCalibration = 6    /* counts measured of the reference, TSC and APIC timer */
} HAL_FAILURE;

/* Polled UART, usable from the first instruction on, at any IRQL, with no locks of its own. */
void HalInitializeDebugPort(void);
void HalPutDebugByte(UCHAR Byte);

/* PICs masked, local APIC of the boot processor enabled (xAPIC or x2APIC). Needs MmMapIoSpace; ACPI tables are
 * parsed here: processors, I/O APICs, overrides, HPET, FADT. Bugchecks HAL_INITIALIZATION_FAILED. */
void HalInitializeSystem(PLOADER_BLOCK LoaderBlock);
/* Local APIC of an application processor. */
void HalInitializeProcessor(void);

/* Processors found in the MADT; index 0 is the boot processor. */
ULONG HalQueryProcessorCount(void);
ULONG HalQueryProcessorApicId(ULONG Number);
ULONG HalCurrentApicId(void);
/* INIT-SIPI-SIPI: the processor starts in real mode at physical StartPage << 12. */
void HalStartProcessor(ULONG ApicId, ULONG StartPage);

void HalEndOfInterrupt(void);
void HalSendSelfIpi(ULONG Vector);
void HalSendIpi(ULONG ApicId, ULONG Vector);
void HalSendNmiToOthers(void);

/* One-shot local APIC timer: fires KI_VECTOR_CLOCK after Delay100ns (clamped to what the counter holds). */
void HalArmClock(ULONG64 Delay100ns);

/* The monotonic counter behind KeQueryPerformanceCounter: 100 ns units since HalInitializeSystem, on every
 * processor the same. Any IRQL. */
ULONG64 HalQueryCounter100ns(void);
/* Its name for people: "TSC", "HPET", "ACPI PM". Raw frequency in Hz. */
const char *HalQueryCounterName(ULONG64 *FrequencyHertz);
/* RTC read as 100 ns units since 1601 (UTC assumed). */
LONG64 HalQueryRealTimeClock(void);

/* Device interrupts: routes ISA IRQ Line (after overrides) to Vector on processor ApicId; masked state. */
NTSTATUS HalEnableInterrupt(ULONG Vector, KINTERRUPT_MODE Mode);
void HalDisableInterrupt(ULONG Vector);

DECLSPEC_NORETURN void HalPowerOff(void);
DECLSPEC_NORETURN void HalReboot(void);
/* Ends QEMU through isa-debug-exit when the command line's `exec` was given; else powers off. */
DECLSPEC_NORETURN void HalExitEmulator(UCHAR Value);

#endif
