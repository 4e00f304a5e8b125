/*
 * vector.c - which vector, and with it which IRQL, an interrupt line gets.
 *
 * A vector's high nibble is its IRQL, 3 to 12 for devices. A line gets its level from the table
 * below, its vector within the level at the first request, and keeps both for ever, so that drivers
 * that share a line find each other. HalpVectorLock guards the table of vectors given out.
 */
#include "halp.h"

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

static HALP_LOCK HalpVectorLock;
/* Indexed by vector: 0 for one that is free, else the ISA line + 1. */
static UCHAR HalpVectorLine[KI_LAST_DEVICE_VECTOR + 1];

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

/* PCI devices are not served: their lines' routing stands in AML, which nobody here interprets. */
ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                  ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                  PKAFFINITY Affinity)
{
    ULONG Line = BusInterruptLevel == ISA_CASCADE_LINE ? ISA_CASCADED_AS : BusInterruptLevel;
    ULONG Vector;

    UNREFERENCED_PARAMETER(BusInterruptVector);
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    *Irql = 0;
    *Affinity = 0;
    if ((InterfaceType != Isa && InterfaceType != Eisa && InterfaceType != Internal) ||
        BusNumber != 0 || Line >= ACPI_ISA_LINES || !HalpIsLine(HalpPlatform.IsaLine[Line].Gsi)) {
        return 0;
    }
    Vector = HalpAssignVector(Line);
    *Irql = (KIRQL)(Vector / VECTORS_PER_LEVEL);
    *Affinity = 1; /* the boot processor takes device interrupts */
    return Vector;
}

/* The line that Vector was given out for; FALSE when it was not. */
static BOOLEAN HalpFindVectorLine(ULONG Vector, HALP_LINE *Line)
{
    if (Vector > KI_LAST_DEVICE_VECTOR || HalpVectorLine[Vector] == 0) {
        return FALSE;
    }
    *Line = HalpPlatform.IsaLine[HalpVectorLine[Vector] - 1];
    return TRUE;
}

NTSTATUS HalEnableInterrupt(ULONG Vector, KINTERRUPT_MODE Mode)
{
    HALP_LINE Line;

    if (!HalpFindVectorLine(Vector, &Line)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* How a line is wired is a fact of the board: the driver's word counts where the firmware is
     * silent. */
    if (Line.Trigger == HalpTriggerUnsaid) {
        Line.Trigger = Mode == LevelSensitive ? HalpTriggerLevel : HalpTriggerEdge;
    }
    return HalpRouteLine(&Line, Vector, HalQueryProcessorApicId(0)) ? STATUS_SUCCESS
                                                                    : STATUS_NO_SUCH_DEVICE;
}

void HalDisableInterrupt(ULONG Vector)
{
    HALP_LINE Line;

    if (HalpFindVectorLine(Vector, &Line)) {
        HalpMaskLine(Line.Gsi);
    }
}
