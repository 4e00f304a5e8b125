/*
 * copy.c - memory looked at from outside: copies that fail instead of faulting, and which physical
 * addresses are RAM.
 *
 * MmCopyMemory goes through the direct map, page by page: a translation that goes away meanwhile,
 * or was never there, costs an answer and no fault. So device memory, which is not in the direct
 * map, is never read.
 */
#include "mi.h"

#define MI_TAG_RANGES 'RmM ' /* the array that MmGetPhysicalMemoryRanges gives away */

/* The physical address of the next byte; FALSE: no RAM. */
static BOOLEAN MiCopySource(ULONG64 Source, ULONG Flags, ULONG64 *Physical)
{
    *Physical = Source;
    if (Flags == MM_COPY_MEMORY_VIRTUAL) {
        ULONG Level;

        if (MiTranslate((PVOID)Source, &Level) == 0) {
            return FALSE;
        }
        *Physical = (ULONG64)MmGetPhysicalAddress((PVOID)Source).QuadPart;
    }
    return MiIsUsableRam(*Physical, *Physical + 1);
}

NTSTATUS NTAPI MmCopyMemory(PVOID TargetAddress, MM_COPY_ADDRESS SourceAddress,
                            SIZE_T NumberOfBytes, ULONG Flags, PSIZE_T NumberOfBytesTransferred)
{
    ULONG64 Source = (ULONG64)SourceAddress.PhysicalAddress.QuadPart;
    SIZE_T Done = 0;

    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    *NumberOfBytesTransferred = 0;
    if (Flags != MM_COPY_MEMORY_PHYSICAL && Flags != MM_COPY_MEMORY_VIRTUAL) {
        return STATUS_INVALID_PARAMETER_4;
    }
    while (Done < NumberOfBytes) {
        SIZE_T Step = min(NumberOfBytes - Done, PAGE_SIZE - BYTE_OFFSET(Source + Done));
        ULONG64 Physical;

        if (!MiCopySource(Source + Done, Flags, &Physical)) {
            break;
        }
        RtlCopyMemory((PUCHAR)TargetAddress + Done, MmPhysicalToVirtual(Physical), Step);
        Done += Step;
    }
    *NumberOfBytesTransferred = Done;
    if (Done == NumberOfBytes) {
        return STATUS_SUCCESS;
    }
    if (Done != 0) {
        return STATUS_PARTIAL_COPY;
    }
    return Flags == MM_COPY_MEMORY_VIRTUAL ? STATUS_ACCESS_VIOLATION : STATUS_INVALID_ADDRESS;
}

PVOID NTAPI MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    ULONG64 Physical = (ULONG64)PhysicalAddress.QuadPart;

    return MiIsUsableRam(Physical, Physical + 1) ? MmPhysicalToVirtual(Physical) : NULL;
}

PPHYSICAL_MEMORY_RANGE NTAPI MmGetPhysicalMemoryRanges(VOID)
{
    ULONG Most = MiMemoryMap->DescriptorCount + 1;
    PPHYSICAL_MEMORY_RANGE Ranges;
    ULONG Count = 0;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    Ranges = ExAllocatePool2(POOL_FLAG_NON_PAGED, Most * sizeof(*Ranges), MI_TAG_RANGES);
    for (ULONG i = 0; Ranges != NULL && i < MiMemoryMap->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Run = &MiMemoryMap->Descriptors[i];
        LONGLONG Base = (LONGLONG)Run->Base, Bytes = (LONGLONG)(Run->PageCount << PAGE_SHIFT);

        if (Run->Type > LoaderAcpiReclaim) {
            continue; /* the firmware's, or no RAM */
        }
        if (Count != 0 &&
            Ranges[Count - 1].BaseAddress.QuadPart + Ranges[Count - 1].NumberOfBytes.QuadPart ==
                Base) {
            Ranges[Count - 1].NumberOfBytes.QuadPart += Bytes;
            continue;
        }
        Ranges[Count].BaseAddress.QuadPart = Base;
        Ranges[Count++].NumberOfBytes.QuadPart = Bytes;
    }
    return Ranges;
}
