/* volume.c - files of the partition that the firmware started the loader from. */
#include "firmware.h"

static EFI_FILE_HANDLE BlRoot;

VOID BlOpenVolume(EFI_HANDLE Image)
{
    EFI_LOADED_IMAGE *Loaded;

    if (EFI_ERROR(BS->HandleProtocol(Image, &LoadedImageProtocol, (VOID **)&Loaded))) {
        BlStop(L"the firmware does not say where the loader came from");
    }
    BlRoot = LibOpenRoot(Loaded->DeviceHandle);
    if (BlRoot == NULL) {
        BlStop(L"the partition that the loader came from cannot be read");
    }
}

static UINTN BlFileSize(CHAR16 *Name, EFI_FILE_HANDLE Handle)
{
    EFI_FILE_INFO *Information = LibFileInfo(Handle);
    UINT64 Size;

    if (Information == NULL) {
        BlStop(L"%s: its size is not known", Name);
    }
    Size = Information->FileSize;
    FreePool(Information);
    return Size;
}

BOOLEAN BlReadFile(CHAR16 *Name, BL_FILE *File)
{
    EFI_FILE_HANDLE Handle;
    EFI_STATUS Status = BlRoot->Open(BlRoot, &Handle, Name, EFI_FILE_MODE_READ, 0);
    UINTN Size, Read;

    if (Status == EFI_NOT_FOUND) {
        return FALSE;
    }
    if (EFI_ERROR(Status)) {
        BlStop(L"%s: %r", Name, Status);
    }
    Size = BlFileSize(Name, Handle);
    File->Data = BlAllocateLow(EfiLoaderData, Size + 1, Name);
    File->Size = Size;
    Read = Size;
    Status = Handle->Read(Handle, &Read, File->Data);
    Handle->Close(Handle);
    if (EFI_ERROR(Status)) {
        BlStop(L"%s: %r", Name, Status);
    }
    if (Read != Size) {
        BlStop(L"%s is cut short: %ld of %ld bytes", Name, (UINT64)Read, (UINT64)Size);
    }
    File->Data[Size] = 0;
    return TRUE;
}
