/* ldr.h - the driver loader: services from the boot disk's PE images to running drivers. */
#ifndef _LDR_PRIVATE_H_
#define _LDR_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/* The boot disk (cpio newc), read only, in memory. Path: "c:\\drivers\\beep.sys", "\\SystemRoot\\...", "\\??\\C:\\...", any case,
 * either slash. FALSE when there is no such file. The bytes stay valid for ever. Any IRQL (used by the crash screen). */
void LdrInitializeBootDisk(PLOADER_BLOCK LoaderBlock);
BOOLEAN LdrFindFile(const char *Path, const UCHAR **Data, SIZE_T *Size);
/* Calls Callback(Name, Size, Context) for each file; stops when it answers FALSE. */
void LdrEnumerateFiles(BOOLEAN (*Callback)(const char *Name, SIZE_T Size, PVOID Context), PVOID Context);

/* A loaded module; the kernel is the first. Kept for ever in a list that the crash screen may walk without locks. */
typedef struct _LDR_MODULE {
    LIST_ENTRY Link;
    CHAR Name[32]; /* "beep.sys" */
    PVOID Base;
    ULONG Size;
    const CHAR *Symbols; /* text of symbols/<name>.sym, or NULL */
    SIZE_T SymbolsSize;
} LDR_MODULE, *PLDR_MODULE;

void LdrInitSystem(void);
/* Loads the image of a service and runs DriverEntry; and the reverse. PASSIVE_LEVEL. Reason (>= 128 bytes) receives text when refused. */
NTSTATUS LdrLoadDriver(PUNICODE_STRING ServiceName, CHAR *Reason, SIZE_T ReasonSize);
NTSTATUS LdrUnloadDriver(PUNICODE_STRING ServiceName);
/* Module containing Address, or NULL. Any IRQL. */
PLDR_MODULE LdrFindModule(PVOID Address);
/* "beep!BeepStartIo+0x1c" or "nt!KeSetEvent+0x10"; plain hex when unknown. Any IRQL, no allocation. */
void LdrFormatAddress(PVOID Address, CHAR *Buffer, SIZE_T Size);
/* Address of a kernel export, or NULL. Any IRQL. */
PVOID LdrFindExport(const char *Name);

#endif
