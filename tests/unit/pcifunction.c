/*
 * Proves that PCI headers, capability lists, BARs and the MCFG table give the right facts, and that
 * lists that run in circles, past the end or into the header end, whatever the bytes are.
 *
 * unit-sources: kernel/hal/pcifunction.c kernel/hal/mcfg.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hal/acpi.h"
#include "kernel/inc/halpci.h"

static UCHAR Config[HAL_PCI_CONFIG_SIZE];

static void Put(ULONG Offset, ULONG Bytes, ULONG Value)
{
    memcpy(Config + Offset, &Value, Bytes);
}

/* A function 1234:11E8 of class 0C0330 with INTB# on line 11 and a list that begins at List. */
static void Begin(UCHAR List)
{
    memset(Config, 0, sizeof(Config));
    Put(0x00, 4, 0x11E81234);
    Put(0x06, 2, 0x0010);
    Put(0x08, 4, 0x0C033007);
    Put(0x34, 1, List | 3); /* the low bits mean nothing */
    Put(0x3C, 2, 0x020B);
}

static HAL_PCI_DESCRIPTION Describe(void)
{
    HAL_PCI_DESCRIPTION Description = {0};

    HalpDescribePciFunction(Config, &Description);
    return Description;
}

static void TestHeader(void)
{
    HAL_PCI_DESCRIPTION Function;

    Begin(0);
    Function = Describe();
    assert(Function.VendorId == 0x1234 && Function.DeviceId == 0x11E8);
    assert(Function.BaseClass == 0x0C && Function.SubClass == 3 && Function.ProgIf == 0x30);
    assert(Function.Revision == 7 && Function.InterruptPin == 2 && Function.InterruptLine == 11);
    assert(!Function.MultiFunction && Function.HeaderType == 0 && Function.MsiOffset == 0);
    Put(0x0E, 1, 0x81);
    Put(0x18, 4, 0x00050300);
    Function = Describe();
    assert(Function.MultiFunction && Function.HeaderType == 1);
    assert(Function.SecondaryBus == 3 && Function.SubordinateBus == 5);
}

static void TestLine(void)
{
    Begin(0);
    Put(0x3C, 2, 0x01FF);
    assert(Describe().InterruptLine == 0); /* FFh: not routed */
    Put(0x3C, 2, 0x000B);
    assert(Describe().InterruptLine == 0); /* no pin */
    Put(0x3C, 2, 0x050B);
    assert(Describe().InterruptPin == 0 && Describe().InterruptLine == 0); /* no such pin */
}

static void TestCapabilities(void)
{
    HAL_PCI_DESCRIPTION Function;

    Begin(0x40);
    Put(0x40, 4, 0x00005001); /* power management, then 50h */
    Put(0x50, 4, 0x01866005); /* MSI: 8 messages, 64 bits, maskable; then 60h */
    Put(0x60, 4, 0x001F7011); /* MSI-X: 32 messages; then 70h */
    Put(0x64, 4, 0x00002003); /* table in BAR 3 at 2000h */
    Put(0x70, 4, 0x00020010); /* PCI Express, the last */
    Function = Describe();
    assert(Function.MsiOffset == 0x50 && Function.MsiMessages == 8);
    assert(Function.Msi64Bit && Function.MsiMaskable);
    assert(Function.MsixOffset == 0x60 && Function.MsixMessages == 32);
    assert(Function.MsixBar == 3 && Function.MsixTableOffset == 0x2000);
    assert(Function.ExpressOffset == 0x70);
    Put(0x06, 2, 0);
    assert(Describe().MsiOffset == 0); /* the header says that there is no list */
}

static void TestBadCapabilities(void)
{
    Begin(0x40);
    Put(0x40, 2, 0x4001); /* points to itself */
    assert(Describe().MsiOffset == 0);
    Put(0x40, 2, 0x5001);
    Put(0x50, 2, 0x4001); /* a circle of two */
    assert(Describe().MsiOffset == 0);
    Put(0x50, 2, 0x3C01); /* into the header */
    Put(0x3C, 1, 5);
    assert(Describe().MsiOffset == 0);
    Put(0x50, 2, 0xF801);
    Put(0xF8, 4, 0x00800005); /* does not fit before the end */
    assert(Describe().MsiOffset == 0);
    Put(0x50, 2, 0x6001);
    Put(0x60, 4, 0x000E0005); /* 128 messages: reserved */
    assert(Describe().MsiOffset == 0);
    Put(0x60, 4, 0x00000011);
    Put(0x64, 4, 7); /* a table in BAR 7 */
    assert(Describe().MsixOffset == 0);
    Put(0x60, 4, 0x00007005);
    Put(0x70, 4, 0x00020005); /* the first of a kind counts */
    assert(Describe().MsiOffset == 0x60 && Describe().MsiMessages == 1);
}

