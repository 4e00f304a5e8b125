/*
 * The UEFI loader's files among themselves.
 *
 * The loader does for UEFI what GRUB does for a BIOS: it reads the kernel and the boot disk, takes
 * screen, memory map and ACPI root pointer from the firmware, and enters the kernel as a multiboot2
 * loader does, in 32-bit protected mode. So one entry path, and one parser, fills the LOADER_BLOCK
 * either way.
 *
 * Two kinds of files meet here: those that talk to the firmware, in gnu-efi's types, and pure ones
 * in the kernel's, which tests compile for the host. The types here belong to neither.
 */
#ifndef ETUDE_BOOT_EFI_LOADER_H
#define ETUDE_BOOT_EFI_LOADER_H

#include <stddef.h>
#include <stdint.h>

#define BL_PAGE 4096
#define BL_LOW_LIMIT 0xFFFFFFFFu /* what the kernel's 32-bit entry code can reach */

/*** The kernel file (elf.c) ***/

#define BL_MAXIMUM_SEGMENTS 8 /* of the kernel */
#define BL_MAXIMUM_PIECES 24  /* of the boot disk */

/* Something to be moved: FileBytes from Source go to Target, what is missing to MemoryBytes is
 * zero. enter.asm knows the layout. */
typedef struct BL_SEGMENT {
    uint64_t Source;
    uint64_t Target;
    uint64_t FileBytes;
    uint64_t MemoryBytes;
} BL_SEGMENT;

/* What is left to do when the firmware has gone. Everything is below 4 GB. enter.asm knows the
 * layout. */
typedef struct BL_PLAN {
    uint64_t Entry; /* 32-bit code */
    uint64_t Information;
    uint64_t SegmentCount;
    BL_SEGMENT Segment[BL_MAXIMUM_SEGMENTS + BL_MAXIMUM_PIECES];
} BL_PLAN;

/* Fills Entry and Segment from an ELF file of Size bytes at File, and the range of physical memory
 * that they fill. Returns NULL, or what is wrong with the file. */
const char *BlPlanKernel(const void *File, size_t Size, BL_PLAN *Plan, uint64_t *Low,
                         uint64_t *High);

/*** The multiboot2 information (info.c) ***/

typedef struct BL_INFO {
    uint8_t *Buffer; /* eight bytes aligned */
    size_t Room;
    size_t Used;
    int Overflow; /* something did not fit */
} BL_INFO;

typedef struct BL_MEMORY {
    uint64_t Base;
    uint64_t Length;
    uint32_t Type; /* E820's numbers */
#define BL_MEMORY_RAM 1
} BL_MEMORY;

typedef struct BL_SCREEN {
    uint64_t Base;
    uint32_t Pitch, Width, Height;
    uint8_t BitsPerPixel;
    uint8_t RedShift, RedBits, GreenShift, GreenBits, BlueShift, BlueBits;
} BL_SCREEN;

void BlBeginInfo(BL_INFO *Info, void *Buffer, size_t Room);
void BlAddCommandLine(BL_INFO *Info, const char *Text);
void BlAddLoaderName(BL_INFO *Info, const char *Text);
void BlAddModule(BL_INFO *Info, uint64_t Base, uint64_t Length);
void BlAddScreen(BL_INFO *Info, const BL_SCREEN *Screen);
/* New: ACPI 2.0's structure of 36 bytes, else ACPI 1.0's of 20. */
void BlAddRsdp(BL_INFO *Info, const void *Rsdp, int New);
void BlAddMemoryMap(BL_INFO *Info, const BL_MEMORY *Memory, size_t Count);
/* Ends the tags. FALSE when they did not fit. */
int BlEndInfo(BL_INFO *Info);

/* Appends a range to a map of Count entries, to the last one if it continues that: firmware splits
 * what it uses into very many. Returns the new number, at most Capacity + 1: then it did not
 * fit. */
size_t BlAppendMemory(BL_MEMORY *Memory, size_t Count, size_t Capacity, BL_MEMORY Range);

/*** Finding room (room.c) ***/

/* Bytes of RAM in a map between Low and High. */
uint64_t BlRamBetween(const BL_MEMORY *Memory, size_t Count, uint64_t Low, uint64_t High);

/* The lowest page from 1 MB on where Size bytes of RAM, below 4 GB, touch none of what is taken; 0:
 * there is none. */
uint64_t BlFindRoom(const BL_MEMORY *Memory, size_t Count, const BL_MEMORY *Taken,
                    size_t TakenCount, uint64_t Size);

/*** Checksums (sums.c) ***/

/* Of what Crc is the checksum of, 0 for nothing, followed by these. */
uint32_t BlCrc32(uint32_t Crc, const void *Data, size_t Size);
/* Finds "xxxxxxxx NAME" in the Size bytes of the list at Text. FALSE: it is not listed. */
int BlFindSum(const char *Text, size_t Size, const char *Name, uint32_t *Sum);

/*** The way into the kernel (enter.asm) ***/

/* Position independent code from here to BlEnterEnd, to be copied to a page that the kernel does
 * not fill; called there as void Enter(BL_PLAN *). Uses the 1024 bytes below the plan as its
 * stack. */
extern char BlEnterStart[], BlEnterEnd[];

#endif
