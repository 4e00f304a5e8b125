/*
 * cmp.h - what the files of kernel/cm share: keys, values, key objects, callbacks.
 *
 * The tree of keys is guarded by one push lock, CmpLock: shared to look, exclusive to change. It is
 * taken in a critical region, by CmpLockShared and CmpLockExclusive, and never held while a
 * driver's code runs or a disk is waited for.
 *
 * Lock legend:  l CmpLock   i fixed after creation   o atomic   c CmpCallbackLock
 * f CmpFlushLock, which is held while the disk is waited for, and taken before CmpLock
 */
#ifndef ETUDE_CMP_H
#define ETUDE_CMP_H

#include "ke.h"
#include "ex.h"
#include "ob.h"
#include "cm.h"

#define CMP_TAG 'geRC' /* "CReg" in memory */
#define CMP_MAXIMUM_DEPTH 512
#define CMP_MAXIMUM_LINKS 32
#define CMP_MAXIMUM_VALUE_NAME 16383 /* characters */

/* A value in one block: structure, name, data. */
typedef struct _CMP_VALUE {
    ULONG Type;        /* i */
    ULONG Size;        /* i  bytes of data */
    ULONG Hash;        /* i  of the name in upper case */
    USHORT NameLength; /* i  bytes */
    USHORT DataOffset; /* i  bytes from the name's first, even */
    WCHAR Name[];      /* i */
} CMP_VALUE, *PCMP_VALUE;

static inline PUCHAR CmpValueData(PCMP_VALUE Value)
{
    return (PUCHAR)Value->Name + Value->DataOffset;
}

/* An array that grows. */
typedef struct _CMP_LIST {
    PVOID *Items;
    ULONG Count, Room;
} CMP_LIST, *PCMP_LIST;

/* A key. Its place in the tree is one reference, each key object and each CmOpenKey one more. A
 * deleted key is out of the tree and empty, and lives on until its last reference goes. */
typedef struct _CM_KEY {
    volatile LONG References;    /* o */
    ULONG Depth;                 /* i  0: \Registry */
    PCM_KEY Parent;              /* l  NULL: \Registry, or deleted */
    UNICODE_STRING Name;         /* l  allocated */
    UNICODE_STRING Class;        /* l  allocated */
    LARGE_INTEGER LastWriteTime; /* l */
    CMP_LIST Keys;               /* l  of CM_KEY, by name */
    CMP_LIST Values;             /* l  of CMP_VALUE, by age */
    LIST_ENTRY Watches;          /* l  of CMP_WATCH.Link */
    BOOLEAN Deleted;             /* l */
    BOOLEAN Volatile;            /* i */
    BOOLEAN VolatileHive;        /* i  all keys below are volatile, whatever their makers say */
    BOOLEAN Link;                /* i  a symbolic link; l while a hive is loaded */
    ULONG Cursor;                /* f  a walk's next child */
    BOOLEAN Marked;              /* l  seen by the loading of a hive */
} CM_KEY;

/* Changes that somebody waits for through one key object. */
typedef struct _CMP_WATCH {
    LIST_ENTRY Link;     /* l  in the key's Watches */
    LIST_ENTRY Requests; /* l  of CMP_REQUEST.Link */
    ULONG Filter;        /* i  REG_NOTIFY_CHANGE_* */
    BOOLEAN Tree;        /* i */
    BOOLEAN Changed;     /* l  while nobody was waiting */
} CMP_WATCH, *PCMP_WATCH;

/* A key's name that a callback has been given. */
typedef struct _CMP_NAME {
    struct _CMP_NAME *Next;
    PUNICODE_STRING Path;
} CMP_NAME, *PCMP_NAME;

/* The body of a key object: what a handle leads to. */
typedef struct _CMP_KEY_OBJECT {
    PCM_KEY Key;         /* i  referenced */
    PCMP_WATCH Watch;    /* l  or NULL */
    LIST_ENTRY Contexts; /* c  of CMP_CONTEXT.ObjectLink */
    PCMP_NAME Names;     /* c  the last one first, or NULL */
} CMP_KEY_OBJECT, *PCMP_KEY_OBJECT;

extern EX_PUSH_LOCK CmpLock;
extern PCM_KEY CmpRoot; /* \Registry */

static inline void CmpLockShared(void)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&CmpLock);
}

static inline void CmpLockExclusive(void)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&CmpLock);
}

static inline void CmpUnlock(void)
{
    ExReleasePushLock(&CmpLock);
    KeLeaveCriticalRegion();
}

/*** tree.c: keys. The lock is held, exclusively by those who change. ***/

/* Makes the tree with \Registry, Machine and User. */
NTSTATUS CmpInitializeTree(void);
static inline void CmpReferenceKey(PCM_KEY Key)
{
    InterlockedIncrement(&Key->References);
}
/* Frees the key with the last reference. Needs no lock: a key that still is in the tree has one. */
void CmpDereferenceKey(PCM_KEY Key);
/* The key of that name below Key, or NULL; *Index: where it is, or would be. */
PCM_KEY CmpFindKey(PCM_KEY Key, PCUNICODE_STRING Name, PULONG Index);
/* STATUS_INVALID_PARAMETER, _ACCESS_DENIED, _CHILD_MUST_BE_VOLATILE, _INSUFFICIENT_RESOURCES.
 * Options as ZwCreateKey. Nobody is notified, and the new key has no reference but its place's. */