static void TestBars(void)
{
    HAL_PCI_BAR Bar;

    HalpDescribePciBar(0xC041, 0xFFFFFFE1, &Bar);
    assert(Bar.Kind == HalPciBarPort && Bar.Base == 0xC040 && Bar.Size == 32);
    HalpDescribePciBar(0xC041, 0x0000FFE1, &Bar); /* 16 address lines are enough */
    assert(Bar.Kind == HalPciBarPort && Bar.Size == 32);
    HalpDescribePciBar(0xFD000008, 0xFF000008, &Bar);
    assert(Bar.Kind == HalPciBarMemory32 && Bar.Prefetchable && Bar.Size == 0x1000000);
    HalpDescribePciBar(0x8000000004, 0xFFFFFFFF00000004, &Bar);
    assert(HalpIsPciBar64(4) && !HalpIsPciBar64(8) && Bar.Kind == HalPciBarMemory64);
    assert(Bar.Base == 0x8000000000 && Bar.Size == 0x100000000);
    HalpDescribePciBar(0, 0xFFFFF000, &Bar); /* there, but nobody gave it an address */
    assert(Bar.Kind == HalPciBarMemory32 && Bar.Base == 0 && Bar.Size == 0x1000);
    HalpDescribePciBar(0, 0, &Bar);
    assert(Bar.Kind == HalPciBarNone && Bar.Size == 0);
    HalpDescribePciBar(1, 1, &Bar);
    assert(Bar.Kind == HalPciBarNone);
}

static UCHAR Table[128];

static void PutRange(ULONG Number, ULONG64 Base, USHORT Segment, UCHAR First, UCHAR Last)
{
    UCHAR *Entry = Table + 44 + 16 * Number;

    memcpy(Entry, &Base, 8);
    memcpy(Entry + 8, &Segment, 2);
    Entry[10] = First;
    Entry[11] = Last;
}

static void TestMcfg(void)
{
    HALP_PLATFORM Platform = {0};

    PutRange(0, 0xE0000000, 1, 0, 255);  /* another segment */
    PutRange(1, 0xD0000001, 0, 0, 255);  /* not aligned */
    PutRange(2, 0xD0000000, 0, 64, 127); /* begins late */
    PutRange(3, 0xB0000000, 0, 0, 127);
    HalpParseMcfg(Table, 44 + 16 * 3, &Platform);
    assert(Platform.PciConfigBase == 0);
    HalpParseMcfg(Table, 44 + 16 * 3 + 15, &Platform);
    assert(Platform.PciConfigBase == 0);
    HalpParseMcfg(Table, 44 + 16 * 4, &Platform);
    assert(Platform.PciConfigBase == 0xB0000000 && Platform.PciConfigLastBus == 127);
    Platform.PciConfigBase = 0;
    HalpParseMcfg(Table, 10, &Platform);
    assert(Platform.PciConfigBase == 0);
}

/* The sanitizers watch; what is found must lie inside. */
static void TestDamage(void)
{
    for (ULONG Round = 0; Round < 200000; Round++) {
        HAL_PCI_DESCRIPTION Function;
        UCHAR *Copy = malloc(HAL_PCI_CONFIG_SIZE);
        HAL_PCI_BAR Bar;
        for (ULONG i = 0; i < HAL_PCI_CONFIG_SIZE; i++) {
            static const UCHAR Ids[] = {0x05, 0x10, 0x11, 0x40, 0x44, 0xFC};
            Copy[i] = rand() % 3 ? Ids[rand() % sizeof(Ids)] : (UCHAR)rand();
        }
        Copy[6] |= 0x10;
        memset(&Function, 0, sizeof(Function));
        HalpDescribePciFunction(Copy, &Function);
        assert(Function.MsiOffset == 0 ||
               (Function.MsiOffset >= 0x40 && Function.MsiMessages <= 32));
        assert(Function.MsixOffset == 0 ||
               (Function.MsixOffset >= 0x40 && Function.MsixOffset <= 0xF4 &&
                Function.MsixMessages <= 2048 && Function.MsixBar < HAL_PCI_BARS));
        HalpDescribePciBar((ULONG64)rand() << 32 | rand(), (ULONG64)rand() << 32 | rand(), &Bar);
        assert((Bar.Size & (Bar.Size - 1)) == 0 && (Bar.Kind == HalPciBarNone) == (Bar.Size == 0));
        free(Copy);
    }
}

int main(void)
{
    static const struct {
        void (*Run)(void);
        const char *Name;
    } Tests[] = {
        {TestHeader, "headers of devices and bridges"},
        {TestLine, "an interrupt line counts only with a pin, and if it was routed"},
        {TestCapabilities, "a capability list is followed"},
        {TestBadCapabilities, "circles, overruns and reserved values find nothing"},
        {TestBars, "BARs of ports and memory, with their sizes"},
        {TestMcfg, "the range for segment 0 that begins with bus 0"},
        {TestDamage, "random configuration spaces are read within their bounds"},
    };

    printf("1..%zu\n", ARRAYSIZE(Tests));
    for (size_t i = 0; i < ARRAYSIZE(Tests); i++) {
        Tests[i].Run();
        printf("ok %zu - %s\n", i + 1, Tests[i].Name);
    }
    return 0;
}
