/* nt/mm_section.h - pageable code and data of drivers: sections whose names begin with PAGE. */
#include <wdm.h>

#ifndef _NT_MM_SECTION_
#define _NT_MM_SECTION_

/* Locks the section that the address lies in: until unlocked as many times, it may be used at any
 * IRQL. Returns a handle for the two routines below. An address outside of drivers bugchecks
 * MEMORY_MANAGEMENT. WDK: MmLockPagableDataSection. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI MmLockPagableDataSection(_In_ PVOID AddressWithinSection);
#define MmLockPagableCodeSection(Address) MmLockPagableDataSection((PVOID)(ULONG_PTR)(Address))

/* Locks it once more. WDK: the same name. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI MmLockPagableSectionByHandle(_In_ PVOID ImageSectionHandle);

/* Takes back one lock; one that is not held bugchecks MEMORY_MANAGEMENT. WDK: the same name. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI MmUnlockPagableImageSection(_In_ PVOID ImageSectionHandle);

/* Makes all of the driver that the address lies in pageable, whatever its sections say; locked
 * sections stay. Returns its base. MmResetDriverPaging: as its sections say. Neither while
 * interrupts are connected to the driver. WDK: MmPageEntireDriver, MmResetDriverPaging; book ch.
 * 8. */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI PVOID NTAPI MmPageEntireDriver(_In_ PVOID AddressWithinSection);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI MmResetDriverPaging(_In_ PVOID AddressWithinSection);

#endif
