/*
 * main.c - the UEFI loader: \EFI\BOOT\BOOTX64.EFI on the system partition, beside the folder \boot
 * with the kernel, the boot disk, its checksums and, if one is wanted, the kernel's command line.
 *
 * Everything is read while the firmware can still complain about it. Then the firmware's services
 * end, the kernel goes to the place it is linked for, and is entered as from any multiboot2 loader.
 * Most memory is free only then: on a small machine the boot disk waits in pieces, wherever the
 * firmware has left some.
 */
#include "../serial.h"
#include "firmware.h"

#define KERNEL L"\\boot\\etude.elf"
#define DISK L"\\boot\\bootdisk.cpio"
#define INFO_ROOM 65536
#define MAXIMUM_COMMAND_LINE 1023 /* of what the kernel keeps */
#define ENTER_ROOM 4096
#define ENTER_STACK 1024

static EFI_HANDLE BlImage;
static BOOLEAN BlFirmwareGone;

VOID BlForgetFirmware(VOID)
{
    BlFirmwareGone = TRUE;
}

/* The serial port is as the firmware has set it up. */
static VOID BlPutText(const CHAR16 *Text)
{
    for (; *Text != 0; Text++) {
        BlPutSerial((CHAR8)*Text);
    }
}

VOID BlStop(CHAR16 *Format, ...)
{
    CHAR16 Text[200];
    UINTN Index;
    va_list Arguments;
    EFI_EVENT Events[2] = {NULL};

    va_start(Arguments, Format);
    UnicodeVSPrint(Text, sizeof(Text), Format, Arguments);
    va_end(Arguments);
    if (BlFirmwareGone) {
        BlPutText(L"\r\netude: cannot start: ");
        BlPutText(Text);
        BlPutText(L"\r\n");
    } else {
        Print(L"\netude: cannot start: %s\n", Text);
    }
    BlOut(BL_DEBUG_EXIT_PORT, BL_DEBUG_EXIT_VALUE);
    while (BlFirmwareGone) {
        __asm__ volatile("cli; hlt");
    }
    /* Long enough to read it; a key is quicker. */
    Events[0] = ST->ConIn->WaitForKey;
    if (!EFI_ERROR(BS->CreateEvent(EVT_TIMER, TPL_APPLICATION, NULL, NULL, &Events[1]))) {
        BS->SetTimer(Events[1], TimerRelative, 30 * 10000000ULL);
        BS->WaitForEvent(2, Events, &Index);
    }
    BS->Exit(BlImage, EFI_LOAD_ERROR, 0, NULL);
    for (;;) {
    }
}

VOID BlStopForMemory(CHAR16 *What, UINTN Size)
{
    BlStop(L"not enough memory for %s: %ld KB are needed below 4 GB", What, (UINT64)Size / 1024);
}

VOID *BlTryAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size)
{
    EFI_PHYSICAL_ADDRESS Base = BL_LOW_LIMIT;
    UINTN Pages = (Size + BL_PAGE - 1) / BL_PAGE;

    return EFI_ERROR(BS->AllocatePages(AllocateMaxAddress, Type, Pages, &Base)) ? NULL
                                                                                : (VOID *)Base;
}

VOID *BlAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size, CHAR16 *What)
{
    VOID *Base = BlTryAllocateLow(Type, Size);

    if (Base == NULL) {
        BlStopForMemory(What, Size);
    }
    return Base;
}

/* Name is a file's name in the list of checksums, Sum what it has. */
static VOID BlCheckSum(CHAR16 *Path, const CHAR8 *Name, UINT32 Sum)
{
    static BL_FILE Sums;
    UINT32 Listed;

    if (Sums.Data == NULL && !BlReadFile(L"\\boot\\sums.txt", &Sums)) {
        return;
    }
    if (BlFindSum((char *)Sums.Data, Sums.Size, (char *)Name, &Listed) && Sum != Listed) {
        BlStop(L"%s is damaged: its checksum is %08x, not %08x", Path, Sum, Listed);
    }
}

static VOID BlReadKernel(BL_FILE *Kernel)
{
    if (!BlReadFile(KERNEL, Kernel)) {
        BlStop(L"%s is missing", KERNEL);
    }
    BlCheckSum(KERNEL, (CHAR8 *)"etude.elf", BlCrc32(0, Kernel->Data, Kernel->Size));
}

static VOID BlReadDisk(BL_PIECES *Disk)
{
    UINT32 Sum = 0;

    if (!BlReadPieces(DISK, Disk)) {
        BlStop(L"%s is missing", DISK);
    }
    for (UINTN i = 0; i < Disk->Count; i++) {
        Sum = BlCrc32(Sum, Disk->Piece[i].Data, Disk->Piece[i].Size);
    }
    BlCheckSum(DISK, (CHAR8 *)"bootdisk.cpio", Sum);
}

