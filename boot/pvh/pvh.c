/*
 * From the PVH start information to the LOADER_BLOCK.
 *
 * The structures are those of Xen's public header arch-x86/hvm/start_info.h, version 1 or later:
 * the first version had no memory map, and without one there is nothing to start on.
 */
#include "../boot.h"

#define START_INFO_MAGIC 0x336EC578

typedef struct _PVH_START_INFO {
    ULONG Magic;
    ULONG Version;
    ULONG Flags;
    ULONG ModuleCount;
    ULONG64 ModuleList; /* all addresses are physical */
    ULONG64 CommandLine;
    ULONG64 Rsdp;
    ULONG64 MemoryMap;
    ULONG MemoryMapEntries;
    ULONG Reserved;
} PVH_START_INFO, *PPVH_START_INFO;

typedef struct _PVH_MODULE {
    ULONG64 Base;
    ULONG64 Size;
    ULONG64 CommandLine;
    ULONG64 Reserved;
} PVH_MODULE, *PPVH_MODULE;

typedef struct _PVH_MEMORY_ENTRY {
    ULONG64 Base;
    ULONG64 Size;
    ULONG Type;
    ULONG Reserved;
} PVH_MEMORY_ENTRY, *PPVH_MEMORY_ENTRY;

VOID BlParsePvh(ULONG64 Information, PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges)
{
    const PVH_START_INFO *Start = (const PVH_START_INFO *)Information;
    const PVH_MODULE *Modules = (const PVH_MODULE *)Start->ModuleList;
    const PVH_MEMORY_ENTRY *Memory = (const PVH_MEMORY_ENTRY *)Start->MemoryMap;

    if (Start->Magic != START_INFO_MAGIC || Start->Version < 1) {
        BlFail("the PVH start information is damaged or has no memory map");
    }
    BlCopyString(Block->LoaderName, LOADER_MAXIMUM_NAME, "PVH");
    BlCopyString(Block->CommandLine, LOADER_MAXIMUM_COMMAND_LINE, (const CHAR *)Start->CommandLine);
    Block->RsdpBase = Start->Rsdp;
    if (Start->ModuleCount > 0) {
        Block->BootDiskBase = Modules[0].Base;
        Block->BootDiskSize = Modules[0].Size;
    }
    for (ULONG i = 0; i < Start->MemoryMapEntries; i++) {
        BlAddRange(Ranges, Memory[i].Base, Memory[i].Size, BlTypeFromE820(Memory[i].Type));
    }
}
