/*
 * servicestart.c - services are started after those they depend on, and stopped before them.
 *
 * A start goes down the dependencies with a chain of names on the stack, by which a circle is
 * known. It holds no lock: that a driver is not started twice is the module table's business, and
 * ERROR_SERVICE_ALREADY_RUNNING is as good for a dependency as a start. Texts and names that a
 * level needs for itself are in pool memory: LDRP_MAXIMUM_CHAIN levels, and below them a load with
 * its imports, share a stack.
 */
#include <io.h>
#include <kd.h>
#include <service.h>
#include <winerror.h>
#include "ldrp.h"

#define LDRP_NAMES_TAG 'nSdL' /* "LdSn" in memory */

/* Who is being started because of whom. */
typedef struct _LDRP_CHAIN {
    const struct _LDRP_CHAIN *Parent;
    PCWSTR Name;
    ULONG Depth;
    PLDRP_MESSAGE Message;
} LDRP_CHAIN, *PLDRP_CHAIN;

static ULONG LdrpStartInChain(PCWSTR Name, const LDRP_CHAIN *Parent, PLDRP_MESSAGE Message);

/* "a depends on b, which depends on a": from the first mention of Name on. */
static void LdrpSayCircle(const LDRP_CHAIN *Link, PCWSTR Name, PLDRP_MESSAGE Message)
{
    if (!LdrpIsSameName(Link->Name, Name)) {
        LdrpSayCircle(Link->Parent, Name, Message);
        LdrpSay(Message, "%ws, which depends on ", Link->Name);
    } else {
        LdrpSay(Message, "%ws depends on ", Link->Name);
    }
}

static BOOLEAN LdrpIsInChain(const LDRP_CHAIN *Link, PCWSTR Name)
{
    while (Link != NULL && !LdrpIsSameName(Link->Name, Name)) {
        Link = Link->Parent;
    }
    return Link != NULL;
}

/* Starts what Chain's service depends on by name. */
static ULONG LdrpStartNamed(PCWSTR Name, const LDRP_CHAIN *Chain)
{
    ULONG Error = LdrpStartInChain(Name, Chain, Chain->Message);
    BOOLEAN Stoppable;

    if (Error == ERROR_SERVICE_ALREADY_RUNNING &&
        LdrQueryServiceState(Name, &Stoppable) == ServiceRunning) {
        Error = 0;
    }
    if (Error == 0 || Error == ERROR_CIRCULAR_DEPENDENCY) {
        return Error;
    }
    LdrpSay(Chain->Message, "%s%ws depends on %ws, %s", Chain->Message->Used != 0 ? "; " : "",
            Chain->Name, Name,
            Error == ERROR_SERVICE_DOES_NOT_EXIST ? "which is no service" : "which did not start");
    return Error == ERROR_SERVICE_DOES_NOT_EXIST ? ERROR_SERVICE_DEPENDENCY_DELETED
                                                 : ERROR_SERVICE_DEPENDENCY_FAIL;
}

/* A group's services, as far as there is room for them. */
typedef WCHAR LDRP_NAME[LDR_SERVICE_NAME];
typedef struct _LDRP_MEMBERS {
    PCWSTR Group;
    LDRP_NAME *Names;
    ULONG Room, Count;
} LDRP_MEMBERS;

static BOOLEAN LdrpNoteMember(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    LDRP_MEMBERS *Members = Context;
    LDRP_NAME Group;

    LdrQueryServiceText(Key, L"Group", Group, ARRAYSIZE(Group));
    if (LdrpIsSameName(Group, Members->Group)) {
        if (Members->Count < Members->Room) {
            RtlCopyMemory(Members->Names[Members->Count], Name, (wcslen(Name) + 1) * sizeof(WCHAR));
        }
        Members->Count++;
    }
    return TRUE;
}

/* FALSE: no memory. One that comes between the two looks is too late. */
static BOOLEAN LdrpListMembers(LDRP_MEMBERS *Members)
{
    LdrEnumerateServices(LdrpNoteMember, Members);
    Members->Names =
        Members->Count != 0
            ? ExAllocatePool2(POOL_FLAG_PAGED, Members->Count * sizeof(LDRP_NAME), LDRP_NAMES_TAG)
            : NULL;
    if (Members->Names == NULL && Members->Count != 0) {
        return FALSE;
    }
    Members->Room = Members->Count;
    Members->Count = 0;
    if (Members->Room != 0) {
        LdrEnumerateServices(LdrpNoteMember, Members);
    }
    Members->Count = min(Members->Count, Members->Room);
    return TRUE;
}

/* As on Windows a group is there when one of its members is. One that is on its way already is no
 * use for those that wait for the group, and no circle. */
static ULONG LdrpStartGroup(PCWSTR Group, const LDRP_CHAIN *Chain)
{
    LDRP_MEMBERS Members = {.Group = Group};
    LDRP_MESSAGE Unheard = {.Size = 0};
    BOOLEAN Stoppable, Running = FALSE;

    if (!LdrpListMembers(&Members)) {
        return KdStatusToWin32(STATUS_INSUFFICIENT_RESOURCES);
    }
    for (ULONG i = 0; i < Members.Count; i++) {
        if (!LdrpIsInChain(Chain, Members.Names[i])) {
            LdrpStartInChain(Members.Names[i], Chain, &Unheard);
            Running |= LdrQueryServiceState(Members.Names[i], &Stoppable) == ServiceRunning;
        }
    }
    if (Members.Names != NULL) {
        ExFreePoolWithTag(Members.Names, LDRP_NAMES_TAG);
    }
    if (Running) {
        return 0;
    }
    LdrpSay(Chain->Message, "%s%ws depends on the group %ws, of which no service runs",
            Chain->Message->Used != 0 ? "; " : "", Chain->Name, Group);
    return ERROR_SERVICE_DEPENDENCY_FAIL;
}

