/* nt/mm.h - pages, addresses, and mappings of device memory (book ch. 8). */
#include <wdm.h>

#ifndef _NT_MM_
#define _NT_MM_

#define PAGE_SIZE 0x1000
#define PAGE_SHIFT 12
#define PAGE_ALIGN(Va) ((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))
#define BYTE_OFFSET(Va) ((ULONG)((ULONG_PTR)(Va) & (PAGE_SIZE - 1)))
#define BYTES_TO_PAGES(Size) (((SIZE_T)(Size) >> PAGE_SHIFT) + (((Size) & (PAGE_SIZE - 1)) != 0))
#define ROUND_TO_PAGES(Size) (((ULONG_PTR)(Size) + PAGE_SIZE - 1) & ~(ULONG_PTR)(PAGE_SIZE - 1))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size)                                                   \
    ((ULONG)((BYTE_OFFSET(Va) + (SIZE_T)(Size) + (PAGE_SIZE - 1)) >> PAGE_SHIFT))

typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;

typedef enum _MEMORY_CACHING_TYPE {
    MmNonCached = 0,
    MmCached = 1,
    MmWriteCombined = 2,
    MmHardwareCoherentCached,
    MmNonCachedUnordered,
    MmUSWCCached,
    MmMaximumCacheType,
    MmNotMapped = -1
} MEMORY_CACHING_TYPE;

typedef enum _MM_PAGE_PRIORITY {
    LowPagePriority,
    NormalPagePriority = 16,
    HighPagePriority = 32
} MM_PAGE_PRIORITY;
#define MdlMappingNoWrite 0x80000000
#define MdlMappingNoExecute 0x40000000

/* Protections of pages. */
#define PAGE_NOACCESS 0x01
#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define PAGE_WRITECOPY 0x08
#define PAGE_EXECUTE 0x10
#define PAGE_EXECUTE_READ 0x20
#define PAGE_EXECUTE_READWRITE 0x40
#define PAGE_EXECUTE_WRITECOPY 0x80
#define PAGE_GUARD 0x100
#define PAGE_NOCACHE 0x200
#define PAGE_WRITECOMBINE 0x400

/* TRUE when reading a byte there would not fault now. Another processor may change that at any
 * time. Any IRQL. WDK: MmIsAddressValid; book ch. 8. */
NTKERNELAPI BOOLEAN NTAPI MmIsAddressValid(_In_ PVOID VirtualAddress);

/* The physical address of a mapped byte; 0 when nothing is mapped there. Any IRQL.
 * WDK: MmGetPhysicalAddress. */
NTKERNELAPI PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(_In_ PVOID BaseAddress);

/*
 * Maps NumberOfBytes of physical address space, a device's registers as a rule, read-write, and
 * returns where PhysicalAddress then is. Undone by MmUnmapIoSpace.
 *   CacheType   MmNonCached, MmCached or MmWriteCombined; RAM is mapped only as it is cached
 * already NULL: no such physical address or cache type, RAM that is cached otherwise, or system
 * address space or memory exhausted. WDK: MmMapIoSpace.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapIoSpace(_In_ PHYSICAL_ADDRESS PhysicalAddress,
                                     _In_ SIZE_T NumberOfBytes, _In_ MEMORY_CACHING_TYPE CacheType);

/* The same with a protection: PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE or PAGE_EXECUTE_READ,
 * with PAGE_NOCACHE or PAGE_WRITECOMBINE. NULL for any other, writable code too. WDK:
 * MmMapIoSpaceEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapIoSpaceEx(_In_ PHYSICAL_ADDRESS PhysicalAddress,
                                       _In_ SIZE_T NumberOfBytes, _In_ ULONG Protect);

/* Ends a mapping of MmMapIoSpace: its result, and the size given there. Anything else bugchecks
 * SYSTEM_PTE_MISUSE. WDK: MmUnmapIoSpace. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmUnmapIoSpace(_In_ PVOID BaseAddress, _In_ SIZE_T NumberOfBytes);

/* The address of what ntoskrnl.exe or hal.dll export under a name, in its exact case; NULL when
 * there is no such export. WDK: MmGetSystemRoutineAddress; book ch. 8. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PVOID NTAPI MmGetSystemRoutineAddress(_In_ PUNICODE_STRING SystemRoutineName);

#endif
