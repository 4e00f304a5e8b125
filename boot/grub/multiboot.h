/*
 * What a multiboot2 loader passes: a total size, then tags, each at a multiple of eight bytes, up
 * to a tag of type 0. Names and numbers are the specification's.
 */
#ifndef ETUDE_BOOT_MULTIBOOT_H
#define ETUDE_BOOT_MULTIBOOT_H

#include <ntdef.h>

#define MULTIBOOT_LOADED_MAGIC 0x36D76289

#define MULTIBOOT_TAG_END 0
#define MULTIBOOT_TAG_COMMAND_LINE 1
#define MULTIBOOT_TAG_LOADER_NAME 2
#define MULTIBOOT_TAG_MODULE 3
#define MULTIBOOT_TAG_MEMORY_MAP 6
#define MULTIBOOT_TAG_FRAMEBUFFER 8
#define MULTIBOOT_TAG_RSDP_OLD 14 /* a copy of the ACPI 1.0 structure */
#define MULTIBOOT_TAG_RSDP_NEW 15 /* a copy of the ACPI 2.0 structure */

#define MULTIBOOT_FRAMEBUFFER_RGB 1
#define MULTIBOOT_FRAMEBUFFER_TEXT 2

typedef struct _MULTIBOOT_INFORMATION {
    ULONG TotalSize;
    ULONG Reserved;
} MULTIBOOT_INFORMATION, *PMULTIBOOT_INFORMATION;

typedef struct _MULTIBOOT_TAG {
    ULONG Type;
    ULONG Size; /* without the padding behind it */
} MULTIBOOT_TAG, *PMULTIBOOT_TAG;

typedef struct _MULTIBOOT_STRING {
    MULTIBOOT_TAG Tag;
    CHAR Text[]; /* zero terminated */
} MULTIBOOT_STRING, *PMULTIBOOT_STRING;

typedef struct _MULTIBOOT_MODULE {
    MULTIBOOT_TAG Tag;
    ULONG Start;
    ULONG End; /* first byte behind */
} MULTIBOOT_MODULE, *PMULTIBOOT_MODULE;

typedef struct _MULTIBOOT_MEMORY_ENTRY {
    ULONG64 Base;
    ULONG64 Length;
    ULONG Type;
    ULONG Reserved;
} MULTIBOOT_MEMORY_ENTRY, *PMULTIBOOT_MEMORY_ENTRY;

typedef struct _MULTIBOOT_MEMORY_MAP {
    MULTIBOOT_TAG Tag;
    ULONG EntrySize; /* may be more than the structure above */
    ULONG EntryVersion;
} MULTIBOOT_MEMORY_MAP, *PMULTIBOOT_MEMORY_MAP;

typedef struct _MULTIBOOT_FRAMEBUFFER {
    MULTIBOOT_TAG Tag;
    ULONG64 Base;
    ULONG Pitch;
    ULONG Width;
    ULONG Height;
    UCHAR BitsPerPixel;
    UCHAR Type;
    USHORT Reserved;
    UCHAR RedShift, RedBits; /* from here only for RGB */
    UCHAR GreenShift, GreenBits;
    UCHAR BlueShift, BlueBits;
} MULTIBOOT_FRAMEBUFFER, *PMULTIBOOT_FRAMEBUFFER;

typedef struct _MULTIBOOT_RSDP {
    MULTIBOOT_TAG Tag;
    UCHAR Copy[];
} MULTIBOOT_RSDP, *PMULTIBOOT_RSDP;

#endif
