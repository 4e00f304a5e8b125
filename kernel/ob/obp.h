/*
 * obp.h - private to ob: the object header, types, directories and symbolic links.
 *
 * Lock legend:  o atomic   i fixed after creation   n ObpNamespaceLock, a fast mutex over the whole
 * tree of names. The namespace lock is held only to look up, add or take out one name: never
 * while a type's callback runs, and never while the last reference of anything is dropped.
 */
#ifndef _OBP_H_
#define _OBP_H_

#include "ke.h"
#include "handleunlock.h"
#include "kd.h"
#include "ob.h"
#include "ps.h"
#include "leak.h"

#define OB_MAX_REPARSE 32
#define OBP_MAX_NAME 0xFFFC /* bytes in a path */
#define OB_DIRECTORY_BUCKETS 37

typedef struct _OBJECT_DIRECTORY {
    LIST_ENTRY Buckets[OB_DIRECTORY_BUCKETS]; /* n  of OBJECT_HEADER.NameLink */
    LIST_ENTRY Entries;                       /* n  of OBJECT_HEADER.EntryLink, by NameNumber */
    ULONG Count;                              /* n */
    ULONG LastNumber;                         /* n  of the newest entry */
} OBJECT_DIRECTORY, *POBJECT_DIRECTORY;

typedef struct _OBJECT_SYMBOLIC_LINK {
    UNICODE_STRING Target; /* i  absolute path, allocated, NUL behind it; empty means the root */
    LARGE_INTEGER CreationTime; /* i */
    PVOID Creator;              /* o  the code that asked for it, until that is gone; or NULL */
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

struct _OBJECT_TYPE {
    UNICODE_STRING Name;              /* i */
    OB_TYPE_INITIALIZER Info;         /* i */
    ULONG PoolTag;                    /* i  the name's first four letters */
    volatile LONG64 ObjectCount;      /* o  alive */
    volatile LONG64 HandleCount;      /* o */
    volatile LONG64 CreationCount;    /* o  ever */
    volatile LONG64 HighWaterObjects; /* o  most alive at once */
    volatile LONG64 HighWaterHandles; /* o */
};

typedef struct _OBJECT_HEADER {
    volatile LONG64 PointerCount;        /* o  0: being deleted */
    volatile LONG64 HandleCount;         /* o, n too if exclusive  each is one reference too */
    POBJECT_TYPE Type;                   /* i */
    POBJECT_DIRECTORY Directory;         /* n  that has its name, referenced; NULL: no name */
    UNICODE_STRING Name;                 /* n  allocated; the last component */
    LIST_ENTRY NameLink;                 /* n  of its bucket */
    LIST_ENTRY EntryLink;                /* n */
    ULONG NameNumber;                    /* n  grows with every name that its directory gets */
    BOOLEAN Permanent;                   /* n  the name outlives the handles */
    BOOLEAN Exclusive;                   /* i  made with OBJ_EXCLUSIVE; once others may know it */
    ULONG NameHash;                      /* n */
    PEPROCESS ExclusiveProcess;          /* n  the one that has it open with OBJ_EXCLUSIVE */
    struct _OBJECT_HEADER *NextToDelete; /* the deferred deletion list's */
} OBJECT_HEADER, *POBJECT_HEADER;

/* The body starts 16-byte aligned, as pool blocks do. */
#define OBP_HEADER_SIZE ((sizeof(OBJECT_HEADER) + 15) & ~(SIZE_T)15)

static inline POBJECT_HEADER ObpHeader(PVOID Object)
{
    return (POBJECT_HEADER)((PUCHAR)Object - OBP_HEADER_SIZE);
}

static inline PVOID ObpBody(POBJECT_HEADER Header)
{
    return (PUCHAR)Header + OBP_HEADER_SIZE;
}

extern FAST_MUTEX ObpNamespaceLock;
extern POBJECT_TYPE ObpTypeType, ObpDirectoryType, ObpSymbolicLinkType;
extern POBJECT_DIRECTORY ObpRootDirectory;

/* Count was just reached. A race may lose a higher value only to one that is higher still. */
static inline void ObpNoteHighWater(volatile LONG64 *HighWater, LONG64 Count)
{
    for (LONG64 Seen = *HighWater; Count > Seen;) {
        LONG64 Old = InterlockedCompareExchange64(HighWater, Count, Seen);
        if (Old == Seen) {
            return;
        }
        Seen = Old;
    }
}

/* type.c: a type's body filled in; the first three types are made with their Type set by hand. */
NTSTATUS ObpAllocateType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *Type);
NTSTATUS ObpNameType(POBJECT_TYPE Type);

