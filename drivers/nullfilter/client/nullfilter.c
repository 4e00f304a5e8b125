/* nullfilter.c - the console's `nullfilter` command: puts the null filter on a device and shows
 * what it has counted. */
#include <ntddk.h>
#include <kd.h>
#include <nullfilter.h>

#define NULLFILTER_MOST 128 /* characters of a device's name */

static NTSTATUS NullFilterRequest(ULONG Code, PVOID Input, ULONG InputLength, PVOID Output,
                                  ULONG OutputLength)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NULLFILTER_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle;
    NTSTATUS Status;

    Status =
        ZwOpenFile(&Handle, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes,
                   &StatusBlock, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    if (NT_SUCCESS(Status)) {
        Status = ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, Code, Input,
                                       InputLength, Output, OutputLength);
        ZwClose(Handle);
    }
    return Status;
}

static NTSTATUS NullFilterAttach(const char *Device)
{
    WCHAR Name[NULLFILTER_MOST];
    ULONG Length = 0;

    for (; Device[Length] != '\0'; Length++) {
        if (Length == NULLFILTER_MOST) {
            return STATUS_NAME_TOO_LONG;
        }
        Name[Length] = (UCHAR)Device[Length];
    }
    return NullFilterRequest(IOCTL_NULLFILTER_ATTACH, Name, Length * sizeof(WCHAR), NULL, 0);
}

static NTSTATUS NullFilterShow(PKD_CONSOLE Console)
{
    static const char *const Names[NULLFILTER_MAJORS] = {
        [IRP_MJ_CREATE] = "create",
        [IRP_MJ_CLOSE] = "close",
        [IRP_MJ_READ] = "read",
        [IRP_MJ_WRITE] = "write",
        [IRP_MJ_FLUSH_BUFFERS] = "flush",
        [IRP_MJ_DEVICE_CONTROL] = "device control",
        [IRP_MJ_INTERNAL_DEVICE_CONTROL] = "internal control",
        [IRP_MJ_CLEANUP] = "cleanup",
    };
    NULLFILTER_COUNTS Counts;
    NTSTATUS Status = NullFilterRequest(IOCTL_NULLFILTER_QUERY, NULL, 0, &Counts, sizeof(Counts));

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; i < NULLFILTER_MAJORS; i++) {
        if (Counts.Passed[i] != 0 && Names[i] != NULL) {
            KdConsolePrint(Console, "%6u %s\n", Counts.Passed[i], Names[i]);
        } else if (Counts.Passed[i] != 0) {
            KdConsolePrint(Console, "%6u major function %u\n", Counts.Passed[i], i);
        }
    }
    KdConsolePrint(Console, "%6u have come back, %u of them with an error; %s\n", Counts.Completed,
                   Counts.Failed, Counts.Attached ? "attached" : "not attached");
    return STATUS_SUCCESS;
}

static NTSTATUS NullFilterCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc == 3 && _stricmp(Argv[1], "attach") == 0) {
        return NullFilterAttach(Argv[2]);
    }
    if (Argc == 2 && _stricmp(Argv[1], "detach") == 0) {
        return NullFilterRequest(IOCTL_NULLFILTER_DETACH, NULL, 0, NULL, 0);
    }
    if (Argc == 2 && _stricmp(Argv[1], "stats") == 0) {
        return NullFilterShow(Console);
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("nullfilter", "attach DEVICE, detach, stats", "count a device's requests by a filter",
           NullFilterCommand);
