/*
 * Proves that ACPI tables give the right facts when they are right, and that damaged, short and
 * random ones are read neither past their end nor for ever.
 *
 * unit-sources: kernel/hal/madt.c kernel/hal/fadt.c kernel/hal/mcfg.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hal/acpi.h"

static UCHAR Table[4096];
static SIZE_T Length;

static void Begin(const char *Signature, SIZE_T HeaderBytes)
{
    memset(Table, 0, sizeof(Table));
    memcpy(Table, Signature, 4);
    Length = HeaderBytes;
}

static void Add(const VOID *Bytes, SIZE_T Count)
{
    memcpy(Table + Length, Bytes, Count);
    Length += Count;
}
#define ADD(...)                                                                                   \
    do {                                                                                           \
        const UCHAR Bytes[] = {__VA_ARGS__};                                                       \
        Add(Bytes, sizeof(Bytes));                                                                 \
    } while (0)

static void BuildMadt(void)
{
    Begin("APIC", 44);
    ADD(0, 8, 0, 4, 1, 0, 0, 0);                             /* CPU, uid 0, APIC id 4 */
    ADD(0, 8, 1, 5, 0, 0, 0, 0);                             /* disabled */
    ADD(0, 8, 2, 6, 2, 0, 0, 0);                             /* online capable: not now */
    ADD(0, 8, 3, 0, 1, 0, 0, 0);                             /* APIC id 0 */
    ADD(0, 8, 9, 255, 1, 0, 0, 0);                           /* the broadcast id: nobody */
    ADD(9, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0);    /* id 0 again, as x2APIC */
    ADD(9, 16, 0, 0, 0x2C, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0); /* x2APIC id 300, uid 7 */
    ADD(1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0);          /* I/O APIC, lines 0.. */
    ADD(1, 12, 1, 0, 0, 0x10, 0xC0, 0xFE, 24, 0, 0, 0);      /* another, lines 24.. */
    ADD(2, 10, 0, 0, 2, 0, 0, 0, 0, 0);                      /* IRQ 0 -> 2, as the bus */
    ADD(2, 10, 0, 9, 9, 0, 0, 0, 0x0F, 0);                   /* IRQ 9 level, active low */
    ADD(2, 10, 0, 5, 5, 0, 0, 0, 0x05, 0);                   /* IRQ 5 edge, active high */
    ADD(2, 10, 0, 99, 7, 0, 0, 0, 0x0F, 0);                  /* no such ISA line */
    ADD(3, 8, 0x0D, 0, 23, 0, 0, 0);                         /* NMI on line 23, level, high */
    ADD(4, 6, 0xFF, 0, 0, 1);                                /* LINT1 of all */
    ADD(10, 12, 0x0F, 0, 7, 0, 0, 0, 0, 0, 0, 0);            /* LINT0 of uid 7 */
    ADD(0x7F, 3, 0);                                         /* unknown: skipped */
    ADD(0, 4, 9, 9);                                         /* too short for its type */
    ADD(0, 8, 4, 2, 1, 0, 0, 0);                             /* still reached */
}

static void TestMadt(void)
{
    HALP_PLATFORM Platform = {0};

    BuildMadt();
    HalpParseMadt(Table, Length, &Platform);
    assert(Platform.HaveMadt && Platform.CpuCount == 4 && Platform.CpusIgnored == 0);
    assert(Platform.Cpu[0].ApicId == 4 && Platform.Cpu[1].ApicId == 0);
    assert(Platform.Cpu[2].ApicId == 300 && Platform.Cpu[2].AcpiUid == 7);
    assert(Platform.Cpu[3].ApicId == 2);
    assert(Platform.IoApicCount == 2 && Platform.IoApic[0].Base == 0xFEC00000);
    assert(Platform.IoApic[1].Base == 0xFEC01000 && Platform.IoApic[1].GsiBase == 24);
    assert(Platform.IsaLine[0].Gsi == 2 && Platform.IsaLine[0].Trigger == HalpTriggerUnsaid);
    assert(Platform.IsaLine[9].Trigger == HalpTriggerLevel && Platform.IsaLine[9].ActiveLow);
    assert(Platform.IsaLine[5].Trigger == HalpTriggerEdge && !Platform.IsaLine[5].ActiveLow);
    assert(Platform.IsaLine[7].Gsi == 7 && Platform.IsaLine[7].Trigger == HalpTriggerUnsaid);
    assert(Platform.NmiSourceCount == 1 && Platform.NmiSource[0].Gsi == 23);
    assert(Platform.LocalNmiCount == 2 && Platform.LocalNmi[0].AcpiUid == HALP_ALL_CPUS);
    assert(Platform.LocalNmi[0].Input == 1 && !Platform.LocalNmi[0].Level);
    assert(Platform.LocalNmi[1].AcpiUid == 7 && Platform.LocalNmi[1].Level);
}

