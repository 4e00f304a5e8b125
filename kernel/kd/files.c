/*
 * files.c - console commands that show the boot disk.
 */
#include "ke.h"
#include "ldr.h"
#include "console.h"

#define DRIVE "c:\\"

typedef struct _KDP_LISTING {
    PKD_CONSOLE Console;
    const CHAR *Folder;   /* "drivers", "" for the top; either slash */
    const char *LastSub;  /* name of the last file below a sub-folder that was listed */
    SIZE_T LastSubLength; /* up to that sub-folder's end */
    ULONG Files;
    ULONG64 Bytes;
} KDP_LISTING, *PKDP_LISTING;

/* What follows Folder and a slash in Name, in any case and with either slash; NULL when Name does
 * not lie in Folder. A file stands for itself. */
static const char *NameInFolder(const char *Name, const CHAR *Folder)
{
    const char *Start = Name;
    if (*Folder == 0) {
        return Name;
    }
    for (; *Folder != 0; Name++, Folder++) {
        CHAR Wanted = *Folder == '\\' ? '/' : *Folder;
        if (Wanted == '/' && Folder[1] == 0) {
            break; /* a slash at the end says nothing more */
        }
        if (tolower(*Name) != tolower(Wanted)) {
            return NULL;
        }
    }
    if (*Name == 0) {
        return strrchr(Start, '/') != NULL ? strrchr(Start, '/') + 1 : Start;
    }
    return *Name == '/' ? Name + 1 : NULL;
}

static void PrintPath(PKD_CONSOLE Console, const char *Name, SIZE_T Length)
{
    CHAR Path[128];
    SIZE_T i;

    for (i = 0; i < Length && i < sizeof(Path) - 1; i++) {
        Path[i] = Name[i] == '/' ? '\\' : Name[i];
    }
    Path[i] = 0;
    KdConsolePrint(Console, DRIVE "%s\n", Path);
}

/* A sub-folder shows once, when its first file comes: an archive keeps a folder's files
 * together. */
static void ListSubFolder(PKDP_LISTING Listing, const char *Name, SIZE_T Length)
{
    if (Listing->LastSub != NULL && Listing->LastSubLength == Length &&
        _strnicmp(Listing->LastSub, Name, Length) == 0) {
        return;
    }
    Listing->LastSub = Name;
    Listing->LastSubLength = Length;
    KdConsolePrint(Listing->Console, "     <DIR>  ");
    PrintPath(Listing->Console, Name, Length);
}

static BOOLEAN ListFile(const char *Name, SIZE_T Size, PVOID Context)
{
    PKDP_LISTING Listing = Context;
    const char *Rest = NameInFolder(Name, Listing->Folder);
    const char *Slash = Rest != NULL ? strchr(Rest, '/') : NULL;

    if (Slash != NULL) {
        ListSubFolder(Listing, Name, (SIZE_T)(Slash - Name));
    } else if (Rest != NULL) {
        KdConsolePrint(Listing->Console, "%10Iu  ", Size);
        PrintPath(Listing->Console, Name, strlen(Name));
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
    if (Listing.Files == 0 && Listing.LastSub == NULL) {
        KdConsolePrint(Console, "There is no folder or file %s; `dir` lists all.\n", Argv[1]);
        return STATUS_NO_SUCH_FILE;
    }
    KdConsolePrint(Console, "%10I64u  bytes in %u files\n", Listing.Bytes, Listing.Files);
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("dir", "[FOLDER]", "list a folder of the boot disk", DirCommand);

/* Bytes go out as they are: what is no text is no text on the terminal either. */
static NTSTATUS TypeCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const UCHAR *Data;
    SIZE_T Size;

    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    if (!LdrFindFile(Argv[1], &Data, &Size)) {
        KdConsolePrint(Console, "There is no file %s; `dir` lists them.\n", Argv[1]);
        return STATUS_NO_SUCH_FILE;
    }
    KdConsoleWrite(Console, (const char *)Data, Size);
    if (Size != 0 && Data[Size - 1] != '\n') {
        KdConsolePrint(Console, "\n");
    }
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("type", "FILE", "print a file of the boot disk", TypeCommand);
