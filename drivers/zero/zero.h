/*
 * zero.h - the interface of the zero device, \Device\Zero (book ch. 7). Public: clients in user or
 * kernel mode include it.
 *
 * A read is filled with zeros, a write vanishes; both as long as one likes, but not empty
 * (STATUS_INVALID_BUFFER_SIZE).
 */
#ifndef _ZERO_H_
#define _ZERO_H_

#define ZERO_DEVICE_NAME L"\\Device\\Zero"
#define ZERO_SYMLINK_NAME L"\\??\\Zero"
#define ZERO_DEVICE 0x8022

/* Bytes moved, ever: the driver keeps the numbers in the registry while it is not loaded. */
typedef struct _ZERO_STATISTICS {
    LONGLONG TotalRead;
    LONGLONG TotalWritten;
} ZERO_STATISTICS, *PZERO_STATISTICS;

/* No input; the output is a ZERO_STATISTICS. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_ZERO_GET_STATISTICS CTL_CODE(ZERO_DEVICE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* No input, no output: both begin again at 0. */
#define IOCTL_ZERO_CLEAR_STATISTICS CTL_CODE(ZERO_DEVICE, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)

#endif