/* directory.c: with ObpNamespaceLock held. */
ULONG ObpHashName(PCUNICODE_STRING Name);
POBJECT_HEADER ObpFindEntry(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name, ULONG Hash,
                            BOOLEAN CaseInsensitive);
void ObpInsertEntry(POBJECT_DIRECTORY Directory, POBJECT_HEADER Header, PUNICODE_STRING Name,
                    ULONG Hash);
/* directory.c: takes the lock itself. Removes the name of a temporary object without handles. */
void ObpRemoveNameIfUnused(POBJECT_HEADER Header);
/* directory.c: takes the lock itself. Of an object with a handle the answer TRUE holds for as long
 * as it has one. */
BOOLEAN ObpHasName(POBJECT_HEADER Header);
void ObpInitializeDirectory(POBJECT_DIRECTORY Directory);

/* A lookup in progress: see name.c. */
typedef struct _OBP_LOOKUP {
    POBJECT_TYPE Type; /* wanted, or NULL */
    ULONG Attributes;  /* OBJ_* */
    ACCESS_MASK Access;
    PVOID ParseContext;
    PVOID InsertObject; /* to be entered under the name, or NULL to find what is there */
    BOOLEAN ByName;     /* out: what was found has its name in a directory */
} OBP_LOOKUP, *POBP_LOOKUP;

/* name.c: walks Name from Root (NULL: the root directory). Answers the object found, referenced; or
 * the one inserted (STATUS_SUCCESS) or that stands in its way (STATUS_OBJECT_NAME_EXISTS with
 * OBJ_OPENIF). PASSIVE_LEVEL. */
NTSTATUS ObpLookupName(HANDLE Root, PUNICODE_STRING Name, KPROCESSOR_MODE AccessMode,
                       POBP_LOOKUP Lookup, PVOID *Object);

/* access.c: what an ObjectAttributes may say; Optional: it may be NULL, and need have no name.
 * STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_INVALID. */
NTSTATUS ObpCheckAttributes(POBJECT_ATTRIBUTES Attributes, BOOLEAN Optional);
/* access.c: the rights of a handle for which Desired was asked: generic ones and MAXIMUM_ALLOWED
 * become the type's own. STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD: only for user mode and
 * with OBJ_FORCE_ACCESS_CHECK in Attributes. */
NTSTATUS ObpGrantAccess(POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, ULONG Attributes,
                        ACCESS_MASK Desired, ACCESS_MASK *Granted);
/* May a handle with Granted access be used for an object of type Wanted (NULL: any) with
 * Desired access? STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED. */
