/* zero.c - the console's `zero` command: the client of the book's chapter 7. */
#include <ntddk.h>
#include <kd.h>
#include <zero.h>

#define ZERO_CLIENT_TAG 'clZ0'
#define ZERO_MOST (16 << 20)

static NTSTATUS ZeroOpen(PHANDLE Handle)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(ZERO_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;

    return ZwOpenFile(Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes,
                      &StatusBlock, FILE_SHARE_READ | FILE_SHARE_WRITE,
                      FILE_SYNCHRONOUS_IO_NONALERT);
}

/* Reads into memory full of ones, and looks what has become of them. */
static NTSTATUS ZeroReadAndLook(PKD_CONSOLE Console, HANDLE Handle, PUCHAR Buffer, ULONG Length)
{
    IO_STATUS_BLOCK StatusBlock;
    ULONG Others = 0;
    NTSTATUS Status;

    RtlFillMemory(Buffer, Length, 0xFF);
    Status = ZwReadFile(Handle, NULL, NULL, NULL, &StatusBlock, Buffer, Length, NULL, NULL);
    if (NT_SUCCESS(Status)) {
        for (ULONG i = 0; i < Length; i++) {
            Others += Buffer[i] != 0;
        }
        KdConsolePrint(Console, "read %u bytes, %u of them not zero\n",
                       (ULONG)StatusBlock.Information, Others);
    }
    return Status;
}

static NTSTATUS ZeroWriteOut(PKD_CONSOLE Console, HANDLE Handle, PUCHAR Buffer, ULONG Length)
{
    IO_STATUS_BLOCK StatusBlock;
    NTSTATUS Status =
        ZwWriteFile(Handle, NULL, NULL, NULL, &StatusBlock, Buffer, Length, NULL, NULL);

    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "wrote %u bytes\n", (ULONG)StatusBlock.Information);
    }
    return Status;
}

static NTSTATUS ZeroTransfer(PKD_CONSOLE Console, HANDLE Handle, BOOLEAN Write, ULONG Length)
{
    PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_PAGED, max(Length, 1), ZERO_CLIENT_TAG);
    NTSTATUS Status;

    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = Write ? ZeroWriteOut(Console, Handle, Buffer, Length)
                   : ZeroReadAndLook(Console, Handle, Buffer, Length);
    ExFreePoolWithTag(Buffer, ZERO_CLIENT_TAG);
    return Status;
}

static NTSTATUS ZeroStatistics(PKD_CONSOLE Console, HANDLE Handle, BOOLEAN Clear)
{
    ZERO_STATISTICS Statistics;
    IO_STATUS_BLOCK StatusBlock;
    NTSTATUS Status;

    if (Clear) {
        return ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock,
                                     IOCTL_ZERO_CLEAR_STATISTICS, NULL, 0, NULL, 0);
    }
    Status =
        ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, IOCTL_ZERO_GET_STATISTICS,
                              NULL, 0, &Statistics, sizeof(Statistics));
    if (NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "read %I64d bytes, written %I64d bytes\n", Statistics.TotalRead,
                       Statistics.TotalWritten);
    }
    return Status;
}

static NTSTATUS ZeroCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Length = 0;
    BOOLEAN Read = Argc == 3 && _stricmp(Argv[1], "read") == 0;
    BOOLEAN Write = Argc == 3 && _stricmp(Argv[1], "write") == 0;
    BOOLEAN Statistics = Argc == 2 && _stricmp(Argv[1], "stats") == 0;
    BOOLEAN Clear = Argc == 2 && _stricmp(Argv[1], "clear") == 0;
    HANDLE Handle;
    NTSTATUS Status;

    if (!(Read || Write || Statistics || Clear) ||
        ((Read || Write) && (!KdParseNumber(Argv[2], &Length) || Length > ZERO_MOST))) {
        return KdConsoleUsage(Console);
    }
    Status = ZeroOpen(&Handle);
    if (!NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "the device cannot be opened; has `sc start zero` been run?\n");
        return Status;
    }
    Status = Read || Write ? ZeroTransfer(Console, Handle, Write, (ULONG)Length)
                           : ZeroStatistics(Console, Handle, Clear);
    ZwClose(Handle);
    return Status;
}
KD_COMMAND("zero", "read BYTES, write BYTES, stats, clear", "use the zero device", ZeroCommand);
