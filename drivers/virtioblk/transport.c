/*
 * transport.c - virtio over PCI: finding the device, its registers, its interrupt.
 *
 * The device speaks of itself in vendor-specific capabilities, each of which says: registers of
 * this kind lie in that BAR, from here on. Nothing there is believed that does not fit. Starting up
 * is a dialogue by the status register, in which the driver says how far it has come; writing 0
 * there resets the device, which forgets the queue's memory before the register reads 0.
 */
#include "virtioblk.h"

#define VIRTIO_VENDOR 0x1AF4
#define VIRTIO_BLOCK_TRANSITIONAL 0x1001
#define VIRTIO_BLOCK 0x1042

/* A capability of the device, in configuration space. */
typedef struct _VBLK_CAPABILITY {
    PCI_CAPABILITIES_HEADER Header;
    UCHAR Length;
    UCHAR Kind; /* VblkCommon... */
    UCHAR Bar;
    UCHAR Id;
    UCHAR Padding[2];
    ULONG Offset;
    ULONG Size;
    ULONG DoorbellMultiplier; /* of VblkNotify only */
} VBLK_CAPABILITY, *PVBLK_CAPABILITY;
C_ASSERT(sizeof(VBLK_CAPABILITY) == 20);

/* The region VblkCommon. */
typedef volatile struct _VBLK_COMMON {
    ULONG DeviceFeatureSelect, DeviceFeature;
    ULONG DriverFeatureSelect, DriverFeature;
    USHORT ConfigVector;
    USHORT Queues;
    UCHAR Status;
    UCHAR ConfigGeneration;
    USHORT QueueSelect, QueueSize, QueueVector, QueueEnable, QueueDoorbell;
    ULONG QueueDescriptor[2], QueueAvailable[2], QueueUsed[2]; /* physical; low half first */
} VBLK_COMMON, *PVBLK_COMMON;
C_ASSERT(sizeof(VBLK_COMMON) == 0x38 && FIELD_OFFSET(VBLK_COMMON, QueueDescriptor) == 0x20);

#define STATUS_BIT_ACKNOWLEDGE 0x01
#define STATUS_BIT_DRIVER 0x02
#define STATUS_BIT_DRIVER_OK 0x04
#define STATUS_BIT_FEATURES_OK 0x08
#define STATUS_BIT_FAILED 0x80
#define NO_VECTOR 0xFFFF

#define FEATURE_READ_ONLY (1U << 5)
#define FEATURE_FLUSH (1U << 9)
#define FEATURE_VERSION_1 (1U << (32 - 32)) /* in the second word */

static KMESSAGE_SERVICE_ROUTINE VblkMessage;
static KSERVICE_ROUTINE VblkInterrupt;

VOID VblkScan(VBLK_FOUND *Found, PVOID Context)
{
    for (ULONG i = 0; i < 256 * PCI_MAX_DEVICES * PCI_MAX_FUNCTION; i++) {
        ULONG Bus = i / (PCI_MAX_DEVICES * PCI_MAX_FUNCTION);
        PCI_SLOT_NUMBER Slot = {.u.AsULONG = 0};
        USHORT Id[2];

        Slot.u.bits.DeviceNumber = i / PCI_MAX_FUNCTION;
        Slot.u.bits.FunctionNumber = i;
        ULONG Read = HalGetBusData(PCIConfiguration, Bus, Slot.u.AsULONG, Id, sizeof(Id));
        if (Read == 0) {
            i |= PCI_MAX_DEVICES * PCI_MAX_FUNCTION - 1; /* no such bus: on to the next */
        } else if (Read == sizeof(Id) && Id[0] == VIRTIO_VENDOR &&
                   (Id[1] == VIRTIO_BLOCK || Id[1] == VIRTIO_BLOCK_TRANSITIONAL)) {
            Found(Context, Bus, Slot);
        }
    }
}

/* The physical address of a memory BAR; 0 when there is none. */
static ULONG64 VblkBarAddress(PPCI_COMMON_CONFIG Config, ULONG Bar)
{
    const ULONG *Addresses = Config->u.type0.BaseAddresses;
    ULONG64 Address;

    if (Bar >= PCI_TYPE0_ADDRESSES || (Addresses[Bar] & PCI_ADDRESS_IO_SPACE)) {
        return 0;
    }
    Address = Addresses[Bar] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
    if ((Addresses[Bar] & PCI_ADDRESS_MEMORY_TYPE_MASK) == PCI_TYPE_64BIT) {
        if (Bar + 1 == PCI_TYPE0_ADDRESSES) {
            return 0;
        }
        Address |= (ULONG64)Addresses[Bar + 1] << 32;
    }
    return Address;
}

