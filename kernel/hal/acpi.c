/*
 * acpi.c - finds the firmware's tables, maps and checks them, and hands them to the parsers.
 *
 * A table is believed when it lies at an address this processor can have, its length is sane, and
 * its bytes add up to 0. It is mapped for as long as it is parsed. What was learnt is in
 * HalpPlatform, which nobody writes afterwards.
 *
 *     root pointer --> XSDT or RSDT --> MADT  processors, I/O APICs, lines
 *                                  |--> FADT  power, PM timer, reset; --> DSDT  sleep type of S5
 *                                  |--> HPET
 *                                  |--> MCFG  PCI configuration space
 *                                  '--> SSDTs, in case S5 stands in one of them
 */
#include "halp.h"
#include "kd.h"
#include "mm.h"

#define ACPI_MAX_TABLE (4U << 20)
#define BIOS_BASE 0xE0000 /* where a PC's BIOS keeps the root pointer, on a 16-byte boundary */
#define BIOS_SIZE 0x20000
#define BIOS_DATA_EBDA 0x40E /* segment of the extended BIOS data area, the other place */
#define EBDA_SIZE 0x400
#define RSDP_ALIGNMENT 16
#define CPUID_ADDRESS_SIZES 0x80000008

C_ASSERT(ACPI_MAX_PROCESSORS == KI_MAX_PROCESSORS);

HALP_PLATFORM HalpPlatform;

/* TRUE when the processor can have such addresses: others would fault as reserved bits. */
static BOOLEAN HalpIsPhysicalRange(ULONG64 Base, ULONG64 Bytes)
{
    ULONG Info[4];
    ULONG64 Limit;

    HalpCpuid(Info, CPUID_ADDRESS_SIZES);
    Limit = 1ULL << ((Info[0] & 0xFF) ? (Info[0] & 0x3F) : 36);
    return Base != 0 && Bytes <= Limit && Base <= Limit - Bytes;
}

static PVOID HalpMapFirmware(ULONG64 Physical, SIZE_T Bytes)
{
    PHYSICAL_ADDRESS Address = {.QuadPart = (LONGLONG)Physical};

    return HalpIsPhysicalRange(Physical, Bytes) ? MmMapIoSpace(Address, Bytes, MmCached) : NULL;
}

/* Maps the whole table; NULL when it cannot be believed. Unmap with its Length. */
static PACPI_HEADER HalpMapTable(ULONG64 Physical)
{
    PACPI_HEADER Table = HalpMapFirmware(Physical, sizeof(ACPI_HEADER));
    ULONG Length;

    if (Table == NULL) {
        return NULL;
    }
    Length = Table->Length;
    MmUnmapIoSpace(Table, sizeof(ACPI_HEADER));
    if (Length < sizeof(ACPI_HEADER) || Length > ACPI_MAX_TABLE) {
        return NULL;
    }
    Table = HalpMapFirmware(Physical, Length);
    if (Table != NULL && (Table->Length != Length || HalpChecksum(Table, Length) != 0)) {
        MmUnmapIoSpace(Table, Length);
        return NULL;
    }
    return Table;
}

static void HalpParseTable(const ACPI_HEADER *Table)
{
    if (memcmp(Table->Signature, "APIC", 4) == 0 && !HalpPlatform.HaveMadt) {
        HalpParseMadt(Table, Table->Length, &HalpPlatform);
    } else if (memcmp(Table->Signature, "FACP", 4) == 0 && !HalpPlatform.HaveFadt) {
        HalpParseFadt(Table, Table->Length, &HalpPlatform);
    } else if (memcmp(Table->Signature, "HPET", 4) == 0 && HalpPlatform.HpetBase == 0) {
        HalpParseHpet(Table, Table->Length, &HalpPlatform);
    } else if (memcmp(Table->Signature, "MCFG", 4) == 0 && HalpPlatform.PciConfigBase == 0) {
        HalpParseMcfg(Table, Table->Length, &HalpPlatform);
    } else if (memcmp(Table->Signature, "DSDT", 4) == 0 ||
               memcmp(Table->Signature, "SSDT", 4) == 0) {
        HalpParseSleepType(Table, Table->Length, &HalpPlatform);
    }
}

