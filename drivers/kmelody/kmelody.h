/*
 * kmelody.h - the interface of the melody player, \Device\KMelody (book ch. 8). Public: clients in
 * user or kernel mode include it.
 *
 * Clients queue notes; a thread of the driver plays them one after another through the Beep device.
 * Notes queued while others play follow those without a gap. Closing the handle does not stop
 * the music.
 */
#ifndef _KMELODY_H_
#define _KMELODY_H_

#define MELODY_DEVICE_NAME L"\\Device\\KMelody"
#define MELODY_SYMLINK_NAME L"\\??\\KMelody"
#define MELODY_DEVICE 0x8003 /* device types from 0x8000 on are free for everybody's drivers */

/* Most notes that wait to be played at a time. */
#define MELODY_QUEUE_LIMIT 1024

#define MELODY_MAXIMUM_MS 600000U
#define MELODY_MAXIMUM_REPEAT 1000U

/* Repeat times: Frequency for Duration, then silence for Delay. */
typedef struct _MELODY_NOTE {
    ULONG Frequency; /* hertz: as for IOCTL_BEEP_SET, or 0: silence instead of a tone */
    ULONG Duration;  /* milliseconds, 1 to MELODY_MAXIMUM_MS */
    ULONG Delay;     /* milliseconds, 0 to MELODY_MAXIMUM_MS */
    ULONG Repeat;    /* 1 to MELODY_MAXIMUM_REPEAT */
} MELODY_NOTE, *PMELODY_NOTE;

/*
 * Queues all notes of the input, an array of MELODY_NOTE; no output. Ends at once; playing goes on.
 * STATUS_INVALID_BUFFER_SIZE: empty, or not a whole number of notes. STATUS_INVALID_PARAMETER: a
 * note is out of range. STATUS_INSUFFICIENT_RESOURCES: the queue has no room for all of them. After
 * a failure none has been queued.
 */
#define IOCTL_MELODY_PLAY CTL_CODE(MELODY_DEVICE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Pending until nothing plays and nothing waits to be played. No input, no output. Can be
 * cancelled. */
#define IOCTL_MELODY_WAIT CTL_CODE(MELODY_DEVICE, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Forgets all waiting notes and ends the one that plays. No input, no output. */
#define IOCTL_MELODY_STOP CTL_CODE(MELODY_DEVICE, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Output: MELODY_STATE. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_MELODY_QUERY CTL_CODE(MELODY_DEVICE, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _MELODY_STATE {
    ULONG Queued;  /* notes that wait, without the one that plays */
    ULONG Playing; /* 1: a note plays */
    ULONG Limit;   /* MELODY_QUEUE_LIMIT */
    ULONG Played;  /* notes begun since the driver was loaded */
} MELODY_STATE, *PMELODY_STATE;

#endif
