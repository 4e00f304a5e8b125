/*
 * multi.h - the interface of the mailbox \Device\Multi (book ch. 8). Public: clients in user or
 * kernel mode include it.
 *
 * What is written is a message, kept until it is read; messages are read in the order in which they
 * were written. What the driver is there for is how it gets its memory: see multi.c.
 */
#ifndef _MULTI_H_
#define _MULTI_H_

#define MULTI_DEVICE_NAME L"\\Device\\Multi"
#define MULTI_SYMLINK_NAME L"\\??\\Multi"
#define MULTI_DEVICE 0x8024

#define MULTI_MAXIMUM_BYTES 200 /* of a message */
#define MULTI_MAXIMUM_MESSAGES 1024

/*
 * Write: 1 to MULTI_MAXIMUM_BYTES bytes, else STATUS_INVALID_BUFFER_SIZE; STATUS_QUOTA_EXCEEDED:
 * too many messages wait; STATUS_INSUFFICIENT_RESOURCES. Read: the oldest message;
 * STATUS_NO_MORE_ENTRIES, or STATUS_BUFFER_TOO_SMALL, and then it stays.
 */

/* No input; the output is a MULTI_STATE. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_MULTI_QUERY CTL_CODE(MULTI_DEVICE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _MULTI_STATE {
    ULONG Waiting; /* messages */
    ULONG Reserved;
    ULONGLONG Written;             /* ever, from the secure pool */
    ULONGLONG Allocations, Misses; /* of the lookaside list: how often it was empty */
} MULTI_STATE, *PMULTI_STATE;

#endif