static void TestMadtLimits(void)
{
    HALP_PLATFORM Platform = {0};

    Begin("APIC", 44);
    for (ULONG i = 0; i < 40; i++) {
        ADD(0, 8, i, i, 1, 0, 0, 0);
        ADD(1, 12, 0, 0, 0, 0, 0xC0, 0xFE, i, 0, 0, 0);
        ADD(3, 8, 0, 0, i, 0, 0, 0);
        ADD(4, 6, 0xFF, 0, 0, 1);
    }
    HalpParseMadt(Table, Length, &Platform);
    assert(Platform.CpuCount == ACPI_MAX_PROCESSORS && Platform.CpusIgnored == 8);
    assert(Platform.IoApicCount == ACPI_MAX_IO_APICS);
    assert(Platform.NmiSourceCount == ACPI_MAX_NMI_SOURCES);
    assert(Platform.LocalNmiCount == ACPI_MAX_NMI_SOURCES);

    /* A boot processor among the ignored ones takes the last one's place. */
    HalpPutBootProcessorFirst(&Platform, 39);
    assert(Platform.CpuCount == ACPI_MAX_PROCESSORS && Platform.Cpu[0].ApicId == 39);
    assert(Platform.Cpu[1].ApicId == 0 && Platform.Cpu[31].ApicId == 30);
}

static void TestBootProcessorFirst(void)
{
    HALP_PLATFORM Platform = {0};

    BuildMadt();
    HalpParseMadt(Table, Length, &Platform);
    HalpPutBootProcessorFirst(&Platform, 300);
    assert(Platform.CpuCount == 4 && Platform.Cpu[0].ApicId == 300 && Platform.Cpu[0].AcpiUid == 7);
    assert(Platform.Cpu[1].ApicId == 4 && Platform.Cpu[2].ApicId == 0);
    assert(Platform.Cpu[3].ApicId == 2);
    HalpPutBootProcessorFirst(&Platform, 77);
    assert(Platform.CpuCount == 5 && Platform.Cpu[0].ApicId == 77);
    assert(Platform.Cpu[1].ApicId == 300);
}

static void BuildFadt(void)
{
    ACPI_FADT Fadt = {0};

    Fadt.Dsdt = 0x7000;
    Fadt.SmiCommand = 0xB2;
    Fadt.AcpiEnable = 2;
    Fadt.Pm1aControl = 0x604;
    Fadt.PmTimer = 0x608;
    ((UCHAR *)&Fadt)[91] = 4;
    Fadt.Century = 0x32;
    Fadt.Flags = ACPI_FADT_RESET_SUPPORTED | ACPI_FADT_TIMER_32_BITS;
    Fadt.ResetRegister = (ACPI_ADDRESS){ACPI_SPACE_PORT, 8, 0, 1, 0xCF9};
    Fadt.ResetValue = 0x0F;
    Fadt.XPm1bControl = (ACPI_ADDRESS){ACPI_SPACE_PORT, 16, 0, 2, 0x504};
    Fadt.XPmTimer = (ACPI_ADDRESS){ACPI_SPACE_MEMORY, 32, 0, 3, 0xFED00000}; /* not a port */
    Begin("FACP", 0);
    Add(&Fadt, sizeof(Fadt));
}

static void TestFadt(void)
{
    HALP_PLATFORM Platform = {0};

    BuildFadt();
    HalpParseFadt(Table, Length, &Platform);
    assert(Platform.Dsdt == 0x7000 && Platform.PmTimerPort == 0x608 && Platform.PmTimer32Bits);
    assert(Platform.SmiCommandPort == 0xB2 && Platform.AcpiEnable == 2);
    assert(Platform.Pm1aControlPort == 0x604 && Platform.Pm1bControlPort == 0x504);
    assert(Platform.ResetSupported && Platform.ResetRegister.Address == 0xCF9);
    assert(Platform.ResetValue == 0x0F && Platform.CenturyRegister == 0x32);

    /* Revision 1: ends after the flags. */
    memset(&Platform, 0, sizeof(Platform));
    HalpParseFadt(Table, 116, &Platform);
    assert(Platform.Pm1aControlPort == 0x604 && Platform.Pm1bControlPort == 0);
    assert(!Platform.ResetSupported && Platform.PmTimerPort == 0x608);
}

static BOOLEAN FindSleepType(HALP_PLATFORM *Platform)
{
    memset(Platform, 0, sizeof(*Platform));
    HalpParseSleepType(Table, Length, Platform);
    return Platform->SleepTypeKnown;
}

