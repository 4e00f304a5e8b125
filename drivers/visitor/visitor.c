/*
 * visitor.c - a thread in another process's address space (KeStackAttachProcess, chapter 8 of
 * Windows Kernel Programming).
 *
 *   host      a process that the driver makes, and the one thread that keeps it: it waits for Leave
 *   visitor   a thread of the System process, which attaches to the host, looks around, waits for
 * Leave there, and comes back
 *
 * So as long as the driver is loaded, `ps` shows a second process with one thread in it and one
 * attached.
 */
#include <ntifs.h>
#include <ntexapi.h>

typedef struct _VISITOR {
    KEVENT Arrived, Leave;
    PEPROCESS Process; /* the host's */
    PETHREAD Host, Guest;
} VISITOR;

static VISITOR Visitor;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD VisitorUnload;

static VOID VisitorWaitForLeave(VOID)
{
    KeWaitForSingleObject(&Visitor.Leave, Executive, KernelMode, FALSE, NULL);
}

static VOID NTAPI VisitorHost(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    VisitorWaitForLeave();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* The thread's own process never changes; the current one is that whose memory and handles are
 * used. */
static VOID VisitorTell(PCSTR When)
{
    DbgPrint("visitor: %s: a thread of process %u, in process %u\n", When,
             HandleToULong(PsGetCurrentProcessId()),
             HandleToULong(PsGetProcessId(PsGetCurrentProcess())));
}

static VOID NTAPI VisitorGuest(PVOID Context)
{
    KAPC_STATE State;
    HANDLE Event;

    UNREFERENCED_PARAMETER(Context);
    VisitorTell("before");
    KeStackAttachProcess(Visitor.Process, &State);
    VisitorTell("attached");
    /* No kernel handle, so it is entered in the host's table, and closed when the host ends. */
    if (NT_SUCCESS(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE))) {
        DbgPrint("visitor: handle %u is an event here\n", HandleToULong(Event));
    }
    KeSetEvent(&Visitor.Arrived, IO_NO_INCREMENT, FALSE);
    VisitorWaitForLeave();
    KeUnstackDetachProcess(&State);
    VisitorTell("detached");
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* *Thread is referenced. Process is a handle; NULL: the System process. */
static NTSTATUS VisitorStartThread(HANDLE Process, PKSTART_ROUTINE Routine, PETHREAD *Thread)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status =
        PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, Process, NULL, Routine, NULL);
    if (NT_SUCCESS(Status)) {
        /* Of a good handle with the right type, by kernel mode: it cannot fail. */
        ObReferenceObjectByHandle(Handle, 0, *PsThreadType, KernelMode, (PVOID *)Thread, NULL);
        ZwClose(Handle);
    }
    return Status;
}

/* Lets a thread go on and waits until it has ended: none of this code runs any more then. */
static VOID VisitorEndThread(PETHREAD Thread)
{
    KeSetEvent(&Visitor.Leave, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Thread);
}

/* A process exists as long as it has a thread, a handle or a reference. */
static NTSTATUS VisitorMakeHost(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ZwCreateProcessEx(&Handle, PROCESS_ALL_ACCESS, &Attributes, NtCurrentProcess(), 0,
                               NULL, NULL, NULL, 0);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObReferenceObjectByHandle(Handle, 0, *PsProcessType, KernelMode, (PVOID *)&Visitor.Process,
                              NULL);
    Status = VisitorStartThread(Handle, VisitorHost, &Visitor.Host);
    ZwClose(Handle);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Visitor.Process);
    }
    return Status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Visitor.Arrived, NotificationEvent, FALSE);
    KeInitializeEvent(&Visitor.Leave, NotificationEvent, FALSE);
    Status = VisitorMakeHost();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = VisitorStartThread(NULL, VisitorGuest, &Visitor.Guest);
    if (!NT_SUCCESS(Status)) {
        VisitorEndThread(Visitor.Host);
        ObDereferenceObject(Visitor.Process);
        return Status;
    }
    KeWaitForSingleObject(&Visitor.Arrived, Executive, KernelMode, FALSE, NULL);
    DriverObject->DriverUnload = VisitorUnload;
    return STATUS_SUCCESS;
}

static VOID NTAPI VisitorUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    VisitorEndThread(Visitor.Guest);
    VisitorEndThread(Visitor.Host);
    ObDereferenceObject(Visitor.Process);
}
