/* machine.c - what the firmware knows of the machine: screen, ACPI, memory; and its end. */
#include "firmware.h"

#define MAP_ROOM 65536
#define MAXIMUM_RANGES 1024
#define ATTEMPTS 8

/* As BIOSes number the types of memory; what is not known is nobody's to use. */
enum {
    E820Ram = BL_MEMORY_RAM,
    E820Reserved = 2,
    E820AcpiReclaim = 3,
    E820AcpiNvs = 4,
    E820Bad = 5
};

/* Where a mask's ones begin, and how many there are. */
static VOID BlMeasureMask(UINT32 Mask, UINT8 *Shift, UINT8 *Bits)
{
    *Shift = Mask == 0 ? 0 : (UINT8)__builtin_ctz(Mask);
    for (*Bits = 0; Mask != 0; Mask &= Mask - 1) {
        ++*Bits;
    }
}

BOOLEAN BlFindScreen(BL_SCREEN *Screen)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *Output;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *Mode;
    EFI_PIXEL_BITMASK Mask = {0x0000FF, 0x00FF00, 0xFF0000, 0xFF000000};

    if (EFI_ERROR(LibLocateProtocol(&GraphicsOutputProtocol, (VOID **)&Output)) ||
        Output->Mode == NULL || Output->Mode->FrameBufferBase == 0) {
        return FALSE;
    }
    Mode = Output->Mode->Info;
    switch (Mode->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        break;
    case PixelBlueGreenRedReserved8BitPerColor:
        Mask = (EFI_PIXEL_BITMASK){0xFF0000, 0x00FF00, 0x0000FF, 0xFF000000};
        break;
    case PixelBitMask:
        Mask = Mode->PixelInformation;
        break;
    default:
        return FALSE;
    }
    Screen->Base = Output->Mode->FrameBufferBase;
    Screen->BitsPerPixel = 32; /* all formats but those that are no memory at all */
    Screen->Pitch = Mode->PixelsPerScanLine * 4;
    Screen->Width = Mode->HorizontalResolution;
    Screen->Height = Mode->VerticalResolution;
    BlMeasureMask(Mask.RedMask, &Screen->RedShift, &Screen->RedBits);
    BlMeasureMask(Mask.GreenMask, &Screen->GreenShift, &Screen->GreenBits);
    BlMeasureMask(Mask.BlueMask, &Screen->BlueShift, &Screen->BlueBits);
    return TRUE;
}

VOID BlFindRsdp(BL_INFO *Info)
{
    VOID *Old = NULL, *New = NULL;

    LibGetSystemConfigurationTable(&AcpiTableGuid, &Old);
    LibGetSystemConfigurationTable(&(EFI_GUID)ACPI_20_TABLE_GUID, &New);
    if (New != NULL) {
        BlAddRsdp(Info, New, TRUE);
    } else if (Old != NULL) {
        BlAddRsdp(Info, Old, FALSE);
    }
}

/* What a range is once the firmware's services have ended. */
static UINT32 BlTypeAfterwards(UINT32 Type)
{
    switch (Type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        return E820Ram;
    case EfiACPIReclaimMemory:
        return E820AcpiReclaim;
    case EfiACPIMemoryNVS:
        return E820AcpiNvs;
    case EfiUnusableMemory:
        return E820Bad;
    default:
        return E820Reserved;
    }
}

static UINTN BlReadMap(BL_MEMORY *Memory, const UINT8 *Map, UINTN Size, UINTN EntrySize)
{
    UINTN Count = 0;

    for (UINTN At = 0; At + sizeof(EFI_MEMORY_DESCRIPTOR) <= Size; At += EntrySize) {
        const EFI_MEMORY_DESCRIPTOR *Entry = (const EFI_MEMORY_DESCRIPTOR *)(Map + At);

        Count = BlAppendMemory(Memory, Count, MAXIMUM_RANGES,
                               (BL_MEMORY){Entry->PhysicalStart, Entry->NumberOfPages * BL_PAGE,
                                           BlTypeAfterwards(Entry->Type)});
    }
    if (Count > MAXIMUM_RANGES) {
        BlStop(L"the firmware's memory map has too many entries");
    }
    return Count;
}

/* Where the boot disk will be: where it is, or, if it is in pieces, where there is room for all of
 * them once the firmware has gone. */
