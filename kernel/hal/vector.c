/*
 * vector.c - which vector, and with it which IRQL, an interrupt line or a message gets.
 *
 * A vector's high nibble is its IRQL, 3 to 12 for devices. A line gets its level from the table
 * below, its vector within the level at the first request, and keeps both for ever, so that drivers
 * that share a line find each other. Messages get vectors for as long as they are connected, from
 * one level after the other, so that devices do not all wait for each other. HalpVectorLock guards
 * the table of vectors given out.
 *
 * A PCI function's line is the one in its Interrupt Line register, where firmware notes to which
 * input of the 8259s the chip set routes the pin. The same wire also reaches the I/O APIC input of
 * that number on QEMU's pc (PIIX3) and q35 (ICH9), whose MADT overrides say how it triggers. On
 * boards that feed the pins to I/O APIC inputs of their own only, and tell in AML which, a function
 * interrupts by messages or not at all here.
 */
#include "halp.h"
#include "halpci.h"

#define DEVICE_LEVELS 10
#define FIRST_DEVICE_LEVEL 3
#define VECTORS_PER_LEVEL 16
#define ISA_CASCADE_LINE 2 /* the slave 8259's input: what was line 2 is line 9 */
#define ISA_CASCADED_AS 9

/* The sooner a device loses data, the higher: clocks, keyboard, mouse, UARTs, disks, the rest. */
static const UCHAR HalpIsaLevel[ACPI_ISA_LINES] = {
    [0] = 12, [8] = 11, [1] = 10, [12] = 9, [4] = 8,  [3] = 7,  [6] = 6,  [14] = 6,
    [15] = 6, [5] = 5,  [9] = 5,  [7] = 4,  [10] = 4, [11] = 3, [13] = 3, [2] = 5,
};

/* Messages leave the lowest and the highest level to lines that want them. */
#define FIRST_MESSAGE_LEVEL 4
#define MESSAGE_LEVELS 8

static HALP_LOCK HalpVectorLock;
/* Indexed by vector: 0 for one that is free, else the ISA line + 1, or VECTOR_IS_MESSAGE. */
#define VECTOR_IS_MESSAGE 0xFF
static UCHAR HalpVectorLine[KI_LAST_DEVICE_VECTOR + 1];
static ULONG HalpMessageTurn; /* under the lock: counts allocations, for the next level */

C_ASSERT(KI_FIRST_DEVICE_VECTOR == FIRST_DEVICE_LEVEL * VECTORS_PER_LEVEL);
C_ASSERT(KI_LAST_DEVICE_VECTOR == (FIRST_DEVICE_LEVEL + DEVICE_LEVELS) * VECTORS_PER_LEVEL - 1);

/* The vector the line has, or the first free one of its level: 16 lines always find one. */
static ULONG HalpAssignVector(ULONG Line)
{
    ULONG Vector = HalpIsaLevel[Line] * VECTORS_PER_LEVEL;
    ULONG64 Flags = HalpAcquireLock(&HalpVectorLock);

    while (HalpVectorLine[Vector] != 0 && HalpVectorLine[Vector] != Line + 1) {
        Vector++;
    }
    HalpVectorLine[Vector] = (UCHAR)(Line + 1);
    HalpReleaseLock(&HalpVectorLock, Flags);
    return Vector;
}

/* The line that a bus means by Level, if the bus and the line exist. */
static BOOLEAN HalpTranslateLevel(INTERFACE_TYPE Type, ULONG BusNumber, ULONG Level, PULONG Line)
{
    BOOLEAN Known;

    *Line = Level == ISA_CASCADE_LINE ? ISA_CASCADED_AS : Level;
    if (Type == PCIBus) {
        /* Firmware writes 0 or FFh for "not routed": line 0 is the timer's. */
        Known = HalpIsPciBus(BusNumber) && Level != 0;
    } else {
        Known = (Type == Isa || Type == Eisa || Type == Internal) && BusNumber == 0;
    }
    return Known && *Line < ACPI_ISA_LINES && !HalpIsDebuggerLine(*Line) &&
           HalpIsLine(HalpPlatform.IsaLine[*Line].Gsi);
}

ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                  ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                  PKAFFINITY Affinity)
{
    ULONG Line, Vector;

    UNREFERENCED_PARAMETER(BusInterruptVector);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    *Irql = 0;
    *Affinity = 0;
    if (!HalpTranslateLevel(InterfaceType, BusNumber, BusInterruptLevel, &Line)) {
        return 0;
    }
    Vector = HalpAssignVector(Line);
    *Irql = (KIRQL)(Vector / VECTORS_PER_LEVEL);
    *Affinity = KeActiveProcessors;
    return Vector;
}

