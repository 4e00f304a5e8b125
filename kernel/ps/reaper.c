/*
 * reaper.c - the thread that buries threads.
 *
 * ke hands over threads that have ended and whose stack no processor uses any more. What a thread
 * kept while it ran goes here, in this order: its stack, the driver or device object it was made
 * for (the driver's image may be unmapped by that: nothing runs in it any more), its own reference.
 */
#include "psp.h"

static void PspBury(PETHREAD Thread)
{
    PVOID IoObject = Thread->IoObject;
    MmDeleteKernelStack(Thread->StackBase);
    Thread->StackBase = NULL;
    Thread->IoObject = NULL;
    if (IoObject != NULL) {
        ObfDereferenceObject(IoObject);
    }
    ObfDereferenceObject(Thread);
}

/* Runs above ordinary threads, see PspStartFirstThreads. */
VOID NTAPI PspReaperThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (;;) {
        PspBury(KeWaitForDeadThread());
    }
}
