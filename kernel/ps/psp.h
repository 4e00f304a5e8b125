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

/* cid.c: an id for a process or thread, in UniqueId; and the reverse. */
NTSTATUS PspAllocateId(PVOID Object, PHANDLE UniqueId);
void PspFreeId(HANDLE UniqueId);

/* reaper.c */
VOID NTAPI PspReaperThread(PVOID Context);

#endif
