/*
 * process.c - a process's address space: its own top table.
 *
 * Its upper half is a copy of the system's. All entries there exist from the start (see init.c) and
 * lead to tables that everybody shares, so nothing has to be kept up to date. The lower half is
 * empty.
 */
#include "mi.h"

BOOLEAN MmCreateAddressSpace(PULONG64 DirectoryTableBase)
{
    PFN_NUMBER Page = MiAllocatePage(MiUsePageTable, TRUE);
    PMMPTE Table = MmPhysicalToVirtual((ULONG64)Page << PAGE_SHIFT);

    if (Page == 0) {
        return FALSE;
    }
    RtlCopyMemory(&Table[MI_ENTRIES / 2], &MiKernelPml4[MI_ENTRIES / 2],
                  MI_ENTRIES / 2 * sizeof(*Table));
    *DirectoryTableBase = (ULONG64)Page << PAGE_SHIFT;
    return TRUE;
}

void MmDeleteAddressSpace(ULONG64 DirectoryTableBase)
{
    PMMPTE Table = MmPhysicalToVirtual(DirectoryTableBase);

    for (ULONG i = 0; i < MI_ENTRIES; i++) {
        KI_ASSERT(Table[i] == (i < MI_ENTRIES / 2 ? 0 : MiKernelPml4[i]));
    }
    MmFreePage((PFN_NUMBER)(DirectoryTableBase >> PAGE_SHIFT));
}
