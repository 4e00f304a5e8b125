/*
 * driverref.c - which references drivers hold, for the report of what a driver leaves behind (debug
 * kernel only).
 *
 * The loader binds drivers' imports of the routines that take and drop references to substitutes,
 * which count for each driver and object and then do the work; the kernel itself calls the
 * routines, is not counted, and in the release kernel there is nothing of all this. A driver is
 * known by the return address.
 *
 * What one takes another may drop, and a compiler turns a last call into a jump, behind which
 * stands somebody else's return address. So a reference that is dropped is taken off the driver's
 * own, then off anybody else's who has one to the object, and if there is none it was the kernel's
 * to give. A reference that is taken by who knows whom is not counted; when its owner drops it,
 * that may be taken off somebody who never will drop his. With the object all that is known of it
 * is forgotten. In short: a count is the least that a driver has left, and none is reported that
 * has been dropped by a driver.
 *
 * ObpReferenceLock guards all here. References are taken at any IRQL, so it is held at HIGH_LEVEL.
 * The table grows by blocks, which stay; where no memory can be had for one, nothing is counted,
 * and that is said once.
 */
#include "obp.h"
#include "ex.h"
#include "kd.h"
#include "ldr.h"
#include "mm.h"

#if DBG

#define OBP_REFERENCE_BUCKETS 1024
#define OBP_REFERENCES 1024      /* in a block */
#define OBP_REFERENCE_BLOCKS 128 /* at most */
#define OBP_REFERENCE_TAG 'rRbO'

typedef struct _OBP_DRIVER_REFERENCE {
    PVOID Object;
    PVOID Image;  /* the driver's base */
    PVOID Caller; /* who took the first of them */
    ULONG Count;
    ULONG Next; /* number of the next in the bucket or among the free ones, from 1; 0: none */
} OBP_DRIVER_REFERENCE, *POBP_DRIVER_REFERENCE;

static KSPIN_LOCK ObpReferenceLock;
KI_RANKED_LOCK(ObpReferenceLock, LOCK_ORDER_OB_REFERENCE);
static OBP_DRIVER_REFERENCE ObpFirstReferences[OBP_REFERENCES];
static POBP_DRIVER_REFERENCE ObpReferences[OBP_REFERENCE_BLOCKS] = {ObpFirstReferences};
static ULONG ObpReferenceBuckets[OBP_REFERENCE_BUCKETS];
static ULONG ObpFreeReference;                           /* number of the first; 0: none */
static ULONG ObpReferencesBegun;                         /* those that have ever been used */
static volatile ULONG ObpReferenceRoom = OBP_REFERENCES; /* in all blocks */
static LONG ObpReferencesMissed;                         /* said that there was no room */

static KIRQL ObpLockReferences(void)
{
    KIRQL OldIrql;
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&ObpReferenceLock);
    return OldIrql;
}

static void ObpUnlockReferences(KIRQL OldIrql)
{
    KeReleaseSpinLockFromDpcLevel(&ObpReferenceLock);
    KeLowerIrql(OldIrql);
}

static POBP_DRIVER_REFERENCE ObpReferenceOf(ULONG Number)
{
    return &ObpReferences[(Number - 1) / OBP_REFERENCES][(Number - 1) % OBP_REFERENCES];
}

/* The base of the driver that an address is in, or NULL. */
static PVOID ObpDriverOf(PVOID Caller)
{
    // The kernel, which the loader knows, too, lies above all drivers.
    PLDR_MODULE Module =
        (ULONG_PTR)Caller - MM_DRIVER_IMAGE_BASE <= MAXULONG ? LdrFindModule(Caller) : NULL;
    return Module != NULL ? Module->Base : NULL;
}

static PULONG ObpReferenceBucket(PVOID Object)
{
    // Objects are 16-byte aligned and most are larger.
    return &ObpReferenceBuckets[((ULONG_PTR)Object >> 6) % OBP_REFERENCE_BUCKETS];
}

/* What leads to the references to Object that Image has, or that anybody has if it is NULL; else
 * NULL. */
static PULONG ObpFindReference(PVOID Object, PVOID Image)
{
    PULONG Link = ObpReferenceBucket(Object);
    while (*Link != 0) {
        POBP_DRIVER_REFERENCE Reference = ObpReferenceOf(*Link);
        if (Reference->Object == Object && (Image == NULL || Reference->Image == Image)) {
            return Link;
        }
        Link = &Reference->Next;
    }
    return NULL;
}

