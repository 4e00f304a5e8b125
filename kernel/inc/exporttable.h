/*
 * The kernel's export table, generated from the exports.lst files at build time.
 *
 * The same lists make ntoskrnl.lib and hal.lib, so what a driver can be linked against is what it
 * can be bound to.
 */
#ifndef ETUDE_EXPORTTABLE_H
#define ETUDE_EXPORTTABLE_H

#include <ntdef.h>

typedef struct _LDR_EXPORT {
    const char *Name;
    PVOID Address;
    ULONG InHal;  /* 1: Windows exports it from hal.dll; 0: from ntoskrnl.exe */
    ULONG IsData; /* 1: a variable, whose address a driver imports */
} LDR_EXPORT, *PLDR_EXPORT;

/* Sorted by Name as strcmp sorts (unsigned bytes), without duplicates over both modules. */
extern const LDR_EXPORT LdrExportTable[];
extern const ULONG LdrExportCount;

#endif
