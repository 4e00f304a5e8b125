/*
 * nt/ldr.h - modules in memory: loading and unloading drivers, and finding what they export.
 */
#include <ntifs.h>

#ifndef _NT_LDR_
#define _NT_LDR_

/*
 * Address of what the loaded module at ImageBase (DRIVER_OBJECT.DriverStart) exports as
 * RoutineName; NULL when there is no such module or export, or when it is only forwarded. The
 * caller sees to it that the module stays. IRQL <= DISPATCH_LEVEL. Exported by Windows, not in the
 * WDK's headers.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PVOID NTAPI RtlFindExportedRoutineByName(_In_ PVOID ImageBase, _In_ PCSTR RoutineName);

/*
 * The modules in memory, in the order of loading, the kernel first: KLDR_DATA_TABLE_ENTRY
 * structures, which DRIVER_OBJECT.DriverSection points to as well. Read with PsLoadedModuleResource
 * acquired shared. Exported by Windows, not in the WDK's headers.
 */
extern NTKERNELAPI LIST_ENTRY PsLoadedModuleList;
extern NTKERNELAPI ERESOURCE PsLoadedModuleResource;

#endif
