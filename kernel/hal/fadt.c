/*
 * fadt.c - power management registers from the FADT, the sleep type of S5 from the DSDT, and the
 * HPET's address; also what makes a root pointer and a table genuine.
 *
 * \_S5 is an AML object: NameOp, "_S5_", PackageOp, package length, number of elements, elements.
 * AML is not interpreted here: the eight or so bytes of that one definition are looked for, and
 * every field of it has to make sense before it is believed.
 */

#include "acpi.h"
#include <nt/crt.h>

#define PM_TIMER_LENGTH_OFFSET 91 /* FADT.PM_TMR_LEN */
#define PM_TIMER_LENGTH 4

UCHAR HalpChecksum(const VOID *Data, SIZE_T Length)
{
    const UCHAR *Bytes = Data;
    UCHAR Sum = 0;

    for (SIZE_T i = 0; i < Length; i++) {
        Sum += Bytes[i];
    }
    return Sum;
}

BOOLEAN HalpCheckRsdp(const ACPI_RSDP *Rsdp, BOOLEAN *UseXsdt)
{
    if (memcmp(Rsdp->Signature, "RSD PTR ", 8) != 0 ||
        HalpChecksum(Rsdp, ACPI_RSDP_OLD_SIZE) != 0) {
        return FALSE;
    }
    *UseXsdt = Rsdp->Revision >= 2 && Rsdp->Length == sizeof(*Rsdp) &&
               HalpChecksum(Rsdp, sizeof(*Rsdp)) == 0 && Rsdp->XsdtAddress != 0;
    return TRUE;
}

/* The newer 64-bit field counts when it is there; registers in memory are not for us. */
static USHORT HalpPortOf(const ACPI_ADDRESS *Address, ULONG OldPort)
{
    if (Address->Space == ACPI_SPACE_PORT && Address->Address != 0 && Address->Address <= 0xFFFF) {
        return (USHORT)Address->Address;
    }
    return OldPort <= 0xFFFF ? (USHORT)OldPort : 0;
}

static void HalpParseReset(const ACPI_FADT *Fadt, PHALP_PLATFORM Platform)
{
    Platform->ResetRegister = Fadt->ResetRegister;
    Platform->ResetValue = Fadt->ResetValue;
    Platform->ResetSupported = (Fadt->Flags & ACPI_FADT_RESET_SUPPORTED) &&
                               Fadt->ResetRegister.Address != 0 &&
                               Fadt->ResetRegister.BitOffset == 0;
}

void HalpParseFadt(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform)
{
    ACPI_FADT Fadt; /* fields that this table is too short for stay 0 */

    memset(&Fadt, 0, sizeof(Fadt));
    memcpy(&Fadt, Table, Length < sizeof(Fadt) ? Length : sizeof(Fadt));
    Platform->HaveFadt = TRUE;
    Platform->Dsdt = Fadt.XDsdt != 0 ? Fadt.XDsdt : Fadt.Dsdt;
    if (((const UCHAR *)&Fadt)[PM_TIMER_LENGTH_OFFSET] == PM_TIMER_LENGTH) {
        Platform->PmTimerPort = HalpPortOf(&Fadt.XPmTimer, Fadt.PmTimer);
    }
    Platform->PmTimer32Bits = (Fadt.Flags & ACPI_FADT_TIMER_32_BITS) != 0;
    Platform->SmiCommandPort = Fadt.SmiCommand <= 0xFFFF ? (USHORT)Fadt.SmiCommand : 0;
    Platform->AcpiEnable = Fadt.AcpiEnable;
    Platform->Pm1aControlPort = HalpPortOf(&Fadt.XPm1aControl, Fadt.Pm1aControl);
    Platform->Pm1bControlPort = HalpPortOf(&Fadt.XPm1bControl, Fadt.Pm1bControl);
    Platform->CenturyRegister = Fadt.Century < 0x80 ? Fadt.Century : 0;
    HalpParseReset(&Fadt, Platform);
}

