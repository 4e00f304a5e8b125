/*
 * mm.h - what memory management gives to the kernel: pages, mappings, stacks.
 *
 * Unless a routine says else: any processor, IRQL <= DISPATCH_LEVEL, and it never waits.
 */
#ifndef _MM_PRIVATE_H_
#define _MM_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>
#include "trap.h"

#define MM_DIRECT_MAP_BASE 0xFFFF800000000000UL
#define MM_PAGED_POOL_BASE 0xFFFFA00000000000UL
#define MM_NONPAGED_POOL_BASE 0xFFFFE00000000000UL
#define MM_EXECUTABLE_POOL_BASE 0xFFFFE08000000000UL
#define MM_DRIVER_IMAGE_BASE 0xFFFFF80000000000UL
#define MM_SYSTEM_PTE_BASE 0xFFFFF88000000000UL
#define MM_PFN_DATABASE_BASE 0xFFFFFA8000000000UL
#define MM_KERNEL_BASE 0xFFFFFFFF80000000UL
#define MM_USER_LIMIT 0x7FFFFFFF0000UL /* user addresses are below */
#define KERNEL_STACK_SIZE 0x6000

/* First argument of SYSTEM_PTE_MISUSE bugchecks raised here; the second is the address. */
#define MM_NOT_A_MAPPING 0x1 /* MmUnmapIoSpace, MmUnmapLockedPages: not what was mapped */
#define MM_NOT_ALLOCATED                                                                           \
    0x4 /* MmFreeContiguousMemory, MmFreeNonCachedMemory: not what was given out */
#define MM_FREED_MAPPED 0x5 /* MmFreePagesFromMdl: the MDL is mapped */
#define MM_NOT_RESERVED 0x3 /* system addresses given back that are nobody's */
/* Of reserved mappings, as Windows numbers them; then address, tag given, and tag or pages
 * found. */
#define MM_RESERVE_NOTHING 0x100       /* MmAllocateMappingAddress: no bytes */
#define MM_RESERVED_WRONG_TAG 0x101    /* MmFreeMappingAddress: another tag, or none reserved */
#define MM_RESERVED_IN_USE 0x103       /* MmFreeMappingAddress: something is mapped there */
#define MM_RESERVED_MAP_TAG 0x104      /* MmMapLockedPagesWithReservedMapping: another tag */
#define MM_RESERVED_MAPPED_TWICE 0x107 /* the same: something is mapped there */
#define MM_RESERVED_UNMAP_TAG 0x108    /* MmUnmapReservedMapping: another tag */
#define MM_RESERVED_NOT_MAPPED 0x10A   /* the same: the MDL is not mapped there */
/* First argument of MEMORY_MANAGEMENT bugchecks raised here; the second is the address. */
#define MM_WRITABLE_CODE 0x1000 /* a mapping both writable and executable was asked for */
#define MM_NOT_AN_IMAGE 0x1001  /* MmProtectImage, MmFreeImage: nothing of MmAllocateImage's */
#define MM_NOT_A_STACK 0x1002   /* MmDeleteKernelStack: no stack, or one with its guard page gone */
#define MM_MDL_NOT_MAPPED 0x1004     /* MmBuildMdlForNonPagedPool: the buffer is not mapped there */
#define MM_SECTION_NOT_LOCKED 0x1010 /* MmUnlockPagableImageSection, as Windows numbers it */
#define MM_MDL_NOT_A_PART 0x1006   /* IoBuildPartialMdl: outside of the MDL; then offset, length */
#define MM_MDL_MAPPED_TWICE 0x1005 /* MmMapLockedPagesSpecifyCache: has an address already */

/* First argument of PFN_LIST_CORRUPT bugchecks, as Windows numbers them; the second is the page. */
#define MM_UNLOCKED_TOO_OFTEN 0x7 /* third: its locks */
#define MM_FREED_TWICE 0x99       /* third: its state */
#define MM_FREED_LOCKED 0x9A      /* third: its state; fourth: its locks */
/* First argument of DRIVER_VERIFIER_DETECTED_VIOLATION raised here, as Windows numbers them; then
 * MDL and MdlFlags, except where noted. */
