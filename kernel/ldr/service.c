/*
 * service.c - the service database: keys of the registry that stand for drivers.
 *
 * A service exists when its key does; it runs when a slot of the module table says so. What neither
 * knows is kept in a short list of notes, one for each service that was started, stopped or
 * deleted: how its last start ended, and whether its key goes when it stops. LdrpNoteMutex guards
 * the list.
 */
#include <kd.h>
#include <service.h>
#include <winerror.h>
#include "ldrp.h"

#define NOTE_TAG 'vSdL' /* "LdSv" in memory */

typedef struct _LDRP_SERVICE_NOTE {
    struct _LDRP_SERVICE_NOTE *Next;
    ULONG ExitCode;
    BOOLEAN DeletePending;
    WCHAR Name[LDR_SERVICE_NAME];
} LDRP_SERVICE_NOTE, *PLDRP_SERVICE_NOTE;

static PLDRP_SERVICE_NOTE LdrpServiceNotes;
static FAST_MUTEX LdrpNoteMutex;

void LdrpInitializeServices(void)
{
    ExInitializeFastMutex(&LdrpNoteMutex);
}

BOOLEAN LdrpIsSameName(PCWSTR Left, PCWSTR Right)
{
    UNICODE_STRING LeftString, RightString;

    RtlInitUnicodeString(&LeftString, Left);
    RtlInitUnicodeString(&RightString, Right);
    return RtlEqualUnicodeString(&LeftString, &RightString, TRUE);
}

/* Mutex held. */
static PLDRP_SERVICE_NOTE LdrpFindNote(PCWSTR Name)
{
    PLDRP_SERVICE_NOTE Note = LdrpServiceNotes;

    while (Note != NULL && !LdrpIsSameName(Note->Name, Name)) {
        Note = Note->Next;
    }
    return Note;
}

/* The service's note, made if there is none; NULL when memory is short, which only loses the note.
 * Mutex held. */
static PLDRP_SERVICE_NOTE LdrpTakeNote(PCWSTR Name)
{
    PLDRP_SERVICE_NOTE Note = LdrpFindNote(Name);

    if (Note == NULL) {
        Note = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Note), NOTE_TAG);
        if (Note != NULL) {
            wcscpy_s(Note->Name, LDR_SERVICE_NAME, Name);
            Note->ExitCode = ERROR_SERVICE_NEVER_STARTED;
            Note->Next = LdrpServiceNotes;
            LdrpServiceNotes = Note;
        }
    }
    return Note;
}

void LdrpNoteExitCode(PCWSTR Name, ULONG ExitCode)
{
    PLDRP_SERVICE_NOTE Note;

    ExAcquireFastMutex(&LdrpNoteMutex);
    Note = LdrpTakeNote(Name);
    if (Note != NULL) {
        Note->ExitCode = ExitCode;
    }
    ExReleaseFastMutex(&LdrpNoteMutex);
}

static void LdrpForgetNote(PCWSTR Name)
{
    ExAcquireFastMutex(&LdrpNoteMutex);
    for (PLDRP_SERVICE_NOTE *Link = &LdrpServiceNotes; *Link != NULL; Link = &(*Link)->Next) {
        if (LdrpIsSameName((*Link)->Name, Name)) {
            PLDRP_SERVICE_NOTE Note = *Link;
            *Link = Note->Next;
            ExFreePoolWithTag(Note, NOTE_TAG);
            break;
        }
    }
    ExReleaseFastMutex(&LdrpNoteMutex);
}

BOOLEAN LdrpIsDeletePending(PCWSTR Name)
{
    PLDRP_SERVICE_NOTE Note;
    BOOLEAN Pending;

    ExAcquireFastMutex(&LdrpNoteMutex);
    Note = LdrpFindNote(Name);
    Pending = Note != NULL && Note->DeletePending;
    ExReleaseFastMutex(&LdrpNoteMutex);
    return Pending;
}

ULONG LdrQueryServiceExitCode(PCWSTR Name)
{
    PLDRP_SERVICE_NOTE Note;
    ULONG ExitCode;

    ExAcquireFastMutex(&LdrpNoteMutex);
    Note = LdrpFindNote(Name);
    ExitCode = Note == NULL ? ERROR_SERVICE_NEVER_STARTED : Note->ExitCode;
    ExReleaseFastMutex(&LdrpNoteMutex);
    return ExitCode;
}

/* Writes the key's path into Path, which has room for it; FALSE when Name is no service's name. A
 * slash in it would be read as part of the path. */
static BOOLEAN LdrpMakeKeyPath(PUNICODE_STRING Path, PCWSTR Name)
{
    Path->Length = 0;
    return Name[0] != 0 && wcslen(Name) < LDR_SERVICE_NAME && wcschr(Name, '\\') == NULL &&
           wcschr(Name, '/') == NULL &&
           NT_SUCCESS(RtlAppendUnicodeToString(Path, CM_SERVICES_PATH L"\\")) &&
           NT_SUCCESS(RtlAppendUnicodeToString(Path, Name));
}

