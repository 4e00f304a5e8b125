/*
 * hal.h - what the hardware abstraction layer gives to the kernel.
 *
 * Any IRQL and any processor unless said; nothing here blocks or allocates after start.
 */
#ifndef _HAL_PRIVATE_H_
#define _HAL_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/* First parameter of a HAL_INITIALIZATION_FAILED bugcheck: what is missing; and the other three. */
typedef enum _HAL_FAILURE {
    HalFailureNoRootPointer = 1, /* no ACPI root pointer; the address the loader gave */
    HalFailureNoMadt = 2,        /* no usable MADT; addresses of RSDT and XSDT */
    HalFailureMapApic = 3,       /* the local APIC cannot be mapped; its base register */
    HalFailureNoIoApic = 4,      /* no I/O APIC answers; how many the MADT has */
    HalFailureNoCounter = 5,     /* no HPET, PM timer or PIT counts */
    HalFailureCalibration = 6    /* counts measured of the reference, TSC and APIC timer */
} HAL_FAILURE;

/*** Polled output on COM1 ***/

/* Sets the line up: 115200 baud, 8N1, FIFOs on. Once, before any driver; the first call of all. */
void HalInitializeDebugPort(void);
/* Sends one byte when the transmitter is empty. Without a port, or when its far end takes nothing
 * for long, the byte is lost. No lock: the caller keeps lines of several processors apart. */
void HalPutDebugByte(UCHAR Byte);
/* The screen that the loader left, if it left one: blue from HalShowCrashScreen on, with what
 * HalPutScreenByte writes from the top. After a bugcheck; any IRQL. */
void HalInitializeScreen(PLOADER_BLOCK LoaderBlock);
void HalShowCrashScreen(void);
void HalPutScreenByte(UCHAR Byte);

/*** The debugger's line, COM2; whoever uses it keeps others from doing so ***/

/* Sets the line up and sends its interrupt to the boot processor as an NMI, which no IRQL and no
 * interrupt flag holds back. FALSE: there is no such port. Once, after HalInitializeSystem; from
 * then on no driver can connect to the line. */
BOOLEAN HalOpenDebuggerPort(void);
/* Whether a byte that comes makes that NMI; one that is there already does so at once. */
void HalListenDebuggerPort(BOOLEAN Listen);
/* The next byte that has come; FALSE: none has. */
BOOLEAN HalReadDebuggerByte(PUCHAR Byte);
/* Whether a break has come since this was asked last. */
BOOLEAN HalTakeDebuggerBreak(void);
/* Sends one, or loses it when the far end takes nothing for long. */
void HalWriteDebuggerByte(UCHAR Byte);

/*** Start ***/

/* Reads the ACPI tables, silences the PICs, enables this processor's local APIC (x2APIC when there
 * is one), masks all I/O APIC inputs, calibrates and starts time at 0. Boot processor, interrupts
 * off, IRQL <= DISPATCH_LEVEL, after MmInitSystem. Bugchecks HAL_INITIALIZATION_FAILED. */
void HalInitializeSystem(PLOADER_BLOCK LoaderBlock);
/* Enables the local APIC of an application processor. On it, interrupts off, before it uses any
 * other routine of the HAL. */
void HalInitializeProcessor(void);

/* Processors that the firmware lists as enabled; number 0 is the boot processor. */
ULONG HalQueryProcessorCount(void);
/* Local APIC id of a processor by its number; FFFFFFFFh when there is no such number. */
ULONG HalQueryProcessorApicId(ULONG Number);
/* Local APIC id of the processor this runs on. */
ULONG HalCurrentApicId(void);
/* Starts a processor, by INIT and two start-up IPIs, in real mode at physical StartPage << 12
 * (StartPage < 100h). One at a time; returns without waiting for it to run. */
void HalStartProcessor(ULONG ApicId, ULONG StartPage);

/*** Local APIC ***/

/* Ends the interrupt in service on this processor. Not for the spurious vector. */
void HalEndOfInterrupt(void);
/* Requests Vector (10h-FEh) on this processor; taken once IRQL and flags permit. */
void HalSendSelfIpi(ULONG Vector);
/* Requests Vector on the processor with this APIC id. Stores before the call are visible to it. */
void HalSendIpi(ULONG ApicId, ULONG Vector);
/* NMI to every started processor except this one. */
void HalSendNmiToOthers(void);
/* To one that runs. */
void HalSendNmi(ULONG ApicId);
/* One-shot: KI_VECTOR_CLOCK on this processor Delay100ns from now, in place of what was armed
 * before. Not early; cut to what the counter holds, at least 400 ms. */
void HalArmClock(ULONG64 Delay100ns);

/*** Time ***/

/* 100 ns units since HalInitializeSystem: monotonic, and the same on every processor. 0 before. */
ULONG64 HalQueryCounter100ns(void);
/* The counter behind it, for people: "TSC", "HPET", "ACPI PM timer" or "PIT"; its rate in Hz. */
const char *HalQueryCounterName(ULONG64 *FrequencyHertz);
/* The battery-backed clock, taken for UTC: 100 ns units since 1601, to the second. 0 when it holds
 * no date. Takes up to some ms. */
LONG64 HalQueryRealTimeClock(void);

/*** Device interrupts; vectors as HalGetInterruptVector gave them out ***/

/* Unmasks the line behind Vector and routes it to Processor, by its number. Mode counts where the
 * firmware does not say how the line triggers. STATUS_INVALID_PARAMETER: Vector was not given
 * out. Nothing is to be done for a message's vector. */
NTSTATUS HalEnableInterrupt(ULONG Vector, KINTERRUPT_MODE Mode, ULONG Processor);
/* Masks the line. An interrupt already on its way may still arrive. */
void HalDisableInterrupt(ULONG Vector);

/*** The end; debug output is sent first ***/

/* Switches off by ACPI S5, else by what QEMU's machines have; else stops this processor. */
DECLSPEC_NORETURN void HalPowerOff(void);
/* Restarts: ACPI reset register, port CF9h, keyboard controller, triple fault. */
DECLSPEC_NORETURN void HalReboot(void);
/* Ends QEMU with exit status (Value << 1) | 1 through isa-debug-exit; without that, powers off. */
DECLSPEC_NORETURN void HalExitEmulator(UCHAR Value);

#endif
