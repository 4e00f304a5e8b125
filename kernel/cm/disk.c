/*
 * disk.c - the device that the registry's disk is: the first disk there is, as a whole. It is
 * opened for each use, so that its driver can be stopped in between.
 */
#include "cmp.h"
#include "hive.h"

#define CMP_DISK L"\\Device\\Harddisk0\\Partition0"
#define CMP_TRANSFER 128 /* sectors read or written at once */
#define CMP_GET_LENGTH CTL_CODE(FILE_DEVICE_DISK, 0x17, METHOD_BUFFERED, FILE_READ_ACCESS)

static NTSTATUS CmpTransfer(HANDLE File, ULONG64 Sector, PUCHAR Buffer, ULONG Count, BOOLEAN Write)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (NT_SUCCESS(Status) && Count != 0) {
        ULONG Some = min(Count, CMP_TRANSFER), Length = Some * HIVE_SECTOR;
        LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)(Sector * HIVE_SECTOR)};
        IO_STATUS_BLOCK IoStatus;
        Status = Write
                     ? ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Buffer, Length, &Offset, NULL)
                     : ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, Length, &Offset, NULL);
        if (NT_SUCCESS(Status) && IoStatus.Information != Length) {
            Status = STATUS_IO_DEVICE_ERROR; /* a disk that ends early */
        }
        Sector += Some;
        Count -= Some;
        Buffer += Length;
    }
    return Status;
}

static NTSTATUS CmpReadDisk(PVOID Context, ULONG64 Sector, PVOID Buffer, ULONG Count)
{
    return CmpTransfer(Context, Sector, Buffer, Count, FALSE);
}

static NTSTATUS CmpWriteDisk(PVOID Context, ULONG64 Sector, const VOID *Buffer, ULONG Count)
{
    return CmpTransfer(Context, Sector, (PUCHAR)(ULONG_PTR)Buffer, Count, TRUE);
}

static NTSTATUS CmpFlushDisk(PVOID Context)
{
    IO_STATUS_BLOCK IoStatus;

    return ZwFlushBuffersFile(Context, &IoStatus);
}

NTSTATUS CmpOpenDisk(PHIVE_DISK Disk)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(CMP_DISK);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Length;
    HANDLE File;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    Status = ZwOpenFile(&File, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &IoStatus,
                        0, FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwDeviceIoControlFile(File, NULL, NULL, NULL, &IoStatus, CMP_GET_LENGTH, NULL, 0,
                                   &Length, sizeof(Length));
    if (!NT_SUCCESS(Status)) {
        ZwClose(File);
        return Status;
    }
    *Disk = (HIVE_DISK){(ULONG64)Length.QuadPart / HIVE_SECTOR, File, CmpReadDisk, CmpWriteDisk,
                        CmpFlushDisk};
    return STATUS_SUCCESS;
}

void CmpCloseDisk(PHIVE_DISK Disk)
{
    ZwClose(Disk->Context);
}
