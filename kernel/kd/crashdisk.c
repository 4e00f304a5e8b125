/*
 * crashdisk.c - the disk that crash files are written to.
 *
 * A disk is taken for it only when its last sector begins with the mark: whoever made the disk has
 * given it away for that, and nothing else is ever overwritten. The search at start keeps the disk
 * open, so that its driver stays, and asks the driver for the routine that works after a crash.
 */
#include "ke.h"
#include "kd.h"
#include "crashfile.h"
#include <ntdddisk.h>

#define SECTOR 512
#define DISKS 8
#define DISK_NAME_DIGIT 16 /* in the name below */

static const CHAR KdpCrashMark[] = "Etude crash disk";
static CRASH_WRITER KdpCrashWriter; /* Write is NULL: there is no disk for it */

/* What a request is built with and waited for; it lies on the waiter's stack. */
typedef struct _KDP_DISK_CALL {
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus;
} KDP_DISK_CALL;

/* Irp, if there was memory for it, was built with Call's fields. */
static NTSTATUS KdpSendAndWait(PDEVICE_OBJECT Device, PIRP Irp, KDP_DISK_CALL *Call)
{
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Irp != NULL) {
        Status = IoCallDriver(Device, Irp);
    }
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Call->Event, Executive, KernelMode, FALSE, NULL);
        Status = Call->IoStatus.Status;
    }
    return Status;
}

static NTSTATUS KdpSendControl(PDEVICE_OBJECT Device, ULONG Code, PVOID Output, ULONG Size,
                               BOOLEAN Internal)
{
    KDP_DISK_CALL Call;

    KeInitializeEvent(&Call.Event, NotificationEvent, FALSE);
    return KdpSendAndWait(Device,
                          IoBuildDeviceIoControlRequest(Code, Device, NULL, 0, Output, Size,
                                                        Internal, &Call.Event, &Call.IoStatus),
                          &Call);
}

static NTSTATUS KdpReadSector(PDEVICE_OBJECT Device, ULONG64 Offset, PVOID Sector)
{
    LARGE_INTEGER At = {.QuadPart = (LONGLONG)Offset};
    KDP_DISK_CALL Call;

    KeInitializeEvent(&Call.Event, NotificationEvent, FALSE);
    return KdpSendAndWait(Device,
                          IoBuildSynchronousFsdRequest(IRP_MJ_READ, Device, Sector, SECTOR, &At,
                                                       &Call.Event, &Call.IoStatus),
                          &Call);
}

static BOOLEAN KdpIsMarked(PDEVICE_OBJECT Device)
{
    GET_LENGTH_INFORMATION Length;
    BOOLEAN Marked = FALSE;
    PVOID Sector = ExAllocatePool2(POOL_FLAG_NON_PAGED, SECTOR, 'sCdK');

    if (Sector != NULL &&
        NT_SUCCESS(
            KdpSendControl(Device, IOCTL_DISK_GET_LENGTH_INFO, &Length, sizeof(Length), FALSE)) &&
        Length.Length.QuadPart >= SECTOR &&
        NT_SUCCESS(KdpReadSector(Device, (ULONG64)Length.Length.QuadPart - SECTOR, Sector))) {
        Marked = memcmp(Sector, KdpCrashMark, sizeof(KdpCrashMark) - 1) == 0;
    }
    if (Sector != NULL) {
        ExFreePool(Sector);
    }
    return Marked;
}

/* FALSE: not marked, or not fit for it. */
static BOOLEAN KdpTakeCrashDisk(PDEVICE_OBJECT Device, ULONG Number)
{
    ULONG64 Needed = KD_CRASH_MEMORY_OFFSET + KdpHighestMemory() + SECTOR;
    CRASH_WRITER Writer;
    NTSTATUS Status;

    if (!KdpIsMarked(Device)) {
        return FALSE;
    }
    Status = KdpSendControl(Device, IOCTL_DISK_GET_CRASH_WRITER, &Writer, sizeof(Writer), TRUE);
    if (!NT_SUCCESS(Status)) {
        KdPrintf("Disk %u is marked for crash files, but its driver does not write any: %08x\n",
                 Number, Status);
        return FALSE;
    }
    if (Writer.Length < Needed) {
        KdPrintf("Disk %u is marked for crash files, but too small: %llu MB are needed\n", Number,
                 (Needed + 0xFFFFF) >> 20);
        return FALSE;
    }
    KdpCrashWriter = Writer;
    KdPrintf("Crash files go to disk %u\n", Number);
    return TRUE;
}

void KdFindCrashDisk(void)
{
    WCHAR Text[] = L"\\Device\\Harddisk0\\Partition0";
    UNICODE_STRING Name;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, Text); /* which refers to Text: a digit in it changes the name */
    for (ULONG i = 0; i < DISKS && KdpCrashWriter.Write == NULL; i++) {
        Text[DISK_NAME_DIGIT] = (WCHAR)(L'0' + i);
        if (!NT_SUCCESS(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device))) {
            return;
        }
        if (!KdpTakeCrashDisk(Device, i)) {
            ObDereferenceObject(File);
        }
    }
}

void KdWriteCrashFile(ULONG Owner)
{
    ULONG64 Written;
    NTSTATUS Status;

    if (KdpCrashWriter.Write == NULL) {
        return;
    }
    KdPrintf("\nWriting memory to the crash disk ...\n");
    Written = KdpWriteCrashFile(&KdpCrashWriter, Owner, &Status);
    if (Written != 0) {
        KdPrintf("Crash file: %llu MB written; `make analyze CRASH=file` opens it\n",
                 Written >> 20);
    } else {
        KdPrintf("Crash file: failed, %08x\n", Status);
    }
}