NTSTATUS CmpAddKey(PCM_KEY Parent, PCUNICODE_STRING Name, PCUNICODE_STRING Class, ULONG Options,
                   PCM_KEY *Key);
/* STATUS_CANNOT_DELETE, STATUS_KEY_DELETED. Waiting watches end. */
NTSTATUS CmpRemoveKey(PCM_KEY Key);
NTSTATUS CmpRenameKey(PCM_KEY Key, PCUNICODE_STRING Name);
/* \Registry and the keys just below it cannot be deleted or renamed. */
static inline BOOLEAN CmpIsFixed(PCM_KEY Key)
{
    return Key->Depth <= 1;
}
/* A copy from paged pool; an empty string has no buffer. */
NTSTATUS CmpCopyString(PUNICODE_STRING To, PCUNICODE_STRING From);
void CmpFreeString(PUNICODE_STRING String);
NTSTATUS CmpInsertItem(PCMP_LIST List, ULONG Index, PVOID Item);
void CmpRemoveItem(PCMP_LIST List, ULONG Index);
/* Bytes of the key's whole path; and the path, written up to End, whose start is answered. */
ULONG CmpPathLength(PCM_KEY Key);
PWCH CmpWritePath(PCM_KEY Key, PWCH End);
/* The path as a string from paged pool, in one block; NULL: no memory. Needs the lock. */
PUNICODE_STRING CmpAllocatePath(PCM_KEY Key);

/*** path.c: from a path to a key. The lock is held. ***/

typedef struct _CMP_PATH {
    PCM_KEY Key;         /* in: where to begin; out: how far one gets */
    UNICODE_STRING Rest; /* in: the path; out: what is missing */
    BOOLEAN OpenLink;    /* a link at the end is meant itself */
    PWCH Buffer;         /* that Rest is in after a link was followed; for CmpEndWalk */
} CMP_PATH, *PCMP_PATH;

/* Goes down the path, through links. STATUS_OBJECT_NAME_NOT_FOUND: Key is the last one there is,
 * and Rest what is missing below it, or empty when a link leads nowhere. Always followed by
 * CmpEndWalk. */
NTSTATUS CmpWalk(PCMP_PATH Path);
void CmpEndWalk(PCMP_PATH Path);
/* Takes the first component off Path, with backslashes around it; empty at the end. */
UNICODE_STRING CmpTakeComponent(PUNICODE_STRING Path);
/* Walks, and makes what is missing: the last component, or with All each. */
NTSTATUS CmpCreatePath(PCMP_PATH Path, BOOLEAN All, PCUNICODE_STRING Class, ULONG Options,
                       PULONG Disposition);

/*** value.c: values. The lock is held. ***/

PCMP_VALUE CmpFindValue(PCM_KEY Key, PCUNICODE_STRING Name, PULONG Index);
/* Called without the lock: memory is waited for, Data may be anywhere. NULL: no memory. */
PCMP_VALUE CmpAllocateValue(PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size);
/* Puts a value in, in the place of one of that name. Owns Value on success. STATUS_KEY_DELETED,
 * STATUS_ACCESS_DENIED, STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS CmpPutValue(PCM_KEY Key, PCMP_VALUE Value);
NTSTATUS CmpRemoveValue(PCM_KEY Key, PCUNICODE_STRING Name);
void CmpFreeValues(PCM_KEY Key);
/* These two take the lock, and tell who watches. */
NTSTATUS CmpSetValue(PCM_KEY Key, PCUNICODE_STRING Name, ULONG Type, const VOID *Data, ULONG Size);
NTSTATUS CmpDeleteValue(PCM_KEY Key, PCUNICODE_STRING Name);

/*** notify.c: the lock is held exclusively. ***/

/* Key has changed as Filter says: sets its time, has it written soon, and wakes who watches. */
void CmpChanged(PCM_KEY Key, ULONG Filter);
/* The key has been deleted. */
void CmpEndWatches(PCM_KEY Key);
/* The key object loses its last handle; takes the lock itself. */
void CmpCloseWatch(PCMP_KEY_OBJECT Object);

/*** object.c ***/

/* The key object of a handle that has the access, referenced. */
NTSTATUS CmpReferenceHandle(HANDLE Handle, ACCESS_MASK Access, PCMP_KEY_OBJECT *Object);
NTSTATUS CmpCreateKeyType(void);
/* STATUS_ACCESS_VIOLATION, STATUS_INVALID_PARAMETER. */
NTSTATUS CmpCheckName(PCUNICODE_STRING Name, ULONG MaximumChars);

/*** callback.c ***/

typedef struct _CMP_CALLBACK *PCMP_CALLBACK;

