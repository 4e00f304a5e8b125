/*
 * From the entry code to the kernel: complete the LOADER_BLOCK, check it, hand it over.
 *
 * Owns the one LOADER_BLOCK. Kernel, boot disk, temporary tables, the low page for starting other
 * processors and page 0 are marked in the memory map, so that nobody takes them for free RAM.
 */
#include "boot.h"

#define PAGE_BYTES 4096
#define MINIMUM_RAM (15ULL << 20) /* of 16 MB firmware keeps some */
#define NEEDED(Text) "Etude needs " Text

LOADER_BLOCK BlLoaderBlock;
static BL_MEMORY_RANGES BlRanges;

VOID BlCopyString(PCHAR Destination, SIZE_T Size, const CHAR *Source)
{
    SIZE_T Length = 0;

    while (Source != NULL && Source[Length] != 0 && Length < Size - 1) {
        Destination[Length] = Source[Length];
        Length++;
    }
    Destination[Length] = 0;
}

/* Loaders do not mark what they loaded: to them it is RAM. The greater type wins where ranges
 * overlap, so what is added here needs no care about what was there. */
static VOID BlMarkOwnMemory(PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges)
{
    ULONG64 Boot = (ULONG64)BlBootStart;

    Block->KernelBase = (ULONG64)KiImageStart - LOADER_KERNEL_BASE;
    Block->KernelSize = KiImageEnd - KiImageStart;
    Block->PageTableBase = (ULONG64)BlPml4;
    BlAddRange(Ranges, Block->KernelBase, Block->KernelSize, LoaderKernel);
    BlAddRange(Ranges, Boot, (ULONG64)BlBootEnd - Boot, LoaderReclaimable);
    BlAddRange(Ranges, Block->BootDiskBase, Block->BootDiskSize, LoaderBootDisk);
    BlAddRange(Ranges, LOADER_SMP_TRAMPOLINE_BASE, PAGE_BYTES, LoaderSmpTrampoline);
    /* The BIOS's vectors and variables; and physical address 0 stays free to mean "none". */
    BlAddRange(Ranges, 0, PAGE_BYTES, LoaderReserved);
}

/* Bytes of RAM that the kernel has or can have. */
static ULONG64 BlCountRam(const LOADER_BLOCK *Block)
{
    ULONG64 Pages = 0;

    for (ULONG i = 0; i < Block->DescriptorCount; i++) {
        if (Block->Descriptors[i].Type <= LoaderAcpiReclaim) {
            Pages += Block->Descriptors[i].PageCount;
        }
    }
    return Pages * PAGE_BYTES;
}

static VOID BlCheckBlock(const LOADER_BLOCK *Block, const BL_MEMORY_RANGES *Ranges)
{
    if (Ranges->Overflow) {
        BlFail("the firmware's memory map has too many entries");
    }
    if (BlCountRam(Block) < MINIMUM_RAM) {
        BlFail(NEEDED("at least 16 MB of RAM"));
    }
    if (Block->BootDiskSize == 0) {
        BlFail(NEEDED("its boot disk, bootdisk.cpio, as the loader's first module "
                      "(GRUB: module2, QEMU: -initrd)"));
    }
    if (Block->BootDiskBase + Block->BootDiskSize > LOADER_MAPPED_LIMIT) {
        BlFail(NEEDED("the boot disk below 4 GB"));
    }
}

VOID BlStart(BL_LOADER Loader, ULONG64 Information, ULONG64 EntryTsc)
{
    PLOADER_BLOCK Block = &BlLoaderBlock;

    Block->EntryTsc = EntryTsc;
    switch (Loader) {
    case BlLoaderMultiboot:
        BlParseMultiboot(Information, Block, &BlRanges);
        break;
    case BlLoaderPvh:
        BlParsePvh(Information, Block, &BlRanges);
        break;
    default:
        BlFail("not started by a multiboot2 or PVH loader");
    }
    BlMarkOwnMemory(Block, &BlRanges);
    Block->DescriptorCount =
        BlResolveRanges(&BlRanges, Block->Descriptors, LOADER_MAXIMUM_DESCRIPTORS);
    BlCheckBlock(Block, &BlRanges);
    KiSystemStartup(Block);
}