/* STATUS_OBJECT_NAME_NOT_FOUND means a missing file when the loader says so, and a missing service
 * when the registry does. */
static ULONG LdrpOpenServiceKey(PCWSTR Name, BOOLEAN Create, PCM_KEY *Key)
{
    WCHAR Buffer[ARRAYSIZE(CM_SERVICES_PATH) + 1 + LDR_SERVICE_NAME];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    NTSTATUS Status;

    if (!LdrpMakeKeyPath(&Path, Name)) {
        return ERROR_INVALID_NAME;
    }
    Status = CmOpenKey(&Path, Create, Key);
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? ERROR_SERVICE_DOES_NOT_EXIST
                                                  : KdStatusToWin32(Status);
}

/* What a delete while the service ran has left to do, when the driver has stopped since, by itself
 * perhaps, with the last close of its devices. TRUE: it was done. */
static BOOLEAN LdrpFinishDelete(PCWSTR Name, PCM_KEY Key)
{
    BOOLEAN Stoppable;

    if (!LdrpIsDeletePending(Name) || LdrQueryServiceState(Name, &Stoppable) != ServiceStopped) {
        return FALSE;
    }
    CmDeleteKey(Key);
    LdrpForgetNote(Name);
    return TRUE;
}

ULONG LdrOpenService(PCWSTR Name, PCM_KEY *Key)
{
    ULONG Error = LdrpOpenServiceKey(Name, FALSE, Key);

    if (Error == 0 && LdrpFinishDelete(Name, *Key)) {
        CmCloseKey(*Key);
        Error = ERROR_SERVICE_DOES_NOT_EXIST;
    }
    return Error;
}

static NTSTATUS LdrpSetUlong(PCM_KEY Key, PCWSTR Name, ULONG Value)
{
    return Value == MAXULONG ? STATUS_SUCCESS
                             : CmSetValue(Key, Name, REG_DWORD, &Value, sizeof(Value));
}

static NTSTATUS LdrpSetText(PCM_KEY Key, PCWSTR Name, ULONG Type, PCWSTR Text)
{
    return Text == NULL
               ? STATUS_SUCCESS
               : CmSetValue(Key, Name, Type, Text, (ULONG)((wcslen(Text) + 1) * sizeof(WCHAR)));
}

