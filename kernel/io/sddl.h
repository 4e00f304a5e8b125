/* sddl.h - security descriptors for devices from their text. Pure code. */
#ifndef _SDDL_H_
#define _SDDL_H_

#include <ntddk.h>

#define IOP_SDDL_ROOM 1024 /* bytes; enough for every descriptor that a device has had so far */

/* Writes Text, "D:P(A;;GA;;;SY)", to Buffer as a self-relative security descriptor of *Size bytes, at most
 * Room. What the language has beyond device objects' needs is refused: owners, groups, audits, access that
 * is denied, object types. STATUS_INVALID_PARAMETER: the syntax. STATUS_BUFFER_TOO_SMALL. Any IRQL. */
NTSTATUS IopParseSddl(PCUNICODE_STRING Text, PUCHAR Buffer, ULONG Room, PULONG Size);

#endif
