/*
 * boost.c - the console's `boost` command: the client of the book's chapter 4, which sets a
 * thread's priority through the booster, or through booster2.
 */
#include <ntddk.h>
#include <booster.h>
#include <kd.h>

static NTSTATUS BoostOpenDevice(PCWSTR Device, PHANDLE Handle)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK StatusBlock;

    RtlInitUnicodeString(&Name, Device);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return ZwOpenFile(Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
}

/* Whichever of the two is there; both understand the same requests. */
static NTSTATUS BoostOpen(PHANDLE Handle)
{
    NTSTATUS Status = BoostOpenDevice(BOOSTER_SYMLINK_NAME, Handle);

    return NT_SUCCESS(Status) ? Status : BoostOpenDevice(BOOSTER2_SYMLINK_NAME, Handle);
}

static NTSTATUS BoostCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 ThreadId, Priority;
    BOOSTER_REQUEST Request;
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle;
    NTSTATUS Status;

    if (Argc != 3 || !KdParseNumber(Argv[1], &ThreadId) || !KdParseNumber(Argv[2], &Priority) ||
        ThreadId > MAXULONG || Priority > MAXLONG) {
        return KdConsoleUsage(Console);
    }
    Status = BoostOpen(&Handle);
    if (!NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "no booster can be opened; has `sc start booster` been run?\n");
        return Status;
    }
    Request = (BOOSTER_REQUEST){.ThreadId = (ULONG)ThreadId, .Priority = (LONG)Priority};
    Status =
        ZwWriteFile(Handle, NULL, NULL, NULL, &StatusBlock, &Request, sizeof(Request), NULL, NULL);
    ZwClose(Handle);
    return Status;
}
KD_COMMAND("boost", "THREAD-ID PRIORITY", "set a thread's priority, 1 to 31, by the booster driver",
           BoostCommand);