#define MM_MDL_NOT_LOCKED 0x7C         /* MmUnlockPages: its pages are not locked (any more) */
#define MM_MDL_UNLOCK_NONPAGED 0x7D    /* MmUnlockPages: made by MmBuildMdlForNonPagedPool */
#define MM_MDL_BAD_LOCK_FLAGS 0xB0     /* MmProbeAndLockPages: it describes or maps pages already */
#define MM_MDL_BAD_MAP_FLAGS 0xB3      /* MmMapLockedPages...: its pages are not locked */
#define MM_MDL_UNLOCK_PARTIAL 0xB4     /* MmUnlockPages: the MDL it is a part of locks the pages */
#define MM_MDL_OF_PAGEABLE 0x140       /* MmBuildMdlForNonPagedPool: then MDL, address */
#define MM_FREED_MDL_MAPPED 0xE7000010 /* own number; IoFreeMdl: its mapping would be lost */
#define MM_FREED_POOL_LOCKED 0xE7000011 /* own number; then block, MDL, who locked its pages */

/* Where RAM at a physical address appears. Only RAM: devices and firmware tables outside of it are
 * not in the direct map (use MmMapIoSpace). Read-only over the kernel's code and constants. */
static inline PVOID MmPhysicalToVirtual(ULONG64 Physical)
{
    return (PVOID)(MM_DIRECT_MAP_BASE + Physical);
}

/*
 * Builds the page database, the kernel's own page tables, all system address windows, and
 * KUSER_SHARED_DATA, and leaves the loader's tables: from then on nothing is mapped at low
 * addresses. Once, on the boot processor, interrupts off, with the kernel's own GDT and IDT loaded
 * and GS set. Bugchecks MEMORY1_INITIALIZATION_FAILED when memory is too little.
 */
void MmInitSystem(PLOADER_BLOCK LoaderBlock);

/* CR0, CR4, EFER and PAT of this processor: WP, NX, SMEP, SMAP, UMIP, global pages, write
 * combining, where CPUID has them. MmInitSystem does it for the boot processor. */
void MmInitializeProcessor(void);

/* CR3 of the system process. */
ULONG64 MmQuerySystemDirectoryBase(void);
/* CR3 for a new process, whose lower half is empty; FALSE: no memory. To be deleted when no
 * processor uses it any more. */
BOOLEAN MmCreateAddressSpace(PULONG64 DirectoryTableBase);
void MmDeleteAddressSpace(ULONG64 DirectoryTableBase);

/*
 * CR3 for starting processors, below 4 GB: the kernel half, and the first 2 MB except page 0 at its
 * own addresses, executable. The kernel's entries use NX, so EFER.NXE must be set (where CPUID has
 * it) before the first access through them. Gone after MmFreeLoaderMemory.
 */
ULONG64 MmQueryTrampolineDirectoryBase(void);

/* Makes the loader's page tables, the start-up page and the trampoline directory free memory. Once,
 * when every processor has left them. */
void MmFreeLoaderMemory(PLOADER_BLOCK LoaderBlock);

/* The page behind KUSER_SHARED_DATA, for mapping it into processes read-only. */
extern PFN_NUMBER MmSharedUserDataPage;

/* A physical page; 0 when memory is exhausted (page 0 is never given out). Not zeroed unless
 * asked. The caller owns it until MmFreePage. Freeing one that is not allocated bugchecks
 * PFN_LIST_CORRUPT. */
PFN_NUMBER MmAllocatePage(BOOLEAN Zeroed);
void MmFreePage(PFN_NUMBER Page);

/*
 * MmProbeAndLockPages without the exception, for Caller: STATUS_ACCESS_VIOLATION when a page of the
 * MDL's buffer is not there, or is not to be written and Operation does, or when AccessMode is
 * UserMode and the buffer is the system's. Then nothing is locked.
 */
NTSTATUS MmLockMdlPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation,
                        PVOID Caller);

/*
 * Who has locked pages (debug kernel only). MmCheckFreedMdl: IoFreeMdl is about to free Mdl: its
 * pages must be unlocked, and its mapping gone. MmCheckFreedMemory: nobody has locked a page of
 * [Start, End), a block of pool about to be freed. Both bugcheck when it
 * is not so. IRQL <= DISPATCH_LEVEL. MmFindLeaks (leak.h) tells what a driver has left locked.
 */
