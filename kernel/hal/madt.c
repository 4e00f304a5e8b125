/*
 * madt.c - processors, I/O APICs and interrupt lines from the firmware's MADT ("APIC") table.
 *
 * The table is a list of entries, each with a type and a length. An entry that is shorter than its
 * type needs is skipped; one that is shorter than its own two-byte head, or longer than what is
 * left, ends the walk, because nothing after it can be found.
 *
 * Processors are listed as local APICs (8-bit ids) or x2APICs (32 bits). An override says that an
 * ISA line is not wired to the input of its own number, or not as ISA lines are, edge and active
 * high: on nearly every PC line 0, the timer, is at input 2.
 */

#include "acpi.h"

#define MADT_ENTRIES (sizeof(ACPI_HEADER) + 8) /* local APIC base and flags come first */

enum {
    MadtLocalApic = 0,
    MadtIoApic = 1,
    MadtOverride = 2,
    MadtNmiSource = 3,
    MadtLocalApicNmi = 4,
    MadtLocalX2Apic = 9,
    MadtLocalX2ApicNmi = 10
};

typedef struct __attribute__((packed)) _MADT_LOCAL_APIC {
    UCHAR Type, Length;
    UCHAR AcpiUid;
    UCHAR ApicId;
    ULONG Flags;
} MADT_LOCAL_APIC;
/* Bit 0: the processor runs. Without it, bit 1 says it may be plugged in later: not now. */
#define MADT_ENABLED 1
#define MADT_APIC_ID_NONE 0xFF

typedef struct __attribute__((packed)) _MADT_X2APIC {
    UCHAR Type, Length;
    USHORT Reserved;
    ULONG ApicId;
    ULONG Flags;
    ULONG AcpiUid;
} MADT_X2APIC;

typedef struct __attribute__((packed)) _MADT_IO_APIC {
    UCHAR Type, Length;
    UCHAR Id;
    UCHAR Reserved;
    ULONG Base;
    ULONG GsiBase;
} MADT_IO_APIC;

typedef struct __attribute__((packed)) _MADT_OVERRIDE {
    UCHAR Type, Length;
    UCHAR Bus; /* 0: ISA */
    UCHAR Source;
    ULONG Gsi;
    USHORT Flags;
} MADT_OVERRIDE;

typedef struct __attribute__((packed)) _MADT_NMI_SOURCE {
    UCHAR Type, Length;
    USHORT Flags;
    ULONG Gsi;
} MADT_NMI_SOURCE;

typedef struct __attribute__((packed)) _MADT_LOCAL_NMI {
    UCHAR Type, Length;
    UCHAR AcpiUid;
    USHORT Flags;
    UCHAR Input;
} MADT_LOCAL_NMI;
#define MADT_UID_ALL 0xFF

typedef struct __attribute__((packed)) _MADT_X2APIC_NMI {
    UCHAR Type, Length;
    USHORT Flags;
    ULONG AcpiUid;
    UCHAR Input;
} MADT_X2APIC_NMI;

/* Flags of a line: bits 0-1 polarity (3: active low), bits 2-3 trigger (1 edge, 3 level). */
static BOOLEAN HalpFlagsActiveLow(USHORT Flags)
{
    return (Flags & 3) == 3;
}

static UCHAR HalpFlagsTrigger(USHORT Flags)
{
    switch ((Flags >> 2) & 3) {
    case 1:
        return HalpTriggerEdge;
    case 3:
        return HalpTriggerLevel;
    default:
        return HalpTriggerUnsaid;
    }
}

static void HalpAddCpu(PHALP_PLATFORM Platform, ULONG ApicId, ULONG AcpiUid)
{
    /* Some firmware lists a processor as local APIC and again as x2APIC. */
    for (ULONG i = 0; i < Platform->CpuCount; i++) {
        if (Platform->Cpu[i].ApicId == ApicId) {
            return;
        }
    }
    if (Platform->CpuCount == ACPI_MAX_PROCESSORS) {
        Platform->CpusIgnored++;
        return;
    }
    Platform->Cpu[Platform->CpuCount].ApicId = ApicId;
    Platform->Cpu[Platform->CpuCount].AcpiUid = AcpiUid;
    Platform->CpuCount++;
}

static void HalpAddLocalApic(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_LOCAL_APIC *Apic = Entry;

    if ((Apic->Flags & MADT_ENABLED) && Apic->ApicId != MADT_APIC_ID_NONE) {
        HalpAddCpu(Platform, Apic->ApicId, Apic->AcpiUid);
    }
}

static void HalpAddX2Apic(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_X2APIC *Apic = Entry;

    if ((Apic->Flags & MADT_ENABLED) && Apic->ApicId != 0xFFFFFFFFU) {
        HalpAddCpu(Platform, Apic->ApicId, Apic->AcpiUid);
    }
}

static void HalpAddIoApic(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_IO_APIC *Apic = Entry;

    if (Platform->IoApicCount < ACPI_MAX_IO_APICS && Apic->Base != 0) {
        Platform->IoApic[Platform->IoApicCount].Base = Apic->Base;
        Platform->IoApic[Platform->IoApicCount].GsiBase = Apic->GsiBase;
        Platform->IoApicCount++;
    }
}

