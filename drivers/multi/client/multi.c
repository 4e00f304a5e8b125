/* multi.c - the console's `multi` command: puts messages into the mailbox and takes them out. */
#include <ntddk.h>
#include <kd.h>
#include <multi.h>

static NTSTATUS MultiOpen(PHANDLE Handle)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MULTI_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;

    return ZwOpenFile(Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes,
                      &StatusBlock, FILE_SHARE_READ | FILE_SHARE_WRITE,
                      FILE_SYNCHRONOUS_IO_NONALERT);
}

static NTSTATUS MultiPutText(HANDLE Handle, const char *Text)
{
    IO_STATUS_BLOCK StatusBlock;

    return ZwWriteFile(Handle, NULL, NULL, NULL, &StatusBlock, (PVOID)Text, (ULONG)strlen(Text),
                       NULL, NULL);
}

static NTSTATUS MultiGetText(PKD_CONSOLE Console, HANDLE Handle)
{
    CHAR Text[MULTI_MAXIMUM_BYTES];
    IO_STATUS_BLOCK StatusBlock;
    NTSTATUS Status =
        ZwReadFile(Handle, NULL, NULL, NULL, &StatusBlock, Text, sizeof(Text), NULL, NULL);

    if (NT_SUCCESS(Status)) {
        KdConsoleWrite(Console, Text, StatusBlock.Information);
        KdConsolePrint(Console, "\n");
    }
    return Status;
}

static NTSTATUS MultiShow(PKD_CONSOLE Console, HANDLE Handle)
{
    MULTI_STATE State;
    IO_STATUS_BLOCK StatusBlock;
    NTSTATUS Status = ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock,
                                            IOCTL_MULTI_QUERY, NULL, 0, &State, sizeof(State));

    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console,
                       "%u waiting of %I64u written; lookaside list: %I64u taken, %I64u missed\n",
                       State.Waiting, State.Written, State.Allocations, State.Misses);
    }
    return Status;
}

static NTSTATUS MultiCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    BOOLEAN Put = Argc == 3 && _stricmp(Argv[1], "put") == 0;
    BOOLEAN Get = Argc == 2 && _stricmp(Argv[1], "get") == 0;
    BOOLEAN Show = Argc == 2 && _stricmp(Argv[1], "stats") == 0;
    HANDLE Handle;
    NTSTATUS Status;

    if (!Put && !Get && !Show) {
        return KdConsoleUsage(Console);
    }
    Status = MultiOpen(&Handle);
    if (!NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "the mailbox cannot be opened; has `sc start multi` been run?\n");
        return Status;
    }
    Status = Put   ? MultiPutText(Handle, Argv[2])
             : Get ? MultiGetText(Console, Handle)
                   : MultiShow(Console, Handle);
    ZwClose(Handle);
    return Status;
}
KD_COMMAND("multi", "put WORD, get, stats", "use the mailbox driver", MultiCommand);
