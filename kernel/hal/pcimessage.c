/*
 * pcimessage.c - message-signalled interrupts: a function interrupts by writing a number to an
 * address, which the chip set turns into a vector on a processor.
 *
 *     address FEEnn000h, nn the APIC id   data = vector   edge: each write is one interrupt
 *
 * MSI has one address, and one number whose low bits the function fills in with the message's
 * index: so its vectors are neighbours, aligned, and on one processor. MSI-X has a table of
 * addresses and numbers in one of the BARs. A function that has both uses MSI-X. Its owner, one at
 * a time, is kept by io; there is no state here.
 */
#include "halp.h"
#include "halpci.h"
#include "mm.h"

#define MESSAGE_ADDRESS 0xFEE00000U
#define MESSAGE_APIC_ID_SHIFT 12
#define MESSAGE_LAST_APIC_ID 0xFE /* the address has eight bits for it, FFh means everybody */

#define PCI_COMMAND 0x04
/* Offsets in the MSI capability; the data come 4 later when the address has 64 bits. */
#define MSI_CONTROL 2
#define MSI_ADDRESS 4
#define MSI_ADDRESS_HIGH 8
#define MSI_DATA 8
#define MSI_MASK 12
#define MSI_CONTROL_ENABLE 0x0001
#define MSI_CONTROL_COUNT_SHIFT 4
#define MSI_CONTROL_COUNT (7U << MSI_CONTROL_COUNT_SHIFT)
#define MSIX_CONTROL 2
#define MSIX_CONTROL_MASK_ALL 0x4000
#define MSIX_CONTROL_ENABLE 0x8000
/* An entry of the MSI-X table, in ULONGs. */
#define MSIX_ENTRY_SIZE 16
#define MSIX_ENTRY_ULONGS 4
enum {
    MsixAddress,
    MsixAddressHigh,
    MsixData,
    MsixControl /* bit 0: masked */
};

ULONG HalQueryPciMessages(const HAL_PCI_DESCRIPTION *Description)
{
    return Description->MsixOffset != 0  ? Description->MsixMessages
           : Description->MsiOffset != 0 ? Description->MsiMessages
                                         : 0;
}

/* The next processor in turn that a message's address can name. */
static ULONG HalpNextMessageProcessor(void)
{
    static volatile LONG Turn;

    for (ULONG i = 0; i < KeNumberProcessors; i++) {
        ULONG Number = (ULONG)InterlockedIncrement(&Turn) % KeNumberProcessors;
        if (HalQueryProcessorApicId(Number) <= MESSAGE_LAST_APIC_ID) {
            return Number;
        }
    }
    return 0;
}

/* MsiMessages is a power of two, and so are its halves. MSI-X takes any vectors. */
static ULONG HalpAllocateMessageVectors(BOOLEAN Msix, PULONG Count)
{
    ULONG First;

    do {
        First = HalpAllocateVectors(*Count, Msix ? 1 : *Count);
    } while (First == 0 && (*Count /= 2) != 0);
    return First;
}

/* One level for all, since a driver is told one IRQL that keeps all of its messages out. */
NTSTATUS HalAllocatePciMessages(const HAL_PCI_DESCRIPTION *Description, PHAL_PCI_MESSAGE Messages,
                                PULONG Count)
{
    BOOLEAN Msix = Description->MsixOffset != 0;
    ULONG Given = min(*Count, (ULONG)HAL_PCI_MAX_MESSAGES);
    ULONG First = HalpAllocateMessageVectors(Msix, &Given);
    ULONG Processor = HalpNextMessageProcessor();

    if (First == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < Given; i++) {
        Messages[i].Processor = Processor;
        Messages[i].Vector = First + i;
        Messages[i].Irql = (KIRQL)(First >> 4);
        Messages[i].Address = MESSAGE_ADDRESS | HalQueryProcessorApicId(Processor)
                                                    << MESSAGE_APIC_ID_SHIFT;
        Messages[i].Data = First + i;
        Processor = Msix ? HalpNextMessageProcessor() : Processor;
    }
    *Count = Given;
    return STATUS_SUCCESS;
}

void HalFreePciMessages(const HAL_PCI_MESSAGE *Messages, ULONG Count)
{
    HalpFreeVectors(Messages[0].Vector, Count);
}

/* Off while it is written, so that no message goes to an address that is only half there. */
static void HalpEnableMsi(const HAL_PCI_DESCRIPTION *Description, const HAL_PCI_MESSAGE *First,
                          ULONG Count)
{
    ULONG Location = Description->Location, Offset = Description->MsiOffset;
    ULONG Wide = Description->Msi64Bit ? 4 : 0;
    USHORT Control = HalReadPci16(Location, Offset + MSI_CONTROL);

    Control &= (USHORT) ~(MSI_CONTROL_COUNT | MSI_CONTROL_ENABLE);
    while (Count > 1) {
        Control += 1U << MSI_CONTROL_COUNT_SHIFT;
        Count /= 2;
    }
    HalWritePci16(Location, Offset + MSI_CONTROL, Control);
    HalWritePci32(Location, Offset + MSI_ADDRESS, (ULONG)First->Address);
    if (Wide != 0) {
        HalWritePci32(Location, Offset + MSI_ADDRESS_HIGH, 0);
    }
    HalWritePci16(Location, Offset + MSI_DATA + Wide, (USHORT)First->Data);
    if (Description->MsiMaskable) {
        HalWritePci32(Location, Offset + MSI_MASK + Wide, 0);
    }
    HalWritePci16(Location, Offset + MSI_CONTROL, Control | MSI_CONTROL_ENABLE);
}