/* Those that CMP_CALL has room for; for more, memory is allocated. */
#define CMP_INLINE_CALLS 4

typedef struct _CMP_CALLED {
    PCMP_CALLBACK Callback; /* kept from going */
    PVOID CallContext;
} CMP_CALLED, *PCMP_CALLED;

/* One operation, as told to callbacks: those whose pre callback has agreed. */
typedef struct _CMP_CALL {
    REG_NOTIFY_CLASS PostClass;
    PVOID Information;      /* REG_*_INFORMATION */
    PVOID *Contexts;        /* in it: the call's context, then the object's */
    PCMP_KEY_OBJECT Object; /* whose contexts are told, and the post callbacks' Object */
    ULONG Agreed;           /* in Called */
    ULONG Count;            /* protected in Called */
    PCMP_CALLED Called;
    CMP_CALLED Inline[CMP_INLINE_CALLS];
} CMP_CALL, *PCMP_CALL;

extern volatile LONG CmpCallbackCount; /* o */

/* The work of CmpBeginCall when there are callbacks. */
NTSTATUS CmpCallBefore(PCMP_CALL Call, REG_NOTIFY_CLASS Class);
/* The work of CmpEndCall. */
NTSTATUS CmpCallAfter(PCMP_CALL Call, NTSTATUS Status);

/*
 * Asks the callbacks whether an operation may be done. STATUS_SUCCESS: it is to be done.
 * STATUS_CALLBACK_BYPASS: a driver has done it. Else it has failed. After each of them
 * CmpEndCall answers what the caller gets; Status is what the operation ended with, or this answer.
 *   Contexts  the field CallContext in Information, which the object's context follows
 */
static inline NTSTATUS CmpBeginCall(PCMP_CALL Call, REG_NOTIFY_CLASS Class,
                                    REG_NOTIFY_CLASS PostClass, PCMP_KEY_OBJECT Object,
                                    PVOID Information, PVOID *Contexts)
{
    Call->Count = 0;
    if (CmpCallbackCount == 0) {
        return STATUS_SUCCESS;
    }
    Call->PostClass = PostClass;
    Call->Object = Object;
    Call->Information = Information;
    Call->Contexts = Contexts;
    return CmpCallBefore(Call, Class);
}

static inline NTSTATUS CmpEndCall(PCMP_CALL Call, NTSTATUS Status)
{
    return Call->Count == 0 ? Status : CmpCallAfter(Call, Status);
}

/* The object goes: its contexts are cleaned up. */
void CmpFreeContexts(PCMP_KEY_OBJECT Object);

/*** query.c: answers that may not fit. ***/

/* A structure being written to somebody's buffer, as far as there is room. */
typedef struct _CMP_ANSWER {
    PUCHAR Buffer;
    ULONG Room;
    ULONG Needed; /* bytes of the whole */
} CMP_ANSWER, *PCMP_ANSWER;

/* Writes Size bytes at Offset, or those that there is room for. */
void CmpWriteAnswer(PCMP_ANSWER Answer, ULONG Offset, const VOID *Data, ULONG Size);
/* STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW; ends an answer. */
NTSTATUS CmpFinishAnswer(PCMP_ANSWER Answer);
/* Begins an answer whose fixed part has Fixed bytes, of Needed altogether. STATUS_BUFFER_TOO_SMALL
 * and STATUS_ACCESS_VIOLATION end it. */
NTSTATUS CmpBeginAnswer(PCMP_ANSWER Answer, PVOID Buffer, ULONG Length, ULONG Fixed, ULONG Needed,
                        PULONG ResultLength);

/*** flush.c: when the tree is written. ***/

/* Something that belongs on the disk has changed. Any lock may be held. */
void CmpNoteChange(void);
/* Writes what has changed. STATUS_REGISTRY_IO_FAILED; success without a disk. Waits. */
NTSTATUS CmpFlush(void);

/*** hivetree.c: the tree as a body, see hive.h. ***/

/* All lasting keys in a new block of whole sectors, of which *Size bytes are meant. NULL: no
 * memory. With CmpFlushLock. *Changes: the count that the body is of. */
PVOID CmpSaveTree(PULONG Size, PLONG64 Changes);
/* Makes the tree what the body says. KeepNew: keys that it does not have stay.
 * STATUS_REGISTRY_CORRUPT, STATUS_INSUFFICIENT_RESOURCES: the tree may have some of it. With
 * CmpFlushLock. */
NTSTATUS CmpLoadTree(const UCHAR *Body, ULONG Size, BOOLEAN KeepNew);
extern volatile LONG64 CmpChangeCount; /* o */

/*** disk.c: the device. With CmpFlushLock. ***/

typedef struct _HIVE_DISK *PHIVE_DISK;

/* Opens the disk: what follows uses it. STATUS_OBJECT_NAME_NOT_FOUND and the like: there is
 * none. */
NTSTATUS CmpOpenDisk(PHIVE_DISK Disk);
void CmpCloseDisk(PHIVE_DISK Disk);

#endif
