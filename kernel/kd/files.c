/*
 * files.c - console commands that show the boot disk.
 */
#include "ke.h"
#include "ldr.h"
#include "console.h"

#define DRIVE "c:\\"

typedef struct _KDP_LISTING {
    PKD_CONSOLE Console;
    const CHAR *Folder; /* "drivers/", "" for all; either slash */
    ULONG Files;
    ULONG64 Bytes;
} KDP_LISTING, *PKDP_LISTING;

/* Whether Name lies in Folder, in any case and with either slash. The folder may be written without
 * the slash at its end, and a file stands for itself. */
static BOOLEAN IsInFolder(const char *Name, const CHAR *Folder)
{
    for (; *Folder != 0; Name++, Folder++) {
        CHAR Wanted = *Folder == '\\' ? '/' : *Folder;
        if (tolower(*Name) != tolower(Wanted)) {
            return FALSE;
        }
    }
    return *Name == 0 || *Name == '/' || Folder[-1] == '\\' || Folder[-1] == '/';
}

static BOOLEAN ListFile(const char *Name, SIZE_T Size, PVOID Context)
{
    PKDP_LISTING Listing = Context;

    if (*Listing->Folder == 0 || IsInFolder(Name, Listing->Folder)) {
        CHAR Path[128];
        SIZE_T Length = 0;
        for (; *Name != 0 && Length < sizeof(Path) - 1; Name++) {
            Path[Length++] = *Name == '/' ? '\\' : *Name;
        }
        Path[Length] = 0;
        KdConsolePrint(Listing->Console, "%10Iu  " DRIVE "%s\n", Size, Path);
        Listing->Files++;
        Listing->Bytes += Size;
    }
    return TRUE;
}

/* The archive has no folders of its own, only names with slashes in them. */
static NTSTATUS DirCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    KDP_LISTING Listing = {.Console = Console, .Folder = Argc == 2 ? Argv[1] : ""};

    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    /* Names on the disk begin behind the drive and its backslash. */
    if (_strnicmp(Listing.Folder, "c:", 2) == 0) {
        Listing.Folder += 2;
    }
    while (*Listing.Folder == '\\' || *Listing.Folder == '/') {
        Listing.Folder++;
    }
    LdrEnumerateFiles(ListFile, &Listing);
    if (Listing.Files == 0) {
        return STATUS_NO_SUCH_FILE;
    }
    KdConsolePrint(Console, "%10I64u  bytes in %u files\n", Listing.Bytes, Listing.Files);
    return STATUS_SUCCESS;
}
KD_COMMAND("dir", "[FOLDER]", "list the files of the boot disk", DirCommand);

/* Bytes go out as they are: what is no text is no text on the terminal either. */
static NTSTATUS TypeCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const UCHAR *Data;
    SIZE_T Size;

    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    if (!LdrFindFile(Argv[1], &Data, &Size)) {
        return STATUS_NO_SUCH_FILE;
    }
    KdConsoleWrite(Console, (const char *)Data, Size);
    if (Size != 0 && Data[Size - 1] != '\n') {
        KdConsolePrint(Console, "\n");
    }
    return STATUS_SUCCESS;
}
KD_COMMAND("type", "FILE", "print a file of the boot disk", TypeCommand);
