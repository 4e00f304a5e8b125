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
#include "kd.h"
#include "ob.h"
#include "ps.h"

#define OB_MAX_REPARSE 32
#define OB_DIRECTORY_BUCKETS 37

typedef struct _OBJECT_DIRECTORY {
    LIST_ENTRY Buckets[OB_DIRECTORY_BUCKETS]; /* n  of OBJECT_HEADER.NameLink */
    ULONG Count;                              /* n */
} OBJECT_DIRECTORY, *POBJECT_DIRECTORY;

typedef struct _OBJECT_SYMBOLIC_LINK {
    UNICODE_STRING Target; /* i  absolute path, allocated; empty means the root */
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

struct _OBJECT_TYPE {
    UNICODE_STRING Name;           /* i */
    OB_TYPE_INITIALIZER Info;      /* i */
    ULONG PoolTag;                 /* i  the name's first four letters */
    volatile LONG64 ObjectCount;   /* o  alive */
    volatile LONG64 HandleCount;   /* o */
    volatile LONG64 CreationCount; /* o  ever */
};

typedef struct _OBJECT_HEADER {
    volatile LONG64 PointerCount;        /* o  0: being deleted */
    volatile LONG64 HandleCount;         /* o  each handle is one reference too */
    POBJECT_TYPE Type;                   /* i */
    POBJECT_DIRECTORY Directory;         /* n  that has its name, referenced; NULL: no name */
    UNICODE_STRING Name;                 /* n  allocated; the last component */
    LIST_ENTRY NameLink;                 /* n */
    BOOLEAN Permanent;                   /* n  the name outlives the handles */
    ULONG NameHash;                      /* n */
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

/* type.c: a type's body filled in; the first three types are made with their Type set by hand. */
NTSTATUS ObpAllocateType(const OB_TYPE_INITIALIZER *Initializer, POBJECT_TYPE *Type);
NTSTATUS ObpNameType(POBJECT_TYPE Type);
/* Turns generic rights and MAXIMUM_ALLOWED into the type's own. */
ACCESS_MASK ObpMapAccess(POBJECT_TYPE Type, ACCESS_MASK Access);

/* directory.c: with ObpNamespaceLock held. */
ULONG ObpHashName(PCUNICODE_STRING Name);
POBJECT_HEADER ObpFindEntry(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name, ULONG Hash);
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

/* handle.c: makes a handle, taking a new reference. */
NTSTATUS ObpCreateHandle(PVOID Object, ULONG Attributes, ACCESS_MASK Access, HANDLE *Handle);

/* event.c */
NTSTATUS ObpCreateEventType(void);

/* symlink.c */
void ObpDeleteSymbolicLinkBody(PVOID Object);

#endif