static void ObpFreeReferenceAt(PULONG Link)
{
    ULONG Number = *Link;
    *Link = ObpReferenceOf(Number)->Next;
    ObpReferenceOf(Number)->Next = ObpFreeReference;
    ObpFreeReference = Number;
}

/* FALSE: no room. */
static BOOLEAN ObpAddReference(PVOID Object, PVOID Image, PVOID Caller)
{
    PULONG Bucket = ObpReferenceBucket(Object);
    ULONG Number = ObpFreeReference;
    if (Number != 0) {
        ObpFreeReference = ObpReferenceOf(Number)->Next;
    } else if (ObpReferencesBegun < ObpReferenceRoom) {
        Number = ++ObpReferencesBegun;
    } else {
        return FALSE;
    }
    *ObpReferenceOf(Number) = (OBP_DRIVER_REFERENCE){Object, Image, Caller, 1, *Bucket};
    *Bucket = Number;
    return TRUE;
}

/* One more block, unless somebody has been quicker. FALSE: nobody has made room. */
static BOOLEAN ObpGrowReferences(ULONG Room)
{
    ULONG Blocks = Room / OBP_REFERENCES;
    POBP_DRIVER_REFERENCE Block = NULL;
    if (KeGetCurrentIrql() <= DISPATCH_LEVEL && Blocks < OBP_REFERENCE_BLOCKS) {
        Block = ExAllocateUnrefused(OBP_REFERENCES * sizeof(*Block), OBP_REFERENCE_TAG);
    }
    KIRQL OldIrql = ObpLockReferences();
    if (Block != NULL && ObpReferenceRoom == Room) {
        ObpReferences[Blocks] = Block;
        ObpReferenceRoom = Room + OBP_REFERENCES;
        Block = NULL;
    }
    BOOLEAN Grown = ObpReferenceRoom != Room;
    ObpUnlockReferences(OldIrql);
    if (Block != NULL) {
        ExFreePoolWithTag(Block, OBP_REFERENCE_TAG);
    }
    return Grown;
}

/* FALSE: the table, which had *Room, is full. */
static BOOLEAN ObpCountReference(PVOID Object, PVOID Image, PVOID Caller, ULONG *Room)
{
    BOOLEAN Counted = TRUE;
    KIRQL OldIrql = ObpLockReferences();
    PULONG Link = ObpFindReference(Object, Image);
    *Room = ObpReferenceRoom;
    if (Link != NULL) {
        ObpReferenceOf(*Link)->Count++;
    } else {
        Counted = ObpAddReference(Object, Image, Caller);
    }
    ObpUnlockReferences(OldIrql);
    return Counted;
}

/* Caller has taken one. */
static void ObpNoteTaken(PVOID Object, PVOID Caller)
{
    PVOID Image = ObpDriverOf(Caller);
    ULONG Room;
    if (Image == NULL) {
        return;
    }
    while (!ObpCountReference(Object, Image, Caller, &Room)) {
        if (!ObpGrowReferences(Room)) {
            if (InterlockedExchange(&ObpReferencesMissed, 1) == 0) {
                KdPrintf("ob: no room to count drivers' references: not all will be reported\n");
            }
            return;
        }
    }
}

/* Caller is about to drop one: afterwards the object may be gone. */
static void ObpNoteDropped(PVOID Object, PVOID Caller)
{
    PVOID Image = ObpDriverOf(Caller);
    KIRQL OldIrql = ObpLockReferences();
    PULONG Link = Image != NULL ? ObpFindReference(Object, Image) : NULL;
    if (Link == NULL) {
        Link = ObpFindReference(Object, NULL);
    }
    if (Link != NULL && --ObpReferenceOf(*Link)->Count == 0) {
        ObpFreeReferenceAt(Link);
    }
    ObpUnlockReferences(OldIrql);
}

void ObpForgetReferences(PVOID Object)
{
    PULONG Link;
    KIRQL OldIrql = ObpLockReferences();
    while ((Link = ObpFindReference(Object, NULL)) != NULL) {
        ObpFreeReferenceAt(Link);
    }
    ObpUnlockReferences(OldIrql);
}

/* Takes one of the image's entries out, with a reference to its object; FALSE: there is none. An
 * object that is being deleted has nobody's references any more. */
