/* ps.h - processes and threads inside the kernel. The structures themselves are in ke.h. */
#ifndef _PS_PRIVATE_H_
#define _PS_PRIVATE_H_

#include "ke.h"
#include "ex.h"

/* Phase 0, after ObInitSystem: object types, the System process (PID 4), the first system thread,
 * which runs Phase1(NULL), and the reaper: both ready, and on their way as soon as interrupts are
 * let in. One processor, IRQL <= APC_LEVEL, interrupts off. Bugchecks
 * PHASE0_INITIALIZATION_FAILED. */
void PsInitSystem(PKSTART_ROUTINE Phase1);

/* Process and thread ids: entries point to the process or thread, without a reference. i */
extern PHANDLE_TABLE PspCidTable;

/* A kernel component's own system thread; it runs Start(Context). Name, cut to 23 letters, is for
 * `threads`. Thread: receives the thread, referenced; or NULL. PASSIVE_LEVEL, or phase 0.
 * STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS PsCreateKernelThread(const char *Name, KPRIORITY Priority, PKSTART_ROUTINE Start,
                              PVOID Context, PETHREAD *Thread);

/* A thread for PsCreateSystemThread and IoCreateSystemThread: as PsCreateSystemThread, and
 * IoObject, if not NULL, stays referenced until the thread has ended. PASSIVE_LEVEL. */
NTSTATUS PspCreateSystemThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                               PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                               PVOID StartContext, PVOID IoObject);

/* Calls Callback for every thread that has not ended, referenced for the call, without a lock. The
 * processors' idle threads, which are no objects, come first. IRQL <= APC_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS PsEnumerateThreads(void (*Callback)(PETHREAD Thread, PVOID Context), PVOID Context);

/* What a console command's argument, a decimal or 0x number, is the id of; referenced. Text NULL:
 * System. Else says on the console what is wrong with it. PASSIVE_LEVEL.
 * STATUS_INVALID_PARAMETER. */
struct _KD_CONSOLE;
NTSTATUS PsConsoleThread(struct _KD_CONSOLE *Console, const char *Text, PETHREAD *Thread);
NTSTATUS PsConsoleProcess(struct _KD_CONSOLE *Console, const char *Text, PEPROCESS *Process);

#endif