/* Maps the registers that a capability describes; of each kind the first counts. Regions are small:
 * what claims more than 64 KB is mapped as far as that. */
static VOID VblkMapRegion(PVBLK_EXTENSION Extension, PPCI_COMMON_CONFIG Config,
                          PVBLK_CAPABILITY Capability)
{
    PVBLK_REGION Region = &Extension->Region[Capability->Kind];
    PHYSICAL_ADDRESS Address;

    Address.QuadPart = VblkBarAddress(Config, Capability->Bar);
    if (Address.QuadPart == 0 || Capability->Size == 0 || Region->Base != NULL) {
        return;
    }
    Address.QuadPart += Capability->Offset;
    Region->Length = min(Capability->Size, 0x10000);
    Region->Base = MmMapIoSpace(Address, Region->Length, MmNonCached);
}

static VOID VblkUnmapRegions(PVBLK_EXTENSION Extension)
{
    for (ULONG i = 0; i < VblkRegions; i++) {
        if (Extension->Region[i].Base != NULL) {
            MmUnmapIoSpace(Extension->Region[i].Base, Extension->Region[i].Length);
            Extension->Region[i].Base = NULL;
        }
    }
}

/* Walks the list of capabilities, which takes no more steps than it could have links. Returns the
 * doorbell's multiplier. */
static ULONG VblkMapRegions(PVBLK_EXTENSION Extension, PPCI_COMMON_CONFIG Config)
{
    ULONG Multiplier = 0;
    ULONG Offset = Config->u.type0.CapabilitiesPtr & ~3U;

    for (ULONG Steps = 0; Steps < sizeof(*Config) / 4; Steps++) {
        VBLK_CAPABILITY Capability;
        if (Offset < PCI_COMMON_HDR_LENGTH || Offset + sizeof(Capability) > sizeof(*Config)) {
            break;
        }
        RtlCopyMemory(&Capability, (PUCHAR)Config + Offset, sizeof(Capability));
        if (Capability.Header.CapabilityID == PCI_CAPABILITY_ID_VENDOR_SPECIFIC &&
            Capability.Kind >= VblkCommon && Capability.Kind < VblkRegions) {
            VblkMapRegion(Extension, Config, &Capability);
            if (Capability.Kind == VblkNotify) {
                Multiplier = Capability.DoorbellMultiplier;
            }
        }
        Offset = Capability.Header.Next & ~3U;
    }
    return Multiplier;
}

/* Turns on the function's decoding and its reads and writes of memory. */
static VOID VblkEnableFunction(ULONG Bus, PCI_SLOT_NUMBER Slot, PPCI_COMMON_CONFIG Config)
{
    USHORT Command = Config->Command | PCI_ENABLE_MEMORY_SPACE | PCI_ENABLE_BUS_MASTER;

    HalSetBusDataByOffset(PCIConfiguration, Bus, Slot.u.AsULONG, &Command,
                          FIELD_OFFSET(PCI_COMMON_CONFIG, Command), sizeof(Command));
}

/* The device object that the bus driver has made for the function. */
static NTSTATUS VblkOpenFunction(PVBLK_EXTENSION Extension, ULONG Bus, PCI_SLOT_NUMBER Slot)
{
    static const WCHAR Digits[] = L"0123456789abcdef";
    WCHAR Name[] = L"\\Device\\PCI0000_BB_DD_F";
    PWCHAR Place = Name + ARRAYSIZE(Name) - sizeof("BB_DD_F");
    UNICODE_STRING String;

    Place[0] = Digits[Bus >> 4];
    Place[1] = Digits[Bus & 15];
    Place[3] = Digits[Slot.u.bits.DeviceNumber >> 4];
    Place[4] = Digits[Slot.u.bits.DeviceNumber & 15];
    Place[6] = Digits[Slot.u.bits.FunctionNumber];
    RtlInitUnicodeString(&String, Name);
    return IoGetDeviceObjectPointer(&String, FILE_READ_DATA, &Extension->File, &Extension->Pdo);
}

