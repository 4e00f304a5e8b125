/* zerop.h - private to the zero driver. */
#ifndef _ZEROP_H_
#define _ZEROP_H_

#include <ntddk.h>
#include "zero.h"

typedef struct _ZERO_EXTENSION {
    ZERO_STATISTICS Statistics; /* each number interlocked */
    HANDLE Key;                 /* the service's Parameters; never changes */
} ZERO_EXTENSION, *PZERO_EXTENSION;

/* state.c. Opens, or makes, the key Parameters of the service, and reads the numbers in it; those
 * that are not there are 0. PASSIVE_LEVEL. */
NTSTATUS ZeroOpenState(PZERO_EXTENSION Extension, PUNICODE_STRING RegistryPath);
/* Writes the numbers. What cannot be written is lost; nobody could do anything about it. */
VOID ZeroSaveState(PZERO_EXTENSION Extension);
VOID ZeroCloseState(PZERO_EXTENSION Extension);

#endif
