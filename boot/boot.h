/*
 * Private to boot/: the steps from a loader's structures to a LOADER_BLOCK.
 *
 * A loader's parser (grub/, pvh/) copies what it understands into the block and reports memory
 * ranges; start.c checks the result and enters the kernel. All of it runs once, on one processor,
 * on the boot stack, before anything of the kernel works, and stops with a message when it cannot
 * go on.
 */
#ifndef ETUDE_BOOT_BOOT_H
#define ETUDE_BOOT_BOOT_H

#include "loader.h"
#include "serial.h"

/* Made by linker.ld: physical addresses of the parts that only starting needs. */
extern CHAR BlBootStart[], BlBootEnd[];
/* Made by linker.ld: virtual addresses of the kernel image. */
extern CHAR KiImageStart[], KiImageEnd[];
/* The top of the temporary page tables, in entry.asm: a physical address. */
extern CHAR BlPml4[];

/* The block given to the kernel; constant from then on. */
extern LOADER_BLOCK BlLoaderBlock;

typedef enum _BL_LOADER {
    BlLoaderUnknown,
    BlLoaderMultiboot,
    BlLoaderPvh
} BL_LOADER;

/* Ranges in the order found, in bytes, unaligned, overlapping: as firmware gives them. */
typedef struct _BL_MEMORY_RANGE {
    ULONG64 Base;
    ULONG64 End; /* first byte behind */
    LOADER_MEMORY_TYPE Type;
} BL_MEMORY_RANGE, *PBL_MEMORY_RANGE;

typedef struct _BL_MEMORY_RANGES {
    ULONG Count;
    BOOLEAN Overflow; /* a range was left out, here or in the map made of them */
    BL_MEMORY_RANGE Range[LOADER_MAXIMUM_DESCRIPTORS];
} BL_MEMORY_RANGES, *PBL_MEMORY_RANGES;

/*
 * Adds a range, rounded to whole pages: inwards for LoaderFree, outwards for every other type.
 * Nothing is added for an empty range; one that passes the end of address space is cut there.
 */
VOID BlAddRange(PBL_MEMORY_RANGES Ranges, ULONG64 Base, ULONG64 Length, LOADER_MEMORY_TYPE Type);

/* The type of an entry in a memory map with the BIOS's (E820) numbers. */
LOADER_MEMORY_TYPE BlTypeFromE820(ULONG Type);

/*
 * Writes the sorted map without overlaps. Where ranges overlap, the greater type wins: the order of
 * LOADER_MEMORY_TYPE puts what must not be touched last. Returns the number of descriptors written,
 * at most Capacity; if there are more, Overflow is set.
 */
ULONG BlResolveRanges(PBL_MEMORY_RANGES Ranges, PLOADER_MEMORY_DESCRIPTOR Map, ULONG Capacity);

/* Copies a zero-terminated string, cut to fit; a null Source gives an empty string. */
VOID BlCopyString(PCHAR Destination, SIZE_T Size, const CHAR *Source);

/* Fill Block and Ranges from a loader's structure at the physical address given. */
VOID BlParseMultiboot(ULONG64 Information, PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges);
VOID BlParsePvh(ULONG64 Information, PLOADER_BLOCK Block, PBL_MEMORY_RANGES Ranges);

/* Says why Etude cannot start, on COM1 and the text screen; ends QEMU or halts. */
DECLSPEC_NORETURN VOID BlFail(const CHAR *Message);

/* Called by entry.asm. Information: physical address of what the loader hands over. */
DECLSPEC_NORETURN VOID BlStart(BL_LOADER Loader, ULONG64 Information, ULONG64 EntryTsc);

#endif
