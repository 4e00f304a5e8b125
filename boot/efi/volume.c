/* volume.c - files of the partition that the firmware started the loader from. */
#include "firmware.h"

#define SMALLEST_PIECE 65536

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

/* FALSE: there is none. */
static BOOLEAN BlOpenFile(CHAR16 *Name, EFI_FILE_HANDLE *Handle, UINTN *Size)
{
    EFI_STATUS Status = BlRoot->Open(BlRoot, Handle, Name, EFI_FILE_MODE_READ, 0);

    if (Status == EFI_NOT_FOUND) {
        return FALSE;
    }
    if (EFI_ERROR(Status)) {
        BlStop(L"%s: %r", Name, Status);
    }
    *Size = BlFileSize(Name, *Handle);
    return TRUE;
}

static VOID BlReadOn(CHAR16 *Name, EFI_FILE_HANDLE Handle, VOID *Data, UINTN Size)
{
    UINTN Read = Size;
    EFI_STATUS Status = Handle->Read(Handle, &Read, Data);

    if (EFI_ERROR(Status)) {
        BlStop(L"%s: %r", Name, Status);
    }
    if (Read != Size) {
        BlStop(L"%s is cut short: %ld bytes instead of %ld", Name, (UINT64)Read, (UINT64)Size);
    }
}

BOOLEAN BlReadFile(CHAR16 *Name, BL_FILE *File)
{
    EFI_FILE_HANDLE Handle;
    UINTN Size;

    if (!BlOpenFile(Name, &Handle, &Size)) {
        return FALSE;
    }
    File->Data = BlAllocateLow(EfiLoaderData, Size + 1, Name);
    File->Size = Size;
    BlReadOn(Name, Handle, File->Data, Size);
    Handle->Close(Handle);
    File->Data[Size] = 0;
    return TRUE;
}

/* The whole of what is left, or half of it, and so on. */
static BL_FILE BlAllocatePiece(CHAR16 *Name, UINTN Left, UINTN Whole)
{
    BL_FILE Piece = {NULL, Left};

    while ((Piece.Data = BlTryAllocateLow(EfiLoaderData, Piece.Size)) == NULL) {
        if (Piece.Size < 2 * SMALLEST_PIECE) {
            BlStopForMemory(Name, Whole);
        }
        Piece.Size = (Piece.Size / 2 + BL_PAGE - 1) / BL_PAGE * BL_PAGE;
    }
    return Piece;
}

static VOID BlAllocatePieces(CHAR16 *Name, BL_PIECES *Pieces)
{
    UINTN Left = Pieces->Size;

    for (Pieces->Count = 0; Left != 0; Pieces->Count++) {
        if (Pieces->Count == BL_MAXIMUM_PIECES) {
            BlStopForMemory(Name, Pieces->Size);
        }
        Pieces->Piece[Pieces->Count] = BlAllocatePiece(Name, Left, Pieces->Size);
        Left -= Pieces->Piece[Pieces->Count].Size;
    }
}

BOOLEAN BlReadPieces(CHAR16 *Name, BL_PIECES *Pieces)
{
    EFI_FILE_HANDLE Handle;

    if (!BlOpenFile(Name, &Handle, &Pieces->Size)) {
        return FALSE;
    }
    BlAllocatePieces(Name, Pieces);
    for (UINTN i = 0; i < Pieces->Count; i++) {
        BlReadOn(Name, Handle, Pieces->Piece[i].Data, Pieces->Piece[i].Size);
    }
    Handle->Close(Handle);
    return TRUE;
}