static BOOLEAN NTAPI VblkMessage(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PVBLK_EXTENSION Extension = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(MessageId);
    IoRequestDpc(Extension->DeviceObject, NULL, NULL);
    return TRUE;
}

/* A line is shared, and held until the register that says why has been read. */
static BOOLEAN NTAPI VblkInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    PVBLK_EXTENSION Extension = Context;

    UNREFERENCED_PARAMETER(Interrupt);
    if (*(volatile UCHAR *)Extension->Region[VblkIsr].Base == 0) {
        return FALSE;
    }
    IoRequestDpc(Extension->DeviceObject, NULL, NULL);
    return TRUE;
}

static NTSTATUS VblkConnect(PVBLK_EXTENSION Extension)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_MESSAGE_BASED};
    NTSTATUS Status;

    IoInitializeDpcRequest(Extension->DeviceObject, VblkDpc);
    Parameters.MessageBased.PhysicalDeviceObject = Extension->Pdo;
    Parameters.MessageBased.ConnectionContext.Generic = &Extension->Interrupt;
    Parameters.MessageBased.MessageServiceRoutine = VblkMessage;
    Parameters.MessageBased.ServiceContext = Extension;
    Parameters.MessageBased.FallBackServiceRoutine = VblkInterrupt;
    Status = IoConnectInterruptEx(&Parameters);
    if (NT_SUCCESS(Status)) {
        Extension->Connection = Parameters.Version;
    }
    return Status;
}

static VOID VblkDisconnect(PVBLK_EXTENSION Extension)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = Extension->Connection};

    if (Extension->Connection != 0) {
        Parameters.ConnectionContext.Generic = Extension->Interrupt;
        IoDisconnectInterruptEx(&Parameters);
        Extension->Connection = 0;
    }
}

/* A device that has gone reads FFh for ever: a tenth of a second is more than one that is there
 * takes. */
static VOID VblkReset(PVBLK_COMMON Common)
{
    Common->Status = 0;
    for (ULONG i = 0; i < 10000 && Common->Status != 0; i++) {
        KeStallExecutionProcessor(10);
    }
}

static VOID VblkSetAddress(volatile ULONG *Register, const volatile VOID *Address)
{
    PHYSICAL_ADDRESS Physical = MmGetPhysicalAddress((PVOID)Address);

    Register[0] = Physical.LowPart;
    Register[1] = Physical.HighPart;
}

/* Whether device and driver have agreed: it must know version 1, the rest is welcome. */
static BOOLEAN VblkNegotiate(PVBLK_EXTENSION Extension, PVBLK_COMMON Common)
{
    ULONG Offered;

    VblkReset(Common);
    Common->Status = STATUS_BIT_ACKNOWLEDGE;
    Common->Status = STATUS_BIT_ACKNOWLEDGE | STATUS_BIT_DRIVER;
    Common->DeviceFeatureSelect = 0;
    Offered = Common->DeviceFeature;
    Extension->ReadOnly = (Offered & FEATURE_READ_ONLY) != 0;
    Extension->CanFlush = (Offered & FEATURE_FLUSH) != 0;
    Common->DriverFeatureSelect = 0;
    Common->DriverFeature = Offered & (FEATURE_READ_ONLY | FEATURE_FLUSH);
    Common->DriverFeatureSelect = 1;
    Common->DriverFeature = FEATURE_VERSION_1;
    Common->Status = STATUS_BIT_ACKNOWLEDGE | STATUS_BIT_DRIVER | STATUS_BIT_FEATURES_OK;
    return (Common->Status & STATUS_BIT_FEATURES_OK) != 0;
}

