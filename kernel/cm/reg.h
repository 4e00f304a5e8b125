/* reg.h - private to the files behind the console's `reg`, and load.c. */
#ifndef ETUDE_REG_H
#define ETUDE_REG_H

#include "kd.h"
#include "cmp.h"

/* regpath.c: "HKLM\..." or "HKEY_LOCAL_MACHINE\..." as "\Registry\Machine\..." in Path, which has
 * room; and the other way round, in full. STATUS_OBJECT_PATH_SYNTAX_BAD: no such root.
 * STATUS_BUFFER_TOO_SMALL. */
NTSTATUS CmpTranslatePath(PCUNICODE_STRING Written, PUNICODE_STRING Path);
NTSTATUS CmpShowPath(PCUNICODE_STRING Path, PUNICODE_STRING Shown);

/* load.c: does what a REGEDIT file says; mistakes are printed with their lines, to the console or,
 * if it is NULL, to the debug port. STATUS_UNSUCCESSFUL: there were some. */
NTSTATUS CmpImportFile(const char *Name, const UCHAR *Data, SIZE_T Size, PKD_CONSOLE Console);

/*** regwalk.c: a key and all below it, without recursion. ***/

#define REG_PATH_CHARS 2048 /* longer paths are not for typing */

typedef struct _REG_WALK {
    PKD_CONSOLE Console;
    HANDLE Key; /* of Path */
    ULONG Depth;
    UNICODE_STRING Path; /* from \Registry */
    WCHAR Buffer[REG_PATH_CHARS];
    ULONG Index[CMP_MAXIMUM_DEPTH];   /* of the next key below, at each depth */
    USHORT Length[CMP_MAXIMUM_DEPTH]; /* of the path there */
} REG_WALK, *PREG_WALK;

/* Called with a key open, before those below it (Enter) and after them (Leave, which may delete
 * it). An error ends the walk. */
typedef NTSTATUS REG_VISIT(PREG_WALK Walk);

/* Opens Walk->Path. */
NTSTATUS CmpOpenWalk(PREG_WALK Walk, ACCESS_MASK Access);
/* Walks from Walk->Path down. */
NTSTATUS CmpWalkTree(PREG_WALK Walk, ACCESS_MASK Access, REG_VISIT *Enter, REG_VISIT *Leave);
/* The Index-th key below Walk->Key, in Name, which has room for CM_MAXIMUM_NAME characters. */
NTSTATUS CmpNextKeyName(HANDLE Key, ULONG Index, PUNICODE_STRING Name);
/* The Index-th value, in one block that the caller frees with CMP_TAG. */
NTSTATUS CmpNextValue(HANDLE Key, ULONG Index, PKEY_VALUE_FULL_INFORMATION *Value);

/*** regprint.c ***/

/* "    name    REG_SZ    data" */
void CmpPrintValue(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value);
/* A line, or some, of REGEDIT text. */
void CmpExportValue(PKD_CONSOLE Console, PKEY_VALUE_FULL_INFORMATION Value);
/* The number of "REG_SZ"; FALSE: there is no such type. */
BOOLEAN CmpParseType(const char *Name, PULONG Type);

/*** regdata.c ***/

/* Data of Type from text, in a block that the caller frees with CMP_TAG. STATUS_INVALID_PARAMETER:
 * the text does not suit the type. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS CmpParseData(ULONG Type, const char *Text, PVOID *Data, PULONG Size);

#endif