#if DBG
void MmCheckFreedMdl(PMDL Mdl);
void MmCheckFreedMemory(PVOID Start, PVOID End);
#else
#define MmCheckFreedMdl(Mdl) ((void)0)
#define MmCheckFreedMemory(Start, End) ((void)0)
#endif

/* Tells of a pageable section in an image of MmAllocateImage's, after MmProtectImage. MmFreeImage
 * forgets it. */
void MmRegisterPageableSection(PVOID Start, SIZE_T Pages);

/*
 * Pageable memory that vanishes (debug kernel only, see mm/pageable.c). From exception handlers,
 * with interrupts off: MmPageableFault for a page fault, MmEndStep for a debug exception (FALSE:
 * not one of its own), MmCancelStep before any other but an NMI. MmExplainPageable prints, in a
 * crash, what kind of pageable memory Address is, if it is any. MmSetVanishing returns the pages
 * concerned. MmEnterPoolInternals and MmLeavePoolInternals, at DISPATCH_LEVEL: what this processor
 * touches between is allowed.
 */
typedef enum _MM_PAGEABLE_FAULT {
    MmFaultOther,   /* not of pageable memory */
    MmFaultHandled, /* go on with the same instruction */
    MmFaultTooHigh, /* IRQL >= DISPATCH_LEVEL */
    MmFaultMasked   /* interrupts were off */
} MM_PAGEABLE_FAULT;

#if DBG
MM_PAGEABLE_FAULT MmPageableFault(PKTRAP_FRAME Frame, PVOID Address);
BOOLEAN MmEndStep(PKTRAP_FRAME Frame);
void MmCancelStep(PKTRAP_FRAME Frame);
void MmExplainPageable(PVOID Address);
ULONG MmSetVanishing(BOOLEAN On);
BOOLEAN MmIsVanishing(void);
void MmEnterPoolInternals(void);
void MmLeavePoolInternals(void);
#else
#define MmPageableFault(Frame, Address) ((void)(Address), MmFaultOther)
#define MmEndStep(Frame) FALSE
#define MmCancelStep(Frame) ((void)0)
#define MmExplainPageable(Address) ((void)0)
#define MmEnterPoolInternals() ((void)0)
#define MmLeavePoolInternals() ((void)0)
#endif

/* Queues Dpc, once, as soon as the number of free pages is less than First, or First + Count or
 * more; at once if it is. A later call replaces an earlier one. */
void MmWatchFreePages(PKDPC Dpc, ULONG64 First, ULONG64 Count);

/* Protections of a kernel mapping. MM_READWRITE with MM_EXECUTE bugchecks MEMORY_MANAGEMENT. */
#define MM_READONLY 0
#define MM_READWRITE 1
#define MM_EXECUTE 2
#define MM_NOCACHE 4
#define MM_WRITECOMBINE 8

/* System address space for a driver image of Pages pages, backed by fresh zeroed pages, mapped
 * MM_READWRITE, with an unmapped page behind it. NULL when memory is exhausted. */
PVOID MmAllocateImage(SIZE_T Pages);
/* Sets the protection of some of its pages, on all processors. */
void MmProtectImage(PVOID Base, SIZE_T Pages, ULONG Protection);
/* Gives some of its pages back for good; their addresses fault from now on. */
void MmDiscardImagePages(PVOID Base, SIZE_T Pages);
/* Frees all of it: Base and Pages as with MmAllocateImage. */
void MmFreeImage(PVOID Base, SIZE_T Pages);

/* A kernel stack: KERNEL_STACK_SIZE bytes, contents undefined, with a guard page below. Returns the
 * highest address (StackBase), or NULL. MmDeleteKernelStack: nobody runs on it any more. */
PVOID MmCreateKernelStack(void);
void MmDeleteKernelStack(PVOID StackBase);
/* MmIsAddressValid of each byte; none of them is touched. Any IRQL. */
BOOLEAN MmIsRangeValid(const VOID *Address, SIZE_T Length);
/* TRUE when Address lies in the guard page of some kernel stack. Any IRQL. */
BOOLEAN MmIsGuardPage(PVOID Address);

/*
 * Pages for the pools: Kind 0 non-paged, 1 paged (its own addresses, but resident), 2 non-paged
 * and executable as well as writable: the only such memory there is. A run of Pages
 * pages, read-write, contents undefined, with an unmapped page behind it; NULL when memory is
 * exhausted. Size, Tag and Owner, a number of the pools' own, are remembered with the run.
 */
