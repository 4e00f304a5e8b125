/*
 * callback.c - registry callbacks: who is registered, and how they are called.
 *
 * Registrations stand in one list, highest altitude first. An operation begins by taking rundown
 * protection of all of them, and gives it back at its end; in between no lock is held, so callbacks
 * may use the registry and wait. Pre callbacks run down the list until one does not agree; post
 * callbacks run back up over those that did:
 *
 *     pre:   360000 agrees   320000 agrees   100000 says no    (40000 is not asked)
 *     post:  360000       <- 320000
 *
 * A registration that ends leaves the list first, gives up its objects' contexts, and then waits
 * until nobody protects it any more: from then on the driver's code may go.
 *
 * Lock legend: see cmp.h. CmpCallbackLock is never held while a callback runs.
 */
#include "callback.h"
#include "leak.h"

volatile LONG CmpCallbackCount; /* changes under c exclusively */
EX_PUSH_LOCK CmpCallbackLock;
static LIST_ENTRY CmpCallbacks = {&CmpCallbacks, &CmpCallbacks}; /* c */
static LONGLONG CmpLastCookie;                                   /* c */

/*** Altitudes: decimal numbers of any length, "360000" or "360000.25". ***/

static BOOLEAN CmpIsAltitude(PCUNICODE_STRING Altitude)
{
    ULONG Digits = 0, Points = 0;

    for (ULONG i = 0; i < Altitude->Length / sizeof(WCHAR); i++) {
        WCHAR Character = Altitude->Buffer[i];
        Digits += Character >= '0' && Character <= '9';
        Points += Character == '.';
        if (Digits + Points != i + 1) {
            return FALSE;
        }
    }
    return Digits != 0 && Points <= 1;
}

/* The digit at a place: 0 is that before the point, 1 the one before it, -1 that behind the
 * point. */
static WCHAR CmpDigitAt(PCUNICODE_STRING Altitude, LONG Place)
{
    LONG Count = Altitude->Length / (LONG)sizeof(WCHAR), Point = 0, At;

    while (Point < Count && Altitude->Buffer[Point] != '.') {
        Point++;
    }
    At = Place >= 0 ? Point - 1 - Place : Point - Place;
    return At >= 0 && At < Count ? Altitude->Buffer[At] : '0';
}

static LONG CmpCompareAltitudes(PCUNICODE_STRING Left, PCUNICODE_STRING Right)
{
    LONG Places = max(Left->Length, Right->Length) / (LONG)sizeof(WCHAR);

    for (LONG Place = Places; Place >= -Places; Place--) {
        LONG Order = CmpDigitAt(Left, Place) - CmpDigitAt(Right, Place);
        if (Order != 0) {
            return Order;
        }
    }
    return 0;
}

/*** Calls ***/

/* Protects all registrations there are, in order. */
static NTSTATUS CmpProtectCallbacks(PCMP_CALL Call)
{
    NTSTATUS Status = STATUS_SUCCESS;

    Call->Called = Call->Inline;
    CmpLockCallbacks(FALSE);
    if (CmpCallbackCount > CMP_INLINE_CALLS) {
        Call->Called =
            ExAllocatePool2(POOL_FLAG_PAGED, (ULONG)CmpCallbackCount * sizeof(CMP_CALLED), CMP_TAG);
    }
    if (Call->Called == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        for (PLIST_ENTRY Link = CmpCallbacks.Flink; Link != &CmpCallbacks; Link = Link->Flink) {
            PCMP_CALLBACK Callback = CONTAINING_RECORD(Link, CMP_CALLBACK, Link);
            /* One in the list has not begun to run down. */
            ExAcquireRundownProtection(&Callback->Running);
            Call->Called[Call->Count++].Callback = Callback;
        }
    }
    CmpUnlockCallbacks();
    return Status;
}

NTSTATUS CmpCallBefore(PCMP_CALL Call, REG_NOTIFY_CLASS Class)
{
    NTSTATUS Status = CmpProtectCallbacks(Call);

    Call->Agreed = 0;
    for (ULONG i = 0; NT_SUCCESS(Status) && i < Call->Count; i++) {
        PCMP_CALLBACK Callback = Call->Called[i].Callback;
        Call->Contexts[0] = NULL;
        Call->Contexts[1] = CmpQueryContext(Call->Object, Callback);
        Status = Callback->Function(Callback->Context, (PVOID)(ULONG_PTR)Class, Call->Information);
        Call->Called[i].CallContext = Call->Contexts[0];
        Call->Agreed += NT_SUCCESS(Status);
    }
    return NT_SUCCESS(Status) ? STATUS_SUCCESS : Status;
}

NTSTATUS CmpCallAfter(PCMP_CALL Call, NTSTATUS Status)
{
    REG_POST_OPERATION_INFORMATION Information = {.Object = Call->Object,
                                                  .PreInformation = Call->Information};

    if (Status == STATUS_CALLBACK_BYPASS) {
        Status = STATUS_SUCCESS;
    }
    for (ULONG i = Call->Agreed; i-- > 0;) {
        PCMP_CALLBACK Callback = Call->Called[i].Callback;
        Information.Status = Information.ReturnStatus = Status;
        Information.CallContext = Call->Called[i].CallContext;
        Information.ObjectContext = CmpQueryContext(Call->Object, Callback);
        if (Callback->Function(Callback->Context, (PVOID)(ULONG_PTR)Call->PostClass,
                               &Information) == STATUS_CALLBACK_BYPASS) {
            Status = Information.ReturnStatus;
        }
    }
    for (ULONG i = 0; i < Call->Count; i++) {
        ExReleaseRundownProtection(&Call->Called[i].Callback->Running);
    }
    if (Call->Called != Call->Inline) {
        ExFreePoolWithTag(Call->Called, CMP_TAG);
    }
    return Status;
}