static NTSTATUS LdrpRemoveValue(PCM_KEY Key, PCWSTR Name)
{
    NTSTATUS Status = CmDeleteValue(Key, Name);

    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* Those of List whose names begin with a plus sign, or those whose do not, become one value. */
static NTSTATUS LdrpSetDependencies(PCM_KEY Key, PCWSTR Value, PCWSTR List, BOOLEAN Groups)
{
    SIZE_T Used = 0, Chars = 2;
    NTSTATUS Status;
    PWSTR Copy;

    for (PCWSTR Item = List; *Item != 0; Item += wcslen(Item) + 1) {
        Chars += wcslen(Item) + 1;
    }
    Copy = ExAllocatePool2(POOL_FLAG_PAGED, Chars * sizeof(WCHAR), NOTE_TAG);
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (PCWSTR Item = List; *Item != 0; Item += wcslen(Item) + 1) {
        if ((*Item == '+') == Groups) {
            wcscpy_s(Copy + Used, Chars - Used, Item + (Groups ? 1 : 0));
            Used += wcslen(Copy + Used) + 1;
        }
    }
    if (Used == 0) {
        Status = LdrpRemoveValue(Key, Value);
    } else {
        Copy[Used++] = 0;
        Status = CmSetValue(Key, Value, REG_MULTI_SZ, Copy, (ULONG)(Used * sizeof(WCHAR)));
    }
    ExFreePoolWithTag(Copy, NOTE_TAG);
    return Status;
}

typedef struct _LDRP_TAG_SEARCH {
    PCWSTR Group;
    ULONG Highest;
} LDRP_TAG_SEARCH;

static BOOLEAN LdrpFindHighestTag(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    LDRP_TAG_SEARCH *Search = Context;
    WCHAR Group[LDR_SERVICE_NAME];

    UNREFERENCED_PARAMETER(Name);
    LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
    if (LdrpIsSameName(Group, Search->Group)) {
        Search->Highest = max(Search->Highest, CmQueryUlong(Key, L"Tag", 0));
    }
    return TRUE;
}

/* A number that no other service of the group has. */
static NTSTATUS LdrpSetTag(PCM_KEY Key)
{
    WCHAR Group[LDR_SERVICE_NAME];
    LDRP_TAG_SEARCH Search = {.Group = Group};

    LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
    LdrEnumerateServices(LdrpFindHighestTag, &Search);
    return LdrpSetUlong(Key, L"Tag", Search.Highest + 1);
}

/* The values that Windows' service control manager writes, in its types. */
static NTSTATUS LdrpSetConfig(PCM_KEY Key, const LDR_SERVICE_CONFIG *Config)
{
    NTSTATUS Status = LdrpSetUlong(Key, L"Start", Config->Start);

    if (NT_SUCCESS(Status)) {
        Status = LdrpSetUlong(Key, L"ErrorControl", Config->ErrorControl);
    }
    if (NT_SUCCESS(Status)) {
        Status = LdrpSetText(Key, L"ImagePath", REG_EXPAND_SZ, Config->Path);
    }
    if (NT_SUCCESS(Status)) {
        Status = LdrpSetText(Key, L"DisplayName", REG_SZ, Config->DisplayName);
    }
    if (NT_SUCCESS(Status) && Config->Group != NULL) {
        Status = Config->Group[0] != 0 ? LdrpSetText(Key, L"Group", REG_SZ, Config->Group)
                                       : LdrpRemoveValue(Key, L"Group");
    }
    if (NT_SUCCESS(Status) && Config->Dependencies != NULL) {
        Status = LdrpSetDependencies(Key, L"DependOnService", Config->Dependencies, FALSE);
    }
    if (NT_SUCCESS(Status) && Config->Dependencies != NULL) {
        Status = LdrpSetDependencies(Key, L"DependOnGroup", Config->Dependencies, TRUE);
    }
    if (NT_SUCCESS(Status) && Config->Tag) {
        Status = LdrpSetTag(Key);
    }
    return Status;
}

static ULONG LdrpCheckConfig(PCWSTR Name, PCM_KEY Key, const LDR_SERVICE_CONFIG *Config)
{
    WCHAR Group[LDR_SERVICE_NAME] = L"";

    if (Config->Tag && Config->Group == NULL && Key != NULL) {
        LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
    }
    if (Config->Tag && (Config->Group != NULL ? Config->Group : Group)[0] == 0) {
        return ERROR_INVALID_PARAMETER;
    }
    return Config->Dependencies != NULL ? LdrpCheckCircle(Name, Config->Dependencies) : 0;
}

ULONG LdrCreateService(PCWSTR Name, const LDR_SERVICE_CONFIG *Config)
{
    NTSTATUS Status;
    PCM_KEY Key;
    ULONG Error = LdrOpenService(Name, &Key);

    if (Error == 0) {
        CmCloseKey(Key);
        return LdrpIsDeletePending(Name) ? ERROR_SERVICE_MARKED_FOR_DELETE : ERROR_SERVICE_EXISTS;
    }
    if (Error == ERROR_SERVICE_DOES_NOT_EXIST) {
        Error = LdrpCheckConfig(Name, NULL, Config);
    }
    if (Error == 0) {
        Error = LdrpOpenServiceKey(Name, TRUE, &Key);
    }
    if (Error != 0) {
        return Error;
    }
    /* All or nothing: half a service could be started with the wrong file. */
    Status = LdrpSetUlong(Key, L"Type", SERVICE_KERNEL_DRIVER);
    if (NT_SUCCESS(Status)) {
        Status = LdrpSetConfig(Key, Config);
    }
    if (!NT_SUCCESS(Status)) {
        CmDeleteKey(Key);
    }
    CmCloseKey(Key);
    return KdStatusToWin32(Status);
}

ULONG LdrChangeService(PCWSTR Name, PCM_KEY Key, const LDR_SERVICE_CONFIG *Config)
{
    ULONG Error = LdrpCheckConfig(Name, Key, Config);

    if (LdrpIsDeletePending(Name)) {
        return ERROR_SERVICE_MARKED_FOR_DELETE;
    }
    return Error != 0 ? Error : KdStatusToWin32(LdrpSetConfig(Key, Config));
}

ULONG LdrDeleteService(PCWSTR Name, PCM_KEY Key)
{
    PLDRP_SERVICE_NOTE Note;
    BOOLEAN Stoppable;
    ULONG Error = 0;

    if (LdrQueryServiceState(Name, &Stoppable) == ServiceStopped) {
        LdrpForgetNote(Name);
        return KdStatusToWin32(CmDeleteKey(Key));
    }
    /* A running service keeps its key until it stops, as on Windows. */
    ExAcquireFastMutex(&LdrpNoteMutex);
    Note = LdrpTakeNote(Name);
    if (Note == NULL) {
        Error = KdStatusToWin32(STATUS_INSUFFICIENT_RESOURCES);
    } else if (Note->DeletePending) {
        Error = ERROR_SERVICE_MARKED_FOR_DELETE;
    } else {
        Note->DeletePending = TRUE;
    }
    ExReleaseFastMutex(&LdrpNoteMutex);
    return Error;
}
