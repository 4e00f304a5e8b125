/* nt/mm_copy.h - memory looked at from outside: safe copies, physical addresses. */
#include <wdm.h>

#ifndef _NT_MM_COPY_
#define _NT_MM_COPY_

typedef struct _MM_COPY_ADDRESS {
    union {
        PVOID VirtualAddress;
        PHYSICAL_ADDRESS PhysicalAddress;
    };
} MM_COPY_ADDRESS, *PMMCOPY_ADDRESS;

#define MM_COPY_MEMORY_PHYSICAL 0x1
#define MM_COPY_MEMORY_VIRTUAL 0x2

/*
 * Copies memory that may not be there, without faulting.
 *   TargetAddress  resident memory of the caller's
 *   SourceAddress  RAM: what Flags say, MM_COPY_MEMORY_PHYSICAL or MM_COPY_MEMORY_VIRTUAL
 *   NumberOfBytesTransferred  how many were copied, from the first on
 * STATUS_INVALID_PARAMETER_4: other flags; STATUS_PARTIAL_COPY: some bytes could be copied;
 * STATUS_ACCESS_VIOLATION, STATUS_INVALID_ADDRESS (physical): none. WDK: MmCopyMemory.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI MmCopyMemory(_Out_writes_bytes_(NumberOfBytes) PVOID TargetAddress,
                                        _In_ MM_COPY_ADDRESS SourceAddress,
                                        _In_ SIZE_T NumberOfBytes, _In_ ULONG Flags,
                                        _Out_ PSIZE_T NumberOfBytesTransferred);

/* An address at which a byte of RAM appears; NULL: no RAM. Any IRQL. WDK:
 * MmGetVirtualForPhysical. */
NTKERNELAPI PVOID NTAPI MmGetVirtualForPhysical(_In_ PHYSICAL_ADDRESS PhysicalAddress);

typedef struct _PHYSICAL_MEMORY_RANGE {
    PHYSICAL_ADDRESS BaseAddress;
    LARGE_INTEGER NumberOfBytes;
} PHYSICAL_MEMORY_RANGE, *PPHYSICAL_MEMORY_RANGE;

/* The runs of RAM that the system uses, in ascending order, ended by one of 0 bytes at 0; the
 * caller frees the array with ExFreePool. NULL: out of memory. WDK: MmGetPhysicalMemoryRanges. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PPHYSICAL_MEMORY_RANGE NTAPI MmGetPhysicalMemoryRanges(VOID);

#endif
