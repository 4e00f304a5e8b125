/*
 * ioapic.c - routes interrupt lines to processors through the I/O APICs.
 *
 * Lines are numbered over all I/O APICs (global system interrupts). HalpIoApics is fixed after
 * start; HalpIoApicLock guards each chip's pair of index and data register, and so its routing
 * entries. Every input is masked until a driver connects. Destinations are physical: one processor.
 *
 *     ISA line --override--> GSI --minus GsiBase--> input --entry--> vector on a processor --> IRQL
 *       4                     4                       4               80h on APIC 0            8
 *       0                     2                       2               C0h on APIC 0           12
 *
 * A level-triggered input is not delivered again until the processor's end of interrupt comes back
 * to the chip; an edge is remembered once, even while the processor is above its IRQL.
 */
#include "halp.h"
#include "kd.h"

typedef struct _HALP_IO_APIC {
    volatile ULONG *Registers;
    ULONG GsiBase;
    ULONG Inputs;
} HALP_IO_APIC, *PHALP_IO_APIC;

#define IO_APIC_WINDOW 0x20 /* bytes of registers */
#define IO_APIC_INDEX 0     /* in ULONGs */
#define IO_APIC_DATA 4
#define IO_APIC_VERSION 1
#define IO_APIC_ENTRY(Input) (0x10 + 2 * (Input)) /* low half; the high half follows */
#define IO_APIC_MAX_INPUTS 120                    /* more would not fit the 8-bit index */
#define IO_APIC_ABSENT 0xFFFFFFFFU

/* A routing entry's low half, beside the vector in its lowest byte; fixed delivery is 0. */
#define ENTRY_NMI (4U << 8)
#define ENTRY_ACTIVE_LOW (1U << 13)
#define ENTRY_LEVEL (1U << 15)
#define ENTRY_MASKED (1U << 16)

static HALP_IO_APIC HalpIoApics[ACPI_MAX_IO_APICS];
static ULONG HalpIoApicCount;
static HALP_LOCK HalpIoApicLock;

static ULONG HalpReadIoApic(const HALP_IO_APIC *Apic, ULONG Register)
{
    Apic->Registers[IO_APIC_INDEX] = Register;
    return Apic->Registers[IO_APIC_DATA];
}

static void HalpWriteIoApic(const HALP_IO_APIC *Apic, ULONG Register, ULONG Value)
{
    Apic->Registers[IO_APIC_INDEX] = Register;
    Apic->Registers[IO_APIC_DATA] = Value;
}

/* The unsigned difference is huge for lines below the base, so one comparison does. */
static PHALP_IO_APIC HalpFindIoApic(ULONG Gsi)
{
    for (ULONG i = 0; i < HalpIoApicCount; i++) {
        if (Gsi - HalpIoApics[i].GsiBase < HalpIoApics[i].Inputs) {
            return &HalpIoApics[i];
        }
    }
    return NULL;
}

BOOLEAN HalpIsLine(ULONG Gsi)
{
    return HalpFindIoApic(Gsi) != NULL;
}

/* Masked first and unmasked last, so that no half-written entry can deliver. */
static void HalpWriteEntry(ULONG Gsi, ULONG Low, ULONG ApicId)
{
    PHALP_IO_APIC Apic = HalpFindIoApic(Gsi);
    ULONG Entry;
    ULONG64 Flags;

    if (Apic == NULL) {
        return;
    }
    Entry = IO_APIC_ENTRY(Gsi - Apic->GsiBase);
    Flags = HalpAcquireLock(&HalpIoApicLock);
    HalpWriteIoApic(Apic, Entry, ENTRY_MASKED);
    HalpWriteIoApic(Apic, Entry + 1, ApicId << 24);
    if (!(Low & ENTRY_MASKED)) {
        HalpWriteIoApic(Apic, Entry, Low);
    }
    HalpReleaseLock(&HalpIoApicLock, Flags);
}

static ULONG HalpSignalBits(const HALP_LINE *Line)
{
    return (Line->ActiveLow ? ENTRY_ACTIVE_LOW : 0) |
           (Line->Trigger == HalpTriggerLevel ? ENTRY_LEVEL : 0);
}

BOOLEAN HalpRouteLine(const HALP_LINE *Line, ULONG Vector, ULONG ApicId)
{
    if (!HalpIsLine(Line->Gsi)) {
        return FALSE;
    }
    HalpWriteEntry(Line->Gsi, Vector | HalpSignalBits(Line), ApicId);
    return TRUE;
}

BOOLEAN HalpRouteNmi(const HALP_LINE *Line, ULONG ApicId)
{
    if (!HalpIsLine(Line->Gsi)) {
        return FALSE;
    }
    HalpWriteEntry(Line->Gsi, ENTRY_NMI | HalpSignalBits(Line), ApicId);
    return TRUE;
}

void HalpMaskLine(ULONG Gsi)
{
    HalpWriteEntry(Gsi, ENTRY_MASKED, 0);
}

/* The chip itself says how many inputs it has: 24 on most, up to 240. */
static void HalpAddIoApic(ULONG64 Base, ULONG GsiBase)
{
    PHALP_IO_APIC Apic = &HalpIoApics[HalpIoApicCount];
    ULONG Version;

    Apic->Registers = HalpMapRegisters(Base, IO_APIC_WINDOW);
    Version = Apic->Registers != NULL ? HalpReadIoApic(Apic, IO_APIC_VERSION) : IO_APIC_ABSENT;
    if (Version == IO_APIC_ABSENT) {
        KdPrintf("hal: no I/O APIC answers at %I64x\n", Base);
        return;
    }
    Apic->GsiBase = GsiBase;
    Apic->Inputs = min(((Version >> 16) & 0xFF) + 1, (ULONG)IO_APIC_MAX_INPUTS);
    HalpIoApicCount++;
    for (ULONG i = 0; i < Apic->Inputs; i++) {
        HalpMaskLine(GsiBase + i);
    }
}

void HalpInitializeIoApics(void)
{
    for (ULONG i = 0; i < HalpPlatform.IoApicCount; i++) {
        HalpAddIoApic(HalpPlatform.IoApic[i].Base, HalpPlatform.IoApic[i].GsiBase);
    }
    if (HalpIoApicCount == 0) {
        KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureNoIoApic, HalpPlatform.IoApicCount, 0, 0);
    }
    for (ULONG i = 0; i < HalpPlatform.NmiSourceCount; i++) {
        HalpRouteNmi(&HalpPlatform.NmiSource[i], HalpPlatform.Cpu[0].ApicId);
    }
}