/* The table's physical address; 0 when it does not lie in its BAR. */
static ULONG64 HalpFindMsixTable(const HAL_PCI_DESCRIPTION *Description)
{
    const HAL_PCI_BAR *Bar = &Description->Bar[Description->MsixBar];
    ULONG64 Size = (ULONG64)Description->MsixMessages * MSIX_ENTRY_SIZE;

    if ((Bar->Kind != HalPciBarMemory32 && Bar->Kind != HalPciBarMemory64) || Bar->Base == 0 ||
        Description->MsixTableOffset > Bar->Size ||
        Size > Bar->Size - Description->MsixTableOffset) {
        return 0;
    }
    return Bar->Base + Description->MsixTableOffset;
}

/* Entries without a message stay masked. */
static void HalpFillMsixTable(volatile ULONG *Table, ULONG Entries, const HAL_PCI_MESSAGE *Messages,
                              ULONG Count)
{
    for (ULONG i = 0; i < Entries; i++, Table += MSIX_ENTRY_ULONGS) {
        Table[MsixControl] |= 1;
        if (i < Count) {
            Table[MsixAddress] = (ULONG)Messages[i].Address;
            Table[MsixAddressHigh] = 0;
            Table[MsixData] = Messages[i].Data;
            Table[MsixControl] &= ~1U;
        }
    }
}

/* Nothing is sent while the table is written: all of it is masked until the last step. */
static NTSTATUS HalpEnableMsix(const HAL_PCI_DESCRIPTION *Description,
                               const HAL_PCI_MESSAGE *Messages, ULONG Count)
{
    ULONG Control = Description->MsixOffset + MSIX_CONTROL;
    SIZE_T Bytes = (SIZE_T)Description->MsixMessages * MSIX_ENTRY_SIZE;
    ULONG64 Physical = HalpFindMsixTable(Description);
    volatile ULONG *Table = Physical != 0 ? HalpMapRegisters(Physical, Bytes) : NULL;

    if (Table == NULL) {
        return Physical != 0 ? STATUS_INSUFFICIENT_RESOURCES : STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    HalWritePci16(Description->Location, Control, MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK_ALL);
    HalpFillMsixTable(Table, Description->MsixMessages, Messages, Count);
    HalWritePci16(Description->Location, Control, MSIX_CONTROL_ENABLE);
    MmUnmapIoSpace((PVOID)(ULONG_PTR)Table, Bytes);
    return STATUS_SUCCESS;
}

/* Messages are writes to memory, so the function has to be a bus master, and stays one: its driver
 * may have come to rely on it. Decoding must be on for the table to be reached. */
NTSTATUS HalEnablePciMessages(const HAL_PCI_DESCRIPTION *Description,
                              const HAL_PCI_MESSAGE *Messages, ULONG Count, PUSHORT Saved)
{
    USHORT Command = HalReadPci16(Description->Location, PCI_COMMAND);
    NTSTATUS Status = STATUS_SUCCESS;

    *Saved = Command;
    /* With the line off first, the function cannot pull it in between. */
    HalWritePci16(Description->Location, PCI_COMMAND,
                  Command | PCI_ENABLE_MEMORY_SPACE | PCI_ENABLE_BUS_MASTER |
                      PCI_DISABLE_LEVEL_INTERRUPT);
    if (Description->MsixOffset != 0) {
        Status = HalpEnableMsix(Description, Messages, Count);
    } else {
        HalpEnableMsi(Description, Messages, Count);
    }
    if (!NT_SUCCESS(Status)) {
        HalWritePci16(Description->Location, PCI_COMMAND, Command);
    }
    return Status;
}

/* The line is as it was before: what the device still asks for would go there now. */
void HalDisablePciMessages(const HAL_PCI_DESCRIPTION *Description, USHORT Saved)
{
    ULONG Location = Description->Location;

    if (Description->MsixOffset != 0) {
        HalWritePci16(Location, Description->MsixOffset + MSIX_CONTROL, 0);
    } else {
        ULONG Control = Description->MsiOffset + MSI_CONTROL;
        HalWritePci16(Location, Control, HalReadPci16(Location, Control) & ~MSI_CONTROL_ENABLE);
    }
    if (!(Saved & PCI_DISABLE_LEVEL_INTERRUPT)) {
        HalEnablePciLine(Description, TRUE);
    }
}

/* A bit of the command register, since revision 2.3 of the bus; older functions ignore it. */
void HalEnablePciLine(const HAL_PCI_DESCRIPTION *Description, BOOLEAN Enable)
{
    USHORT Command = HalReadPci16(Description->Location, PCI_COMMAND);

    HalWritePci16(Description->Location, PCI_COMMAND,
                  Enable ? Command & ~PCI_DISABLE_LEVEL_INTERRUPT
                         : Command | PCI_DISABLE_LEVEL_INTERRUPT);
}
