/*
 * What every loader hands over to the kernel.
 *
 * Whichever way the machine was started, the code under boot/ fills one LOADER_BLOCK, kept in the
 * kernel's own .bss, and calls KiSystemStartup. Nothing in the block points into memory that a
 * loader owns: strings and the firmware's root pointer are copied in, so only ranges typed other
 * than LoaderFree have to be left alone.
 *
 * State on entry: one processor, long mode, interrupts off, SSE usable (CR4.OSFXSR, OSXMMEXCPT),
 * CR0.WP set, EFER.NXE set if the processor has it, flat 64-bit segments from a temporary GDT, no
 * IDT, and a boot stack of LOADER_STACK_SIZE bytes inside the kernel image. The temporary page
 * tables use 2 MB pages, all readable, writable and executable:
 *
 *     0000000000000000h  the first 4 GB, identity
 *     FFFF800000000000h  the first 4 GB (the start of the direct map)
 *     FFFFFFFF80000000h  the first 1 GB (the kernel is linked at this plus its address)
 *
 * The boot disk is a cpio archive in newc format, handed over as the loader's first
 * module. Names are relative and use '/': drivers/beep.sys, music/elise.rtttl, registry.reg,
 * symbols/kernel.sym, extra/... A person's commands reach the console through it too: when the
 * command line holds the word `exec`, the member exec.txt holds the commands as typed (UTF-8, one
 * or more lines, ';' between commands of a line), so no loader's quoting rules touch them.
 */
#ifndef ETUDE_BOOT_LOADER_H
#define ETUDE_BOOT_LOADER_H

#include <ntdef.h>

/* Virtual = base + physical: within the kernel image; below LOADER_MAPPED_LIMIT. */
#define LOADER_KERNEL_BASE 0xFFFFFFFF80000000ULL
#define LOADER_DIRECT_BASE 0xFFFF800000000000ULL
#define LOADER_MAPPED_LIMIT 0x100000000ULL

#define LOADER_STACK_SIZE 16384
#define LOADER_MAXIMUM_DESCRIPTORS 256
#define LOADER_MAXIMUM_COMMAND_LINE 1024
#define LOADER_MAXIMUM_NAME 32
#define LOADER_RSDP_SIZE 36

/* Physical page kept for the real-mode code that application processors start in. */
#define LOADER_SMP_TRAMPOLINE_BASE 0x8000

typedef enum _LOADER_MEMORY_TYPE {
    LoaderFree,          /* RAM nobody uses */
    LoaderReclaimable,   /* temporary page tables: RAM once every processor has left them */
    LoaderKernel,        /* the kernel image with its .bss, boot stack and this block */
    LoaderBootDisk,      /* the cpio archive */
    LoaderSmpTrampoline, /* the page at LOADER_SMP_TRAMPOLINE_BASE; RAM once every processor runs */
    LoaderAcpiReclaim,   /* RAM once the ACPI tables have been read */
    LoaderAcpiNvs,       /* belongs to the firmware for ever */
    LoaderReserved,      /* not RAM, or not ours */
    LoaderBad,           /* RAM that fails */
    LoaderMaximumType
} LOADER_MEMORY_TYPE;

/*
 * A run of physical pages of one type. Runs are sorted by Base, page aligned, and never overlap;
 * neighbours of one type are merged. Gaps between runs are address space that the firmware did not
 * mention: no RAM.
 */
typedef struct _LOADER_MEMORY_DESCRIPTOR {
    ULONG64 Base; /* physical address of the first byte */
    ULONG64 PageCount;
    LOADER_MEMORY_TYPE Type;
} LOADER_MEMORY_DESCRIPTOR, *PLOADER_MEMORY_DESCRIPTOR;

typedef enum _LOADER_FRAMEBUFFER_TYPE {
    LoaderFramebufferNone, /* the loader said nothing about the screen */
    LoaderFramebufferText, /* Width x Height character cells of two bytes each */
    LoaderFramebufferRgb   /* pixels of BitsPerPixel with the colour masks below */
} LOADER_FRAMEBUFFER_TYPE;

typedef struct _LOADER_FRAMEBUFFER {
    LOADER_FRAMEBUFFER_TYPE Type;
    ULONG64 Base; /* physical */
    ULONG Pitch;  /* bytes from one line to the next */
    ULONG Width;  /* pixels, or cells for text */
    ULONG Height;
    ULONG BitsPerPixel;
    UCHAR RedShift, RedBits;
    UCHAR GreenShift, GreenBits;
    UCHAR BlueShift, BlueBits;
} LOADER_FRAMEBUFFER, *PLOADER_FRAMEBUFFER;

typedef struct _LOADER_BLOCK {
    ULONG64 EntryTsc; /* time-stamp counter at the kernel's first instruction */

    /* For people: "GRUB 2.06-13", "PVH". */
    CHAR LoaderName[LOADER_MAXIMUM_NAME];
    /* Zero terminated, without the kernel's own name. */
    CHAR CommandLine[LOADER_MAXIMUM_COMMAND_LINE];

    ULONG64 KernelBase; /* physical, page aligned */
    ULONG64 KernelSize; /* bytes, whole pages, .bss included */

    ULONG64 BootDiskBase; /* physical, below LOADER_MAPPED_LIMIT */
    ULONG64 BootDiskSize; /* bytes, exact */

    /* Physical address of the ACPI root pointer, or of the copy in Rsdp when a loader passes only
       that; 0: the loader did not say, search for it. */
    ULONG64 RsdpBase;
    UCHAR Rsdp[LOADER_RSDP_SIZE];

    ULONG64 PageTableBase; /* physical address of the temporary PML4, below 4 GB */

    LOADER_FRAMEBUFFER Framebuffer;

    ULONG DescriptorCount;
    LOADER_MEMORY_DESCRIPTOR Descriptors[LOADER_MAXIMUM_DESCRIPTORS];
} LOADER_BLOCK, *PLOADER_BLOCK;

/*
 * The kernel proper. Called once, on the state described above; does not return. LoaderBlock:
 * complete and checked: at least one free range, a boot disk, a sorted memory map.
 */
DECLSPEC_NORETURN VOID KiSystemStartup(PLOADER_BLOCK LoaderBlock);

#endif
