/*
 * vm.c - what people see of memory: `mem` (in WinDbg's words, `vm`), its uses by page; `pte`, how
 * an address is translated.
 */
#include "mi.h"
#include "kd.h"

void MmQueryStatistics(MM_STATISTICS *Statistics)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&MiPfnLock);

    MiQueryFreePages(&Statistics->TotalPages, &Statistics->FreePages);
    Statistics->HighestPage = MiHighestPage;
    Statistics->KernelStacks = MiQueryUse(MiUseStack) / (KERNEL_STACK_SIZE / PAGE_SIZE);
    Statistics->KernelStacks -= min(Statistics->KernelStacks, MiQueryFreeStacks());
    Statistics->SystemPtePages = MiSystemPtes.PagesInUse;
    Statistics->ImagePages = MiQueryUse(MiUseImage);
    Statistics->PoolPages = MiQueryUse(MiUsePool) + MiQueryUse(MiUseSecure);
    Statistics->DriverPages = MiQueryUse(MiUseDriver);
    Statistics->LockedPages = MiQueryLockedPages();
    Statistics->PageTablePages = MiQueryUse(MiUsePageTable) + MiQueryUse(MiUsePfnDatabase);
    KeReleaseSpinLock(&MiPfnLock, OldIrql);
}

static NTSTATUS MiShowMemory(PKD_CONSOLE Console, int Argc, char **Argv)
{
    MM_STATISTICS Now;

    (void)Argv;
    if (Argc != 1) {
        return KdConsoleUsage(Console);
    }
    MmQueryStatistics(&Now);
    KdConsolePrint(Console, "total pages %I64u (%I64u MB)\n", Now.TotalPages, Now.TotalPages >> 8);
    KdConsolePrint(Console, "free pages %I64u\n", Now.FreePages);
    KdConsolePrint(Console, "kernel stacks %I64u\n", Now.KernelStacks);
    KdConsolePrint(Console, "system pte pages %I64u\n", Now.SystemPtePages);
    KdConsolePrint(Console, "image pages %I64u\n", Now.ImagePages);
    KdConsolePrint(Console, "pool pages %I64u\n", Now.PoolPages);
    KdConsolePrint(Console, "locked pages %I64u\n", Now.LockedPages);
    KdConsolePrint(Console, "driver pages %I64u\n", Now.DriverPages);
    KdConsolePrint(Console, "page table pages %I64u\n", Now.PageTablePages);
    return STATUS_SUCCESS;
}

KD_COMMAND("mem", "", "physical memory and what it is used for", MiShowMemory);

/* WinDbg's name for it. */
static NTSTATUS MiShowVm(PKD_CONSOLE Console, int Argc, char **Argv)
{
    return MiShowMemory(Console, Argc, Argv);
}

KD_COMMAND("vm", "", "the same as mem", MiShowVm);

/* Each level's entry in words. */
static void MiShowEntry(PKD_CONSOLE Console, ULONG Level, PMMPTE Address, MMPTE Entry)
{
    static const char *const Names[] = {"pte", "pde", "ppe", "pxe"};

    KdConsolePrint(Console, "%s at %p contains %016I64x", Names[Level], Address, Entry);
    if (Entry & MI_PTE_PRESENT) {
        BOOLEAN Leaf = Level == 0 || (Entry & MI_PTE_LARGE) != 0;

        KdConsolePrint(Console, "  pfn %I64x %s%s%s%s%s%s", (Entry & MI_PTE_FRAME) >> PAGE_SHIFT,
                       Entry & MI_PTE_WRITE ? "write" : "read", Entry & MI_PTE_NX ? "" : " execute",
                       Leaf && Level != 0 ? " large" : "",
                       Leaf && (Entry & MI_PTE_GLOBAL) ? " global" : "",
                       Entry & MI_PTE_CACHEDISABLE ? " uncached" : "",
                       Level == 0 && (Entry & MI_PTE_PAT) ? " write-combined" : "");
    } else if (Level == 0 && (Entry & MI_PTE_PAGEABLE)) {
        KdConsolePrint(Console, "  pfn %I64x vanished", (Entry & MI_PTE_FRAME) >> PAGE_SHIFT);
    } else {
        KdConsolePrint(Console,
                       Level == 0 && Entry == MI_PTE_GUARD ? "  guard page" : "  not valid");
    }
    KdConsolePrint(Console, "\n");
}

static NTSTATUS MiShowPte(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PMMPTE Table = MmPhysicalToVirtual(__readcr3() & MI_PTE_FRAME);
    ULONG64 Address;

    if (Argc != 2) {
        return KdConsoleUsage(Console);
    }
    if (!KdConsoleTakeAddress(Console, Argv[1], &Address)) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((LONG64)Address >> 47 != (LONG64)Address >> 63) {
        KdConsolePrint(Console, "pte: %p can be no address: bits 47 to 63 differ\n",
                       (PVOID)Address);
        return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
    }
    for (ULONG Level = 4; Level-- > 0;) {
        PMMPTE Entry = &Table[MI_ENTRY_INDEX(Address, Level)];

        MiShowEntry(Console, Level, Entry, *Entry);
        if ((*Entry & MI_PTE_PRESENT) == 0 || (Level < 3 && (*Entry & MI_PTE_LARGE) != 0)) {
            break;
        }
        Table = MmPhysicalToVirtual(*Entry & MI_PTE_FRAME);
    }
    return STATUS_SUCCESS;
}

KD_COMMAND_ANYTIME("pte", "ADDRESS", "the page table entries that translate an address", MiShowPte);
