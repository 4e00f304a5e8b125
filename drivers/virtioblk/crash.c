/*
 * crash.c - writing to the disk after a bugcheck, when nothing of the system can be relied on.
 *
 * Whatever the queue held is given up: the device is reset, which ends its access to memory, and
 * gets the same queue again, empty and without interrupts. Then there is one request at a time, in
 * slot 0, whose end is waited for by looking. No locks: all other processors have stopped.
 */
#include "virtioblk.h"

#define POLL_US 20
#define POLL_LIMIT (10 * 1000 * 1000 / POLL_US) /* ten seconds: a host may be busy */

static VOID VblkDescribe(PVBLK_DESCRIPTOR Descriptor, PHYSICAL_ADDRESS Address, ULONG Length,
                         USHORT Flags, USHORT Next)
{
    Descriptor->Address = (ULONG64)Address.QuadPart;
    Descriptor->Length = Length;
    Descriptor->Flags = Flags;
    Descriptor->Next = Next;
}

static NTSTATUS VblkPoll(PVBLK_EXTENSION Extension)
{
    for (ULONG i = 0; i < POLL_LIMIT; i++) {
        if (Extension->Shared->Used.Index != Extension->UsedIndex) {
            Extension->UsedIndex++;
            return Extension->Shared->Status[0] == VblkStatusOk ? STATUS_SUCCESS
                                                                : STATUS_IO_DEVICE_ERROR;
        }
        KeStallExecutionProcessor(POLL_US);
    }
    return STATUS_IO_TIMEOUT;
}

static NTSTATUS NTAPI VblkCrashWrite(PVOID Context, ULONG64 Offset, PHYSICAL_ADDRESS Address,
                                     ULONG Length)
{
    PVBLK_EXTENSION Extension = Context;
    PVBLK_SHARED Shared = Extension->Shared;
    USHORT Index;
    NTSTATUS Status;

    if (Offset % VBLK_SECTOR != 0 || Length % VBLK_SECTOR != 0 || Length > CRASH_WRITE_MAXIMUM ||
        Offset > Extension->Length || Length > Extension->Length - Offset) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Extension->Crashed) {
        Status = VblkRestartDevice(Extension);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Extension->Crashed = TRUE;
    }
    Shared->Header[0] = (VBLK_HEADER){.Type = VblkTypeWrite, .Sector = Offset / VBLK_SECTOR};
    Shared->Status[0] = VblkStatusNone;
    VblkDescribe(&Shared->Descriptor[0], MmGetPhysicalAddress(&Shared->Header[0]),
                 sizeof(VBLK_HEADER), VBLK_DESCRIPTOR_NEXT, 1);
    VblkDescribe(&Shared->Descriptor[1], Address, Length, VBLK_DESCRIPTOR_NEXT, 2);
    VblkDescribe(&Shared->Descriptor[2], MmGetPhysicalAddress((PVOID)&Shared->Status[0]), 1,
                 VBLK_DESCRIPTOR_WRITE, 0);
    Index = Shared->Available.Index;
    Shared->Available.Ring[Index % VBLK_QUEUE_SIZE] = 0;
    KeMemoryBarrier();
    Shared->Available.Index = Index + 1;
    KeMemoryBarrier();
    VblkNotifyDevice(Extension);
    return VblkPoll(Extension);
}

NTSTATUS VblkGetCrashWriter(PVBLK_EXTENSION Extension, PCRASH_WRITER Writer, ULONG Room)
{
    if (Room < sizeof(*Writer)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Extension->ReadOnly) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    *Writer = (CRASH_WRITER){VblkCrashWrite, Extension, Extension->Length};
    return STATUS_SUCCESS;
}
