/*
 * busy.c - stands in the loader's place on the system partition and starts it, as
 * \EFI\BOOT\LOADER.EFI, on a firmware where something still happens: as often as the file \busy.txt
 * says, a page of memory is taken just before the firmware's services are to end. The memory map
 * that the loader has read is old then, and the real firmware refuses.
 */
#include <efi.h>
#include <efilib.h>

static EFI_EXIT_BOOT_SERVICES BusyRealExit;
static UINTN BusyLeft;

static EFI_STATUS EFIAPI BusyExitBootServices(EFI_HANDLE Image, UINTN Key)
{
    EFI_PHYSICAL_ADDRESS Page;

    if (BusyLeft > 0) {
        BusyLeft--;
        BS->AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &Page);
    }
    return BusyRealExit(Image, Key);
}

/* The number in \busy.txt. */
static EFI_STATUS BusyReadCount(EFI_HANDLE Volume)
{
    CHAR8 Text[8] = {0};
    UINTN Size = sizeof(Text) - 1;
    EFI_FILE_HANDLE Root = LibOpenRoot(Volume), File;
    EFI_STATUS Status = Root->Open(Root, &File, L"\\busy.txt", EFI_FILE_MODE_READ, 0);

    if (EFI_ERROR(Status)) {
        return Status;
    }
    Status = File->Read(File, &Size, Text);
    for (const CHAR8 *Digit = Text; *Digit >= '0' && *Digit <= '9'; Digit++) {
        BusyLeft = BusyLeft * 10 + (*Digit - '0');
    }
    File->Close(File);
    return Status;
}

EFI_STATUS efi_main(EFI_HANDLE Image, EFI_SYSTEM_TABLE *SystemTable)
{
    EFI_LOADED_IMAGE *Self;
    EFI_HANDLE Loader;
    EFI_STATUS Status;

    InitializeLib(Image, SystemTable);
    Status = BS->HandleProtocol(Image, &LoadedImageProtocol, (VOID **)&Self);
    if (!EFI_ERROR(Status)) {
        Status = BusyReadCount(Self->DeviceHandle);
    }
    if (!EFI_ERROR(Status)) {
        Status = BS->LoadImage(FALSE, Image,
                               FileDevicePath(Self->DeviceHandle, L"\\EFI\\BOOT\\LOADER.EFI"), NULL,
                               0, &Loader);
    }
    if (EFI_ERROR(Status)) {
        Print(L"busy: %r\n", Status);
        return Status;
    }
    BusyRealExit = BS->ExitBootServices;
    BS->ExitBootServices = BusyExitBootServices;
    return BS->StartImage(Loader, NULL, NULL);
}