static UINT64 BlPlaceDisk(const BL_DEPARTURE *Departure, const BL_MEMORY *Memory, UINTN Count)
{
    const BL_PIECES *Disk = &Departure->Disk;
    BL_MEMORY Taken[BL_MAXIMUM_PIECES + 3] = {
        {Departure->Low, Departure->High - Departure->Low, 0},
        {(UINT64)Departure->Enter.Data, Departure->Enter.Size, 0},
        {(UINT64)Departure->Info.Buffer, Departure->Info.Room, 0}};
    UINT64 Target;

    if (Disk->Count == 1) {
        return (UINT64)Disk->Piece[0].Data;
    }
    for (UINTN i = 0; i < Disk->Count; i++) {
        Taken[3 + i] = (BL_MEMORY){(UINT64)Disk->Piece[i].Data, Disk->Piece[i].Size, 0};
    }
    Target = BlFindRoom(Memory, Count, Taken, 3 + Disk->Count, Disk->Size);
    if (Target == 0) {
        BlStopForMemory(L"the boot disk", Disk->Size);
    }
    return Target;
}

/* The pieces are put together behind the kernel's segments of the plan. */
static VOID BlPlanDisk(BL_SEGMENT *Segment, const BL_PIECES *Disk, UINT64 Target)
{
    for (UINTN i = 0; i < Disk->Count; i++) {
        UINTN Size = Disk->Piece[i].Size;

        Segment[i] = (BL_SEGMENT){(UINT64)Disk->Piece[i].Data, Target, Size, Size};
        Target += Size;
    }
}

/* What the kernel will find, by a memory map: FALSE when that has too many entries. */
static BOOLEAN BlFinishInfo(BL_DEPARTURE *Departure, BL_INFO *Info, BL_SEGMENT *Segment,
                            const BL_MEMORY *Memory, UINTN Count)
{
    UINT64 Low = Departure->Low, High = Departure->High;
    UINT64 Target;

    if (BlRamBetween(Memory, Count, Low, High) != High - Low) {
        BlStop(L"the firmware keeps memory between %lx and %lx, where the kernel must go", Low,
               High);
    }
    Target = BlPlaceDisk(Departure, Memory, Count);
    BlPlanDisk(Segment, &Departure->Disk, Target);
    *Info = Departure->Info;
    BlAddModule(Info, Target, Departure->Disk.Size);
    BlAddMemoryMap(Info, Memory, Count);
    return BlEndInfo(Info);
}

VOID BlAllocateMaps(BL_DEPARTURE *Departure)
{
    Departure->Map = BlAllocateLow(EfiLoaderData, MAP_ROOM, L"the memory map");
    Departure->Memory =
        BlAllocateLow(EfiLoaderData, MAXIMUM_RANGES * sizeof(BL_MEMORY), L"the memory map");
}

/* The services end only if the memory map has not changed since it was read: an event in between
 * may have changed it. Even when they do not end, only these two may be called from the first
 * attempt on. */
VOID BlLeaveFirmware(EFI_HANDLE Image, BL_DEPARTURE *Departure)
{
    UINT8 *Map = Departure->Map;
    BL_MEMORY *Memory = Departure->Memory;
    BL_PLAN *Plan = Departure->Plan;
    BL_SEGMENT *Pieces = &Plan->Segment[Plan->SegmentCount];
    EFI_STATUS Status = EFI_SUCCESS;
    BL_INFO Info;

    Plan->Information = (UINT64)Departure->Info.Buffer;
    Plan->SegmentCount += Departure->Disk.Count == 1 ? 0 : Departure->Disk.Count;
    for (UINTN Attempt = 0; Attempt < ATTEMPTS; Attempt++) {
        UINTN Size = MAP_ROOM, Key, EntrySize;
        UINT32 Version;

        Status = BS->GetMemoryMap(&Size, (EFI_MEMORY_DESCRIPTOR *)Map, &Key, &EntrySize, &Version);
        if (EFI_ERROR(Status)) {
            BlStop(L"the firmware's memory map cannot be read: %r", Status);
        }
        if (!BlFinishInfo(Departure, &Info, Pieces, Memory,
                          BlReadMap(Memory, Map, Size, EntrySize))) {
            BlStop(L"the firmware's memory map has too many entries");
        }
        BlForgetFirmware();
        Status = BS->ExitBootServices(Image, Key);
        if (!EFI_ERROR(Status)) {
            return;
        }
    }
    BlStop(L"the firmware does not let go: %r", Status);
}