/* A damaged table is told about and then missed: the machine may well start without it. */
static void HalpReadTable(ULONG64 Physical)
{
    PACPI_HEADER Table = HalpMapTable(Physical);

    if (Table == NULL) {
        KdPrintf("hal: the ACPI table at %I64x is damaged\n", Physical);
        return;
    }
    HalpParseTable(Table);
    MmUnmapIoSpace(Table, Table->Length);
}

/* The root table is a header and the addresses of the others, EntrySize bytes each. */
static BOOLEAN HalpReadRootTable(ULONG64 Physical, const char *Signature, ULONG EntrySize)
{
    PACPI_HEADER Root = HalpMapTable(Physical);
    BOOLEAN Genuine;

    if (Root == NULL) {
        return FALSE;
    }
    Genuine = memcmp(Root->Signature, Signature, 4) == 0;
    for (ULONG Offset = sizeof(*Root); Genuine && Offset + EntrySize <= Root->Length;
         Offset += EntrySize) {
        ULONG64 Entry = 0;
        memcpy(&Entry, (PUCHAR)Root + Offset, EntrySize);
        HalpReadTable(Entry);
    }
    MmUnmapIoSpace(Root, Root->Length);
    return Genuine;
}

/* Looks for the root pointer in [Base, Base + Bytes), physical. */
static BOOLEAN HalpSearchRsdp(ULONG64 Base, SIZE_T Bytes, ACPI_RSDP *Rsdp)
{
    PUCHAR Area = HalpMapFirmware(Base, Bytes);
    BOOLEAN Found = FALSE, UseXsdt;

    for (SIZE_T i = 0; Area != NULL && !Found && i + sizeof(*Rsdp) <= Bytes; i += RSDP_ALIGNMENT) {
        if (Area[i] == 'R') {
            memcpy(Rsdp, Area + i, sizeof(*Rsdp));
            Found = HalpCheckRsdp(Rsdp, &UseXsdt);
        }
    }
    if (Area != NULL) {
        MmUnmapIoSpace(Area, Bytes);
    }
    return Found;
}

static BOOLEAN HalpSearchEbda(ACPI_RSDP *Rsdp)
{
    USHORT *Segment = HalpMapFirmware(BIOS_DATA_EBDA, sizeof(*Segment));
    ULONG64 Base;

    if (Segment == NULL) {
        return FALSE;
    }
    Base = (ULONG64)*Segment << 4;
    MmUnmapIoSpace(Segment, sizeof(*Segment));
    return HalpSearchRsdp(Base, EBDA_SIZE, Rsdp);
}

/* UEFI has no place to search: there the loader has to know. */
static BOOLEAN HalpFindRsdp(PLOADER_BLOCK LoaderBlock, ACPI_RSDP *Rsdp)
{
    return (LoaderBlock->RsdpBase != 0 &&
            HalpSearchRsdp(LoaderBlock->RsdpBase, sizeof(*Rsdp), Rsdp)) ||
           HalpSearchEbda(Rsdp) || HalpSearchRsdp(BIOS_BASE, BIOS_SIZE, Rsdp);
}

void HalpReadFirmwareTables(PLOADER_BLOCK LoaderBlock)
{
    ACPI_RSDP Rsdp;
    BOOLEAN UseXsdt;

    if (!HalpFindRsdp(LoaderBlock, &Rsdp)) {
        KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureNoRootPointer, LoaderBlock->RsdpBase, 0,
                     0);
    }
    HalpCheckRsdp(&Rsdp, &UseXsdt);
    if (!(UseXsdt && HalpReadRootTable(Rsdp.XsdtAddress, "XSDT", sizeof(ULONG64)))) {
        HalpReadRootTable(Rsdp.RsdtAddress, "RSDT", sizeof(ULONG));
    }
    if (!HalpPlatform.HaveMadt) {
        KeBugCheckEx(HAL_INITIALIZATION_FAILED, HalFailureNoMadt, Rsdp.RsdtAddress,
                     UseXsdt ? Rsdp.XsdtAddress : 0, 0);
    }
    /* The FADT names the DSDT, which does not stand in the root table. */
    if (HalpPlatform.Dsdt != 0) {
        HalpReadTable(HalpPlatform.Dsdt);
    }
}