/* The line that Vector was given out for; FALSE when it was not. */
static BOOLEAN HalpFindVectorLine(ULONG Vector, HALP_LINE *Line)
{
    if (Vector > KI_LAST_DEVICE_VECTOR || HalpVectorLine[Vector] == 0 ||
        HalpVectorLine[Vector] == VECTOR_IS_MESSAGE) {
        return FALSE;
    }
    *Line = HalpPlatform.IsaLine[HalpVectorLine[Vector] - 1];
    return TRUE;
}

NTSTATUS HalEnableInterrupt(ULONG Vector, KINTERRUPT_MODE Mode, ULONG Processor)
{
    HALP_LINE Line;

    if (Vector <= KI_LAST_DEVICE_VECTOR && HalpVectorLine[Vector] == VECTOR_IS_MESSAGE) {
        return STATUS_SUCCESS; /* the device itself is told, see pcimessage.c */
    }
    if (!HalpFindVectorLine(Vector, &Line)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* How a line is wired is a fact of the board: the driver's word counts where the firmware is
     * silent. Several devices can pull a level only down. */
    if (Line.Trigger == HalpTriggerUnsaid) {
        Line.Trigger = Mode == LevelSensitive ? HalpTriggerLevel : HalpTriggerEdge;
        Line.ActiveLow |= Mode == LevelSensitive;
    }
    return HalpRouteLine(&Line, Vector, HalQueryProcessorApicId(Processor)) ? STATUS_SUCCESS
                                                                            : STATUS_NO_SUCH_DEVICE;
}

void HalDisableInterrupt(ULONG Vector)
{
    HALP_LINE Line;

    if (HalpFindVectorLine(Vector, &Line)) {
        HalpMaskLine(Line.Gsi);
    }
}

static BOOLEAN HalpVectorsAreFree(ULONG First, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        if (HalpVectorLine[First + i] != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The first of Count free neighbours of Level, at a multiple of Alignment; 0: there are none. Lock
 * held. */
static ULONG HalpFindFreeVectors(ULONG Level, ULONG Count, ULONG Alignment)
{
    for (ULONG Place = 0; Place + Count <= VECTORS_PER_LEVEL; Place += Alignment) {
        if (HalpVectorsAreFree(Level * VECTORS_PER_LEVEL + Place, Count)) {
            return Level * VECTORS_PER_LEVEL + Place;
        }
    }
    return 0;
}

/* Each round begins one level later: processors take turns as well, often eight of them, and would
 * have a level each. Lock held. */
static ULONG HalpNextMessageLevel(void)
{
    ULONG Turn = HalpMessageTurn++;

    return FIRST_MESSAGE_LEVEL + (Turn + Turn / MESSAGE_LEVELS) % MESSAGE_LEVELS;
}

ULONG HalpAllocateVectors(ULONG Count, ULONG Alignment)
{
    ULONG First = 0;
    ULONG64 Flags = HalpAcquireLock(&HalpVectorLock);

    for (ULONG i = 0; i < MESSAGE_LEVELS && First == 0; i++) {
        First = HalpFindFreeVectors(HalpNextMessageLevel(), Count, Alignment);
    }
    if (First != 0) {
        memset(&HalpVectorLine[First], VECTOR_IS_MESSAGE, Count);
    }
    HalpReleaseLock(&HalpVectorLock, Flags);
    return First;
}

void HalpFreeVectors(ULONG First, ULONG Count)
{
    ULONG64 Flags = HalpAcquireLock(&HalpVectorLock);

    memset(&HalpVectorLine[First], 0, Count);
    HalpReleaseLock(&HalpVectorLock, Flags);
}
