/*
 * service.c - services: keys of the registry that stand for drivers.
 *
 * A service exists when its key does; it runs when \Driver has its driver object. What neither knows
 * is kept in a short list of notes, one for each service that was started, stopped or deleted here:
 * how its last start ended, and whether its key goes when it stops. Everything happens on the
 * console's thread, so the notes need no lock.
 */
#include "ke.h"
#include "ob.h"
#include "io.h"
#include "ldr.h"
#include "winerror.h"
#include "service.h"

#define NOTE_TAG 'vSdK' /* "KdSv" in memory */

/* Names are compared as ASCII here: a note that is missed for the case of another letter only loses
 * what it says. */
typedef struct _KDP_SERVICE_NOTE {
    struct _KDP_SERVICE_NOTE *Next;
    ULONG ExitCode;
    BOOLEAN DeletePending;
    WCHAR Name[KDP_SERVICE_NAME];
} KDP_SERVICE_NOTE, *PKDP_SERVICE_NOTE;

static PKDP_SERVICE_NOTE KdpServiceNotes;

static PKDP_SERVICE_NOTE FindNote(PCWSTR Name)
{
    PKDP_SERVICE_NOTE Note = KdpServiceNotes;

    while (Note != NULL && _wcsicmp(Note->Name, Name) != 0) {
        Note = Note->Next;
    }
    return Note;
}

/* The service's note, made if there is none; NULL when memory is short, which only loses the note. */
static PKDP_SERVICE_NOTE TakeNote(PCWSTR Name)
{
    PKDP_SERVICE_NOTE Note = FindNote(Name);

    if (Note == NULL) {
        Note = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Note), NOTE_TAG);
        if (Note != NULL) {
            wcscpy_s(Note->Name, KDP_SERVICE_NAME, Name);
            Note->Next = KdpServiceNotes;
            KdpServiceNotes = Note;
        }
    }
    return Note;
}

static void NoteExitCode(PCWSTR Name, ULONG ExitCode)
{
    PKDP_SERVICE_NOTE Note = TakeNote(Name);

    if (Note != NULL) {
        Note->ExitCode = ExitCode;
    }
}

static void ForgetNote(PCWSTR Name)
{
    for (PKDP_SERVICE_NOTE *Link = &KdpServiceNotes; *Link != NULL; Link = &(*Link)->Next) {
        if (_wcsicmp((*Link)->Name, Name) == 0) {
            PKDP_SERVICE_NOTE Note = *Link;
            *Link = Note->Next;
            ExFreePoolWithTag(Note, NOTE_TAG);
            return;
        }
    }
}

ULONG KdpQueryServiceExitCode(PCWSTR Name)
{
    PKDP_SERVICE_NOTE Note = FindNote(Name);

    return Note == NULL ? ERROR_SERVICE_NEVER_STARTED : Note->ExitCode;
}

/* Writes Prefix and Name into Path, which has room for them; FALSE when Name is no service's name. A
 * slash in it would be read as part of the path. */
static BOOLEAN MakePath(PUNICODE_STRING Path, PCWSTR Prefix, PCWSTR Name)
{
    Path->Length = 0;
    return Name[0] != 0 && wcslen(Name) < KDP_SERVICE_NAME && wcschr(Name, '\\') == NULL &&
           wcschr(Name, '/') == NULL && NT_SUCCESS(RtlAppendUnicodeToString(Path, Prefix)) &&
           NT_SUCCESS(RtlAppendUnicodeToString(Path, Name));
}

/* STATUS_OBJECT_NAME_NOT_FOUND means a missing file when the loader says so, and a missing service
 * when the registry does. */
static ULONG OpenKey(PCWSTR Name, BOOLEAN Create, PCM_KEY *Key)
{
    WCHAR Buffer[ARRAYSIZE(CM_SERVICES_PATH) + 1 + KDP_SERVICE_NAME];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    NTSTATUS Status;

    if (!MakePath(&Path, CM_SERVICES_PATH L"\\", Name)) {
        return ERROR_INVALID_NAME;
    }
    Status = CmOpenKey(&Path, Create, Key);
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? ERROR_SERVICE_DOES_NOT_EXIST
                                                  : KdpStatusToWin32(Status);
}

ULONG KdpOpenService(PCWSTR Name, PCM_KEY *Key)
{
    return OpenKey(Name, FALSE, Key);
}

static NTSTATUS SetUlong(PCM_KEY Key, PCWSTR Name, ULONG Value)
{
    return CmSetValue(Key, Name, REG_DWORD, &Value, sizeof(Value));
}

static NTSTATUS SetText(PCM_KEY Key, PCWSTR Name, ULONG Type, PCWSTR Text)
{
    return CmSetValue(Key, Name, Type, Text, (ULONG)((wcslen(Text) + 1) * sizeof(WCHAR)));
}

/* The values that Windows' service control manager writes, in its types. */
static NTSTATUS SetServiceValues(PCM_KEY Key, ULONG Start, ULONG ErrorControl, PCWSTR Path,
                                 PCWSTR DisplayName)
{
    NTSTATUS Status = SetUlong(Key, L"Type", SERVICE_KERNEL_DRIVER);

    if (NT_SUCCESS(Status)) {
        Status = SetUlong(Key, L"Start", Start);
    }
    if (NT_SUCCESS(Status)) {
        Status = SetUlong(Key, L"ErrorControl", ErrorControl);
    }
    if (NT_SUCCESS(Status)) {
        Status = SetText(Key, L"ImagePath", REG_EXPAND_SZ, Path);
    }
    if (NT_SUCCESS(Status)) {
        Status = SetText(Key, L"DisplayName", REG_SZ, DisplayName);
    }
    return Status;
}

