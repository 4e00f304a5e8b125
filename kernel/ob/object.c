/*
 * object.c - the life of objects: creation, references, deletion.
 *
 * PointerCount is the only thing that decides over life and death; it changes by interlocked
 * operations alone, and whoever takes it to 0 deletes the object. From then on it never rises
 * again: those who find objects in lists that hold no reference use ObReferenceObjectSafe.
 *
 * Deletion runs a type's Delete routine, which may wait, so it happens at PASSIVE_LEVEL: on the
 * spot when the last reference is dropped there, else in a system worker thread. Objects on their
 * way to it stand on a lock-free stack; whoever finds the stack empty queues the one work item.
 */
#include "obp.h"

/* REFERENCE_BY_POINTER's fourth parameter on Etude: what was wrong. */
enum {
    ObpReferencedDeletedObject = 0x10,
    ObpDereferencedTooOften = 0x20,
    ObpDeletedWithHandles
};

#define OBP_FIRST_TYPE_TAG 0x546A624F /* "ObjT" */

static volatile LONG64 ObpObjectCount;
static POBJECT_HEADER volatile ObpDeletionStack;
static WORK_QUEUE_ITEM ObpDeletionItem;

NTSTATUS ObAllocateObject(POBJECT_TYPE Type, SIZE_T BodySize, PVOID *Object)
{
    // The type Type is its own type and not there yet when it is made itself; it is never freed.
    ULONG Tag = Type != NULL ? Type->PoolTag : OBP_FIRST_TYPE_TAG;
    POBJECT_HEADER Header = ExAllocatePool2(POOL_FLAG_NON_PAGED, OBP_HEADER_SIZE + BodySize, Tag);
    if (Header == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KI_ASSERT(((ULONG_PTR)Header & 15) == 0);
    Header->PointerCount = 1;
    Header->Type = Type;
    InterlockedIncrement64(&ObpObjectCount);
    if (Type != NULL) {
        ObpNoteHighWater(&Type->HighWaterObjects, InterlockedIncrement64(&Type->ObjectCount));
        InterlockedIncrement64(&Type->CreationCount);
    }
    *Object = ObpBody(Header);
    return STATUS_SUCCESS;
}

/* Nobody can find the object any more: it has no name, no handle and no reference. Its owner
 * tidies up what the body holds, then the memory goes. PASSIVE_LEVEL. */
static void ObpDeleteObject(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = Header->Type;
    PVOID Object = ObpBody(Header);
    ObpForgetReferences(Object);
    if (Header->HandleCount != 0) {
        KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)Type, (ULONG_PTR)Object,
                     (ULONG_PTR)Header->HandleCount, ObpDeletedWithHandles);
    }
    if (Type->Info.Delete != NULL) {
        Type->Info.Delete(Object);
    }
    KI_ASSERT(Header->Directory == NULL); // its name would have been a reference
    InterlockedDecrement64(&Type->ObjectCount);
    InterlockedDecrement64(&ObpObjectCount);
    Header->Type = NULL;
    ExFreePoolWithTag(Header, Type->PoolTag);
}

/* Deletes what has been put on the stack; a Delete routine may well drop other last references,
 * but at PASSIVE_LEVEL those are done on the spot. */
static VOID NTAPI ObpDeletionWorker(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    // Taking the whole stack empties it, so a later push queues the item, which is idle, again.
    POBJECT_HEADER Header = InterlockedExchangePointer(&ObpDeletionStack, NULL);
    while (Header != NULL) {
        POBJECT_HEADER Next = Header->NextToDelete;
        ObpDeleteObject(Header);
        Header = Next;
    }
}

/* Any IRQL up to DISPATCH_LEVEL. The object's memory itself links it, so this cannot fail. */
static void ObpDeferDeletion(POBJECT_HEADER Header)
{
    POBJECT_HEADER Head;
    do {
        Head = ObpDeletionStack;
        Header->NextToDelete = Head;
    } while (InterlockedCompareExchangePointer(&ObpDeletionStack, Header, Head) != Head);
    if (Head == NULL) {
        ExInitializeWorkItem(&ObpDeletionItem, ObpDeletionWorker, NULL);
        ExQueueWorkItem(&ObpDeletionItem, CriticalWorkQueue);
    }
}

LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
    LONG64 Count = InterlockedIncrement64(&ObpHeader(Object)->PointerCount);
    // Whoever adds a reference has one already, or a lock on something that has: so there are two.
    if (Count <= 1) {
        KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)ObpHeader(Object)->Type, (ULONG_PTR)Object,
                     (ULONG_PTR)Count, ObpReferencedDeletedObject);
    }
    return Count;
}

/* The count without one reference; at 0 the object is the caller's to delete. */
static LONG64 ObpDropReference(POBJECT_HEADER Header)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    LONG64 Count = InterlockedDecrement64(&Header->PointerCount);
    if (Count < 0) {
        KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)Header->Type, (ULONG_PTR)ObpBody(Header),
                     (ULONG_PTR)Count, ObpDereferencedTooOften);
    }
    return Count;
}

LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    LONG64 Count = ObpDropReference(Header);
    if (Count == 0) {
        // A Delete routine sends IRPs and waits, which needs special kernel APCs.
        if (KeGetCurrentIrql() == PASSIVE_LEVEL && !KeAreAllApcsDisabled()) {
            ObpDeleteObject(Header);
        } else {
            ObpDeferDeletion(Header);
        }
    }
    return Count;
}

/* For callers that hold locks which the type's Delete routine takes. */
VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    if (ObpDropReference(Header) == 0) {
        ObpDeferDeletion(Header);
    }
}

BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeader(Object);
    LONG64 Count = Header->PointerCount;
    // Only a step from a count that is not 0: a plain increment would bring back the dead.
    while (Count > 0) {
        LONG64 Seen = InterlockedCompareExchange64(&Header->PointerCount, Count + 1, Count);
        if (Seen == Count) {
            return TRUE;
        }
        Count = Seen;
    }
    return FALSE;
}

NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    UNREFERENCED_PARAMETER(DesiredAccess);
    // As on Windows: a kernel caller that names no type is trusted, except with symbolic links.
    if (ObpHeader(Object)->Type != ObjectType && (AccessMode != KernelMode || ObjectType != NULL ||
                                                  ObpHeader(Object)->Type == ObpSymbolicLinkType)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}

LONG_PTR ObQueryPointerCount(PVOID Object)
{
    return ObpHeader(Object)->PointerCount;
}

LONG_PTR ObQueryHandleCount(PVOID Object)
{
    return ObpHeader(Object)->HandleCount;
}

ULONG64 ObQueryObjectCount(void)
{
    return (ULONG64)ObpObjectCount;
}
