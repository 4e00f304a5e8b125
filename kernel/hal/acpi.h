/*
 * acpi.h - what the firmware's tables look like, and what the HAL keeps of them.
 *
 * Parsers are pure: they read only the Length bytes they are given, believe no length or count
 * inside them, and are compiled on the host as well. acpi.c finds, maps and checks the tables.
 */
#ifndef _HAL_ACPI_
#define _HAL_ACPI_

#include <ntdef.h>

#define ACPI_MAX_PROCESSORS 32 /* as many as KI_MAX_PROCESSORS: checked in acpi.c */
#define ACPI_MAX_IO_APICS 8
#define ACPI_MAX_NMI_SOURCES 4
#define ACPI_ISA_LINES 16

/* Every table starts with this; all bytes of the table add up to 0. */
typedef struct __attribute__((packed)) _ACPI_HEADER {
    CHAR Signature[4];
    ULONG Length; /* of the whole table */
    UCHAR Revision;
    UCHAR Checksum;
    CHAR OemId[6];
    CHAR OemTableId[8];
    ULONG OemRevision;
    ULONG CreatorId;
    ULONG CreatorRevision;
} ACPI_HEADER, *PACPI_HEADER;
C_ASSERT(sizeof(ACPI_HEADER) == 36);

/* The root pointer. Its first 20 bytes add up to 0, and from revision 2 on all 36 do too. */
typedef struct __attribute__((packed)) _ACPI_RSDP {
    CHAR Signature[8];
    UCHAR Checksum;
    CHAR OemId[6];
    UCHAR Revision;
    ULONG RsdtAddress;
    ULONG Length;
    ULONG64 XsdtAddress;
    UCHAR ExtendedChecksum;
    UCHAR Reserved[3];
} ACPI_RSDP, *PACPI_RSDP;
C_ASSERT(sizeof(ACPI_RSDP) == 36);
#define ACPI_RSDP_OLD_SIZE 20

/* A register's address, wherever it is. */
typedef struct __attribute__((packed)) _ACPI_ADDRESS {
    UCHAR Space; /* ACPI_SPACE_* */
    UCHAR BitWidth;
    UCHAR BitOffset;
    UCHAR AccessSize;
    ULONG64 Address;
} ACPI_ADDRESS, *PACPI_ADDRESS;
C_ASSERT(sizeof(ACPI_ADDRESS) == 12);
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_PORT 1
#define ACPI_SPACE_PCI_CONFIG 2

typedef struct __attribute__((packed)) _ACPI_FADT {
    ACPI_HEADER Header;
    ULONG FirmwareControl;
    ULONG Dsdt;
    UCHAR Reserved1;
    UCHAR PowerProfile;
    USHORT SciInterrupt;
    ULONG SmiCommand;
    UCHAR AcpiEnable; /* written to SmiCommand hands power management over to ACPI */
    UCHAR AcpiDisable;
    UCHAR S4BiosRequest;
    UCHAR PStateControl;
    ULONG Pm1aEvent;
    ULONG Pm1bEvent;
    ULONG Pm1aControl;
    ULONG Pm1bControl;
    ULONG Pm2Control;
    ULONG PmTimer;
    UCHAR Unused2[28];
    UCHAR Century; /* RTC register, 0: none */
    USHORT BootArchitecture;
    UCHAR Reserved3;
    ULONG Flags; /* ACPI_FADT_* */
    ACPI_ADDRESS ResetRegister;
    UCHAR ResetValue;
    UCHAR Unused4[3];
    ULONG64 XFirmwareControl;
    ULONG64 XDsdt;
    ACPI_ADDRESS XPm1aEvent;
    ACPI_ADDRESS XPm1bEvent;
    ACPI_ADDRESS XPm1aControl;
    ACPI_ADDRESS XPm1bControl;
    ACPI_ADDRESS XPm2Control;
    ACPI_ADDRESS XPmTimer;
} ACPI_FADT, *PACPI_FADT;
C_ASSERT(offsetof(ACPI_FADT, Century) == 108 && offsetof(ACPI_FADT, Flags) == 112);
C_ASSERT(offsetof(ACPI_FADT, ResetValue) == 128 && offsetof(ACPI_FADT, XPmTimer) == 208);
#define ACPI_FADT_TIMER_32_BITS (1U << 8)
#define ACPI_FADT_RESET_SUPPORTED (1U << 10)

