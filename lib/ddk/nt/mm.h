/* nt/mm.h - memory descriptor lists, mapping and address questions (book ch. 7 and 8). */
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

typedef struct _MDL {
    struct _MDL *Next;
    SHORT Size;
    SHORT MdlFlags;
    USHORT AllocationProcessorNumber;
    USHORT Reserved;
    PEPROCESS Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
    /* followed by one PFN_NUMBER per page */
} MDL, *PMDL;
C_ASSERT(sizeof(MDL) == 0x30);

#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_PAGES_LOCKED 0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE 0x0008
#define MDL_PARTIAL 0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED 0x0020
#define MDL_IO_PAGE_READ 0x0040
#define MDL_WRITE_OPERATION 0x0080
#define MDL_PARENT_MAPPED_SYSTEM_VA 0x0100
#define MDL_FREE_EXTRA_PTES 0x0200
#define MDL_IO_SPACE 0x0800
#define MDL_NETWORK_HEADER 0x1000
#define MDL_MAPPING_CAN_FAIL 0x2000
#define MDL_ALLOCATED_MUST_SUCCEED 0x4000

#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((PCHAR)((Mdl)->StartVa) + (Mdl)->ByteOffset))
#define MmGetMdlByteCount(Mdl) ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl) ((Mdl)->ByteOffset)
#define MmGetMdlBaseVa(Mdl) ((Mdl)->StartVa)
#define MmGetMdlPfnArray(Mdl) ((PPFN_NUMBER)((Mdl) + 1))
#define MmInitializeMdl(Mdl, BaseVa, Length)                                                       \
    {                                                                                              \
        (Mdl)->Next = NULL;                                                                        \
        (Mdl)->Size = (SHORT)(sizeof(MDL) + sizeof(PFN_NUMBER) *                                   \
                                                ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseVa, Length));   \
        (Mdl)->MdlFlags = 0;                                                                       \
        (Mdl)->StartVa = PAGE_ALIGN(BaseVa);                                                       \
        (Mdl)->ByteOffset = BYTE_OFFSET(BaseVa);                                                   \
        (Mdl)->ByteCount = (ULONG)(Length);                                                        \
    }

/* Fills in the page numbers of an MDL that describes memory of the non-paged pool, a driver image
 * or another resident system buffer, and gives it that buffer's address as its system address. The
 * MDL was initialised for the buffer (IoAllocateMdl, MmInitializeMdl) and must not outlive it. A
 * buffer that is not mapped bugchecks MEMORY_MANAGEMENT. WDK: MmBuildMdlForNonPagedPool; book ch.
 * 7. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmBuildMdlForNonPagedPool(_Inout_ PMDL MemoryDescriptorList);

/* Bytes that an MDL for Length bytes at Base takes. Base is only looked at, not through. Any IRQL.
 * WDK: MmSizeOfMdl. */
NTKERNELAPI SIZE_T NTAPI MmSizeOfMdl(_In_ PVOID Base, _In_ SIZE_T Length);

/*
 * Maps the pages of an MDL at a fresh system address and returns where its first byte then is; also
 * in MappedSystemVa, with MDL_MAPPED_TO_SYSTEM_VA set. Undone by MmUnmapLockedPages.
 *   MemoryDescriptorList  pages locked or non-paged; no system address of MmMapLocked... yet, else
 *                         bugcheck MEMORY_MANAGEMENT
 *   AccessMode            KernelMode; UserMode fails, there being no user address space
 *   CacheType             for RAM, which is all an MDL describes, the memory stays cached
 *   RequestedAddress      for UserMode only; NULL
 *   BugCheckOnFailure     not FALSE: failing bugchecks INSUFFICIENT_SYSTEM_MAP_REGS
 *   Priority              MM_PAGE_PRIORITY, or'ed with MdlMappingNoWrite for a read-only mapping;
 *                         mappings are never executable, with or without MdlMappingNoExecute
 * NULL when address space or memory for page tables is exhausted. WDK: the same name; book ch. 7.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapLockedPagesSpecifyCache(_Inout_ PMDL MemoryDescriptorList,
                                                     _In_ KPROCESSOR_MODE AccessMode,
                                                     _In_ MEMORY_CACHING_TYPE CacheType,
                                                     _In_opt_ PVOID RequestedAddress,
                                                     _In_ ULONG BugCheckOnFailure,
                                                     _In_ ULONG Priority);

/* Ends a mapping of MmMapLockedPagesSpecifyCache, whose result BaseAddress is. Anything else
 * bugchecks SYSTEM_PTE_MISUSE. WDK: MmUnmapLockedPages. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmUnmapLockedPages(_In_ PVOID BaseAddress,
                                          _Inout_ PMDL MemoryDescriptorList);

/* A system address for the MDL's pages: the existing one, or a new mapping; NULL when system PTEs
 * run out. IRQL <= DISPATCH_LEVEL. WDK: MmGetSystemAddressForMdlSafe. */
FORCEINLINE PVOID MmGetSystemAddressForMdlSafe(_Inout_ PMDL Mdl, _In_ ULONG Priority)
{
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
        return Mdl->MappedSystemVa;
    }
    return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, Priority);
}

/* TRUE when reading a byte there would not fault now. Another processor may change that at any
 * time. Any IRQL. WDK: MmIsAddressValid; book ch. 8. */
NTKERNELAPI BOOLEAN NTAPI MmIsAddressValid(_In_ PVOID VirtualAddress);

/* The physical address of a mapped byte; 0 when nothing is mapped there. Any IRQL.
 * WDK: MmGetPhysicalAddress. */
NTKERNELAPI PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(_In_ PVOID BaseAddress);

/*
 * Maps NumberOfBytes of physical address space, a device's registers as a rule, read-write, and
 * returns where PhysicalAddress then is. Undone by MmUnmapIoSpace.
 *   CacheType   MmNonCached, MmCached or MmWriteCombined; RAM is mapped MmCached only
 * NULL: no such physical address or cache type, RAM not asked for as cached, or system address
 * space or memory exhausted. WDK: MmMapIoSpace.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapIoSpace(_In_ PHYSICAL_ADDRESS PhysicalAddress,
                                     _In_ SIZE_T NumberOfBytes, _In_ MEMORY_CACHING_TYPE CacheType);

/* Ends a mapping of MmMapIoSpace: its result, and the size given there. Anything else bugchecks
 * SYSTEM_PTE_MISUSE. WDK: MmUnmapIoSpace. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmUnmapIoSpace(_In_ PVOID BaseAddress, _In_ SIZE_T NumberOfBytes);

/* The address of what ntoskrnl.exe or hal.dll export under a name, in its exact case; NULL when
 * there is no such export. WDK: MmGetSystemRoutineAddress; book ch. 8. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PVOID NTAPI MmGetSystemRoutineAddress(_In_ PUNICODE_STRING SystemRoutineName);

#endif
