/* mm.h - what memory management gives to the kernel: pages, mappings, stacks. */
#ifndef _MM_PRIVATE_H_
#define _MM_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

#define MM_DIRECT_MAP_BASE 0xFFFF800000000000UL
#define MM_PAGED_POOL_BASE 0xFFFFA00000000000UL
#define MM_NONPAGED_POOL_BASE 0xFFFFE00000000000UL
#define MM_DRIVER_IMAGE_BASE 0xFFFFF80000000000UL
#define MM_SYSTEM_PTE_BASE 0xFFFFF88000000000UL
#define MM_PFN_DATABASE_BASE 0xFFFFFA8000000000UL
#define MM_KERNEL_BASE 0xFFFFFFFF80000000UL
#define KERNEL_STACK_SIZE 0x6000

static inline PVOID MmPhysicalToVirtual(ULONG64 Physical)
{
    return (PVOID)(MM_DIRECT_MAP_BASE + Physical);
}

/* Builds the PFN database, the kernel's own page tables, the pools' and system PTE ranges, KUSER_SHARED_DATA.
 * Boot processor, interrupts off. Bugchecks MEMORY1_INITIALIZATION_FAILED when memory is too little. */
void MmInitSystem(PLOADER_BLOCK LoaderBlock);
/* CR0/CR4/EFER protections (WP, NX, SMEP, SMAP, UMIP where CPUID has them) on this processor. */
void MmInitializeProcessor(void);
/* CR3 of the system process. */
ULONG64 MmQuerySystemDirectoryBase(void);

/* Physical pages. IRQL <= DISPATCH_LEVEL. MmAllocatePage answers 0 when memory is exhausted (page 0 is never
 * given out). Pages are not zeroed unless asked. */
PFN_NUMBER MmAllocatePage(BOOLEAN Zeroed);
void MmFreePage(PFN_NUMBER Page);

/* Protections of a kernel mapping. Never writable and executable at once. */
#define MM_READONLY 0
#define MM_READWRITE 1
#define MM_EXECUTE 2
#define MM_NOCACHE 4
#define MM_WRITECOMBINE 8

/* Reserve a run of system address space for a driver image of Pages pages, backed by fresh zeroed pages, mapped
 * MM_READWRITE; then protect parts of it; then free it all. IRQL PASSIVE_LEVEL. NULL when out of memory. */
PVOID MmAllocateImage(SIZE_T Pages);
void MmProtectImage(PVOID Base, SIZE_T Pages, ULONG Protection);
void MmFreeImage(PVOID Base, SIZE_T Pages);

/* Kernel stacks: KERNEL_STACK_SIZE bytes with an unmapped guard page below. Returns the highest address (StackBase), or NULL. */
PVOID MmCreateKernelStack(void);
void MmDeleteKernelStack(PVOID StackBase);
/* TRUE when Address lies in the guard page of some kernel stack (for the fault handler's diagnosis). */
BOOLEAN MmIsGuardPage(PVOID Address);

/* Figures for `mem` and tests. */
typedef struct _MM_STATISTICS {
    ULONG64 TotalPages, FreePages, KernelStacks, SystemPtePages, ImagePages, PoolPages, PageTablePages;
} MM_STATISTICS;
void MmQueryStatistics(MM_STATISTICS *Statistics);

#endif
