/* crashfile.h - between the disk that crash files go to (crashdisk.c) and their contents
 * (crashfile.c). */
#ifndef _KD_CRASHFILE_H_
#define _KD_CRASHFILE_H_

#include <ntddk.h>
#include <ntddcrash.h>

#define KD_CRASH_MEMORY_OFFSET                                                                     \
    0x200000 /* of physical address 0 in the file; headers stand before it */

/* Of the machine's memory; the file, and a disk for it, must be as much longer as
 * KD_CRASH_MEMORY_OFFSET, and the disk has a sector with the mark behind. */
ULONG64 KdpHighestMemory(void);

/* Bytes written, or 0 with what went wrong in *Status. */
ULONG64 KdpWriteCrashFile(const CRASH_WRITER *Writer, ULONG Owner, NTSTATUS *Status);

#endif
