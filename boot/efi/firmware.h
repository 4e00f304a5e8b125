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

/* Says why Etude cannot start, on the firmware's console, and returns to the firmware, which goes on to
 * whatever else there is to boot; ends QEMU where it offers that. Does not return. */
__attribute__((noreturn)) VOID BlStop(CHAR16 *Format, ...);
/* From here on BlStop calls nothing of the firmware: it writes to the first serial port, and halts. */
VOID BlForgetFirmware(VOID);

/* Pages of the type below 4 GB; does not return when there are none. What: for whom, for the message. */
VOID *BlAllocateLow(EFI_MEMORY_TYPE Type, UINTN Size, CHAR16 *What);

/* Opens the file system that the loader was started from. Once. */
VOID BlOpenVolume(EFI_HANDLE Image);
/* Reads a file, with one zero byte behind it. FALSE: there is none; other errors do not return. */
BOOLEAN BlReadFile(CHAR16 *Name, BL_FILE *File);

/* The screen, if it can be drawn on by writing to memory; else FALSE. */
BOOLEAN BlFindScreen(BL_SCREEN *Screen);
/* Adds ACPI's root pointer, if the firmware has one. */
VOID BlFindRsdp(BL_INFO *Info);

/* Ends the firmware's services: adds the memory map as it is then to Info, and ends it. Low, High: what the
 * kernel will fill, which the firmware must not keep. */
VOID BlLeaveFirmware(EFI_HANDLE Image, BL_INFO *Info, UINT64 Low, UINT64 High);

#endif