typedef struct __attribute__((packed)) _ACPI_HPET {
    ACPI_HEADER Header;
    ULONG BlockId;
    ACPI_ADDRESS Base;
} ACPI_HPET, *PACPI_HPET;

/* How an interrupt line signals. */
typedef enum _HALP_TRIGGER {
    HalpTriggerUnsaid,
    HalpTriggerEdge,
    HalpTriggerLevel
} HALP_TRIGGER;
typedef struct _HALP_LINE {
    ULONG Gsi; /* global system interrupt: input number over all I/O APICs */
    BOOLEAN ActiveLow;
    UCHAR Trigger; /* HALP_TRIGGER; unsaid: what the bus has, edge for ISA */
} HALP_LINE;

typedef struct _HALP_CPU {
    ULONG ApicId;
    ULONG AcpiUid; /* what NMI entries call it */
} HALP_CPU;

/* A local APIC input wired to NMI: of one processor, or of all when AcpiUid is HALP_ALL_CPUS. */
#define HALP_ALL_CPUS 0xFFFFFFFFU
typedef struct _HALP_LOCAL_NMI {
    ULONG AcpiUid;
    UCHAR Input; /* 0 or 1 */
    BOOLEAN ActiveLow;
    BOOLEAN Level;
} HALP_LOCAL_NMI;

/* What the tables said. Filled once, by the boot processor; never written after that. */
typedef struct _HALP_PLATFORM {
    BOOLEAN HaveMadt, HaveFadt;
    ULONG CpuCount;
    HALP_CPU Cpu[ACPI_MAX_PROCESSORS];
    ULONG CpusIgnored; /* usable, but more than there is room for */
    ULONG IoApicCount;
    struct {
        ULONG64 Base; /* physical */
        ULONG GsiBase;
    } IoApic[ACPI_MAX_IO_APICS];
    HALP_LINE IsaLine[ACPI_ISA_LINES];
    ULONG NmiSourceCount;
    HALP_LINE NmiSource[ACPI_MAX_NMI_SOURCES];
    ULONG LocalNmiCount;
    HALP_LOCAL_NMI LocalNmi[ACPI_MAX_NMI_SOURCES];

    ULONG64 Dsdt;       /* physical */
    USHORT PmTimerPort; /* 0: none, and so for all ports */
    BOOLEAN PmTimer32Bits;
    USHORT SmiCommandPort;
    UCHAR AcpiEnable;
    USHORT Pm1aControlPort, Pm1bControlPort;
    BOOLEAN SleepTypeKnown;
    UCHAR SleepTypeA, SleepTypeB; /* SLP_TYP of S5 for PM1a and PM1b */
    BOOLEAN ResetSupported;
    ACPI_ADDRESS ResetRegister;
    UCHAR ResetValue;
    UCHAR CenturyRegister; /* RTC, 0: none */

    ULONG64 HpetBase; /* physical, 0: none */

    ULONG64 PciConfigBase; /* physical, 0: none */
    UCHAR PciConfigLastBus;
} HALP_PLATFORM, *PHALP_PLATFORM;

/* Sum of Length bytes: 0 for a table that is intact. */
UCHAR HalpChecksum(const VOID *Data, SIZE_T Length);
/* TRUE when Data (at least 36 bytes) is a root pointer. UseXsdt: its 64-bit half is good too. */
BOOLEAN HalpCheckRsdp(const ACPI_RSDP *Rsdp, BOOLEAN *UseXsdt);

/* Each takes a whole table, Length bytes, header included, of the right signature. */
void HalpParseMadt(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform);
void HalpParseFadt(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform);
void HalpParseHpet(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform);
void HalpParseMcfg(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform);
/* Looks for \_S5 in a DSDT or SSDT, unless an earlier table had it. */
void HalpParseSleepType(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform);

/* Moves the processor with this APIC id to the front; adds it when the firmware forgot it. */
void HalpPutBootProcessorFirst(PHALP_PLATFORM Platform, ULONG ApicId);

#endif
