/*
 * thread.c - the thread that plays.
 *
 * Time is kept as the interrupt time at which the next tone has to begin, to which each note adds
 * its length. So whatever it costs to wake up and to send a request makes one tone late by that
 * much, but never shifts the rest of the melody. The Beep device ends a tone by its own timer. When
 * the next one follows at once, that timer and this thread's run out together, and either may come
 * first: the new tone replaces the old one, or begins a fraction of a millisecond after its end.
 */
#include "player.h"
#include <ntddbeep.h>

#define MELODY_100NS_PER_MS 10000ULL

/* When the machine stood still for longer, playing on from here sounds better than catching up. */
#define MELODY_MAXIMUM_LATENESS_MS 100

static ULONG64 PlayerNow(void)
{
    ULONG64 TimeStamp;

    return KeQueryInterruptTimePrecise(&TimeStamp);
}

/* Sends a request to the Beep device and waits until it is done: which is when the tone begins. */
static NTSTATUS PlayerBeep(PMELODY_PLAYER Player, ULONG Frequency, ULONG Duration)
{
    BEEP_SET_PARAMETERS Parameters = {.Frequency = Frequency, .Duration = Duration};
    IO_STATUS_BLOCK StatusBlock;
    KEVENT Done;
    PIRP Irp;
    NTSTATUS Status;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_BEEP_SET, Player->BeepDevice, &Parameters,
                                        sizeof(Parameters), NULL, 0, FALSE, &Done, &StatusBlock);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    /* With its file, the tone ends when this driver gives the file back. */
    IoGetNextIrpStackLocation(Irp)->FileObject = Player->BeepFile;
    Status = IoCallDriver(Player->BeepDevice, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        Status = StatusBlock.Status;
    }
    return Status;
}

/* Waits until Ms milliseconds after NextTime, which moves there. FALSE: the note is to stop. */
static BOOLEAN PlayerWaitNext(PMELODY_PLAYER Player, ULONG Ms)
{
    PVOID Objects[] = {&Player->StopThread, &Player->StopNote};
    LONG64 Left;

    Player->NextTime += Ms * MELODY_100NS_PER_MS;
    do {
        LARGE_INTEGER Timeout;

        Left = (LONG64)(Player->NextTime - PlayerNow());
        Timeout.QuadPart = Left > 0 ? -Left : 0; /* relative times are negative; 0 only looks */
        if (KeWaitForMultipleObjects(ARRAYSIZE(Objects), Objects, WaitAny, Executive, KernelMode,
                                     FALSE, &Timeout, NULL) != STATUS_TIMEOUT) {
            return FALSE;
        }
    } while (Left > 0);
    return TRUE;
}

/* One repetition. FALSE: the note is to stop. */
static BOOLEAN PlayerPlayOnce(PMELODY_PLAYER Player, const MELODY_NOTE *Note)
{
    if (Note->Frequency != 0) {
        NTSTATUS Status = PlayerBeep(Player, Note->Frequency, Note->Duration);

        if (!NT_SUCCESS(Status)) {
            KdPrint(("kmelody: %u Hz were not played: %08x\n", Note->Frequency, Status));
        }
    }
    return PlayerWaitNext(Player, Note->Duration) &&
           (Note->Delay == 0 || PlayerWaitNext(Player, Note->Delay));
}

static void PlayerPlayNote(PMELODY_PLAYER Player, const MELODY_NOTE *Note)
{
    for (ULONG i = 0; i < Note->Repeat; i++) {
        if (!PlayerPlayOnce(Player, Note)) {
            PlayerBeep(Player, 0, 0);
            Player->NextTime = PlayerNow();
            break;
        }
    }
}

VOID NTAPI PlayerThread(PVOID Context)
{
    PMELODY_PLAYER Player = Context;
    PVOID Objects[] = {&Player->StopThread, &Player->Available};
    MELODY_NOTE Note;
    BOOLEAN First;

    /* Above all threads that merely work: a tone has to begin on time. */
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    while (KeWaitForMultipleObjects(ARRAYSIZE(Objects), Objects, WaitAny, Executive, KernelMode,
                                    FALSE, NULL, NULL) != STATUS_WAIT_0) {
        if (PlayerTakeNote(Player, &Note, &First)) {
            ULONG64 Now = PlayerNow();
            ULONG64 Latest = Player->NextTime + MELODY_MAXIMUM_LATENESS_MS * MELODY_100NS_PER_MS;

            if (First || Now > Latest) {
                Player->NextTime = Now;
            }
            PlayerPlayNote(Player, &Note);
            /* The Beep driver's own timer may end the last tone a moment after this thread's: who
             * waits for the end is not to hear it. A look without the mutex will do, since a note
             * that comes just now begins after the silence. */
            if (*(volatile ULONG *)&Player->Count == 0) {
                PlayerBeep(Player, 0, 0);
            }
            PlayerEndNote(Player);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}