static ULONG LdrpStartList(PCM_KEY Key, PCWSTR Value, ULONG (*Start)(PCWSTR, const LDRP_CHAIN *),
                           const LDRP_CHAIN *Chain)
{
    PWSTR List;
    ULONG Error = KdStatusToWin32(LdrQueryServiceList(Key, Value, &List));

    for (PCWSTR Item = List; Item != NULL && *Item != 0 && Error == 0; Item += wcslen(Item) + 1) {
        Error = Start(Item, Chain);
    }
    if (List != NULL) {
        ExFreePool(List);
    }
    return Error;
}

static ULONG LdrpStartOpened(PCWSTR Name, PCM_KEY Key, const LDRP_CHAIN *Chain)
{
    UNICODE_STRING String;
    ULONG Error;

    if (LdrpIsDeletePending(Name)) {
        return ERROR_SERVICE_MARKED_FOR_DELETE;
    }
    if (CmQueryUlong(Key, L"Start", SERVICE_DEMAND_START) == SERVICE_DISABLED) {
        return ERROR_SERVICE_DISABLED;
    }
    Error = LdrpStartList(Key, L"DependOnService", LdrpStartNamed, Chain);
    if (Error == 0) {
        Error = LdrpStartList(Key, L"DependOnGroup", LdrpStartGroup, Chain);
    }
    if (Error == 0) {
        RtlInitUnicodeString(&String, Name);
        Error = KdStatusToWin32(LdrpLoadDriver(&String, Chain->Message));
    }
    return Error;
}

static ULONG LdrpStartInChain(PCWSTR Name, const LDRP_CHAIN *Parent, PLDRP_MESSAGE Message)
{
    LDRP_CHAIN Chain = {Parent, Name, Parent != NULL ? Parent->Depth + 1 : 0, Message};
    BOOLEAN Stoppable;
    PCM_KEY Key;
    ULONG Error;

    if (LdrpIsInChain(Parent, Name)) {
        LdrpSayCircle(Parent, Name, Message);
        LdrpSay(Message, "%ws", Name);
        return ERROR_CIRCULAR_DEPENDENCY;
    }
    if (Chain.Depth == LDRP_MAXIMUM_CHAIN) {
        LdrpSay(Message, "%ws: dependencies of dependencies, more than %u deep", Name,
                LDRP_MAXIMUM_CHAIN);
        return ERROR_SERVICE_DEPENDENCY_FAIL;
    }
    Error = LdrOpenService(Name, &Key);
    if (Error != 0) {
        return Error;
    }
    Error = LdrQueryServiceState(Name, &Stoppable) != ServiceStopped
                ? ERROR_SERVICE_ALREADY_RUNNING
                : LdrpStartOpened(Name, Key, &Chain);
    CmCloseKey(Key);
    /* A second start is no new fact about the first; one that was not tried is none at all. */
    if (Error != ERROR_SERVICE_ALREADY_RUNNING && Error != ERROR_SERVICE_DISABLED &&
        Error != ERROR_SERVICE_MARKED_FOR_DELETE) {
        LdrpNoteExitCode(Name, Error);
    }
    return Error;
}

ULONG LdrStartService(PCWSTR Name, CHAR *Reason, SIZE_T ReasonSize)
{
    LDRP_MESSAGE Message;

    LdrpInitializeMessage(&Message, Reason, ReasonSize);
    return LdrpStartInChain(Name, NULL, &Message);
}

static BOOLEAN LdrpIsRunningDependent(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    BOOLEAN Stoppable;

    UNREFERENCED_PARAMETER(Key);
    *(PBOOLEAN)Context = LdrQueryServiceState(Name, &Stoppable) != ServiceStopped;
    return !*(PBOOLEAN)Context;
}

ULONG LdrStopService(PCWSTR Name)
{
    BOOLEAN Stoppable, Dependents = FALSE;
    UNICODE_STRING String;
    NTSTATUS Status;
    PCM_KEY Key;

    if (LdrQueryServiceState(Name, &Stoppable) == ServiceStopped) {
        return ERROR_SERVICE_NOT_ACTIVE;
    }
    Status = LdrEnumerateDependents(Name, LdrpIsRunningDependent, &Dependents);
    if (Dependents) {
        return ERROR_DEPENDENT_SERVICES_RUNNING;
    }
    if (!NT_SUCCESS(Status)) {
        return KdStatusToWin32(Status);
    }
    RtlInitUnicodeString(&String, Name);
    Status = LdrpUnloadDriver(&String);
    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
        return ERROR_SERVICE_NOT_ACTIVE; /* it has stopped since */
    case STATUS_INVALID_DEVICE_REQUEST:
        return ERROR_INVALID_SERVICE_CONTROL;
    case STATUS_DEVICE_BUSY:
        return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
    case STATUS_PENDING: /* open devices: the unload is on its way */
        LdrpNoteExitCode(Name, 0);
        return 0;
    }
    if (NT_SUCCESS(Status)) {
        LdrpNoteExitCode(Name, 0);
        if (LdrOpenService(Name, &Key) == 0) { /* which finishes a delete */
            CmCloseKey(Key);
        }
    }
    return KdStatusToWin32(Status);
}

LDR_SERVICE_STATE LdrQueryServiceState(PCWSTR Name, BOOLEAN *Stoppable)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    switch (LdrpQueryDriver(&String, Stoppable)) {
    case LdrpNoDriver:
        return ServiceStopped;
    case LdrpStarting:
        return ServiceStartPending;
    case LdrpRunning:
        return ServiceRunning;
    default:
        return ServiceStopPending;
    }
}
