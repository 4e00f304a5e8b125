/*
 * The `stack` command: where a thread waits, by its stack. The dispatcher lock keeps the thread
 * from running while its stack is walked; printing comes after.
 */
#include <ntifs.h>
#include "kd.h"
#include "ldr.h"
#include "processor.h"
#include "ps.h"
#include "unwind.h"

#define FRAMES 32

/* 0: it runs, or has ended. Its first frame is the switch away from it. */
static ULONG KiListWaitingThread(PKTHREAD Thread, PVOID Frames[FRAMES])
{
    KI_STACK_WALK Walk;
    ULONG Count = 0;
    KIRQL OldIrql = KiLockDispatcher();

    if (Thread->State != Running && Thread->State != Terminated && Thread->State != Initialized) {
        KiStartWalkAtThread(&Walk, Thread);
        do {
            Frames[Count++] = (PVOID)Walk.Rip;
        } while (Count < FRAMES && KiStepFrame(&Walk) == KiStepDone);
    }
    KiUnlockDispatcher(OldIrql);
    return Count;
}

static NTSTATUS KiStackCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    PVOID Frames[FRAMES];
    CHAR Name[96];
    PETHREAD Thread;
    ULONG Count;
    NTSTATUS Status =
        Argc == 2 ? PsConsoleThread(Console, Argv[1], &Thread) : KdConsoleUsage(Console);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Count = KiListWaitingThread(Thread, Frames);
    if (Count == 0) {
        KdConsolePrint(Console, "Thread %s runs; one that waits has a stack to be shown.\n",
                       Argv[1]);
    }
    for (ULONG i = 0; i < Count; i++) {
        LdrFormatAddress(Frames[i], Name, sizeof(Name));
        KdConsolePrint(Console, "  %p  %s\n", Frames[i], Name);
    }
    ObDereferenceObject(Thread);
    return STATUS_SUCCESS;
}
KD_COMMAND("stack", "TID", "the stack of a thread that waits", KiStackCommand);
