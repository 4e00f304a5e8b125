/*
 * cid.c - client ids: one table for process and thread ids.
 *
 * An entry points to a process or thread, told apart by the dispatcher header that both begin with,
 * and holds no reference; it goes when the object is deleted. So a thread that has ended can be
 * looked up for as long as somebody refers to it, and a lookup that meets an object on its way out
 * fails.
 */
#include "psp.h"
#include "handleunlock.h"
#include "kd.h"

PHANDLE_TABLE PspCidTable;

/* The id is fixed before anybody else knows the object. */
NTSTATUS PspAllocateId(PVOID Object, PHANDLE UniqueId)
{
    HANDLE_TABLE_ENTRY Entry = {.Object = Object};
    *UniqueId = ExCreateHandle(PspCidTable, &Entry);
    return *UniqueId != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* From the object's deletion: a lookup holds the entry's lock while it takes its reference, so
 * after this nobody can meet the object here. */
void PspFreeId(HANDLE UniqueId)
{
    PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(PspCidTable, UniqueId);
    KI_ASSERT(Entry != NULL);
    ExDestroyHandle(PspCidTable, UniqueId, Entry);
}

/* A thread that has not been started may still come to nothing: nobody should wait for it. */
static BOOLEAN PspIsVisible(PDISPATCHER_HEADER Object)
{
    return Object->Type != ThreadObject || ((PETHREAD)Object)->State != Initialized;
}

/* The object with this id, referenced, if it is of the type wanted and not being deleted. */
static PVOID PspReferenceById(HANDLE UniqueId, KOBJECTS Type)
{
    PVOID Object = NULL;
    KI_ASSERT_IRQL_MAX(APC_LEVEL);
    PHANDLE_TABLE_ENTRY Entry = ExLockHandleTableEntry(PspCidTable, UniqueId);
    if (Entry == NULL) {
        return NULL;
    }
    PDISPATCHER_HEADER Header = Entry->Object;
    if (Header->Type == Type && PspIsVisible(Header) && ObReferenceObjectSafe(Header)) {
        Object = Header;
    }
    ExUnlockHandleTableEntry(PspCidTable, Entry);
    return Object;
}

NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    PETHREAD Found = PspReferenceById(ThreadId, ThreadObject);
    if (Found == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    *Thread = Found;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    PEPROCESS Found = PspReferenceById(ProcessId, ProcessObject);
    if (Found == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    *Process = Found;
    return STATUS_SUCCESS;
}

/*** Of people, who type them ***/

/* FALSE: it is no number. */
static BOOLEAN PspParseId(PKD_CONSOLE Console, const char *Text, HANDLE *Id)
{
    ULONG64 Number;
    if (!KdParseNumber(Text, &Number)) {
        KdConsolePrint(Console, "%s is no number.\n", Text);
        return FALSE;
    }
    *Id = (HANDLE)(ULONG_PTR)Number;
    return TRUE;
}

NTSTATUS PsConsoleThread(PKD_CONSOLE Console, const char *Text, PETHREAD *Thread)
{
    HANDLE Id;
    if (!PspParseId(Console, Text, &Id)) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = PsLookupThreadByThreadId(Id, Thread);
    if (!NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "There is no thread %s; `threads` lists them.\n", Text);
    }
    return Status;
}

NTSTATUS PsConsoleProcess(PKD_CONSOLE Console, const char *Text, PEPROCESS *Process)
{
    HANDLE Id = PsInitialSystemProcess->UniqueProcessId;
    if (Text != NULL && !PspParseId(Console, Text, &Id)) {
        return KdConsoleUsage(Console);
    }
    NTSTATUS Status = PsLookupProcessByProcessId(Id, Process);
    if (!NT_SUCCESS(Status)) {
        KdConsolePrint(Console, "There is no process %s; `ps` lists them.\n", Text);
    }
    return Status;
}

HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
    return KeGetCurrentThread()->Cid.UniqueProcess;
}

HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
    return KeGetCurrentThread()->Cid.UniqueThread;
}

HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    return Process->UniqueProcessId;
}

HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
    return Thread->Cid.UniqueThread;
}

HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread)
{
    return Thread->Cid.UniqueProcess;
}

PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
    return KeGetCurrentThread()->ApcState.Process;
}
