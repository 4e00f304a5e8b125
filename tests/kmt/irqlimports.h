/* irqlimports.h - the routines that drivers call whose compiler does not inline moves to CR8.
 * lib/ddk inlines them under the same names, so they are called through the slots of the import
 * table. */
#ifndef _IRQLIMPORTS_H_
#define _IRQLIMPORTS_H_

extern KIRQL(NTAPI *const ImportedGet)(VOID) __asm__("__imp_KeGetCurrentIrql");
extern KIRQL(NTAPI *const ImportedRaise)(KIRQL NewIrql) __asm__("__imp_KfRaiseIrql");
extern VOID(NTAPI *const ImportedLower)(KIRQL NewIrql) __asm__("__imp_KeLowerIrql");
extern KIRQL(NTAPI *const ImportedRaiseToDpc)(VOID) __asm__("__imp_KeRaiseIrqlToDpcLevel");
extern KIRQL(NTAPI *const ImportedRaiseToSynch)(VOID) __asm__("__imp_KeRaiseIrqlToSynchLevel");

#endif
