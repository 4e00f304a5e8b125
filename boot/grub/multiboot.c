/*
 * From the multiboot2 tags to the LOADER_BLOCK.
 *
 * Of a tag that comes more than once the first counts, so that the boot disk is module 0; only the
 * memory map adds up. Tags nobody asked for are skipped.
 */
#include "multiboot.h"
#include "../boot.h"

static VOID BlTakeMemoryMap(const MULTIBOOT_MEMORY_MAP *Map, PBL_MEMORY_RANGES Ranges)
{
    ULONG64 Entry = (ULONG64)(Map + 1);
    ULONG64 End = (ULONG64)Map + Map->Tag.Size;

    if (Map->EntrySize < sizeof(MULTIBOOT_MEMORY_ENTRY)) {
        BlFail("the loader's memory map has entries that are too small");
    }
    for (; Entry + sizeof(MULTIBOOT_MEMORY_ENTRY) <= End; Entry += Map->EntrySize) {
        const MULTIBOOT_MEMORY_ENTRY *Memory = (const MULTIBOOT_MEMORY_ENTRY *)Entry;

        BlAddRange(Ranges, Memory->Base, Memory->Length, BlTypeFromE820(Memory->Type));
    }
}

static VOID BlTakeModule(const MULTIBOOT_MODULE *Module, PLOADER_BLOCK Block)
{
    if (Block->BootDiskSize == 0 && Module->End > Module->Start) {
        Block->BootDiskBase = Module->Start;
        Block->BootDiskSize = Module->End - Module->Start;
    }
}

static VOID BlTakeFramebuffer(const MULTIBOOT_FRAMEBUFFER *Tag, PLOADER_FRAMEBUFFER Framebuffer)
{
    if (Tag->Type == MULTIBOOT_FRAMEBUFFER_RGB) {
        Framebuffer->Type = LoaderFramebufferRgb;
        Framebuffer->RedShift = Tag->RedShift;
        Framebuffer->RedBits = Tag->RedBits;
        Framebuffer->GreenShift = Tag->GreenShift;
        Framebuffer->GreenBits = Tag->GreenBits;
        Framebuffer->BlueShift = Tag->BlueShift;
        Framebuffer->BlueBits = Tag->BlueBits;
    } else if (Tag->Type == MULTIBOOT_FRAMEBUFFER_TEXT) {
        Framebuffer->Type = LoaderFramebufferText;
    } else {
        return;
    }
    Framebuffer->Base = Tag->Base;
    Framebuffer->Pitch = Tag->Pitch;
    Framebuffer->Width = Tag->Width;
    Framebuffer->Height = Tag->Height;
    Framebuffer->BitsPerPixel = Tag->BitsPerPixel;
}

/* The loader passes only a copy, in memory that becomes free: copy again. ACPI 2.0 replaces 1.0. */
static VOID BlTakeRsdp(const MULTIBOOT_RSDP *Tag, PLOADER_BLOCK Block)
{
    ULONG Size = Tag->Tag.Size - sizeof(MULTIBOOT_TAG);

    if (Block->RsdpBase != 0 && Tag->Tag.Type == MULTIBOOT_TAG_RSDP_OLD) {
        return;
    }
    for (ULONG i = 0; i < LOADER_RSDP_SIZE; i++) {
        Block->Rsdp[i] = i < Size ? Tag->Copy[i] : 0;
    }
    Block->RsdpBase = (ULONG64)Block->Rsdp - LOADER_KERNEL_BASE;
}

static VOID BlTakeTag(const MULTIBOOT_TAG *Tag, PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges)
{
    const MULTIBOOT_STRING *String = (const MULTIBOOT_STRING *)Tag;

    switch (Tag->Type) {
    case MULTIBOOT_TAG_COMMAND_LINE:
        BlCopyString(Block->CommandLine, LOADER_MAXIMUM_COMMAND_LINE, String->Text);
        break;
    case MULTIBOOT_TAG_LOADER_NAME:
        BlCopyString(Block->LoaderName, LOADER_MAXIMUM_NAME, String->Text);
        break;
    case MULTIBOOT_TAG_MODULE:
        BlTakeModule((const MULTIBOOT_MODULE *)Tag, Block);
        break;
    case MULTIBOOT_TAG_MEMORY_MAP:
        BlTakeMemoryMap((const MULTIBOOT_MEMORY_MAP *)Tag, Ranges);
        break;
    case MULTIBOOT_TAG_FRAMEBUFFER:
        BlTakeFramebuffer((const MULTIBOOT_FRAMEBUFFER *)Tag, &Block->Framebuffer);
        break;
    case MULTIBOOT_TAG_RSDP_OLD:
    case MULTIBOOT_TAG_RSDP_NEW:
        BlTakeRsdp((const MULTIBOOT_RSDP *)Tag, Block);
        break;
    }
}

VOID BlParseMultiboot(ULONG64 Information, PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges)
{
    const MULTIBOOT_INFORMATION *Header = (const MULTIBOOT_INFORMATION *)Information;
    ULONG64 End = Information + Header->TotalSize;
    ULONG64 Next = Information + sizeof(*Header);

    while (Next + sizeof(MULTIBOOT_TAG) <= End) {
        const MULTIBOOT_TAG *Tag = (const MULTIBOOT_TAG *)Next;

        if (Tag->Type == MULTIBOOT_TAG_END || Tag->Size < sizeof(MULTIBOOT_TAG) ||
            Tag->Size > End - Next) {
            break;
        }
        BlTakeTag(Tag, Block, Ranges);
        Next += (Tag->Size + 7) & ~7ULL;
    }
}