static BOOLEAN ObpTakeImageReference(PLDR_LEAKS Leaks, POBP_DRIVER_REFERENCE Found)
{
    BOOLEAN Taken = FALSE;
    KIRQL OldIrql = ObpLockReferences();
    for (ULONG i = 0; i < OBP_REFERENCE_BUCKETS && !Taken; i++) {
        PULONG Link = &ObpReferenceBuckets[i];
        while (*Link != 0 && !Taken) {
            *Found = *ObpReferenceOf(*Link);
            if (LdrIsInImage(Leaks, Found->Image)) {
                ObpFreeReferenceAt(Link);
                Taken = ObReferenceObjectSafe(Found->Object);
            } else {
                Link = &ObpReferenceOf(*Link)->Next;
            }
        }
    }
    ObpUnlockReferences(OldIrql);
    return Taken;
}

void ObpFindReferenceLeaks(PLDR_LEAKS Leaks)
{
    OBP_DRIVER_REFERENCE Found;
    while (ObpTakeImageReference(Leaks, &Found)) {
        PLDR_LEAK Leak = LdrNoteLeak(Leaks, LdrLeakReference, Found.Object, Found.Caller);
        if (Leak != NULL) {
            UNICODE_STRING Name = {0, sizeof(Leak->Name) - sizeof(WCHAR), Leak->Name};
            Leak->Count = Found.Count;
            Leak->Type = &ObpHeader(Found.Object)->Type->Name;
            ObQueryObjectName(Found.Object, &Name);
        }
        ObfDereferenceObject(Found.Object);
    }
}

/*** The substitutes. ***/

#define OBP_CALLER __builtin_return_address(0)

static LONG_PTR NTAPI ObpDriverReference(PVOID Object)
{
    LONG_PTR Count = ObfReferenceObject(Object);
    ObpNoteTaken(Object, OBP_CALLER);
    return Count;
}

static LONG_PTR NTAPI ObpDriverReferenceTag(PVOID Object, ULONG Tag)
{
    LONG_PTR Count = ObfReferenceObjectWithTag(Object, Tag);
    ObpNoteTaken(Object, OBP_CALLER);
    return Count;
}

static LONG_PTR NTAPI ObpDriverDereference(PVOID Object)
{
    ObpNoteDropped(Object, OBP_CALLER);
    return ObfDereferenceObject(Object);
}

static LONG_PTR NTAPI ObpDriverDereferenceTag(PVOID Object, ULONG Tag)
{
    ObpNoteDropped(Object, OBP_CALLER);
    return ObfDereferenceObjectWithTag(Object, Tag);
}

static VOID NTAPI ObpDriverDefer(PVOID Object)
{
    ObpNoteDropped(Object, OBP_CALLER);
    ObDereferenceObjectDeferDelete(Object);
}

static VOID NTAPI ObpDriverDeferTag(PVOID Object, ULONG Tag)
{
    ObpNoteDropped(Object, OBP_CALLER);
    ObDereferenceObjectDeferDeleteWithTag(Object, Tag);
}

static BOOLEAN NTAPI ObpDriverSafe(PVOID Object)
{
    BOOLEAN Taken = ObReferenceObjectSafe(Object);
    if (Taken) {
        ObpNoteTaken(Object, OBP_CALLER);
    }
    return Taken;
}

static BOOLEAN NTAPI ObpDriverSafeTag(PVOID Object, ULONG Tag)
{
    BOOLEAN Taken = ObReferenceObjectSafeWithTag(Object, Tag);
    if (Taken) {
        ObpNoteTaken(Object, OBP_CALLER);
    }
    return Taken;
}

/* For routines that answer a status and, on success, an object. */
static NTSTATUS ObpNoteAnswer(NTSTATUS Status, PVOID *Object, PVOID Caller)
{
    if (NT_SUCCESS(Status)) {
        ObpNoteTaken(*Object, Caller);
    }
    return Status;
}