static BOOLEAN BlOverlaps(const BL_FILE *File, UINT64 Low, UINT64 High)
{
    return (UINT64)File->Data < High && (UINT64)File->Data + File->Size > Low;
}

/* The memory that the kernel is linked for belongs to nobody else from here on; if the firmware
 * uses some of it now, it is the firmware's own, and free when it goes (BlLeaveFirmware looks). */
static VOID BlReserveTarget(const BL_FILE *Kernel, UINT64 Low, UINT64 High)
{
    EFI_PHYSICAL_ADDRESS Base = Low;

    BS->AllocatePages(AllocateAddress, EfiLoaderData, (High - Low + BL_PAGE - 1) / BL_PAGE, &Base);
    if (BlOverlaps(Kernel, Low, High)) {
        BlStop(L"not enough memory: the kernel's file lies where the kernel must go");
    }
}

/* When the firmware used some of the target, the rest of it could be given to us for what the
 * kernel is told. */
static VOID BlCheckAllApart(const BL_DEPARTURE *Departure)
{
    UINT64 Low = Departure->Low, High = Departure->High;
    BL_FILE Info = {Departure->Info.Buffer, Departure->Info.Room};
    BOOLEAN Meet = BlOverlaps(&Departure->Enter, Low, High) || BlOverlaps(&Info, Low, High);

    for (UINTN i = 0; i < Departure->Disk.Count; i++) {
        Meet |= BlOverlaps(&Departure->Disk.Piece[i], Low, High);
    }
    if (Meet) {
        BlStop(L"not enough memory: what the kernel needs lies where the kernel must go");
    }
}

/* The command line is one line of a file, if there is that file. */
static VOID BlAddCommandLineFile(BL_INFO *Info)
{
    BL_FILE File;
    UINTN Length = 0;

    if (!BlReadFile(L"\\boot\\cmdline.txt", &File)) {
        BlAddCommandLine(Info, "");
        return;
    }
    while (Length < File.Size && Length < MAXIMUM_COMMAND_LINE && File.Data[Length] >= ' ') {
        Length++;
    }
    File.Data[Length] = 0;
    BlAddCommandLine(Info, (char *)File.Data);
}

static VOID BlDescribeMachine(BL_INFO *Info)
{
    BL_SCREEN Screen;

    BlBeginInfo(Info, BlAllocateLow(EfiLoaderData, INFO_ROOM, L"the memory map"), INFO_ROOM);
    BlAddLoaderName(Info, "UEFI");
    BlAddCommandLineFile(Info);
    BlFindRsdp(Info);
    if (BlFindScreen(&Screen)) {
        BlAddScreen(Info, &Screen);
    } else {
        Print(L"etude: no graphics: the console is on the first serial port.\n");
    }
}

/* Called by gnu-efi, in C's calling convention rather than the firmware's. The boot disk comes
 * last: it may use up what memory there is. */
EFI_STATUS efi_main(EFI_HANDLE Image, EFI_SYSTEM_TABLE *SystemTable)
{
    static BL_DEPARTURE Departure;
    BL_FILE Kernel, *Enter = &Departure.Enter;
    const char *Wrong;

    InitializeLib(Image, SystemTable);
    BlImage = Image;
    BlOpenVolume(Image);
    BlReadKernel(&Kernel);

    *Enter = (BL_FILE){BlAllocateLow(EfiLoaderCode, 2 * ENTER_ROOM, L"the loader"), 2 * ENTER_ROOM};
    Departure.Plan = (BL_PLAN *)(Enter->Data + ENTER_ROOM + ENTER_STACK);
    Wrong = BlPlanKernel(Kernel.Data, Kernel.Size, Departure.Plan, &Departure.Low, &Departure.High);
    if (Wrong != NULL) {
        BlStop(L"%s is damaged: %a", KERNEL, Wrong);
    }
    BlReserveTarget(&Kernel, Departure.Low, Departure.High);
    BlDescribeMachine(&Departure.Info);
    BlAllocateMaps(&Departure);
    BlReadDisk(&Departure.Disk);
    BlCheckAllApart(&Departure);
    CopyMem(Enter->Data, BlEnterStart, BlEnterEnd - BlEnterStart);
    BlLeaveFirmware(Image, &Departure);
    ((void(__attribute__((sysv_abi)) *)(BL_PLAN *))(UINTN)Enter->Data)(Departure.Plan);
    __builtin_unreachable();
}
