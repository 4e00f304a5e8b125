/*
 * nullfilter.h - the interface of the null filter, \Device\NullFilter. Public: clients in user or
 * kernel mode include it.
 *
 * The filter puts a device object on top of another device's stack, passes all requests on as they
 * are, and counts them: what chapter 7 of Windows Kernel Programming says of device stacks, to be
 * seen at work.
 */
#ifndef _NULLFILTER_H_
#define _NULLFILTER_H_

#define NULLFILTER_DEVICE_NAME L"\\Device\\NullFilter"
#define NULLFILTER_SYMLINK_NAME L"\\??\\NullFilter"
#define NULLFILTER_DEVICE 0x8023
#define NULLFILTER_MAJORS 28 /* IRP_MJ_CREATE to IRP_MJ_PNP */

/* The input is the name of a device, WCHARs without a terminator. One stack is filtered at a time:
 * STATUS_DEVICE_ALREADY_ATTACHED. The counts begin at 0. STATUS_INVALID_PARAMETER: no name, or the
 * null filter's own. Else errors of IoAttachDevice. */
#define IOCTL_NULLFILTER_ATTACH                                                                    \
    CTL_CODE(NULLFILTER_DEVICE, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
/* Requests inside the filter are waited for. STATUS_DEVICE_NOT_CONNECTED: it filters nothing. */
#define IOCTL_NULLFILTER_DETACH                                                                    \
    CTL_CODE(NULLFILTER_DEVICE, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)
/* The output is a NULLFILTER_COUNTS, of the present filter or the last. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_NULLFILTER_QUERY CTL_CODE(NULLFILTER_DEVICE, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _NULLFILTER_COUNTS {
    ULONG Attached;
    ULONG Failed;                    /* requests that came back with an error */
    ULONG Passed[NULLFILTER_MAJORS]; /* requests that came, by major function */
    ULONG Completed;                 /* requests that have come back */
} NULLFILTER_COUNTS, *PNULLFILTER_COUNTS;

#endif
