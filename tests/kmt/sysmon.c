/*
 * Promise: a driver that wants what the kernel has not is refused before anything of it runs, and
 * told each routine that is missing. This one wants chapter 9's notifications, as the book's SysMon
 * does; their prototypes are in no header here.
 * IMPORTS: notifications
 * REFUSED: PsSetCreateProcessNotifyRoutineEx PsSetCreateThreadNotifyRoutine
 * REFUSED: PsRemoveCreateThreadNotifyRoutine PsSetLoadImageNotifyRoutine
 * REFUSED: PsRemoveLoadImageNotifyRoutine
 */
#include <ntddk.h>

typedef VOID PROCESS_NOTIFY(PEPROCESS Process, HANDLE ProcessId, PVOID CreateInfo);
typedef VOID THREAD_NOTIFY(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create);
typedef VOID IMAGE_NOTIFY(PUNICODE_STRING Name, HANDLE ProcessId, PVOID ImageInfo);

NTSYSAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PROCESS_NOTIFY *Routine, BOOLEAN Remove);
NTSYSAPI NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(THREAD_NOTIFY *Routine);
NTSYSAPI NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(THREAD_NOTIFY *Routine);
NTSYSAPI NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(IMAGE_NOTIFY *Routine);
NTSYSAPI NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(IMAGE_NOTIFY *Routine);

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD SysMonUnload;
static PROCESS_NOTIFY OnProcess;
static THREAD_NOTIFY OnThread;
static IMAGE_NOTIFY OnImage;

static VOID OnProcess(PEPROCESS Process, HANDLE ProcessId, PVOID CreateInfo)
{
    UNREFERENCED_PARAMETER(Process);
    DbgPrint("sysmon: process %p %s\n", ProcessId, CreateInfo ? "begins" : "ends");
}

static VOID OnThread(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    DbgPrint("sysmon: thread %p.%p %s\n", ProcessId, ThreadId, Create ? "begins" : "ends");
}

static VOID OnImage(PUNICODE_STRING Name, HANDLE ProcessId, PVOID ImageInfo)
{
    UNREFERENCED_PARAMETER(ImageInfo);
    DbgPrint("sysmon: %wZ in process %p\n", Name, ProcessId);
}

static VOID SysMonUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    PsRemoveLoadImageNotifyRoutine(OnImage);
    PsRemoveCreateThreadNotifyRoutine(OnThread);
    PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    DbgPrint("sysmon: never reached\n");
    DriverObject->DriverUnload = SysMonUnload;
    Status = PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE);
    if (NT_SUCCESS(Status)) {
        Status = PsSetCreateThreadNotifyRoutine(OnThread);
    }
    if (NT_SUCCESS(Status)) {
        Status = PsSetLoadImageNotifyRoutine(OnImage);
    }
    if (!NT_SUCCESS(Status)) {
        SysMonUnload(DriverObject);
    }
    return Status;
}
