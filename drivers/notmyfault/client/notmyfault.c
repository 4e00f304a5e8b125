/* notmyfault.c - the console's `notmyfault` command: loads the faulty driver and has it commit a
 * fault. */
#include <ntddk.h>
#include <kd.h>
#include <notmyfault.h>

#define NOTMYFAULT_SERVICE L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\notmyfault"

static const struct {
    const char *Name, *What;
} NotMyFaults[] = {
#define NOTMYFAULT_LINE(Routine, Name, What) {Name, What},
    NOTMYFAULT_FAULTS(NOTMYFAULT_LINE)
#undef NOTMYFAULT_LINE
};

/* Asynchronous: the request that hangs must not hang the console too. */
static NTSTATUS NotMyFaultCommit(ULONG Fault)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(NOTMYFAULT_SERVICE);
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NOTMYFAULT_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes =
        RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE);
    static IO_STATUS_BLOCK
        StatusBlock; /* static: it must outlive a request that is never completed */
    HANDLE Handle;
    NTSTATUS Status = ZwLoadDriver(&Service);

    if (!NT_SUCCESS(Status) && Status != STATUS_IMAGE_ALREADY_LOADED) {
        return Status;
    }
    Status = ZwOpenFile(&Handle, FILE_READ_DATA | FILE_WRITE_DATA, &Attributes, &StatusBlock,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, 0);
    if (NT_SUCCESS(Status)) {
        Status = ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock,
                                       IOCTL_NOTMYFAULT(Fault), NULL, 0, NULL, 0);
        ZwClose(Handle);
    }
    return Status;
}

static NTSTATUS NotMyFaultCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    if (Argc == 1) {
        for (ULONG i = 0; i < ARRAYSIZE(NotMyFaults); i++) {
            KdConsolePrint(Console, "  %-14s %s\n", NotMyFaults[i].Name, NotMyFaults[i].What);
        }
        return STATUS_SUCCESS;
    }
    for (ULONG i = 0; i < ARRAYSIZE(NotMyFaults); i++) {
        if (Argc == 2 && _stricmp(Argv[1], NotMyFaults[i].Name) == 0) {
            NTSTATUS Status = NotMyFaultCommit(i);

            if (Status == STATUS_PENDING) {
                KdConsolePrint(Console, "The request is pending, and will be for ever.\n");
            }
            return Status;
        }
    }
    if (Argc == 2) {
        KdConsolePrint(Console, "No fault is called %s; `notmyfault` lists them.\n", Argv[1]);
    }
    return KdConsoleUsage(Console);
}
KD_COMMAND("notmyfault", "[FAULT]", "let a faulty driver do what crashes machines, or list it",
           NotMyFaultCommand);
