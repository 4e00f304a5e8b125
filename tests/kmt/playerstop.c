/*
 * Promise: a stop ends the music whenever it comes, also between two notes: a wait that follows it
 * does not hang.
 */
#include "kmt.h"
#include <kmelody.h>

#define ROUNDS 700
#define NOTES 6

static NTSTATUS Control(HANDLE Handle, HANDLE Event, PIO_STATUS_BLOCK StatusBlock, ULONG Code,
                        PVOID Input, ULONG InputSize)
{
    return ZwDeviceIoControlFile(Handle, Event, NULL, NULL, StatusBlock, Code, Input, InputSize,
                                 NULL, 0);
}

/* Waits for the end, for half a minute at most, in several waits: see KmtWait. */
static BOOLEAN Ends(HANDLE Handle, HANDLE EventHandle)
{
    IO_STATUS_BLOCK StatusBlock = {.Status = STATUS_PENDING};
    LARGE_INTEGER Timeout = KmtMs(5000);
    NTSTATUS Status = Control(Handle, EventHandle, &StatusBlock, IOCTL_MELODY_WAIT, NULL, 0);

    for (ULONG i = 0; i < 6 && (Status == STATUS_PENDING || Status == STATUS_TIMEOUT); i++) {
        Status = ZwWaitForSingleObject(EventHandle, FALSE, &Timeout);
    }
    return Status == STATUS_SUCCESS;
}

static VOID KmtRun(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(MELODY_SYMLINK_NAME);
    OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_KERNEL_HANDLE);
    MELODY_NOTE Notes[NOTES];
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle, Event;
    ULONG Seed = 20260101, Round;

    for (ULONG i = 0; i < NOTES; i++) {
        Notes[i] = (MELODY_NOTE){0, 1, 0, 1};
    }
    KMT_EQUAL(ZwOpenFile(&Handle, FILE_WRITE_DATA, &Attributes, &StatusBlock, 0, 0), STATUS_SUCCESS,
              "the device opens");
    KMT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
              STATUS_SUCCESS, "an event");
    for (Round = 0; Round < ROUNDS; Round++) {
        /* Around the end of one of the first notes, when the next one is about to be taken. */
        ULONGLONG Moment = KmtNow() + 9900 + KmtRandom(&Seed) % 4000;

        Control(Handle, NULL, &StatusBlock, IOCTL_MELODY_PLAY, Notes, sizeof(Notes));
        while (KmtNow() < Moment) {
            YieldProcessor();
        }
        Control(Handle, NULL, &StatusBlock, IOCTL_MELODY_STOP, NULL, 0);
        if (!Ends(Handle, Event)) {
            break;
        }
    }
    KMT_EQUAL(Round, ROUNDS, "a wait after a stop between two notes ends");
    ZwClose(Handle);
    ZwClose(Event);
}