/*** Registration ***/

PCMP_CALLBACK CmpFindCallback(LONGLONG Cookie)
{
    for (PLIST_ENTRY Link = CmpCallbacks.Flink; Link != &CmpCallbacks; Link = Link->Flink) {
        PCMP_CALLBACK Callback = CONTAINING_RECORD(Link, CMP_CALLBACK, Link);
        if (Callback->Cookie.QuadPart == Cookie) {
            return Callback;
        }
    }
    return NULL;
}

void CmFindLeaks(PLDR_LEAKS Leaks)
{
    CmpLockCallbacks(FALSE);
    for (PLIST_ENTRY Link = CmpCallbacks.Flink; Link != &CmpCallbacks; Link = Link->Flink) {
        PCMP_CALLBACK Callback = CONTAINING_RECORD(Link, CMP_CALLBACK, Link);
        if (LdrIsInImage(Leaks, (PVOID)Callback->Function)) {
            LdrNoteLeak(Leaks, LdrLeakRegistryCallback, Callback, (PVOID)Callback->Function);
        }
    }
    CmpUnlockCallbacks();
}

/* Puts it before the first of a lower altitude. Unique: one of the same altitude is in the way. */
static NTSTATUS CmpInsertCallback(PCMP_CALLBACK New, BOOLEAN Unique)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PLIST_ENTRY Next;

    CmpLockCallbacks(TRUE);
    for (Next = CmpCallbacks.Flink; Next != &CmpCallbacks; Next = Next->Flink) {
        LONG Order = CmpCompareAltitudes(&New->Altitude,
                                         &CONTAINING_RECORD(Next, CMP_CALLBACK, Link)->Altitude);
        if (Order == 0 && Unique) {
            Status = STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
        }
        if (Order > 0) {
            break;
        }
    }
    if (NT_SUCCESS(Status)) {
        New->Cookie.QuadPart = ++CmpLastCookie;
        InsertTailList(Next, &New->Link);
        CmpCallbackCount++;
    }
    CmpUnlockCallbacks();
    return Status;
}

static void CmpFreeCallback(PCMP_CALLBACK Callback)
{
    CmpFreeString(&Callback->Altitude);
    ExFreePoolWithTag(Callback, CMP_TAG);
}

static NTSTATUS CmpRegister(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                            BOOLEAN Unique, PVOID Context, PLARGE_INTEGER Cookie)
{
    PCMP_CALLBACK Callback;
    NTSTATUS Status;

    if (Function == NULL || Cookie == NULL || Altitude == NULL || !CmpIsAltitude(Altitude)) {
        return STATUS_INVALID_PARAMETER;
    }
    Callback = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Callback), CMP_TAG);
    if (Callback == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Callback->Function = Function;
    Callback->Context = Context;
    InitializeListHead(&Callback->Contexts);
    ExInitializeRundownProtection(&Callback->Running);
    Status = CmpCopyString(&Callback->Altitude, Altitude);
    if (NT_SUCCESS(Status)) {
        Status = CmpInsertCallback(Callback, Unique);
    }
    if (NT_SUCCESS(Status)) {
        *Cookie = Callback->Cookie;
    } else {
        CmpFreeCallback(Callback);
    }
    return Status;
}

NTSTATUS NTAPI CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                                    PVOID Driver, PVOID Context, PLARGE_INTEGER Cookie,
                                    PVOID Reserved)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(Driver);
    UNREFERENCED_PARAMETER(Reserved);
    return CmpRegister(Function, Altitude, TRUE, Context, Cookie);
}

NTSTATUS NTAPI CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context,
                                  PLARGE_INTEGER Cookie)
{
    UNICODE_STRING Altitude = RTL_CONSTANT_STRING(L"425000");

    PAGED_CODE();
    return CmpRegister(Function, &Altitude, FALSE, Context, Cookie);
}

NTSTATUS NTAPI CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    PCMP_CALLBACK Callback;

    PAGED_CODE();
    CmpLockCallbacks(TRUE);
    Callback = CmpFindCallback(Cookie.QuadPart);
    if (Callback != NULL) {
        RemoveEntryList(&Callback->Link);
        CmpCallbackCount--;
    }
    CmpUnlockCallbacks();
    if (Callback == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    while (CmpDropOneContext(Callback)) {
    }
    ExWaitForRundownProtectionRelease(&Callback->Running);
    CmpFreeCallback(Callback);
    return STATUS_SUCCESS;
}

VOID NTAPI CmGetCallbackVersion(PULONG Major, PULONG Minor)
{
    if (Major != NULL) {
        *Major = 1;
    }
    if (Minor != NULL) {
        *Minor = 1;
    }
}
