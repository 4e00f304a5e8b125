/*
 * callbackobject.c - what registry callbacks attach to key objects, and what they ask of them.
 *
 * A context stands in two lists, its object's and its registration's, both under CmpCallbackLock.
 * It ends with whichever goes first; who takes it out of the lists tells the registration, without
 * the lock.
 */
#include "callback.h"

/* The registration's context of the object, or NULL. */
static PCMP_CONTEXT CmpFindContext(PCMP_KEY_OBJECT Object, PCMP_CALLBACK Callback)
{
    for (PLIST_ENTRY Link = Object->Contexts.Flink; Link != &Object->Contexts; Link = Link->Flink) {
        PCMP_CONTEXT Context = CONTAINING_RECORD(Link, CMP_CONTEXT, ObjectLink);
        if (Context->Callback == Callback) {
            return Context;
        }
    }
    return NULL;
}

/* An empty list is read without the lock: who looks while a context is set may see it or not. */
PVOID CmpQueryContext(PCMP_KEY_OBJECT Object, PCMP_CALLBACK Callback)
{
    PCMP_CONTEXT Context;
    PVOID Answer = NULL;

    if (Object == NULL || IsListEmpty(&Object->Contexts)) {
        return NULL;
    }
    CmpLockCallbacks(FALSE);
    Context = CmpFindContext(Object, Callback);
    if (Context != NULL) {
        Answer = Context->Context;
    }
    CmpUnlockCallbacks();
    return Answer;
}

/* Tells the registration that its context of the object is not needed any more. */
static void CmpCleanUpContext(PCMP_CONTEXT Context)
{
    REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Information = {.Object = Context->Object,
                                                            .ObjectContext = Context->Context};

    Context->Callback->Function(Context->Callback->Context,
                                (PVOID)(ULONG_PTR)RegNtCallbackObjectContextCleanup, &Information);
    ExFreePoolWithTag(Context, CMP_TAG);
}

static void CmpUnlinkContext(PCMP_CONTEXT Context)
{
    RemoveEntryList(&Context->ObjectLink);
    RemoveEntryList(&Context->CallbackLink);
}

/* An object that is just being deleted gives its contexts up itself: that is waited for. */
BOOLEAN CmpDropOneContext(PCMP_CALLBACK Callback)
{
    LARGE_INTEGER Moment = {.QuadPart = -10000};
    PCMP_CONTEXT Context = NULL;
    BOOLEAN Some, Mine = FALSE;

    CmpLockCallbacks(TRUE);
    Some = !IsListEmpty(&Callback->Contexts);
    if (Some) {
        Context = CONTAINING_RECORD(Callback->Contexts.Flink, CMP_CONTEXT, CallbackLink);
        Mine = ObReferenceObjectSafe(Context->Object);
        if (Mine) {
            CmpUnlinkContext(Context);
        }
    }
    CmpUnlockCallbacks();
    if (Mine) {
        PCMP_KEY_OBJECT Object = Context->Object;
        CmpCleanUpContext(Context);
        ObDereferenceObject(Object);
    } else if (Some) {
        KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    }
    return Some;
}

/* Not by referring to it: an object whose contexts are being cleaned up has lost its last
 * reference. */
static BOOLEAN CmpIsKeyObject(PVOID Object)
{
    return Object != NULL && ObGetObjectType(Object) == CmKeyObjectType;
}

/* Puts *New, unless it is used up, in the object's list, or changes the context there is, or takes
 * it away into *New when NewContext is NULL. The lock is held. */
static PVOID CmpExchangeContext(PCMP_KEY_OBJECT Object, PCMP_CALLBACK Callback, PVOID NewContext,
                                PCMP_CONTEXT *New)
{
    PCMP_CONTEXT Context = CmpFindContext(Object, Callback);
    PVOID Old = Context != NULL ? Context->Context : NULL;

    if (Context != NULL && NewContext == NULL) {
        CmpUnlinkContext(Context);
        *New = Context;
    } else if (Context != NULL) {
        Context->Context = NewContext;
    } else if (*New != NULL) {
        (*New)->Callback = Callback;
        (*New)->Object = Object;
        (*New)->Context = NewContext;
        InsertTailList(&Object->Contexts, &(*New)->ObjectLink);
        InsertTailList(&Callback->Contexts, &(*New)->CallbackLink);
        *New = NULL;
    }
    return Old;
}

