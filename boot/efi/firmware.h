/* What the loader's files that talk to the firmware share. */
#ifndef ETUDE_BOOT_EFI_FIRMWARE_H
#define ETUDE_BOOT_EFI_FIRMWARE_H

#include <efi.h>
#include <efilib.h>

#include "loader.h"

/* A file in memory, below 4 GB. */
typedef struct BL_FILE {
    UINT8 *Data;
    UINTN Size;
} BL_FILE;

/* A file where there was room for it: in one piece, unless the firmware has left little memory. */
typedef struct BL_PIECES {
    UINTN Size; /* of all */
    UINTN Count;
    BL_FILE Piece[BL_MAXIMUM_PIECES];
} BL_PIECES;

/* Says why Etude cannot start, on the firmware's console, and returns to the firmware, which goes
 * on to whatever else there is to boot; ends QEMU where it offers that. Does not return. */
__attribute__((noreturn)) VOID BlStop(CHAR16 *Format, ...);
/* From here on BlStop calls nothing of the firmware: it writes to the first serial port, and
 * halts. */
VOID BlForgetFirmware(VOID);

/* Pages of the type below 4 GB, or NULL. */
VOID *BlTryAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size);
/* The same; does not return when there are none. What: for whom, for the message. */
VOID *BlAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size, CHAR16 *What);
__attribute__((noreturn)) VOID BlStopForMemory(CHAR16 *What, UINTN Size);

/* Opens the file system that the loader was started from. Once. */
VOID BlOpenVolume(EFI_HANDLE Image);
/* Reads a file, with one zero byte behind it. FALSE: there is none; other errors do not return. */
BOOLEAN BlReadFile(CHAR16 *Name, BL_FILE *File);
/* The same, without the zero byte. */
BOOLEAN BlReadPieces(CHAR16 *Name, BL_PIECES *Pieces);

/* The screen, if it can be drawn on by writing to memory; else FALSE. */
BOOLEAN BlFindScreen(BL_SCREEN *Screen);
/* Adds ACPI's root pointer, if the firmware has one. */
VOID BlFindRsdp(BL_INFO *Info);

/* What leaving the firmware finishes. */
typedef struct BL_DEPARTURE {
    BL_INFO Info;  /* without memory map and module */
    BL_PLAN *Plan; /* the kernel's segments; the boot disk's pieces are added */
    BL_PIECES Disk;
    BL_FILE Enter;     /* what does the copying, with its plan */
    UINT64 Low, High;  /* what the kernel will fill, which the firmware must not keep */
    UINT8 *Map;        /* as the firmware writes it */
    BL_MEMORY *Memory; /* as the kernel reads it */
} BL_DEPARTURE;

/* Makes room for both maps. */
VOID BlAllocateMaps(BL_DEPARTURE *Departure);
/* Ends the firmware's services, and finishes the plan by the memory map as it is then. */
VOID BlLeaveFirmware(EFI_HANDLE Image, BL_DEPARTURE *Departure);

#endif
