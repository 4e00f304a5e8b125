/*
 * main.c - the UEFI loader: \EFI\BOOT\BOOTX64.EFI on the system partition, beside the folder \boot with the
 * kernel, the boot disk, its checksums and, if one is wanted, the kernel's command line.
 *
 * Everything is read while the firmware can still complain about it. Then the firmware's services end, the
 * kernel goes to the place it is linked for, and is entered as from any multiboot2 loader.
 */
#include "../serial.h"
#include "firmware.h"

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

VOID *BlAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size, CHAR16 *What)
{
    EFI_PHYSICAL_ADDRESS Base = BL_LOW_LIMIT;

    if (EFI_ERROR(
            BS->AllocatePages(AllocateMaxAddress, Type, (Size + BL_PAGE - 1) / BL_PAGE, &Base))) {
        BlStop(L"not enough memory for %s: %ld KB are needed below 4 GB", What,
               (UINT64)Size / 1024);
    }
    return (VOID *)Base;
}

/* A file that Etude cannot do without, undamaged. Name is its name in the list of checksums. */
static BL_FILE BlReadChecked(CHAR16 *Path, const CHAR8 *Name, const BL_FILE *Sums)
{
    BL_FILE File;
    UINT32 Sum;

    if (!BlReadFile(Path, &File)) {
        BlStop(L"%s is missing", Path);
    }
    if (Sums->Data != NULL && BlFindSum((char *)Sums->Data, Sums->Size, (char *)Name, &Sum) &&
        Sum != BlCrc32(File.Data, File.Size)) {
        BlStop(L"%s is damaged: its checksum is %08x, not %08x", Path,
               BlCrc32(File.Data, File.Size), Sum);
    }
    return File;
}

static BOOLEAN BlOverlaps(const BL_FILE *File, UINT64 Low, UINT64 High)
{
    return (UINT64)File->Data < High && (UINT64)File->Data + File->Size > Low;
}

/* The memory that the kernel is linked for belongs to nobody else from here on; if the firmware uses some
 * of it now, it is the firmware's own, and free when it goes (BlLeaveFirmware looks). */
static VOID BlReserveTarget(const BL_FILE *Kernel, UINT64 Low, UINT64 High)
{
    EFI_PHYSICAL_ADDRESS Base = Low;

    BS->AllocatePages(AllocateAddress, EfiLoaderData, (High - Low + BL_PAGE - 1) / BL_PAGE, &Base);
    if (BlOverlaps(Kernel, Low, High)) {
        BlStop(L"not enough memory: the kernel's file lies where the kernel must go");
    }
}

/* When the firmware used some of the target, the rest of it could be given to us for what the kernel is told. */
static VOID BlCheckApart(const BL_FILE *File, UINT64 Low, UINT64 High)
{
    if (BlOverlaps(File, Low, High)) {
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

static VOID BlDescribeMachine(BL_INFO *Info, const BL_FILE *Disk)
{
    BL_SCREEN Screen;

    BlBeginInfo(Info, BlAllocateLow(EfiLoaderData, INFO_ROOM, L"the memory map"), INFO_ROOM);
    BlAddLoaderName(Info, "UEFI");
    BlAddCommandLineFile(Info);
    BlAddModule(Info, (UINT64)Disk->Data, Disk->Size);
    BlFindRsdp(Info);
    if (BlFindScreen(&Screen)) {
        BlAddScreen(Info, &Screen);
    } else {
        Print(L"etude: no graphics: the console is on the first serial port.\n");
    }
}

/* Called by gnu-efi, in C's calling convention rather than the firmware's. */
EFI_STATUS efi_main(EFI_HANDLE Image, EFI_SYSTEM_TABLE *SystemTable)
{
    BL_FILE Sums = {0}, Kernel, Disk;
    UINT64 Low, High;
    BL_INFO Info;
    UINT8 *Enter;
    BL_PLAN *Plan;
    const char *Wrong;

    InitializeLib(Image, SystemTable);
    BlImage = Image;
    BlOpenVolume(Image);
    BlReadFile(L"\\boot\\sums.txt", &Sums);
    Kernel = BlReadChecked(L"\\boot\\etude.elf", (CHAR8 *)"etude.elf", &Sums);

    Enter = BlAllocateLow(EfiLoaderCode, 2 * ENTER_ROOM, L"the loader");
    Plan = (BL_PLAN *)(Enter + ENTER_ROOM + ENTER_STACK);
    Wrong = BlPlanKernel(Kernel.Data, Kernel.Size, Plan, &Low, &High);
    if (Wrong != NULL) {
        BlStop(L"\\boot\\etude.elf is damaged: %a", Wrong);
    }
    BlReserveTarget(&Kernel, Low, High);
    Disk = BlReadChecked(L"\\boot\\bootdisk.cpio", (CHAR8 *)"bootdisk.cpio", &Sums);
    BlDescribeMachine(&Info, &Disk);
    Plan->Information = (UINT64)Info.Buffer;
    BlCheckApart(&Disk, Low, High);
    BlCheckApart(&(BL_FILE){Enter, 2 * ENTER_ROOM}, Low, High);
    BlCheckApart(&(BL_FILE){Info.Buffer, INFO_ROOM}, Low, High);
    CopyMem(Enter, BlEnterStart, BlEnterEnd - BlEnterStart);
    BlLeaveFirmware(Image, &Info, Low, High);
    ((void(__attribute__((sysv_abi)) *)(BL_PLAN *))(UINTN)Enter)(Plan);
    __builtin_unreachable();
}
