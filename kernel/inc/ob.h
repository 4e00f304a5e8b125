/*
 * ob.h - the object manager as the executive sees it: types, directories, names, handles.
 *
 * Every object is a body that its owner defines, behind a header that is private to ob. A
 * pointer to the body is what everybody passes around. What keeps an object alive is its reference
 * count; each handle and each name count as one reference.
 */
#ifndef _OB_PRIVATE_H_
#define _OB_PRIVATE_H_

#include <ntifs.h>

struct _KD_CONSOLE;

/* OB_TYPE_INITIALIZER.DispatcherOffset of types that have nothing to wait on: as on Windows, a
 * wait on such an object is satisfied at once. */
#define OB_NOT_WAITABLE (-1)

/* What a service makes of a pointer that it has to use: NULL, or no kernel address. See
 * nt/zw_object.h. */
static inline BOOLEAN ObIsBadPointer(const VOID *Pointer)
{
    return (LONG_PTR)Pointer >= 0;
}

/*
 * What a type's owner tells the object manager. Callbacks run at PASSIVE_LEVEL with no lock held;
 * each may be NULL.
 *
 * Windows' types have three more. OkayToClose lets an owner refuse the end of a handle, which only
 * those of window stations and desktops do; there are none here. Security reads and writes security
 * descriptors, which no object here has. And Open can refuse a handle there, for the sake of
 * protected processes; nothing here is protected from a caller that is in the kernel already, so it
 * cannot.
 */
typedef struct _OB_TYPE_INITIALIZER {
    PCWSTR Name;
    POOL_TYPE PoolType;
    ACCESS_MASK ValidAccess;
    GENERIC_MAPPING GenericMapping;
    /* OBJ_* that no handle and no name of such an object may have: STATUS_INVALID_PARAMETER. */
    ULONG InvalidAttributes;
    /* Names of such objects are looked up without regard to case whether OBJ_CASE_INSENSITIVE is
     * given or not, as Windows 10 does for what drivers name. */
    BOOLEAN CaseInsensitive;
    /* A handle is about to be made: a first one, a duplicate, or one that a child process inherits.
     * Close follows in any case, if only because it could not be made. */
    void (*Open)(PVOID Object);
    /* A handle has gone; LastHandle: no other handle in the system refers to the object. */
    void (*Close)(PVOID Object, BOOLEAN LastHandle);
    /* Last reference gone; the body is still valid. */
    void (*Delete)(PVOID Object);
    /* Name parsing goes on inside the object (devices). RemainingName may be empty, else begins
     * with a backslash, but for a name relative to this object; Context is the caller's. Answers a
     * referenced object. *DesiredAccess, which the handle will be given, may be narrowed: what
     * MAXIMUM_ALLOWED is, the object may know better. */
    NTSTATUS(*Parse)
    (PVOID ParseObject, PUNICODE_STRING RemainingName, ULONG Attributes, PACCESS_MASK DesiredAccess,
     PVOID Context, PVOID *Object);
    /* The object's full name, for types whose objects have theirs elsewhere than in a directory.
     * Information and the name behind it have Length bytes; ReturnLength: bytes needed.
     * STATUS_INFO_LENGTH_MISMATCH when they are too few. */
    NTSTATUS(*QueryName)
    (PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information, ULONG Length,
     PULONG ReturnLength);
    /* What the console's `object` shows of the body. */
    void (*Dump)(PVOID Object, struct _KD_CONSOLE *Console);
    /* Offset of the DISPATCHER_HEADER in the body to wait on, or OB_NOT_WAITABLE. */
    LONG DispatcherOffset;
} OB_TYPE_INITIALIZER;

/* Phase 0, once pools work: the types Type, Directory and SymbolicLink, the root directory with
 * \Device, \GLOBAL??, \KernelObjects, \ObjectTypes and \BaseNamedObjects, and the links \?? and
 * \DosDevices. One processor, IRQL <= APC_LEVEL. Bugchecks PHASE0_INITIALIZATION_FAILED. */
void ObInitSystem(void);

/* Makes a type, named \ObjectTypes\Name; types live for ever. PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES, STATUS_OBJECT_NAME_COLLISION. */
NTSTATUS ObCreateType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *Type);

