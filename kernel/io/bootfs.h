/*
 * bootfs.h - what the files of the boot disk's file system share.
 *
 * Lock legend:  l IopBootLock   i fixed after creation.
 */
#ifndef _BOOTFS_H_
#define _BOOTFS_H_

#include <ntifs.h>
#include "iop.h"

#define IOP_MAX_PATH 260
#define IOP_BOOT_SECTOR 512 /* bytes; what sizes on the volume are told in */

/* A file or directory that is open: FILE_OBJECT.FsContext of all its opens. */
typedef struct _IOP_BOOT_FILE {
    LIST_ENTRY Link;    /* l  in the list of open files */
    LONG Opens;         /* l */
    SHARE_ACCESS Share; /* l */
    const UCHAR *Data;  /* i  in the archive */
    SIZE_T Size;        /* i */
    BOOLEAN Directory;  /* i */
    CHAR Path[];        /* i  "drivers/beep.sys"; "": the root */
} IOP_BOOT_FILE, *PIOP_BOOT_FILE;

/* An entry of a directory. Names are the archive's, which stays in memory, and not terminated. */
typedef struct _IOP_BOOT_ENTRY {
    const CHAR *Name;
    ULONG Length;
    BOOLEAN Directory;
    SIZE_T Size;
} IOP_BOOT_ENTRY, *PIOP_BOOT_ENTRY;

/* A directory's listing for one open: FILE_OBJECT.FsContext2. All of it: l. */
typedef struct _IOP_BOOT_LISTING {
    ULONG Count;
    ULONG Next; /* the entry to be told next */
    UNICODE_STRING Pattern;
    IOP_BOOT_ENTRY Entries[];
} IOP_BOOT_LISTING, *PIOP_BOOT_LISTING;

extern FAST_MUTEX IopBootLock;

static inline PIOP_BOOT_FILE IopBootFileOf(PFILE_OBJECT File)
{
    return File->FsContext;
}

/* Completes Irp and answers Status. */
NTSTATUS IopFinishBootRequest(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* Is there a file below the path of Length bytes, which does not end in a slash? "" is the root. */
BOOLEAN IopIsBootDirectory(const char *Path, SIZE_T Length);

static inline LONGLONG IopBootAllocation(SIZE_T Size)
{
    return (LONGLONG)((Size + IOP_BOOT_SECTOR - 1) & ~(SIZE_T)(IOP_BOOT_SECTOR - 1));
}

static inline ULONG IopBootAttributes(BOOLEAN Directory)
{
    return FILE_ATTRIBUTE_READONLY | (Directory ? FILE_ATTRIBUTE_DIRECTORY : 0U);
}

/* bootdir.c, bootinfo.c: dispatch routines. */
DRIVER_DISPATCH IopBootDirectoryControl, IopBootQueryInformation, IopBootSetInformation,
    IopBootQueryVolume;
void IopFreeBootListing(PIOP_BOOT_LISTING Listing);

#endif