/* Hands over queue 0 and lets the device go. */
static NTSTATUS VblkStartQueue(PVBLK_EXTENSION Extension, PVBLK_COMMON Common)
{
    BOOLEAN Messages = Extension->Connection == CONNECT_MESSAGE_BASED;
    ULONG Doorbell;

    Common->ConfigVector = NO_VECTOR;
    Common->QueueSelect = 0;
    if (Common->QueueSize < VBLK_QUEUE_SIZE) {
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    Common->QueueSize = VBLK_QUEUE_SIZE;
    Common->QueueVector = Messages ? 0 : NO_VECTOR;
    if (Messages && Common->QueueVector != 0) {
        return STATUS_INSUFFICIENT_RESOURCES; /* the device's way of saying so */
    }
    VblkSetAddress(Common->QueueDescriptor, &Extension->Shared->Descriptor);
    VblkSetAddress(Common->QueueAvailable, &Extension->Shared->Available);
    VblkSetAddress(Common->QueueUsed, &Extension->Shared->Used);
    Doorbell = Common->QueueDoorbell * Extension->Multiplier;
    if (Doorbell + sizeof(USHORT) > Extension->Region[VblkNotify].Length) {
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    Extension->Doorbell = (PUSHORT)((PUCHAR)Extension->Region[VblkNotify].Base + Doorbell);
    Common->QueueEnable = 1;
    Common->Status = Common->Status | STATUS_BIT_DRIVER_OK;
    return STATUS_SUCCESS;
}

/* The capacity in sectors, read until it did not change meanwhile. */
static ULONG64 VblkReadCapacity(PVBLK_EXTENSION Extension, PVBLK_COMMON Common)
{
    volatile ULONG *Capacity = Extension->Region[VblkConfig].Base;
    ULONG64 Sectors;
    UCHAR Generation;

    do {
        Generation = Common->ConfigGeneration;
        Sectors = Capacity[0] | (ULONG64)Capacity[1] << 32;
    } while (Generation != Common->ConfigGeneration);
    return Sectors;
}

static BOOLEAN VblkHasRegions(PVBLK_EXTENSION Extension)
{
    PVBLK_REGION Region = Extension->Region;

    return Region[VblkCommon].Base != NULL && Region[VblkCommon].Length >= sizeof(VBLK_COMMON) &&
           Region[VblkNotify].Base != NULL && Region[VblkIsr].Base != NULL &&
           Region[VblkConfig].Base != NULL && Region[VblkConfig].Length >= sizeof(ULONG64);
}

NTSTATUS VblkStartDevice(PVBLK_EXTENSION Extension, ULONG Bus, PCI_SLOT_NUMBER Slot)
{
    PVBLK_COMMON Common;
    PCI_COMMON_CONFIG Config;
    NTSTATUS Status = VblkOpenFunction(Extension, Bus, Slot);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    HalGetBusData(PCIConfiguration, Bus, Slot.u.AsULONG, &Config, sizeof(Config));
    VblkEnableFunction(Bus, Slot, &Config);
    Extension->Multiplier = VblkMapRegions(Extension, &Config);
    Status = STATUS_DEVICE_CONFIGURATION_ERROR;
    if (!VblkHasRegions(Extension)) {
        goto Unmap;
    }
    Common = Extension->Region[VblkCommon].Base;
    if (!VblkNegotiate(Extension, Common)) {
        goto Reset;
    }
    Extension->Length = VblkReadCapacity(Extension, Common) * VBLK_SECTOR;
    Status = VblkConnect(Extension);
    if (!NT_SUCCESS(Status)) {
        goto Reset;
    }
    Status = VblkStartQueue(Extension, Common);
    if (NT_SUCCESS(Status)) {
        return STATUS_SUCCESS;
    }
    VblkDisconnect(Extension);
Reset:
    VblkReset(Common);
    Common->Status = STATUS_BIT_FAILED;
Unmap:
    VblkUnmapRegions(Extension);
    ObDereferenceObject(Extension->File);
    return Status;
}

NTSTATUS VblkRestartDevice(PVBLK_EXTENSION Extension)
{
    PVBLK_COMMON Common = Extension->Region[VblkCommon].Base;

    Extension->Connection = 0; /* whoever polls wants no messages */
    if (!VblkNegotiate(Extension, Common)) {
        return STATUS_IO_DEVICE_ERROR;
    }
    /* Not before: what was on its way could still have been marked as finished. */
    RtlZeroMemory(Extension->Shared, sizeof(*Extension->Shared));
    Extension->UsedIndex = 0;
    return VblkStartQueue(Extension, Common);
}

VOID VblkStopDevice(PVBLK_EXTENSION Extension)
{
    VblkReset(Extension->Region[VblkCommon].Base);
    VblkDisconnect(Extension);
    KeFlushQueuedDpcs();
    VblkUnmapRegions(Extension);
    ObDereferenceObject(Extension->File);
}

VOID VblkNotifyDevice(PVBLK_EXTENSION Extension)
{
    *Extension->Doorbell = 0; /* the queue's number */
}
