/* sddl.h - security descriptors for devices, from their text, and what they allow. Pure code. */
#ifndef _SDDL_H_
#define _SDDL_H_

#include <ntddk.h>

#define IOP_SDDL_ROOM 1024 /* bytes; enough for every descriptor that a device has had so far */

#define IOP_ACE_INHERIT_ONLY 0x08 /* for what is made below, not for the object itself */

/* As security descriptors are stored: offsets are from the header. */
typedef struct _IOP_SD_HEADER {
    UCHAR Revision, Reserved;
    USHORT Control;
    ULONG Owner, Group, Sacl, Dacl;
} IOP_SD_HEADER;
typedef struct _IOP_ACL_HEADER {
    UCHAR Revision, Reserved;
    USHORT Size, Count, Reserved2;
} IOP_ACL_HEADER;
/* Its identifier follows. */
typedef struct _IOP_ALLOW_ACE {
    UCHAR Type, Flags;
    USHORT Size;
    ULONG Mask;
} IOP_ALLOW_ACE;

/* Writes Text, "D:P(A;;GA;;;SY)", to Buffer as a self-relative security descriptor of *Size bytes,
 * at most Room. What the language has beyond device objects' needs is refused: owners, groups,
 * audits, access that is denied, object types. STATUS_INVALID_PARAMETER: the syntax.
 * STATUS_BUFFER_TOO_SMALL. Any IRQL. */
NTSTATUS IopParseSddl(PCUNICODE_STRING Text, PUCHAR Buffer, ULONG Room, PULONG Size);

/* dacl.c: the rights, none of them generic, that a descriptor of IopParseSddl's gives to the System
 * process. Any IRQL at which it may be read. */
ACCESS_MASK IopSystemRights(const VOID *Descriptor);
/* The rights that generic ones mean for a file, in their place. */
ACCESS_MASK IopMapGenericAccess(ACCESS_MASK Access);

#endif
