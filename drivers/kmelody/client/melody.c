/*
 * melody.c - the console's `melody` command: a client of the melody player, as the book's chapter 8
 * writes one. It runs in the kernel, so it calls the system services by their Zw names.
 */
#include <ntddk.h>
#include <kmelody.h>
#include <kd.h>
#include <ldr.h>
#include "rtttl.h"

#define MELODY_CLIENT_TAG 'cleM'
#define MELODY_FOLDER "c:\\music\\"
#define MELODY_MAXIMUM_PATH 128

static NTSTATUS MelodyOpen(PHANDLE Handle)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MELODY_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;

    return ZwOpenFile(Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
}

/* One request to the player, through a handle of its own. */
static NTSTATUS MelodyRequest(ULONG Code, PVOID Input, ULONG InputSize)
{
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle;
    NTSTATUS Status = MelodyOpen(&Handle);

    if (NT_SUCCESS(Status)) {
        Status = ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, Code, Input,
                                       InputSize, NULL, 0);
        ZwClose(Handle);
    }
    return Status;
}

/* Finds a tune by its path, or by its name in c:\music with or without the extension. */
static BOOLEAN MelodyFindFile(const char *Name, const UCHAR **Data, SIZE_T *Size)
{
    static const char *const Ends[] = {"", ".rtttl"};
    char Path[MELODY_MAXIMUM_PATH];
    SIZE_T Folder = sizeof(MELODY_FOLDER) - 1, Length = strlen(Name);

    if (LdrFindFile(Name, Data, Size)) {
        return TRUE;
    }
    for (ULONG i = 0; i < ARRAYSIZE(Ends); i++) {
        if (Folder + Length + strlen(Ends[i]) + 1 > sizeof(Path)) {
            break;
        }
        RtlCopyMemory(Path, MELODY_FOLDER, Folder);
        RtlCopyMemory(Path + Folder, Name, Length);
        RtlCopyMemory(Path + Folder + Length, Ends[i], strlen(Ends[i]) + 1);
        if (LdrFindFile(Path, Data, Size)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* RTTTL text has a colon, and so has a path, before a slash. */
static BOOLEAN MelodyIsText(const char *Text)
{
    const char *Colon = strchr(Text, ':');

    return Colon != NULL && Colon[1] != '\\' && Colon[1] != '/';
}

static NTSTATUS MelodyPlayTune(PKD_CONSOLE Console, const char *Text, SIZE_T Length,
                               PMELODY_NOTE Notes)
{
    RTTTL_RESULT Tune;
    NTSTATUS Status;

    if (!RtttlParse(Text, Length, Notes, MELODY_QUEUE_LIMIT, &Tune)) {
        KdConsolePrint(Console, "not a tune: column %u: %s\n", Tune.Column, Tune.Reason);
        return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
    }
    Status = MelodyRequest(IOCTL_MELODY_PLAY, Notes, Tune.NoteCount * sizeof(*Notes));
    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "%.*s: %u note%s, %u.%u s\n", (int)Tune.NameLength, Tune.Name,
                       Tune.NoteCount, Tune.NoteCount == 1 ? "" : "s", Tune.Milliseconds / 1000,
                       Tune.Milliseconds / 100 % 10);
    } else if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        KdConsolePrint(Console, "no room for %u notes: try again when some have been played\n",
                       Tune.NoteCount);
        KdConsoleReported(Console, Status);
    }
    return Status;
}

/* Tune: a file, or the text itself, which may hold blanks and so is not what Argv has. */
static NTSTATUS MelodyPlay(PKD_CONSOLE Console, const char *Name, const char *Tune)
{
    const UCHAR *Data = (const UCHAR *)Tune;
    SIZE_T Size = strlen(Tune);
    PMELODY_NOTE Notes;
    NTSTATUS Status;

    if (!MelodyFindFile(Name, &Data, &Size) && !MelodyIsText(Tune)) {
        KdConsolePrint(Console, "%s: no such file, and no tune either\n", Name);
        return KdConsoleReported(Console, STATUS_NO_SUCH_FILE);
    }
    Notes =
        ExAllocatePool2(POOL_FLAG_PAGED, MELODY_QUEUE_LIMIT * sizeof(*Notes), MELODY_CLIENT_TAG);
    if (Notes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MelodyPlayTune(Console, (const char *)Data, Size, Notes);
    ExFreePoolWithTag(Notes, MELODY_CLIENT_TAG);
    return Status;
}

static const char *MelodySkipWord(const char *Text)
{
    while (*Text != '\0' && *Text != ' ' && *Text != '\t') {
        Text++;
    }
    while (*Text == ' ' || *Text == '\t') {
        Text++;
    }
    return Text;
}

static NTSTATUS MelodyCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    const char *Arguments = KdConsoleRawArguments(Console);

    if (Argc >= 3 && _stricmp(Argv[1], "play") == 0) {
        return MelodyPlay(Console, Argv[2], MelodySkipWord(Arguments));
    }
    if (Argc == 2 && _stricmp(Argv[1], "wait") == 0) {
        return MelodyRequest(IOCTL_MELODY_WAIT, NULL, 0);
    }
    if (Argc == 2 && _stricmp(Argv[1], "stop") == 0) {
        return MelodyRequest(IOCTL_MELODY_STOP, NULL, 0);
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("melody", "play FILE|TUNE, wait, stop", "play tunes in RTTTL on the speaker",
           MelodyCommand);