static void HalpAddOverride(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_OVERRIDE *Override = Entry;

    if (Override->Bus == 0 && Override->Source < ACPI_ISA_LINES) {
        HALP_LINE *Line = &Platform->IsaLine[Override->Source];
        Line->Gsi = Override->Gsi;
        Line->ActiveLow = HalpFlagsActiveLow(Override->Flags);
        Line->Trigger = HalpFlagsTrigger(Override->Flags);
    }
}

static void HalpAddNmiSource(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_NMI_SOURCE *Nmi = Entry;

    if (Platform->NmiSourceCount < ACPI_MAX_NMI_SOURCES) {
        HALP_LINE *Line = &Platform->NmiSource[Platform->NmiSourceCount++];
        Line->Gsi = Nmi->Gsi;
        Line->ActiveLow = HalpFlagsActiveLow(Nmi->Flags);
        Line->Trigger = HalpFlagsTrigger(Nmi->Flags);
    }
}

static void HalpAddLocalNmi(PHALP_PLATFORM Platform, ULONG AcpiUid, UCHAR Input, USHORT Flags)
{
    if (Input <= 1 && Platform->LocalNmiCount < ACPI_MAX_NMI_SOURCES) {
        HALP_LOCAL_NMI *Nmi = &Platform->LocalNmi[Platform->LocalNmiCount++];
        Nmi->AcpiUid = AcpiUid;
        Nmi->Input = Input;
        Nmi->ActiveLow = HalpFlagsActiveLow(Flags);
        Nmi->Level = HalpFlagsTrigger(Flags) == HalpTriggerLevel;
    }
}

static void HalpAddLocalApicNmi(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_LOCAL_NMI *Nmi = Entry;
    ULONG AcpiUid = Nmi->AcpiUid == MADT_UID_ALL ? HALP_ALL_CPUS : Nmi->AcpiUid;

    HalpAddLocalNmi(Platform, AcpiUid, Nmi->Input, Nmi->Flags);
}

static void HalpAddX2ApicNmi(const VOID *Entry, PHALP_PLATFORM Platform)
{
    const MADT_X2APIC_NMI *Nmi = Entry;

    HalpAddLocalNmi(Platform, Nmi->AcpiUid, Nmi->Input, Nmi->Flags);
}

static const struct {
    UCHAR Type;
    UCHAR Length; /* the entry has at least as many bytes */
    void (*Add)(const VOID *Entry, PHALP_PLATFORM Platform);
} HalpMadtEntries[] = {
    {MadtLocalApic, sizeof(MADT_LOCAL_APIC), HalpAddLocalApic},
    {MadtIoApic, sizeof(MADT_IO_APIC), HalpAddIoApic},
    {MadtOverride, sizeof(MADT_OVERRIDE), HalpAddOverride},
    {MadtNmiSource, sizeof(MADT_NMI_SOURCE), HalpAddNmiSource},
    {MadtLocalApicNmi, sizeof(MADT_LOCAL_NMI), HalpAddLocalApicNmi},
    {MadtLocalX2Apic, sizeof(MADT_X2APIC), HalpAddX2Apic},
    {MadtLocalX2ApicNmi, sizeof(MADT_X2APIC_NMI), HalpAddX2ApicNmi},
};

/* Types that are not in the table are about things this kernel does not drive. */
static void HalpParseMadtEntry(const UCHAR *Entry, PHALP_PLATFORM Platform)
{
    for (ULONG i = 0; i < ARRAYSIZE(HalpMadtEntries); i++) {
        if (Entry[0] == HalpMadtEntries[i].Type && Entry[1] >= HalpMadtEntries[i].Length) {
            HalpMadtEntries[i].Add(Entry, Platform);
        }
    }
}

void HalpParseMadt(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform)
{
    const UCHAR *Bytes = Table;

    /* Lines that no override names are wired one to one. */
    for (ULONG Line = 0; Line < ACPI_ISA_LINES; Line++) {
        Platform->IsaLine[Line] = (HALP_LINE){Line, FALSE, HalpTriggerUnsaid};
    }
    Platform->HaveMadt = TRUE;
    for (SIZE_T Offset = MADT_ENTRIES; Offset + 2 <= Length;) {
        SIZE_T EntryLength = Bytes[Offset + 1];

        if (EntryLength < 2 || EntryLength > Length - Offset) {
            return;
        }
        HalpParseMadtEntry(Bytes + Offset, Platform);
        Offset += EntryLength;
    }
}

/* The others keep their order: firmware lists threads of a core after one another. */
void HalpPutBootProcessorFirst(PHALP_PLATFORM Platform, ULONG ApicId)
{
    HALP_CPU Boot = {ApicId, HALP_ALL_CPUS};
    ULONG Place = 0;

    while (Place < Platform->CpuCount && Platform->Cpu[Place].ApicId != ApicId) {
        Place++;
    }
    if (Place < Platform->CpuCount) {
        Boot = Platform->Cpu[Place];
    } else if (Platform->CpuCount < ACPI_MAX_PROCESSORS) {
        Platform->CpuCount++;
    } else {
        Place--;
        Platform->CpusIgnored++;
    }
    for (; Place > 0; Place--) {
        Platform->Cpu[Place] = Platform->Cpu[Place - 1];
    }
    Platform->Cpu[0] = Boot;
}
