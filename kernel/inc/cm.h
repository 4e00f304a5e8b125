/* cm.h - the configuration manager: keys and values in memory, loaded from registry.reg. */
#ifndef _CM_PRIVATE_H_
#define _CM_PRIVATE_H_

#include <ntddk.h>

#define REG_SZ 1
#define REG_EXPAND_SZ 2
#define REG_BINARY 3
#define REG_DWORD 4
#define REG_MULTI_SZ 7
#define REG_QWORD 11

typedef struct _CM_KEY *PCM_KEY;

/* Reads c:\registry.reg (REGEDIT text). PASSIVE_LEVEL, phase 1. */
void CmInitSystem(void);
/* Finds or creates the key at an absolute path "\\Registry\\Machine\\...". Keys are never freed while referenced. */
NTSTATUS CmOpenKey(PCUNICODE_STRING Path, BOOLEAN Create, PCM_KEY *Key);
void CmCloseKey(PCM_KEY Key);
NTSTATUS CmDeleteKey(PCM_KEY Key);
NTSTATUS CmSetValue(PCM_KEY Key, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size);
/* *Size: in the room, out the size needed. STATUS_BUFFER_TOO_SMALL / STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS CmQueryValue(PCM_KEY Key, PCWSTR Name, ULONG *Type, PVOID Data, ULONG *Size);
/* Index-th sub-key's name; STATUS_NO_MORE_ENTRIES. */
NTSTATUS CmEnumerateKey(PCM_KEY Key, ULONG Index, WCHAR *Name, ULONG NameChars);

#endif