ULONG KdpCreateService(PCWSTR Name, ULONG Start, ULONG ErrorControl, PCWSTR Path,
                       PCWSTR DisplayName)
{
    PKDP_SERVICE_NOTE Note = FindNote(Name);
    NTSTATUS Status;
    PCM_KEY Key;
    ULONG Error = KdpOpenService(Name, &Key);

    if (Error == 0) {
        CmCloseKey(Key);
        return Note != NULL && Note->DeletePending ? ERROR_SERVICE_MARKED_FOR_DELETE
                                                   : ERROR_SERVICE_EXISTS;
    }
    if (Error == ERROR_SERVICE_DOES_NOT_EXIST) {
        Error = OpenKey(Name, TRUE, &Key);
    }
    if (Error != 0) {
        return Error;
    }
    /* All or nothing: half a service could be started with the wrong file. */
    Status = SetServiceValues(Key, Start, ErrorControl, Path, DisplayName);
    if (!NT_SUCCESS(Status)) {
        CmDeleteKey(Key);
    }
    CmCloseKey(Key);
    return KdpStatusToWin32(Status);
}

ULONG KdpStartService(PCWSTR Name, PCM_KEY Key, CHAR *Reason, SIZE_T ReasonSize)
{
    UNICODE_STRING String;
    ULONG Error;

    Reason[0] = 0;
    if (CmQueryUlong(Key, L"Start", SERVICE_DEMAND_START) == SERVICE_DISABLED) {
        return ERROR_SERVICE_DISABLED;
    }
    RtlInitUnicodeString(&String, Name);
    Error = KdpStatusToWin32(LdrLoadDriver(&String, Reason, ReasonSize));
    /* A second start is no new fact about the first. */
    if (Error != ERROR_SERVICE_ALREADY_RUNNING) {
        NoteExitCode(Name, Error);
    }
    return Error;
}

KDP_SERVICE_STATE KdpQueryServiceState(PCWSTR Name, BOOLEAN *Stoppable)
{
    WCHAR Buffer[ARRAYSIZE(L"\\Driver\\") + KDP_SERVICE_NAME];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    KDP_SERVICE_STATE State = ServiceRunning;
    PVOID Object;

    *Stoppable = FALSE;
    if (!MakePath(&Path, L"\\Driver\\", Name) ||
        !NT_SUCCESS(ObReferenceObjectByName(&Path, OBJ_CASE_INSENSITIVE, NULL, 0,
                                            IoDriverObjectType, KernelMode, NULL, &Object))) {
        return ServiceStopped;
    }
    if (IopIsUnloadPending(Object)) {
        State = ServiceStopPending;
    } else {
        *Stoppable = ((PDRIVER_OBJECT)Object)->DriverUnload != NULL;
    }
    ObDereferenceObject(Object);
    return State;
}

/* What a delete while the service ran has left to do. Nobody tells this file when a driver unloads
 * by itself, so it is done at the next stop, too. */
static void FinishDelete(PCWSTR Name, PCM_KEY Key)
{
    PKDP_SERVICE_NOTE Note = FindNote(Name);

    if (Note != NULL && Note->DeletePending) {
        CmDeleteKey(Key);
        ForgetNote(Name);
    }
}

ULONG KdpStopService(PCWSTR Name, PCM_KEY Key)
{
    BOOLEAN Stoppable;
    UNICODE_STRING String;
    NTSTATUS Status;

    RtlInitUnicodeString(&String, Name);
    Status = LdrUnloadDriver(&String);
    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
        /* It may have unloaded by itself since, with the last close of its devices. */
        FinishDelete(Name, Key);
        return ERROR_SERVICE_NOT_ACTIVE;
    case STATUS_INVALID_DEVICE_REQUEST:
        return ERROR_INVALID_SERVICE_CONTROL;
    case STATUS_DEVICE_BUSY:
        /* Open devices: the unload is on its way. Anything else is a load or unload in progress. */
        if (KdpQueryServiceState(Name, &Stoppable) == ServiceStopPending) {
            NoteExitCode(Name, 0);
            return 0;
        }
        return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
    }
    if (NT_SUCCESS(Status)) {
        NoteExitCode(Name, 0);
        FinishDelete(Name, Key);
    }
    return KdpStatusToWin32(Status);
}

ULONG KdpDeleteService(PCWSTR Name, PCM_KEY Key)
{
    PKDP_SERVICE_NOTE Note = FindNote(Name);
    BOOLEAN Stoppable;

    if (KdpQueryServiceState(Name, &Stoppable) == ServiceStopped) {
        ForgetNote(Name);
        return KdpStatusToWin32(CmDeleteKey(Key));
    }
    if (Note != NULL && Note->DeletePending) {
        return ERROR_SERVICE_MARKED_FOR_DELETE;
    }
    /* A running service keeps its key until it stops, as on Windows. */
    Note = TakeNote(Name);
    if (Note == NULL) {
        return KdpStatusToWin32(STATUS_INSUFFICIENT_RESOURCES);
    }
    Note->DeletePending = TRUE;
    return 0;
}