static void TestSleepType(void)
{
    HALP_PLATFORM Platform;

    Begin("DSDT", 36);
    ADD('_', 'S', '5', '_', 0x70); /* a mention, no definition */
    ADD(0x08, '_', 'S', '5', '_', 0x12, 0x06, 4, 0x0A, 5, 0x0A, 7, 0, 0); /* and the real one */
    assert(FindSleepType(&Platform) && Platform.SleepTypeA == 5 && Platform.SleepTypeB == 7);

    Begin("DSDT", 36);
    ADD(0x08, '\\', '_', 'S', '5', '_', 0x12, 0x06, 4, 0, 0, 0, 0); /* as QEMU has it */
    assert(FindSleepType(&Platform) && Platform.SleepTypeA == 0 && Platform.SleepTypeB == 0);

    Begin("DSDT", 36);
    ADD(0x08, '_', 'S', '5', '_', 0x12, 0x4B, 0x00, 2, 0x0B, 1, 0, 0x0C, 6, 0, 0, 0);
    assert(FindSleepType(&Platform) && Platform.SleepTypeA == 1 && Platform.SleepTypeB == 6);

    /* Impossible type, method instead of package, length past the table. */
    Begin("DSDT", 36);
    ADD(0x08, '_', 'S', '5', '_', 0x12, 0x06, 4, 0x0A, 9, 0, 0);
    assert(!FindSleepType(&Platform));
    Begin("DSDT", 36);
    ADD(0x14, '_', 'S', '5', '_', 0x12, 0x06, 4, 0, 0, 0, 0);
    assert(!FindSleepType(&Platform));
    Begin("DSDT", 36);
    ADD(0x08, '_', 'S', '5', '_', 0x12, 0x3F, 4, 0, 0);
    assert(!FindSleepType(&Platform));
}

static void TestRootPointer(void)
{
    ACPI_RSDP Rsdp = {0};
    BOOLEAN UseXsdt;

    memcpy(Rsdp.Signature, "RSD PTR ", 8);
    Rsdp.RsdtAddress = 0x1000;
    Rsdp.Checksum = (UCHAR)-HalpChecksum(&Rsdp, ACPI_RSDP_OLD_SIZE);
    assert(HalpCheckRsdp(&Rsdp, &UseXsdt) && !UseXsdt);
    Rsdp.Revision = 2;
    Rsdp.Length = 36;
    Rsdp.XsdtAddress = 0x2000;
    Rsdp.Checksum = 0;
    Rsdp.Checksum = (UCHAR)-HalpChecksum(&Rsdp, ACPI_RSDP_OLD_SIZE);
    assert(HalpCheckRsdp(&Rsdp, &UseXsdt) && !UseXsdt); /* its second half adds up to something */
    Rsdp.ExtendedChecksum = (UCHAR)-HalpChecksum(&Rsdp, sizeof(Rsdp));
    assert(HalpCheckRsdp(&Rsdp, &UseXsdt) && UseXsdt);
    Rsdp.RsdtAddress++;
    assert(!HalpCheckRsdp(&Rsdp, &UseXsdt));
}

/* Runs every parser over exactly Count bytes in memory of their own, for the sanitizer to watch. */
static void ParseAll(const UCHAR *Bytes, SIZE_T Count)
{
    HALP_PLATFORM Platform = {0};
    UCHAR *Copy = malloc(Count);

    memcpy(Copy, Bytes, Count);
    HalpParseMadt(Copy, Count, &Platform);
    HalpParseFadt(Copy, Count, &Platform);
    HalpParseHpet(Copy, Count, &Platform);
    HalpParseMcfg(Copy, Count, &Platform);
    HalpParseSleepType(Copy, Count, &Platform);
    assert(Platform.CpuCount <= ACPI_MAX_PROCESSORS && Platform.IoApicCount <= ACPI_MAX_IO_APICS);
    free(Copy);
}

static void TestDamage(void)
{
    UCHAR Original[sizeof(Table)];

    for (ULONG Kind = 0; Kind < 3; Kind++) {
        if (Kind == 0) {
            BuildMadt();
        } else if (Kind == 1) {
            BuildFadt();
        } else {
            Begin("DSDT", 36);
            ADD(0x08, '_', 'S', '5', '_', 0x12, 0x4B, 0x00, 2, 0x0B, 1, 0, 0x0C, 6, 0, 0, 0);
        }
        memcpy(Original, Table, sizeof(Table));
        for (SIZE_T Count = sizeof(ACPI_HEADER); Count <= Length; Count++) {
            ParseAll(Original, Count);
        }
        for (ULONG Round = 0; Round < 20000; Round++) {
            memcpy(Table, Original, Length);
            for (ULONG Change = rand() % 8; Change > 0; Change--) {
                Table[36 + rand() % (Length - 36)] = (UCHAR)rand();
            }
            ParseAll(Table, Length);
        }
    }
}

int main(void)
{
    static const struct {
        void (*Run)(void);
        const char *Name;
    } Tests[] = {
        {TestMadt, "processors, I/O APICs, lines and NMIs from a MADT"},
        {TestMadtLimits, "more entries than there is room for are left out"},
        {TestBootProcessorFirst, "the boot processor comes first, listed or not"},
        {TestFadt, "power management registers from old and new FADTs"},
        {TestSleepType, "the sleep type of S5 is found, and nonsense is not believed"},
        {TestRootPointer, "root pointers of both revisions"},
        {TestDamage, "damaged and cut tables are read within their bounds"},
    };

    printf("1..%zu\n", ARRAYSIZE(Tests));
    for (size_t i = 0; i < ARRAYSIZE(Tests); i++) {
        Tests[i].Run();
        printf("ok %zu - %s\n", i + 1, Tests[i].Name);
    }
    return 0;
}
