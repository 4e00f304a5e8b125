/*
 * booster.h - the interface of the priority booster, \Device\Booster (book ch. 4). Public: clients
 * in user or kernel mode include it.
 *
 * Priorities 16 to 31 are real time: no thread of a process may give them to itself without a
 * privilege, and not every one at all. The driver gives any thread any of them.
 */
#ifndef _BOOSTER_H_
#define _BOOSTER_H_

#define BOOSTER_DEVICE_NAME L"\\Device\\Booster"
#define BOOSTER_SYMLINK_NAME L"\\??\\Booster"
/* The one of chapter 5, which logs what it does. */
#define BOOSTER2_DEVICE_NAME L"\\Device\\Booster2"
#define BOOSTER2_SYMLINK_NAME L"\\??\\Booster2"

/*
 * What is written to the device. The write returns sizeof(BOOSTER_REQUEST) bytes written.
 * STATUS_BUFFER_TOO_SMALL: fewer bytes. STATUS_INVALID_PARAMETER: no such priority, or no such
 * thread. After a failure nothing has changed.
 */
typedef struct _BOOSTER_REQUEST {
    ULONG ThreadId;
    LONG Priority; /* 1 to 31 */
} BOOSTER_REQUEST, *PBOOSTER_REQUEST;

#endif
