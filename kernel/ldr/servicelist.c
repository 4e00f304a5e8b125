/*
 * servicelist.c - walking the services, their values, and who depends on whom.
 *
 * Walks go by number through the keys, with no lock held while a callback runs: a service that is
 * made or deleted meanwhile may be seen twice or not at all, which nobody here minds.
 */
#include <kd.h>
#include <service.h>
#include <winerror.h>
#include "ldrp.h"

#define LIST_TAG 'lSdL'       /* "LdSl" in memory */
#define LDRP_CIRCLE_STEPS 500 /* services looked at for a circle: more are taken for one */

void LdrQueryServiceText(PCM_KEY Key, PCWSTR Value, WCHAR *Text, ULONG Chars)
{
    ULONG Type, Size = (Chars - 1) * sizeof(WCHAR);

    RtlZeroMemory(Text, Chars * sizeof(WCHAR));
    if (!NT_SUCCESS(CmQueryValue(Key, Value, &Type, Text, &Size)) ||
        (Type != REG_SZ && Type != REG_EXPAND_SZ)) {
        Text[0] = UNICODE_NULL;
    }
}

/* Room for the ends of a text and of the list follows, in case the value lacks them. A value that
 * has grown since its size was asked for is asked again. */
NTSTATUS LdrQueryServiceList(PCM_KEY Key, PCWSTR Value, PWSTR *List)
{
    ULONG Type, Size = 0;
    NTSTATUS Status;

    *List = NULL;
    while ((Status = CmQueryValue(Key, Value, &Type, *List, &Size)) == STATUS_BUFFER_TOO_SMALL &&
           Type == REG_MULTI_SZ) {
        if (*List != NULL) {
            ExFreePoolWithTag(*List, LIST_TAG);
        }
        *List = ExAllocatePool2(POOL_FLAG_PAGED, (Size & ~1U) + 2 * sizeof(WCHAR), LIST_TAG);
        if (*List == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    if (*List != NULL && (!NT_SUCCESS(Status) || Type != REG_MULTI_SZ)) {
        ExFreePoolWithTag(*List, LIST_TAG);
        *List = NULL;
    }
    return STATUS_SUCCESS;
}

void LdrEnumerateServices(LDR_SERVICE_CALLBACK *Callback, PVOID Context)
{
    UNICODE_STRING Path = RTL_CONSTANT_STRING(CM_SERVICES_PATH);
    WCHAR Name[LDR_SERVICE_NAME];
    NTSTATUS Status;
    BOOLEAN Continue = TRUE;
    PCM_KEY Services, Key;

    if (!NT_SUCCESS(CmOpenKey(&Path, FALSE, &Services))) {
        return;
    }
    for (ULONG i = 0; Continue; i++) {
        Status = CmEnumerateKey(Services, i, Name, ARRAYSIZE(Name));
        if (Status == STATUS_BUFFER_OVERFLOW) {
            continue; /* too long for a service's name */
        }
        if (!NT_SUCCESS(Status)) {
            break;
        }
        if (LdrOpenService(Name, &Key) == 0) {
            Continue = Callback(Name, Key, Context);
            CmCloseKey(Key);
        }
    }
    CmCloseKey(Services);
}

static NTSTATUS LdrpFindInList(PCM_KEY Key, PCWSTR Value, PCWSTR Name, BOOLEAN *Found)
{
    PWSTR List;
    NTSTATUS Status = LdrQueryServiceList(Key, Value, &List);

    for (PCWSTR Item = List; Item != NULL && *Item != 0 && !*Found; Item += wcslen(Item) + 1) {
        *Found = LdrpIsSameName(Item, Name);
    }
    if (List != NULL) {
        ExFreePoolWithTag(List, LIST_TAG);
    }
    return Status;
}

typedef struct _LDRP_DEPENDENTS {
    PCWSTR Name;
    WCHAR Group[LDR_SERVICE_NAME];
    LDR_SERVICE_CALLBACK *Callback;
    PVOID Context;
    NTSTATUS Status; /* out */
} LDRP_DEPENDENTS;

static BOOLEAN LdrpSelectDependent(PCWSTR Name, PCM_KEY Key, PVOID Context)
{
    LDRP_DEPENDENTS *Dependents = Context;
    BOOLEAN Found = FALSE;

    Dependents->Status = LdrpFindInList(Key, L"DependOnService", Dependents->Name, &Found);
    if (NT_SUCCESS(Dependents->Status) && !Found && Dependents->Group[0] != 0) {
        Dependents->Status = LdrpFindInList(Key, L"DependOnGroup", Dependents->Group, &Found);
    }
    if (!NT_SUCCESS(Dependents->Status)) {
        return FALSE;
    }
    return Found ? Dependents->Callback(Name, Key, Dependents->Context) : TRUE;
}

NTSTATUS LdrEnumerateDependents(PCWSTR Name, LDR_SERVICE_CALLBACK *Callback, PVOID Context)
{
    LDRP_DEPENDENTS Dependents = {.Name = Name, .Callback = Callback, .Context = Context};
    PCM_KEY Key;

    if (LdrOpenService(Name, &Key) == 0) {
        LdrQueryServiceText(Key, L"Group", Dependents.Group, ARRAYSIZE(Dependents.Group));
        CmCloseKey(Key);
        LdrEnumerateServices(LdrpSelectDependent, &Dependents);
    }
    return Dependents.Status;
}

/* ERROR_CIRCULAR_DEPENDENCY: some way from List leads to Name. Steps bounds it for circles that
 * Name is not part of, and the depth of this recursion. */
static ULONG LdrpLeadsTo(PCWSTR List, PCWSTR Name, ULONG Depth, PULONG Steps)
{
    ULONG Error = 0;

    for (PCWSTR Item = List; *Item != 0 && Error == 0; Item += wcslen(Item) + 1) {
        PWSTR Next = NULL;
        PCM_KEY Key;

        if (*Item == '+') {
            continue;
        }
        if (LdrpIsSameName(Item, Name) || Depth == LDRP_MAXIMUM_CHAIN ||
            ++*Steps == LDRP_CIRCLE_STEPS) {
            return ERROR_CIRCULAR_DEPENDENCY;
        }
        if (LdrOpenService(Item, &Key) == 0) {
            Error = KdStatusToWin32(LdrQueryServiceList(Key, L"DependOnService", &Next));
            CmCloseKey(Key);
        }
        if (Next != NULL) {
            Error = LdrpLeadsTo(Next, Name, Depth + 1, Steps);
            ExFreePoolWithTag(Next, LIST_TAG);
        }
    }
    return Error;
}

ULONG LdrpCheckCircle(PCWSTR Name, PCWSTR Dependencies)
{
    ULONG Steps = 0;

    return LdrpLeadsTo(Dependencies, Name, 0, &Steps);
}