static inline NTSTATUS ObpCheckUse(POBJECT_TYPE Type, ACCESS_MASK Granted, POBJECT_TYPE Wanted,
                                   ACCESS_MASK Desired, KPROCESSOR_MODE AccessMode)
{
    if (Wanted != NULL && Wanted != Type) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (AccessMode != KernelMode && (Desired & ~Granted) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_SUCCESS;
}

/* What a handle keeps of its attributes; OBJ_PROTECT_CLOSE is ObSetHandleAttributes' to give. */
#define OBP_HANDLE_ATTRIBUTES (OBJ_PROTECT_CLOSE | OBJ_INHERIT | OBJ_AUDIT_OBJECT_CLOSE)
#define OBP_KERNEL_HANDLE_BITS 0xFFFFFFFF80000000UL

/* devicemap.c: the directory that \?? means for the current process, referenced; and how many bytes
 * of a path are that prefix. */
extern POBJECT_DIRECTORY ObpGlobalDirectory;
POBJECT_DIRECTORY ObpReferenceDeviceDirectory(void);
USHORT ObpMatchDevicePrefix(PCUNICODE_STRING Path);
void ObpInitializeDeviceMaps(void);

static inline BOOLEAN ObpHasKernelBits(HANDLE Handle)
{
    return (ULONG_PTR)Handle >= OBP_KERNEL_HANDLE_BITS;
}

/* The table a handle value belongs to; and its value there. The two low bits are the caller's to
 * use and mean nothing. */
static inline PHANDLE_TABLE ObpTableOf(HANDLE Handle)
{
    PEPROCESS Process = KeGetCurrentThread()->ApcState.Process;
    return ObpHasKernelBits(Handle) ? PsInitialSystemProcess->ObjectTable : Process->ObjectTable;
}

static inline HANDLE ObpTableHandle(HANDLE Handle)
{
    ULONG_PTR Value = (ULONG_PTR)Handle & ~(ULONG_PTR)3;
    return (HANDLE)(ObpHasKernelBits(Handle) ? Value & ~OBP_KERNEL_HANDLE_BITS : Value);
}

/* handle.c: makes a handle in the current process, or a kernel handle; it takes a reference of its
 * own. STATUS_INVALID_PARAMETER: attributes that the type does not allow, or OBJ_EXCLUSIVE for
 * an object that was not made with it. STATUS_ACCESS_DENIED: it is open exclusively.
 * STATUS_PROCESS_IS_TERMINATING: the process has exited. Errors of
 * ObpGrantAccess; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ObpCreateHandle(PVOID Object, KPROCESSOR_MODE AccessMode, ULONG Attributes,
                         ACCESS_MASK Access, HANDLE *Handle);
/* handle.c: the same with the rights granted already, and in Process, if it is to be no kernel
 * handle. */
NTSTATUS ObpInsertHandle(PVOID Object, PEPROCESS Process, ULONG Attributes, ACCESS_MASK Granted,
                         HANDLE *Handle);
/* handle.c: counts a handle that is about to be made, and tells its type; STATUS_ACCESS_DENIED and
 * STATUS_INVALID_PARAMETER as above; one that has gone, or did not come, with its reference. */
NTSTATUS ObpCountHandle(POBJECT_HEADER Header, ULONG Attributes, PEPROCESS Process);
void ObpHandleGone(POBJECT_HEADER Header);
/* handle.c: where in a driver the handle was asked for; NULL: not known. Its entry is locked. */
PVOID ObpHandleOpener(PHANDLE_TABLE_ENTRY Entry);
/* handle.c: System's handles that the image has opened; they are held against it once. */
void ObpFindHandleLeaks(PLDR_LEAKS Leaks);
/* driverref.c: the object is being deleted; references that the image has, held against it once. */
#if DBG
void ObpForgetReferences(PVOID Object);
void ObpFindReferenceLeaks(PLDR_LEAKS Leaks);
#else
#define ObpForgetReferences(Object) ((void)0)
#define ObpFindReferenceLeaks(Leaks) ((void)0)
#endif
/* handle.c: the entry, locked, or NULL: no such handle, or not one for this mode. */
PHANDLE_TABLE_ENTRY ObpLockHandle(HANDLE Handle, KPROCESSOR_MODE AccessMode);

/* event.c, semaphore.c, mutant.c, timer.c: their types. */
NTSTATUS ObpCreateEventType(void);
NTSTATUS ObpCreateSemaphoreType(void);
NTSTATUS ObpCreateMutantType(void);
NTSTATUS ObpCreateTimerType(void);

/* insert.c: a service that opens objects of one type. */
NTSTATUS ObpOpenNamed(PHANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES Attributes,
                      POBJECT_TYPE Type);

/* query.c: the beginning of a service that has one information class, 0, of one size: checks all
 * arguments, tells the length, and references the object. */
typedef struct _OBP_QUERY {
    HANDLE Handle;
    POBJECT_TYPE Type;
    ACCESS_MASK Access;
    ULONG Size;
} OBP_QUERY;
NTSTATUS ObpBeginQuery(const OBP_QUERY *Query, ULONG Class, PVOID Buffer, ULONG Length,
                       PULONG ReturnLength, PVOID *Object);

/* symlink.c */
void ObpDeleteSymbolicLinkBody(PVOID Object);
void ObpDumpSymbolicLink(PVOID Object, PKD_CONSOLE Console);
/* Says why a path that was typed leads nowhere; answers Status. */
NTSTATUS ObpExplainPath(PKD_CONSOLE Console, const char *Path, NTSTATUS Status);

#endif
