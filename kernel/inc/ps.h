/* ps.h - processes and threads inside the kernel. The structures themselves are in ke.h. */
#ifndef _PS_PRIVATE_H_
#define _PS_PRIVATE_H_

#include "ke.h"
#include "ex.h"

/* Phase 0: object types, the System process (PID 4), and the first system thread, which runs Phase1(NULL). */
void PsInitSystem(PKSTART_ROUTINE Phase1);
extern PHANDLE_TABLE PspCidTable;
/* A kernel component's own system thread, by name; the thread runs Start(Context). Returns it referenced, or NULL. */
NTSTATUS PsCreateKernelThread(const char *Name, KPRIORITY Priority, PKSTART_ROUTINE Start,
                              PVOID Context, PETHREAD *Thread);
/* Calls Callback for every thread, each referenced for the call. PASSIVE_LEVEL. */
void PsEnumerateThreads(void (*Callback)(PETHREAD Thread, PVOID Context), PVOID Context);
/* The handle table a handle value belongs to (kernel handles: the System process's). */
PHANDLE_TABLE PsHandleTableOf(HANDLE Handle);

#endif
