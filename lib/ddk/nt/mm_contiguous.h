/* nt/mm_contiguous.h - memory for devices: physically contiguous, not cached, or pages of an MDL
 * (book ch. 8). */
#include <wdm.h>

#ifndef _NT_MM_CONTIGUOUS_
#define _NT_MM_CONTIGUOUS_

typedef ULONG NODE_REQUIREMENT;
#define MM_ANY_NODE_OK 0x80000000U

/*
 * NumberOfBytes of memory whose pages lie in a row, page-aligned, readable and writable, contents
 * undefined. Freed with MmFreeContiguousMemory. LowestAcceptableAddress, HighestAcceptableAddress
 * of its bytes, both included BoundaryAddressMultiple  a power of two that the memory does not go
 * over a multiple of; 0: none CacheType  how it is cached wherever it is mapped Protect
 * PAGE_READWRITE, with PAGE_NOCACHE or PAGE_WRITECOMBINE PreferredNode  0, the only one, or
 * MM_ANY_NODE_OK NULL: no such pages are free in a row, or no addresses for them; an argument is
 * none of these. WDK: the same names; MmAllocateContiguousMemory: book ch. 8.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateContiguousMemory(_In_ SIZE_T NumberOfBytes,
                                                   _In_ PHYSICAL_ADDRESS HighestAcceptableAddress);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(
    _In_ SIZE_T NumberOfBytes, _In_ PHYSICAL_ADDRESS LowestAcceptableAddress,
    _In_ PHYSICAL_ADDRESS HighestAcceptableAddress,
    _In_opt_ PHYSICAL_ADDRESS BoundaryAddressMultiple, _In_ MEMORY_CACHING_TYPE CacheType);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateContiguousMemorySpecifyCacheNode(
    _In_ SIZE_T NumberOfBytes, _In_ PHYSICAL_ADDRESS LowestAcceptableAddress,
    _In_ PHYSICAL_ADDRESS HighestAcceptableAddress,
    _In_opt_ PHYSICAL_ADDRESS BoundaryAddressMultiple, _In_ MEMORY_CACHING_TYPE CacheType,
    _In_ NODE_REQUIREMENT PreferredNode);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateContiguousNodeMemory(
    _In_ SIZE_T NumberOfBytes, _In_ PHYSICAL_ADDRESS LowestAcceptableAddress,
    _In_ PHYSICAL_ADDRESS HighestAcceptableAddress,
    _In_opt_ PHYSICAL_ADDRESS BoundaryAddressMultiple, _In_ ULONG Protect,
    _In_ NODE_REQUIREMENT PreferredNode);

/* Frees it. What is not such memory (any more), or has not NumberOfBytes, bugchecks
 * SYSTEM_PTE_MISUSE. WDK: the same names. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmFreeContiguousMemory(_In_ PVOID BaseAddress);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmFreeContiguousMemorySpecifyCache(_In_ PVOID BaseAddress,
                                                          _In_ SIZE_T NumberOfBytes,
                                                          _In_ MEMORY_CACHING_TYPE CacheType);

/* NumberOfBytes of memory that no cache keeps, page-aligned, contents undefined; NULL: none is
 * left. Freed by MmFreeNonCachedMemory with the same size; anything else bugchecks
 * SYSTEM_PTE_MISUSE. WDK: MmAllocateNonCachedMemory, MmFreeNonCachedMemory; book ch. 8. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateNonCachedMemory(_In_ SIZE_T NumberOfBytes);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI MmFreeNonCachedMemory(_In_ PVOID BaseAddress, _In_ SIZE_T NumberOfBytes);

#define MM_DONT_ZERO_ALLOCATION 0x00000001
#define MM_ALLOCATE_FROM_LOCAL_NODE_ONLY 0x00000002
#define MM_ALLOCATE_FULLY_REQUIRED 0x00000004
#define MM_ALLOCATE_NO_WAIT 0x00000008
#define MM_ALLOCATE_PREFER_CONTIGUOUS 0x00000010
#define MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS 0x00000020
#define MM_ALLOCATE_FAST_LARGE_PAGES 0x00000040

/*
 * An MDL with pages of its own, up to TotalBytes of them: MmGetMdlByteCount tells how many there
 * were. They have no address until they are mapped. Undone by unmapping, MmFreePagesFromMdl, and
 * ExFreePool of the MDL. LowAddress, HighAddress  physical addresses of the pages' bytes, both
 * included SkipBytes  0, or how much further to look when there are too few: whole pages CacheType
 * how they are cached wherever they are mapped Flags      MM_DONT_ZERO_ALLOCATION: contents
 * undefined; MM_ALLOCATE_FULLY_REQUIRED: all or none; MM_ALLOCATE_PREFER_CONTIGUOUS: in a row if
 * possible; MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS: in runs of SkipBytes, a power of two that
 * TotalBytes is a multiple of, each aligned to its size; the other flags change nothing here NULL:
 * there are no such pages, no memory for the MDL, or an argument is none of these. WDK: the same
 * names.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PMDL NTAPI MmAllocatePagesForMdlEx(_In_ PHYSICAL_ADDRESS LowAddress,
                                               _In_ PHYSICAL_ADDRESS HighAddress,
                                               _In_ PHYSICAL_ADDRESS SkipBytes,
                                               _In_ SIZE_T TotalBytes,
                                               _In_ MEMORY_CACHING_TYPE CacheType,
                                               _In_ ULONG Flags);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PMDL NTAPI MmAllocatePagesForMdl(_In_ PHYSICAL_ADDRESS LowAddress,
                                             _In_ PHYSICAL_ADDRESS HighAddress,
                                             _In_ PHYSICAL_ADDRESS SkipBytes,
                                             _In_ SIZE_T TotalBytes);

/* Frees the pages of such an MDL, which is not mapped (else bugcheck SYSTEM_PTE_MISUSE) and still
 * has them (else DRIVER_VERIFIER_DETECTED_VIOLATION), but not the MDL. WDK: MmFreePagesFromMdl. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmFreePagesFromMdl(_Inout_ PMDL MemoryDescriptorList);

#endif
