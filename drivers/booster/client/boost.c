/*
 * boost.c - the console's `boost` command: the client of the book's chapter 4, which sets a thread's
 * priority through the booster.
 */
#include <ntddk.h>
#include <booster.h>
#include <kd.h>

static NTSTATUS BoostOpen(PHANDLE Handle)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(BOOSTER_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;

    return ZwOpenFile(Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
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
        KdConsolePrint(Console, "the booster cannot be opened; has `sc start booster` been run?\n");
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
