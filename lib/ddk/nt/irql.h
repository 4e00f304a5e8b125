/*
 * nt/irql.h - interrupt request levels. IRQL lives in CR8 (the local APIC's task priority) and
 * nowhere else, so reading, raising and lowering it are single instructions, inlined into every
 * driver exactly as the WDK inlines them.
 */
#include <wdm.h>

#ifndef _NT_IRQL_
#define _NT_IRQL_

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL 5
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define DRS_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15
#define SYNCH_LEVEL 12

/* Current IRQL of this processor. Any IRQL. WDK: KeGetCurrentIrql; book ch. 6. */
FORCEINLINE KIRQL KeGetCurrentIrql(VOID)
{
    ULONG64 Level;
    __asm__ volatile("movq %%cr8, %0" : "=r"(Level) : : "memory");
    return (KIRQL)Level;
}

/* Raise to NewIrql, which must not be below the current IRQL; returns the old one. Any IRQL. The
 * routine that is exported under this name checks it: IRQL_NOT_GREATER_OR_EQUAL(old, new).
 * WDK: KfRaiseIrql / KeRaiseIrql; book ch. 6. */
FORCEINLINE KIRQL KfRaiseIrql(_In_ KIRQL NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();
    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG64)NewIrql) : "memory");
    return OldIrql;
}

/* Lower to NewIrql, a level returned by a raise: not above the current one, which the exported
 * routine checks: IRQL_NOT_LESS_OR_EQUAL(new, old). Pending DPCs and APCs are taken at once when
 * the level permits, because they wait as self-interrupts in the APIC. WDK: KeLowerIrql; book
 * ch. 6. */
FORCEINLINE VOID KeLowerIrql(_In_ KIRQL NewIrql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG64)NewIrql) : "memory");
}

#define KeRaiseIrql(NewIrql, OldIrql) (*(OldIrql) = KfRaiseIrql(NewIrql))

/* Raise to DISPATCH_LEVEL; returns the old IRQL. WDK: KeRaiseIrqlToDpcLevel. */
FORCEINLINE KIRQL KeRaiseIrqlToDpcLevel(VOID)
{
    return KfRaiseIrql(DISPATCH_LEVEL);
}

/* Raise to SYNCH_LEVEL (above every device); returns the old IRQL. WDK: KeRaiseIrqlToSynchLevel. */
FORCEINLINE KIRQL KeRaiseIrqlToSynchLevel(VOID)
{
    return KfRaiseIrql(SYNCH_LEVEL);
}

#define PAGED_CODE() NT_ASSERT(KeGetCurrentIrql() <= APC_LEVEL)

#endif