NTSTATUS NTAPI CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID NewContext,
                                          PVOID *OldContext)
{
    PCMP_CALLBACK Callback;
    PCMP_CONTEXT New = NULL;
    PVOID Old = NULL;

    PAGED_CODE();
    if (!CmpIsKeyObject(Object)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (NewContext != NULL) {
        New = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*New), CMP_TAG);
        if (New == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    CmpLockCallbacks(TRUE);
    Callback = CmpFindCallback(Cookie->QuadPart);
    if (Callback != NULL) {
        Old = CmpExchangeContext(Object, Callback, NewContext, &New);
    }
    CmpUnlockCallbacks();
    if (New != NULL) {
        ExFreePoolWithTag(New, CMP_TAG);
    }
    if (OldContext != NULL) {
        *OldContext = Old;
    }
    return Callback != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* Nobody else has the object any more, but for registrations that end. */
void CmpFreeContexts(PCMP_KEY_OBJECT Object)
{
    while (!IsListEmpty(&Object->Contexts)) {
        PCMP_CONTEXT Context;
        CmpLockCallbacks(TRUE);
        Context = CONTAINING_RECORD(Object->Contexts.Flink, CMP_CONTEXT, ObjectLink);
        CmpUnlinkContext(Context);
        /* A registration with a context has not begun to run down. */
        ExAcquireRundownProtection(&Context->Callback->Running);
        CmpUnlockCallbacks();
        PCMP_CALLBACK Callback = Context->Callback;
        CmpCleanUpContext(Context);
        ExReleaseRundownProtection(&Callback->Running);
    }
    while (Object->Names != NULL) {
        PCMP_NAME Name = Object->Names;
        Object->Names = Name->Next;
        ExFreePoolWithTag(Name->Path, CMP_TAG);
        ExFreePoolWithTag(Name, CMP_TAG);
    }
}

static BOOLEAN CmpIsRegistered(PLARGE_INTEGER Cookie)
{
    BOOLEAN Known;

    CmpLockCallbacks(FALSE);
    Known = CmpFindCallback(Cookie->QuadPart) != NULL;
    CmpUnlockCallbacks();
    return Known;
}

/* The key's path now, for the caller to free. */
static NTSTATUS CmpQueryPath(PCM_KEY Key, PUNICODE_STRING *Path)
{
    NTSTATUS Status = STATUS_KEY_DELETED;

    CmpLockShared();
    if (!Key->Deleted) {
        *Path = CmpAllocatePath(Key);
        Status = *Path != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    CmpUnlock();
    return Status;
}

NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                          PCUNICODE_STRING *ObjectName, ULONG Flags)
{
    PCMP_KEY_OBJECT KeyObject = Object;
    PUNICODE_STRING Path;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (!CmpIsKeyObject(Object) || !CmpIsRegistered(Cookie) || Flags != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (ObjectID != NULL) {
        *ObjectID = (ULONG_PTR)KeyObject->Key;
    }
    if (ObjectName != NULL) {
        Status = CmpQueryPath(KeyObject->Key, &Path);
        if (NT_SUCCESS(Status)) {
            *ObjectName = Path;
        }
    }
    return Status;
}

VOID NTAPI CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName)
{
    ExFreePoolWithTag((PVOID)ObjectName, CMP_TAG);
}

/* A name given out stays with the object, as its user does not say when it has no more need of it;
 * so each is kept once. Path is the caller's no more. */
static NTSTATUS CmpKeepName(PCMP_KEY_OBJECT Object, PUNICODE_STRING Path, PCUNICODE_STRING *Kept)
{
    PCMP_NAME Name = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(*Name), CMP_TAG);

    *Kept = NULL;
    CmpLockCallbacks(TRUE);
    if (Object->Names != NULL && RtlEqualUnicodeString(Object->Names->Path, Path, FALSE)) {
        *Kept = Object->Names->Path;
    } else if (Name != NULL) {
        *Kept = Name->Path = Path;
        Name->Next = Object->Names;
        Object->Names = Name;
        Name = NULL;
        Path = NULL;
    }
    CmpUnlockCallbacks();
    if (Name != NULL) {
        ExFreePoolWithTag(Name, CMP_TAG);
    }
    if (Path != NULL) {
        ExFreePoolWithTag(Path, CMP_TAG);
    }
    return *Kept != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI CmCallbackGetKeyObjectID(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                        PCUNICODE_STRING *ObjectName)
{
    PCUNICODE_STRING Path;
    NTSTATUS Status =
        CmCallbackGetKeyObjectIDEx(Cookie, Object, ObjectID, ObjectName != NULL ? &Path : NULL, 0);

    if (NT_SUCCESS(Status) && ObjectName != NULL) {
        Status = CmpKeepName(Object, (PUNICODE_STRING)Path, ObjectName);
    }
    return Status;
}
