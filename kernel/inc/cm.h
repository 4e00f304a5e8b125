/*
 * cm.h - the configuration manager as the kernel's other parts use it: keys and values by path and
 * name, without handles. Drivers use the services in nt/key.h.
 *
 * All routines: PASSIVE_LEVEL. Names are compared ignoring case.
 */
#ifndef _CM_PRIVATE_H_
#define _CM_PRIVATE_H_

#include <ntddk.h>

#define CM_MAXIMUM_NAME 255       /* characters of a key's name */
#define CM_MAXIMUM_VALUE 0x100000 /* bytes of a value's data */

/* Where services are kept. */
#define CM_SERVICES_PATH L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"

typedef struct _CM_KEY *PCM_KEY;

/* Makes the type Key and \Registry with Machine and User, and reads c:\registry.reg; mistakes in it
 * are printed with their line numbers and the rest is loaded. Phase 1. */
void CmInitSystem(void);
/* Reads the registry from its disk, if there is one, which then takes the place of registry.reg;
 * TRUE if that was done. Once, when the boot drivers run. */
BOOLEAN CmLoadHive(void);
/* Writes what has changed to the disk before the machine goes off. Nothing without a disk. */
void CmShutdownSystem(void);
/* Finds, or with Create makes, the key at an absolute path "\Registry\Machine\...", with every key
 * on the way. The caller gives the reference back with CmCloseKey. STATUS_OBJECT_PATH_SYNTAX_BAD:
 * does not begin with \Registry; STATUS_OBJECT_NAME_NOT_FOUND; STATUS_INVALID_PARAMETER: a name is
 * too long; STATUS_ACCESS_DENIED: a key directly below \Registry; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS CmOpenKey(PCUNICODE_STRING Path, BOOLEAN Create, PCM_KEY *Key);
void CmCloseKey(PCM_KEY Key);
/* Takes the key out of the tree, with its values; who has it open still may close it, and gets
 * STATUS_KEY_DELETED from everything else. STATUS_CANNOT_DELETE: it has keys below it, or is a
 * root. */
NTSTATUS CmDeleteKey(PCM_KEY Key);
/* Sets a value of a key, copying Size <= CM_MAXIMUM_VALUE bytes; Name "" is the key's default
 * value. */
NTSTATUS CmSetValue(PCM_KEY Key, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size);
/* Removes a value. STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS CmDeleteValue(PCM_KEY Key, PCWSTR Name);
/* *Size: in the room at Data, out the size needed; *Type unless NULL. STATUS_BUFFER_TOO_SMALL (only
 * *Type and *Size are set), STATUS_OBJECT_NAME_NOT_FOUND. */
NTSTATUS CmQueryValue(PCM_KEY Key, PCWSTR Name, ULONG *Type, PVOID Data, ULONG *Size);
/* A REG_DWORD value, or Default when there is none or it is of another type. */
ULONG CmQueryUlong(PCM_KEY Key, PCWSTR Name, ULONG Default);
/* Name of the Index-th key below Key in alphabetical order, terminated. NameChars: room in
 * characters, of which CM_MAXIMUM_NAME + 1 are always enough. STATUS_BUFFER_OVERFLOW: the name is
 * cut. STATUS_NO_MORE_ENTRIES. */
NTSTATUS CmEnumerateKey(PCM_KEY Key, ULONG Index, WCHAR *Name, ULONG NameChars);

#endif
