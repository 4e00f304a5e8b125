/*
 * ldr.h - the driver loader: the boot disk's files, the modules in memory with their symbols, and
 * services' images turned into running drivers and back.
 */
#ifndef _LDR_PRIVATE_H_
#define _LDR_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/*
 * Takes over the boot disk (a cpio archive in the direct map) and makes the kernel the first
 * module. Boot processor, once, before anything else here; needs no pools.
 */
void LdrInitializeBootDisk(PLOADER_BLOCK LoaderBlock);

/*
 * Finds a file of the boot disk. Path: "c:\drivers\beep.sys", "\SystemRoot\drivers\beep.sys",
 * "\??\C:\...", "drivers/beep.sys"; any case, either slash. FALSE when there is no such file. The
 * bytes are read only and stay valid for ever. Any IRQL, no locks, no allocation.
 */
BOOLEAN LdrFindFile(const char *Path, const UCHAR **Data, SIZE_T *Size);

/* Calls Callback(Name, Size, Context) for each file, in the archive's order and spelling, until it
 * answers FALSE. Any IRQL. */
void LdrEnumerateFiles(BOOLEAN (*Callback)(const char *Name, SIZE_T Size, PVOID Context),
                       PVOID Context);

/*
 * A module in memory. Modules stand in a fixed table that is read without locks, by the crash
 * screen too: a slot is in use while Base is not NULL, and Base is written last.
 */
typedef struct _LDR_MODULE {
    PVOID volatile Base;
    ULONG Size;            /* bytes, whole pages */
    CHAR Name[32];         /* "beep.sys"; the kernel's is "nt" */
    const CHAR *Symbols;   /* text of symbols/<name>.sym, or NULL */
    SIZE_T SymbolsSize;    /* bytes */
    ULONG64 SymbolsOrigin; /* what the numbers in Symbols are relative to */
} LDR_MODULE, *PLDR_MODULE;

/*
 * The same for drivers that look for it: DRIVER_OBJECT.DriverSection points to one, and they are
 * linked from PsLoadedModuleList in the order of loading, under PsLoadedModuleResource. Windows'
 * layout.
 */
typedef struct _KLDR_DATA_TABLE_ENTRY {
    LIST_ENTRY InLoadOrderLinks;
    PVOID ExceptionTable;
    ULONG ExceptionTableSize; /* bytes */
    PVOID GpValue;
    PVOID NonPagedDebugInfo;
    PVOID DllBase;
    PVOID EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
    ULONG Flags; /* LDRP_* */
    USHORT LoadCount;
    USHORT SignatureFlags;
    PVOID SectionPointer;
    ULONG CheckSum;
    ULONG CoverageSectionSize;
    PVOID CoverageSection;
    PVOID LoadedImports;
    PVOID Spare;
    ULONG SizeOfImageNotRounded;
    ULONG TimeDateStamp;
} KLDR_DATA_TABLE_ENTRY, *PKLDR_DATA_TABLE_ENTRY;
C_ASSERT(offsetof(KLDR_DATA_TABLE_ENTRY, DllBase) == 0x30);
C_ASSERT(offsetof(KLDR_DATA_TABLE_ENTRY, BaseDllName) == 0x58);
C_ASSERT(offsetof(KLDR_DATA_TABLE_ENTRY, LoadCount) == 0x6C);
C_ASSERT(sizeof(KLDR_DATA_TABLE_ENTRY) == 0xA0);

#define LDRP_ENTRY_PROCESSED 0x00004000
#define LDRP_DRIVER_DEPENDENT_DLL 0x02000000 /* loaded because another driver imports from it */

/* Modules that are gone, the last ones, for `lm` and crashes. Read without locks, as the table
 * above. */
#define LDR_UNLOADED_MODULES 50
typedef struct _LDR_UNLOADED {
    PVOID volatile Base; /* NULL: unused */
    ULONG Size;          /* bytes */
    CHAR Name[32];
    LARGE_INTEGER Time; /* system time */
} LDR_UNLOADED, *PLDR_UNLOADED;

/* Index-th of them, the newest first; NULL past the end. Any IRQL. */
PLDR_UNLOADED LdrQueryUnloaded(ULONG Index);
/* The newest that was at Address, if no module is there now; or NULL. Any IRQL. */
PLDR_UNLOADED LdrFindUnloaded(PVOID Address);

/* Starts the services whose Start is 0 (boot), then those with 1 (system) and 2 (auto). A driver
 * that fails is reported on the debug port and left out, unless its ErrorControl is critical: then
 * the system stops, CRITICAL_SERVICE_FAILED (Win32 error, name). PASSIVE_LEVEL, phase 1. */
void LdrInitSystem(void);

/* Module containing Address, or NULL. Any IRQL. The answer stays readable for ever, but names
 * another module once this one is unloaded and its slot used again. */
PLDR_MODULE LdrFindModule(PVOID Address);

/* Index-th slot of the table for enumeration: skip it when its Base is NULL; NULL when Index is
 * past the end. Any IRQL. */
PLDR_MODULE LdrQueryModule(ULONG Index);

/* "beep!BeepStartIo+0x1c", "nt!KeSetEvent", "beep+0x1000" without symbols; plain hex when no
 * module has it. Any IRQL, no locks, no allocation. */
void LdrFormatAddress(PVOID Address, CHAR *Buffer, SIZE_T Size);
/* The same of what a call returns to: it may be the last instruction of its routine, and another
 * one begins there. */
void LdrFormatReturnAddress(PVOID Address, CHAR *Buffer, SIZE_T Size);

/* Address of a kernel export, or NULL. Any IRQL. */
PVOID LdrFindExport(const char *Name);

#endif
