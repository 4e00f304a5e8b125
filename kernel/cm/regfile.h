/* regfile.h - REGEDIT text files: the parser, apart from what is done with what it finds. */
#ifndef ETUDE_REGFILE_H
#define ETUDE_REGFILE_H

#include <ntddk.h>

/* What the parser found. Strings and data belong to the parser and last for the call. A failing
 * status is reported at the line, and parsing goes on. */
typedef struct _CM_REGFILE_SINK {
    /* "[path]" or, with Delete, "[-path]"; path as written, without the brackets. */
    NTSTATUS (*Key)(PVOID Context, PCUNICODE_STRING Path, BOOLEAN Delete);
    /* A value of the last key whose Key call succeeded. Delete: "name"=-. */
    NTSTATUS(*Value)
    (PVOID Context, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size, BOOLEAN Delete);
    void (*Error)(PVOID Context, ULONG Line, const char *Text);
    PVOID Context;
} CM_REGFILE_SINK;

/* Bytes of scratch memory that CmpParseRegistryFile needs for a file of Size bytes. */
SIZE_T CmpRegistryScratchSize(SIZE_T Size);
/* Parses Size bytes of UTF-8 text. Scratch: CmpRegistryScratchSize(Size) bytes, 8-byte aligned.
 * Returns the number of errors reported. */
ULONG CmpParseRegistryFile(const char *Text, SIZE_T Size, PVOID Scratch,
                           const CM_REGFILE_SINK *Sink);

#endif