void HalpParseHpet(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform)
{
    ACPI_HPET Hpet;

    if (Length >= sizeof(Hpet)) {
        memcpy(&Hpet, Table, sizeof(Hpet));
        if (Hpet.Base.Space == ACPI_SPACE_MEMORY) {
            Platform->HpetBase = Hpet.Base.Address;
        }
    }
}

enum {
    AmlZero = 0x00,
    AmlOne = 0x01,
    AmlName = 0x08,
    AmlBytePrefix = 0x0A,
    AmlWordPrefix = 0x0B,
    AmlDwordPrefix = 0x0C,
    AmlPackage = 0x12
};

/* A place in AML and where it ends. Taking past the end gives -1 and stays there. */
typedef struct _AML_CURSOR {
    const UCHAR *Next, *End;
} AML_CURSOR;

static int HalpTakeByte(AML_CURSOR *Aml)
{
    return Aml->Next < Aml->End ? *Aml->Next++ : -1;
}

/* An integer below 256, however it is encoded; -1 for anything else. */
static int HalpTakeSmallInteger(AML_CURSOR *Aml)
{
    int Extra = 0; /* bytes above the lowest: all have to be 0 */
    int Value;

    switch (HalpTakeByte(Aml)) {
    case AmlZero:
        return 0;
    case AmlOne:
        return 1;
    case AmlBytePrefix:
        break;
    case AmlWordPrefix:
        Extra = 1;
        break;
    case AmlDwordPrefix:
        Extra = 3;
        break;
    default:
        return -1;
    }
    for (Value = HalpTakeByte(Aml); Extra > 0; Extra--) {
        if (HalpTakeByte(Aml) != 0) {
            return -1;
        }
    }
    return Value;
}

/* Narrows Aml to the package that starts here; returns how many elements it says it has, or -1. */
static int HalpEnterPackage(AML_CURSOR *Aml)
{
    const UCHAR *Start;
    SIZE_T Length;
    int Lead;

    if (HalpTakeByte(Aml) != AmlPackage) {
        return -1;
    }
    /* The length counts from its own first byte, whose top two bits say how many bytes follow. */
    Start = Aml->Next;
    Lead = HalpTakeByte(Aml);
    if (Lead < 0) {
        return -1;
    }
    Length = (Lead >> 6) == 0 ? (Lead & 0x3F) : (Lead & 0x0F);
    for (int i = 0; i < (Lead >> 6); i++) {
        int Byte = HalpTakeByte(Aml);
        if (Byte < 0) {
            return -1;
        }
        Length |= (SIZE_T)Byte << (4 + 8 * i);
    }
    if (Length > (SIZE_T)(Aml->End - Start)) {
        return -1;
    }
    Aml->End = Start + Length;
    return HalpTakeByte(Aml);
}

/* The first two elements are what goes into PM1a's and PM1b's SLP_TYP field. */
static void HalpReadSleepPackage(AML_CURSOR Aml, PHALP_PLATFORM Platform)
{
    int Elements = HalpEnterPackage(&Aml);
    int TypeA = Elements >= 1 ? HalpTakeSmallInteger(&Aml) : -1;
    int TypeB = Elements >= 2 ? HalpTakeSmallInteger(&Aml) : 0;

    /* SLP_TYP has three bits. */
    if (TypeA >= 0 && TypeA <= 7 && TypeB >= 0 && TypeB <= 7) {
        Platform->SleepTypeA = (UCHAR)TypeA;
        Platform->SleepTypeB = (UCHAR)TypeB;
        Platform->SleepTypeKnown = TRUE;
    }
}

void HalpParseSleepType(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform)
{
    const UCHAR *Aml = Table;

    for (SIZE_T i = sizeof(ACPI_HEADER) + 1; i + 4 <= Length && !Platform->SleepTypeKnown; i++) {
        /* A definition has NameOp before the name, with or without the root's backslash. */
        if (Aml[i] == '_' && memcmp(Aml + i, "_S5_", 4) == 0 &&
            (Aml[i - 1] == AmlName || (Aml[i - 1] == '\\' && Aml[i - 2] == AmlName))) {
            HalpReadSleepPackage((AML_CURSOR){Aml + i + 4, Aml + Length}, Platform);
        }
    }
}
