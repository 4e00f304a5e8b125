/* nt/mm_mdl.h - memory descriptor lists: pages described, locked and mapped (book ch. 7). */
#include <wdm.h>

#ifndef _NT_MM_MDL_
#define _NT_MM_MDL_

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

typedef enum _LOCK_OPERATION {
    IoReadAccess,  /* the device, or whoever uses the MDL, reads the pages */
    IoWriteAccess, /* writes them */
    IoModifyAccess /* both */
} LOCK_OPERATION;

/*
 * Checks the buffer that an MDL describes, fills in its pages, and locks them: until MmUnlockPages
 * they must not be freed, and are resident. For any system memory: pools, stacks, images.
 *   MemoryDescriptorList  initialised for the buffer, no pages yet: else bugcheck
 *                         DRIVER_VERIFIER_DETECTED_VIOLATION
 *   AccessMode            UserMode: the buffer must lie in user space
 *   Operation             what the pages will be used for; IoWriteAccess and IoModifyAccess need
 * writable pages Raises STATUS_ACCESS_VIOLATION, with nothing locked, when a page is missing or not
 * to be written. IRQL <= APC_LEVEL for pageable memory. WDK: the same name; book ch. 7.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmProbeAndLockPages(_Inout_ PMDL MemoryDescriptorList,
                                           _In_ KPROCESSOR_MODE AccessMode,
                                           _In_ LOCK_OPERATION Operation);

/* Ends what MmProbeAndLockPages began, the MDL's mapping included. Pages that are not locked (any
 * more), or not by this MDL, bugcheck DRIVER_VERIFIER_DETECTED_VIOLATION. WDK: MmUnlockPages. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmUnlockPages(_Inout_ PMDL MemoryDescriptorList);

/* Makes TargetMdl, which has room for its pages (else bugcheck TARGET_MDL_TOO_SMALL), describe
 * Length bytes at VirtualAddress out of SourceMdl's buffer; 0: all from there on. SourceMdl has its
 * pages, and keeps them while TargetMdl is used. A mapping that TargetMdl has as an earlier part
 * ends. WDK: the same name. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI IoBuildPartialMdl(_In_ PMDL SourceMdl, _Inout_ PMDL TargetMdl,
                                         _In_ PVOID VirtualAddress, _In_ ULONG Length);

/* Makes the MDL begin NumberOfBytes later; pages in front are unlocked and unmapped.
 * STATUS_INVALID_PARAMETER_1: it has no pages yet; STATUS_INVALID_PARAMETER_2: it has not more
 * bytes than that. WDK: MmAdvanceMdl. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI MmAdvanceMdl(_Inout_ PMDL Mdl, _In_ ULONG NumberOfBytes);

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

/* MmMapLockedPagesSpecifyCache, cached; failing bugchecks. WDK: MmMapLockedPages (obsolete
 * there). */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapLockedPages(_Inout_ PMDL MemoryDescriptorList,
                                         _In_ KPROCESSOR_MODE AccessMode);

/* Ends the mapping of a part, so that the MDL can be built anew. WDK: MmPrepareMdlForReuse. */
FORCEINLINE VOID MmPrepareMdlForReuse(_Inout_ PMDL Mdl)
{
    if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
}

/* Changes the protection of an MDL's mapping: PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE,
 * PAGE_EXECUTE_READ or PAGE_NOACCESS. STATUS_NOT_MAPPED_VIEW: it has no mapping;
 * STATUS_INVALID_PAGE_PROTECTION: anything else, writable code too. WDK: the same name. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI NTSTATUS NTAPI MmProtectMdlSystemAddress(_In_ PMDL MemoryDescriptorList,
                                                     _In_ ULONG NewProtect);

/* Reserves system addresses for NumberOfBytes, to be used by MmMapLockedPagesWithReservedMapping,
 * which then cannot lack them. NULL: none are left. No bytes bugcheck SYSTEM_PTE_MISUSE. WDK: the
 * same name. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI MmAllocateMappingAddress(_In_ SIZE_T NumberOfBytes, _In_ ULONG PoolTag);

/* Gives them back, nothing being mapped there. Another tag bugchecks SYSTEM_PTE_MISUSE. WDK: the
 * same name. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI MmFreeMappingAddress(_In_ PVOID BaseAddress, _In_ ULONG PoolTag);

/* Maps an MDL's pages at reserved addresses. NULL: it has more pages than were reserved, or there
 * is no such cache type. Another tag, or a mapping there or of the MDL already, bugchecks. Undone
 * by MmUnmapReservedMapping with the result. WDK: the same name. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI MmMapLockedPagesWithReservedMapping(_In_ PVOID MappingAddress,
                                                            _In_ ULONG PoolTag,
                                                            _Inout_ PMDL MemoryDescriptorList,
                                                            _In_ MEMORY_CACHING_TYPE CacheType);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI VOID NTAPI MmUnmapReservedMapping(_In_ PVOID BaseAddress, _In_ ULONG PoolTag,
                                              _Inout_ PMDL MemoryDescriptorList);

#endif
