/*
 * symbols.h - looking up addresses in a symbol file: lines "%016x name\n", sorted by number. Pure.
 */
#ifndef _LDR_SYMBOLS_H_
#define _LDR_SYMBOLS_H_

#include <ntdef.h>

typedef struct _SYM_ENTRY {
    ULONG64 Value;
    const CHAR *Name; /* in the text, not terminated */
    ULONG NameLength;
} SYM_ENTRY, *PSYM_ENTRY;

/* Finds the symbol with the greatest number that is not above Value. FALSE when there is none, or
 * the text is not what it should be. Any IRQL. */
BOOLEAN SymFind(const CHAR *Text, SIZE_T Size, ULONG64 Value, PSYM_ENTRY Entry);

#endif
