/*
 * kmtstuck.h - waits for what takes no time, in tests whose threads all wait for each other.
 *
 * Such a wait is stuck when it has gone on for so many looks in which nobody else got on either: a
 * host that stops the machine, or half of it, makes no difference.
 */
#ifndef _KMTSTUCK_H_
#define _KMTSTUCK_H_

#include "kmt.h"

#define LOOK_MS 5000
#define STUCK_LOOKS 4

static volatile LONG Stuck;
static volatile LONG Progress; /* steps made, items sent, waits that ended */

/* Tells what is known of a wait that seems to have no end: whether its object is signalled, which
 * only a lost wake-up explains, and whether the signal comes after all. */
static VOID ReportStuck(PVOID Object, PCSTR Name)
{
    LONG State = ((DISPATCHER_HEADER *)Object)->SignalState;
    NTSTATUS Later = KmtWait(Object, 999);

    InterlockedIncrement(&Stuck);
    DbgPrint("# stuck at processor %u: %s, state %d, %s\n", KeGetCurrentProcessorNumber(), Name,
             State, Later == STATUS_SUCCESS ? "comes later" : "does not come later");
}

static BOOLEAN WaitForAll(ULONG Count, PVOID Objects[], PCSTR Name)
{
    LARGE_INTEGER Look = KmtMs(LOOK_MS);
    LONG Seen = Progress;
    ULONG Looks = 0;

    while (Looks < STUCK_LOOKS) {
        if (KeWaitForMultipleObjects(Count, Objects, WaitAll, Executive, KernelMode, FALSE, &Look,
                                     NULL) == STATUS_SUCCESS) {
            InterlockedIncrement(&Progress);
            return TRUE;
        }
        Looks = Seen == Progress ? Looks + 1 : 0;
        Seen = Progress;
    }
    ReportStuck(Objects[0], Name);
    return FALSE;
}

static BOOLEAN WaitForOne(PVOID Object, PCSTR Name)
{
    return WaitForAll(1, &Object, Name);
}
#define MustWait(Object) WaitForOne(Object, #Object)

#endif