PVOID MmAllocatePoolPages(ULONG Kind, SIZE_T Pages, ULONG Tag, USHORT Owner);
/* Pages, tag and owner of the run that starts at Base; 0 when none does. */
SIZE_T MmQueryPoolPages(PVOID Base, ULONG *Tag, USHORT *Owner);
/* Frees the run at Base and returns its pages; 0, and nothing freed, when there is none (any
 * more). */
SIZE_T MmFreePoolPages(PVOID Base);
/*
 * Special pool: a page of pool of its own (Kind 0 or 1), read-write, contents undefined, with
 * unmapped pages before and behind it; NULL when memory is exhausted. MmFreeGuardedPage makes it
 * fault on every processor before it returns; FALSE, and nothing done, when there is no such page
 * (any more): IRQL <= DISPATCH_LEVEL with interrupts enabled. MmQueryGuardedPage, any IRQL: what an
 * address is to special pool.
 */
typedef enum _MM_GUARDED_STATE {
    MmNotGuarded,
    MmGuardedInUse, /* in a page of it */
    MmGuardedFreed, /* in a page that has been given back, not long ago */
    MmGuardedBeyond /* in an unmapped page between its pages */
} MM_GUARDED_STATE;
PVOID MmAllocateGuardedPage(ULONG Kind);
BOOLEAN MmFreeGuardedPage(PVOID Page);
MM_GUARDED_STATE MmQueryGuardedPage(PVOID Address);

/*
 * Pages for secure pools: a run of Pages pages that nobody can write, not through the direct map
 * either, with the first Size bytes of Contents (not NULL) in it, the rest zero, and an unmapped
 * page behind; NULL when memory is exhausted. MmWriteSecurePages changes Size bytes at Target,
 * inside of a run; FALSE, and nothing changed, when memory for the mapping that takes is exhausted.
 * One caller at a time; IRQL <= APC_LEVEL.
 */
PVOID MmAllocateSecurePages(SIZE_T Pages, const void *Contents, SIZE_T Size);
BOOLEAN MmWriteSecurePages(PVOID Target, const void *Source, SIZE_T Size);
void MmFreeSecurePages(PVOID Va, SIZE_T Pages);

/* Kind of the pool whose addresses include Address; -1: neither's. Any IRQL. */
static inline LONG MmQueryPoolKind(PVOID Address)
{
    /* Either has 512 GB to itself, an entry of the top-level table. */
    ULONG Region = (ULONG)((ULONG_PTR)Address >> 39);

    if (Region == (ULONG)(MM_NONPAGED_POOL_BASE >> 39)) {
        return 0;
    }
    if (Region == (ULONG)(MM_PAGED_POOL_BASE >> 39)) {
        return 1;
    }
    return Region == (ULONG)(MM_EXECUTABLE_POOL_BASE >> 39) ? 2 : -1;
}

/*
 * For the debugger, with interrupts off: reads, or writes whatever the protection, up to Size
 * bytes; returns how many there were before the first that is no RAM. MmQueryDebuggerAlias: the
 * same byte in the direct map, which tells pages apart; NULL: no RAM. Any IRQL, no locks.
 */
SIZE_T MmAccessForDebugger(ULONG64 Address, PVOID Buffer, SIZE_T Size, BOOLEAN Write);
PVOID MmQueryDebuggerAlias(ULONG64 Address);

/* Figures for `mem` and tests, in pages, except KernelStacks, which counts stacks in use. */
typedef struct _MM_STATISTICS {
    PFN_NUMBER HighestPage;
    ULONG64 TotalPages, FreePages, KernelStacks, SystemPtePages, ImagePages, PoolPages,
        PageTablePages, LockedPages, DriverPages;
} MM_STATISTICS;
void MmQueryStatistics(MM_STATISTICS *Statistics);

/* Calls Routine for each run of mapped system addresses with the physical memory behind them,
 * contiguous on both sides, but not for the direct map. Any IRQL; after a bugcheck. */
typedef void MM_VISIT_MAPPING(PVOID Context, ULONG64 Virtual, ULONG64 Physical, ULONG64 Size);
void MmVisitMappings(MM_VISIT_MAPPING *Routine, PVOID Context);

#endif
