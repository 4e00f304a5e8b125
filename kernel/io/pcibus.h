/*
 * pcibus.h - private to io: what is behind the device object of a PCI function.
 *
 * m: the function's mutex, which whoever connects or disconnects its interrupts holds.
 */
#ifndef _IO_PCIBUS_H_
#define _IO_PCIBUS_H_

#include "iop.h"
#include "hal.h"
#include "halpci.h"

typedef struct _IOP_PCI_FUNCTION {
    HAL_PCI_DESCRIPTION Description; /* i */
    KMUTEX Mutex;
    ULONG Lines;      /* m  connections to its line that say whose they are */
    BOOLEAN Messages; /* m  it sends messages */
} IOP_PCI_FUNCTION, *PIOP_PCI_FUNCTION;

/* Makes \Driver\pci and a device object for every function. Phase 1. */
NTSTATUS IopCreatePciBus(void);
/* Whether Device is one of those. */
BOOLEAN IopIsPciFunction(PDEVICE_OBJECT Device);
static inline PIOP_PCI_FUNCTION IopPciFunction(PDEVICE_OBJECT Pdo)
{
    return Pdo->DeviceExtension;
}
/* PASSIVE_LEVEL, as connecting is: a fast mutex would raise to APC_LEVEL. */
static inline void IopLockPciFunction(PDEVICE_OBJECT Pdo)
{
    KeWaitForSingleObject(&IopPciFunction(Pdo)->Mutex, Executive, KernelMode, FALSE, NULL);
}
static inline void IopUnlockPciFunction(PDEVICE_OBJECT Pdo)
{
    KeReleaseMutex(&IopPciFunction(Pdo)->Mutex, FALSE);
}

#endif
