/*
 * beep.c - the console's `beep` command: a client of the Beep device, as the book's chapter 8
 * writes one. It runs in the kernel, so it calls the system services by their Zw names.
 */
#include <ntddk.h>
#include <ntddbeep.h>
#include <kd.h>

static NTSTATUS BeepOpen(PHANDLE Handle)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;

    return ZwOpenFile(Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
}

static NTSTATUS BeepPlay(ULONG Hertz, ULONG Milliseconds)
{
    BEEP_SET_PARAMETERS Parameters = {.Frequency = Hertz, .Duration = Milliseconds};
    LARGE_INTEGER Interval = {.QuadPart = -10000LL * Milliseconds};
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle;
    NTSTATUS Status = BeepOpen(&Handle);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, IOCTL_BEEP_SET,
                                   &Parameters, sizeof(Parameters), NULL, 0);
    if (NT_SUCCESS(Status)) {
        /* The request ends when the tone begins, and closing the handle would end the tone. */
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
    ZwClose(Handle);
    return Status;
}

static NTSTATUS BeepCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Hertz, Milliseconds;

    if (Argc != 3 || !KdParseNumber(Argv[1], &Hertz) || !KdParseNumber(Argv[2], &Milliseconds) ||
        Hertz > MAXULONG || Milliseconds >= MAXULONG) {
        return KdConsoleUsage(Console);
    }
    return BeepPlay((ULONG)Hertz, (ULONG)Milliseconds);
}
KD_COMMAND("beep", "HZ MS", "sound the speaker and wait for the end", BeepCommand);
