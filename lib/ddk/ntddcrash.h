/*
 * ntddcrash.h - how a disk driver lets the kernel write to its disk after a bugcheck. (On Windows a
 * dump port driver, a second copy of the disk's, does that.)
 */
#ifndef _NTDDCRASH_
#define _NTDDCRASH_

#include <wdm.h>

#define CRASH_WRITE_MAXIMUM 0x100000 /* bytes of one call */

/*
 * Writes Length bytes of physically contiguous memory from Address on to the disk at byte Offset;
 * both are multiples of 512. Called on one processor at HIGH_LEVEL with interrupts off and all
 * others stopped, wherever they were: no locks, no pool, no waits; the device is polled. Requests
 * that were on their way are lost. STATUS_IO_DEVICE_ERROR, STATUS_IO_TIMEOUT: nothing more can be
 * written.
 */
typedef NTSTATUS NTAPI CRASH_WRITE(_In_ PVOID Context, _In_ ULONG64 Offset,
                                   _In_ PHYSICAL_ADDRESS Address, _In_ ULONG Length);
typedef CRASH_WRITE *PCRASH_WRITE;

typedef struct _CRASH_WRITER {
    PCRASH_WRITE Write;
    PVOID Context;
    ULONG64 Length; /* of the disk, bytes */
} CRASH_WRITER, *PCRASH_WRITER;

/*
 * IRP_MJ_INTERNAL_DEVICE_CONTROL. Output: CRASH_WRITER, valid while the device is open.
 * STATUS_BUFFER_TOO_SMALL; STATUS_MEDIA_WRITE_PROTECTED.
 */
#define IOCTL_DISK_GET_CRASH_WRITER                                                                \
    CTL_CODE(FILE_DEVICE_DISK, 0xE00, METHOD_BUFFERED, FILE_ANY_ACCESS)

#endif