static NTSTATUS NTAPI ObpDriverByPointer(PVOID Object, ACCESS_MASK Access, POBJECT_TYPE Type,
                                         KPROCESSOR_MODE Mode)
{
    return ObpNoteAnswer(ObReferenceObjectByPointer(Object, Access, Type, Mode), &Object,
                         OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverByPointerTag(PVOID Object, ACCESS_MASK Access, POBJECT_TYPE Type,
                                            KPROCESSOR_MODE Mode, ULONG Tag)
{
    return ObpNoteAnswer(ObReferenceObjectByPointerWithTag(Object, Access, Type, Mode, Tag),
                         &Object, OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverByHandle(HANDLE Handle, ACCESS_MASK Access, POBJECT_TYPE Type,
                                        KPROCESSOR_MODE Mode, PVOID *Object,
                                        POBJECT_HANDLE_INFORMATION Information)
{
    return ObpNoteAnswer(ObReferenceObjectByHandle(Handle, Access, Type, Mode, Object, Information),
                         Object, OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverByHandleTag(HANDLE Handle, ACCESS_MASK Access, POBJECT_TYPE Type,
                                           KPROCESSOR_MODE Mode, ULONG Tag, PVOID *Object,
                                           POBJECT_HANDLE_INFORMATION Information)
{
    return ObpNoteAnswer(
        ObReferenceObjectByHandleWithTag(Handle, Access, Type, Mode, Tag, Object, Information),
        Object, OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverByName(PUNICODE_STRING Name, ULONG Attributes,
                                      PACCESS_STATE AccessState, ACCESS_MASK Access,
                                      POBJECT_TYPE Type, KPROCESSOR_MODE Mode, PVOID ParseContext,
                                      PVOID *Object)
{
    return ObpNoteAnswer(ObReferenceObjectByName(Name, Attributes, AccessState, Access, Type, Mode,
                                                 ParseContext, Object),
                         Object, OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverThreadById(HANDLE ThreadId, PETHREAD *Thread)
{
    return ObpNoteAnswer(PsLookupThreadByThreadId(ThreadId, Thread), (PVOID *)Thread, OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverProcessById(HANDLE ProcessId, PEPROCESS *Process)
{
    return ObpNoteAnswer(PsLookupProcessByProcessId(ProcessId, Process), (PVOID *)Process,
                         OBP_CALLER);
}

static NTSTATUS NTAPI ObpDriverDevicePointer(PUNICODE_STRING Name, ACCESS_MASK Access,
                                             PFILE_OBJECT *File, PDEVICE_OBJECT *Device)
{
    return ObpNoteAnswer(IoGetDeviceObjectPointer(Name, Access, File, Device), (PVOID *)File,
                         OBP_CALLER);
}

/* For routines that answer a device, or none. */
static PDEVICE_OBJECT ObpNoteDevice(PDEVICE_OBJECT Device, PVOID Caller)
{
    if (Device != NULL) {
        ObpNoteTaken(Device, Caller);
    }
    return Device;
}

static PDEVICE_OBJECT NTAPI ObpDriverTop(PDEVICE_OBJECT Device)
{
    return ObpNoteDevice(IoGetAttachedDeviceReference(Device), OBP_CALLER);
}

static PDEVICE_OBJECT NTAPI ObpDriverLower(PDEVICE_OBJECT Device)
{
    return ObpNoteDevice(IoGetLowerDeviceObject(Device), OBP_CALLER);
}

static PDEVICE_OBJECT NTAPI ObpDriverBottom(PDEVICE_OBJECT Device)
{
    return ObpNoteDevice(IoGetDeviceAttachmentBaseRef(Device), OBP_CALLER);
}

PVOID ObDriverRoutine(PVOID Routine)
{
    static const struct {
        PVOID Routine, Substitute;
    } Table[] = {
        {ObfReferenceObject, ObpDriverReference},
        {ObfReferenceObjectWithTag, ObpDriverReferenceTag},
        {ObfDereferenceObject, ObpDriverDereference},
        {ObfDereferenceObjectWithTag, ObpDriverDereferenceTag},
        {ObDereferenceObjectDeferDelete, ObpDriverDefer},
        {ObDereferenceObjectDeferDeleteWithTag, ObpDriverDeferTag},
        {ObReferenceObjectSafe, ObpDriverSafe},
        {ObReferenceObjectSafeWithTag, ObpDriverSafeTag},
        {ObReferenceObjectByPointer, ObpDriverByPointer},
        {ObReferenceObjectByPointerWithTag, ObpDriverByPointerTag},
        {ObReferenceObjectByHandle, ObpDriverByHandle},
        {ObReferenceObjectByHandleWithTag, ObpDriverByHandleTag},
        {ObReferenceObjectByName, ObpDriverByName},
        {PsLookupThreadByThreadId, ObpDriverThreadById},
        {PsLookupProcessByProcessId, ObpDriverProcessById},
        {IoGetDeviceObjectPointer, ObpDriverDevicePointer},
        {IoGetAttachedDeviceReference, ObpDriverTop},
        {IoGetLowerDeviceObject, ObpDriverLower},
        {IoGetDeviceAttachmentBaseRef, ObpDriverBottom},
    };
    for (ULONG i = 0; i < ARRAYSIZE(Table); i++) {
        if (Table[i].Routine == Routine) {
            return Table[i].Substitute;
        }
    }
    return Routine;
}

#endif