/* A zeroed body of BodySize bytes, 16-byte aligned, with one reference and no name yet.
 * IRQL <= DISPATCH_LEVEL. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ObAllocateObject(POBJECT_TYPE Type, SIZE_T BodySize, PVOID *Object);

/* Enters the object under the name in ObjectAttributes (when it has one) and, when Handle is not
 * NULL, makes a handle with DesiredAccess (generic rights are mapped). The creator's reference is
 * passed on to *ObjectOut on success if ObjectOut is given, and dropped otherwise and on failure.
 * An unnamed object, and one with OBJ_PERMANENT, lives by references alone; a name without
 * OBJ_PERMANENT goes with the last handle. With OBJ_OPENIF and a name that exists the existing
 * object of the same type is answered with STATUS_OBJECT_NAME_EXISTS, and the new one is dropped.
 * PASSIVE_LEVEL. Errors as ObOpenObjectByName; STATUS_OBJECT_NAME_COLLISION. */
NTSTATUS ObEnterObject(PVOID Object, POBJECT_ATTRIBUTES ObjectAttributes, ACCESS_MASK DesiredAccess,
                       PVOID *ObjectOut, HANDLE *Handle);

/* A permanent directory or symbolic link. Creator: the code that asked for the link, or NULL.
 * LinkOut, which may be NULL, receives the link, referenced: ObMakeTemporaryObject removes it
 * without fail. PASSIVE_LEVEL. Errors as ObEnterObject. */
NTSTATUS ObCreateDirectory(PCWSTR Name);
NTSTATUS ObCreateSymbolicLink(PUNICODE_STRING Name, PUNICODE_STRING Target, PVOID Creator,
                              PVOID *LinkOut);
/* Removes a link's name. STATUS_OBJECT_TYPE_MISMATCH when it is no link. PASSIVE_LEVEL. */
NTSTATUS ObDeleteSymbolicLink(PUNICODE_STRING Name);

/* What \?? means for Process from now on: first this directory, then \GLOBAL??. PASSIVE_LEVEL.
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. */
NTSTATUS ObSetDeviceDirectory(PEPROCESS Process, HANDLE DirectoryHandle);

/* A process that is being made gets Parent's handles that have OBJ_INHERIT, with the same values;
 * the same device map. PASSIVE_LEVEL. STATUS_INSUFFICIENT_RESOURCES: ObCloseProcessHandles will do
 * for those that there are; STATUS_PROCESS_IS_TERMINATING: the parent has exited. */
NTSTATUS ObInheritHandles(PEPROCESS Child, PEPROCESS Parent);
void ObInheritDeviceDirectory(PEPROCESS Child, PEPROCESS Parent);
/* Closes all handles of a process, protected or not; no new one can come. PASSIVE_LEVEL. */
void ObCloseProcessHandles(PEPROCESS Process);

/* Cancels the timers that are to call routines in the current thread, which ends: from now on it
 * can arm no other such. PASSIVE_LEVEL. */
void ObCancelThreadTimers(void);

/* What a driver is bound to instead of an export: in the debug kernel those that take and drop
 * references count them (driverref.c). Any IRQL. */
#if DBG
PVOID ObDriverRoutine(PVOID Routine);
#else
#define ObDriverRoutine(Routine) (Routine)
#endif

/* Calls Callback for each object in the directory Path, sorted by name, with no lock held; the
 * object is referenced for the call, Name valid for it. PASSIVE_LEVEL. Errors as
 * ObOpenObjectByName; STATUS_OBJECT_TYPE_MISMATCH when Path is no directory. */
typedef void OB_ENUMERATE_ROUTINE(PVOID Object, PCUNICODE_STRING Name, PVOID Context);
NTSTATUS ObEnumerateDirectory(PUNICODE_STRING Path, OB_ENUMERATE_ROUTINE *Callback, PVOID Context);

/* The name of an object in its directory, copied into Name->Buffer as far as MaximumLength
 * allows; empty when it has none. IRQL <= APC_LEVEL. */
void ObQueryObjectName(PVOID Object, PUNICODE_STRING Name);

/* Whether kernel mode will be given a handle with Desired rights for an object of Type, with
 * OBJ_FORCE_ACCESS_CHECK in Attributes: for who opens something before he makes the handle.
 * STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD. Any IRQL. */
NTSTATUS ObCheckAccess(POBJECT_TYPE Type, ULONG Attributes, ACCESS_MASK Desired);

/* Counts of one object, as of now. Any IRQL. */
LONG_PTR ObQueryPointerCount(PVOID Object);
LONG_PTR ObQueryHandleCount(PVOID Object);
/* Objects alive in all types together, for leak tests. Any IRQL. */
ULONG64 ObQueryObjectCount(void);

#endif
