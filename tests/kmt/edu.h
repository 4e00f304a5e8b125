/* edu.h - QEMU's educational PCI device, for tests: it interrupts whenever it is told to.
 *
 * Writing bits to RAISE sets them in STATUS and interrupts, by a message or by its line, which
 * stays up until ACKNOWLEDGE has cleared all bits. Reading IDENTITY tells that it is one.
 */
#ifndef _EDU_H_
#define _EDU_H_

#include "kmt.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11E8
#define EDU_BAR_SIZE 0x1000 /* of 1 MB, all that is used */
enum {
    EduIdentity = 0x00 / 4,
    EduStatus = 0x24 / 4,
    EduRaise = 0x60 / 4,
    EduAcknowledge = 0x64 / 4
};
#define EDU_IDENTITY 0xED

#define EDU_MAX 4
#define EDU_BUSES 8 /* looked at */

typedef struct _EDU {
    ULONG Bus, Slot; /* a PCI_SLOT_NUMBER */
    UCHAR Line;
    PDEVICE_OBJECT Pdo;
    PFILE_OBJECT File;
    volatile ULONG *Registers;
} EDU, *PEDU;

static EDU Edus[EDU_MAX];
static ULONG EduCount;

/* The device object that the bus driver made for the function; *File keeps it referenced. */
static inline PDEVICE_OBJECT KmtOpenPciFunction(ULONG Bus, PCI_SLOT_NUMBER Slot, PFILE_OBJECT *File)
{
    static const WCHAR Digits[] = L"0123456789abcdef";
    WCHAR Name[] = L"\\Device\\PCI0000_BB_DD_F";
    PWCHAR Place = Name + ARRAYSIZE(Name) - sizeof("BB_DD_F");
    UNICODE_STRING String;
    PDEVICE_OBJECT Pdo = NULL;

    Place[0] = Digits[Bus >> 4];
    Place[1] = Digits[Bus & 15];
    Place[3] = Digits[Slot.u.bits.DeviceNumber >> 4];
    Place[4] = Digits[Slot.u.bits.DeviceNumber & 15];
    Place[6] = Digits[Slot.u.bits.FunctionNumber];
    RtlInitUnicodeString(&String, Name);
    *File = NULL;
    IoGetDeviceObjectPointer(&String, FILE_READ_DATA, File, &Pdo);
    return Pdo;
}

/* Calls Visit for the first 64 bytes of every function on the first buses. */
typedef VOID KMT_PCI_VISIT(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config);
static inline ULONG KmtScanPci(KMT_PCI_VISIT *Visit)
{
    ULONG Count = 0;

    for (ULONG i = 0; i < EDU_BUSES * PCI_MAX_DEVICES * PCI_MAX_FUNCTION; i++) {
        PCI_SLOT_NUMBER Slot = {.u.AsULONG = 0};
        PCI_COMMON_CONFIG Config;
        Slot.u.bits.DeviceNumber = i / PCI_MAX_FUNCTION;
        Slot.u.bits.FunctionNumber = i;
        if (HalGetBusData(PCIConfiguration, i / 256, Slot.u.AsULONG, &Config,
                          PCI_COMMON_HDR_LENGTH) == PCI_COMMON_HDR_LENGTH) {
            Count++;
            Visit(i / 256, Slot, &Config);
        }
    }
    return Count;
}

static inline VOID EduAdd(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config)
{
    PHYSICAL_ADDRESS Base;
    PEDU Edu = &Edus[EduCount];

    if (Config->VendorID != EDU_VENDOR || Config->DeviceID != EDU_DEVICE || EduCount == EDU_MAX) {
        return;
    }
    Base.QuadPart = Config->u.type0.BaseAddresses[0] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
    *Edu = (EDU){.Bus = Bus, .Slot = Slot.u.AsULONG, .Line = Config->u.type0.InterruptLine};
    Edu->Pdo = KmtOpenPciFunction(Bus, Slot, &Edu->File);
    Edu->Registers = MmMapIoSpace(Base, EDU_BAR_SIZE, MmNonCached);
    if (Edu->Pdo != NULL && Edu->Registers != NULL &&
        (Edu->Registers[EduIdentity] & 0xFF) == EDU_IDENTITY) {
        EduCount++;
    }
}

static inline ULONG EduFindAll(VOID)
{
    KmtScanPci(EduAdd);
    return EduCount;
}

static inline VOID EduRelease(VOID)
{
    for (ULONG i = 0; i < EduCount; i++) {
        MmUnmapIoSpace((PVOID)Edus[i].Registers, EDU_BAR_SIZE);
        ObDereferenceObject(Edus[i].File);
    }
}

/* What asked, and no longer does. */
static inline ULONG EduTake(PEDU Edu)
{
    ULONG Status = Edu->Registers[EduStatus];

    if (Status != 0) {
        Edu->Registers[EduAcknowledge] = Status;
    }
    return Status;
}

static inline VOID EduAsk(PEDU Edu, ULONG Bits)
{
    Edu->Registers[EduRaise] = Bits;
}

/* Until *Count has come to Least; FALSE: it has not in half a minute. */
static inline BOOLEAN EduWait(volatile LONG *Count, LONG Least)
{
    for (ULONG i = 0; i < 30000 && *Count < Least; i++) {
        KeStallExecutionProcessor(50);
        if (*Count < Least) {
            KmtSleep(1);
        }
    }
    return *Count >= Least;
}

/* Lines and messages with what every test here leaves at its default. */
static inline NTSTATUS EduConnectLine(PDEVICE_OBJECT Pdo, PKINTERRUPT *Interrupt,
                                      PKSERVICE_ROUTINE Routine, PVOID Context)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_LINE_BASED};

    Parameters.LineBased.PhysicalDeviceObject = Pdo;
    Parameters.LineBased.InterruptObject = Interrupt;
    Parameters.LineBased.ServiceRoutine = Routine;
    Parameters.LineBased.ServiceContext = Context;
    return IoConnectInterruptEx(&Parameters);
}

static inline VOID EduDisconnectLine(PKINTERRUPT Interrupt)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_LINE_BASED};

    Parameters.ConnectionContext.InterruptObject = Interrupt;
    IoDisconnectInterruptEx(&Parameters);
}

static inline NTSTATUS EduConnectMessages(PDEVICE_OBJECT Pdo, PIO_INTERRUPT_MESSAGE_INFO *Table,
                                          PKMESSAGE_SERVICE_ROUTINE Routine, PVOID Context)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_MESSAGE_BASED};

    Parameters.MessageBased.PhysicalDeviceObject = Pdo;
    Parameters.MessageBased.ConnectionContext.InterruptMessageTable = Table;
    Parameters.MessageBased.MessageServiceRoutine = Routine;
    Parameters.MessageBased.ServiceContext = Context;
    return IoConnectInterruptEx(&Parameters);
}

static inline VOID EduDisconnectMessages(PIO_INTERRUPT_MESSAGE_INFO Table)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_MESSAGE_BASED};

    Parameters.ConnectionContext.InterruptMessageTable = Table;
    IoDisconnectInterruptEx(&Parameters);
}

#endif
