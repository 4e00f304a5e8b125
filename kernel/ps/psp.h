/* psp.h - private to ps. */
#ifndef _PSP_H_
#define _PSP_H_

#include "ke.h"
#include "kd.h"
#include "ldr.h"
#include "io.h"
#include "mm.h"
#include "ob.h"
#include "ps.h"

#define PSP_TAG 0x20707350 /* "Psp " */

/* Ticks of the clock in 100 ns. */
static inline LARGE_INTEGER PspTicksToTime(ULONG64 Ticks)
{
    return (LARGE_INTEGER){.QuadPart = (LONGLONG)(Ticks * KI_TICK_100NS)};
}

/* thread.c: the Thread type's callback; a thread that only wants PspStartThread, with Name for
 * `threads` or NULL; the start, which gives it a reference of its own. */
void PspDeleteThread(PVOID Object);
NTSTATUS PspAllocateThread(PEPROCESS Process, const char *Name, PKSTART_ROUTINE StartRoutine,
                           PVOID StartContext, PETHREAD *Thread);
void PspStartThread(PETHREAD Thread);

/* create.c: the Process type's callback. A thread is to be made in Process: FALSE when it has
 * exited or is about to. It has ended, or has come to nothing: with the last one the process exits,
 * with Status. */
void PspDeleteProcess(PVOID Object);
BOOLEAN PspThreadComes(PEPROCESS Process);
void PspThreadGone(PEPROCESS Process, NTSTATUS Status);

/* active.c: the list of all processes. PspNextProcess drops Process's reference (NULL begins) and
 * references the next one, or answers NULL. PASSIVE_LEVEL. */
void PspInsertProcess(PEPROCESS Process);
void PspRemoveProcess(PEPROCESS Process);
PEPROCESS PspNextProcess(PEPROCESS Process);

/* list.c: calls Callback for each thread of Process, referenced, without a lock; EndedTicks: kernel
 * time of those that are not among them any more. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS PspEnumerateProcessThreads(PEPROCESS Process,
                                    void (*Callback)(PETHREAD Thread, PVOID Context), PVOID Context,
                                    PULONG64 EndedTicks);

/* cid.c: an id for a process or thread, in UniqueId; and the reverse. */
NTSTATUS PspAllocateId(PVOID Object, PHANDLE UniqueId);
void PspFreeId(HANDLE UniqueId);

/* reaper.c */
VOID NTAPI PspReaperThread(PVOID Context);

#endif
