/*
 * reinit.c - reinitialisation routines: second thoughts of drivers, once others are there.
 *
 * A registration waits in one of two lists and refers to its driver object. While the system starts
 * the boot list is run when the boot-start drivers have been loaded, the other when all have; later
 * both are run after each load. A driver that is still being loaded is passed over. A routine may
 * register again: a run goes on until nothing is left, so that is called next, as on Windows.
 *
 * Several threads may be running the lists. A driver has one routine called at a time
 * (Reinitializing), and who has called it looks through the lists again, so what others passed over
 * is not forgotten. A driver to be unloaded is not called any more, and its unload waits for the
 * routine that is being called.
 */
#include "iop.h"

typedef struct _IOP_REINIT {
    LIST_ENTRY Link; /* b */
    PDRIVER_OBJECT Driver;
    PDRIVER_REINITIALIZE Routine;
    PVOID Context;
} IOP_REINIT, *PIOP_REINIT;

static LIST_ENTRY IopReinitList = {&IopReinitList, &IopReinitList};             /* b */
static LIST_ENTRY IopBootReinitList = {&IopBootReinitList, &IopBootReinitList}; /* b */
/* 1: the boot drivers, 2: all that start by themselves */
static volatile LONG IopDriversStarted; /* o */

static void IopRegisterReinit(PLIST_ENTRY List, PDRIVER_OBJECT Driver, PDRIVER_REINITIALIZE Routine,
                              PVOID Context)
{
    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    PIOP_REINIT New = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*New), IOP_TAG);
    if (New == NULL) {
        return;
    }
    ObfReferenceObject(Driver);
    New->Driver = Driver;
    New->Routine = Routine;
    New->Context = Context;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    InsertTailList(List, &New->Link);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
}

VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_REINITIALIZE Routine, PVOID Context)
{
    IopRegisterReinit(&IopReinitList, DriverObject, Routine, Context);
}

VOID NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                                PDRIVER_REINITIALIZE Routine, PVOID Context)
{
    IopRegisterReinit(&IopBootReinitList, DriverObject, Routine, Context);
}

/* Lock held. */
static BOOLEAN IopMayReinitialize(PDRIVER_OBJECT Driver)
{
    return (Driver->Flags & DRVO_INITIALIZED) && !IopDriver(Driver)->Reinitializing &&
           !IopDriver(Driver)->UnloadPending;
}

/* The next registration of List, to be called (IopEndReinit); or of Driver's alone; taken out. */
static PIOP_REINIT IopTakeReinit(PLIST_ENTRY List, PDRIVER_OBJECT Driver)
{
    PIOP_REINIT Found = NULL;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    for (PLIST_ENTRY Link = List->Flink; Link != List && Found == NULL; Link = Link->Flink) {
        PIOP_REINIT Reinit = CONTAINING_RECORD(Link, IOP_REINIT, Link);
        if (Driver != NULL ? Reinit->Driver == Driver : IopMayReinitialize(Reinit->Driver)) {
            Found = Reinit;
        }
    }
    if (Found != NULL) {
        RemoveEntryList(&Found->Link);
        IopDriver(Found->Driver)->Reinitializing |= Driver == NULL;
    }
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Found;
}

static void IopFreeReinit(PIOP_REINIT Reinit)
{
    PDRIVER_OBJECT Driver = Reinit->Driver;
    ExFreePoolWithTag(Reinit, IOP_TAG);
    ObfDereferenceObject(Driver);
}

/* In a worker thread. */
static void IopRunReinit(PVOID Context)
{
    PIOP_REINIT Reinit = Context;
    PDRIVER_OBJECT Driver = Reinit->Driver;
    Reinit->Routine(Driver, Reinit->Context, ++Driver->DriverExtension->Count);
    IopCheckIrql((PVOID)Reinit->Routine, NULL, PASSIVE_LEVEL);
}

/* An unload may have waited for the routine's end. */
static void IopEndReinit(PIOP_REINIT Reinit)
{
    PDRIVER_OBJECT Driver = Reinit->Driver;
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&IopDatabaseLock);
    IopDriver(Driver)->Reinitializing = FALSE;
    BOOLEAN Unload = IopUnloadDue(Driver);
    KeReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (Unload) {
        IopQueueUnload(Driver);
    }
    IopFreeReinit(Reinit);
}

/* The next that is due. */
static PIOP_REINIT IopTakeDueReinit(void)
{
    LONG Started = IopDriversStarted;
    PIOP_REINIT Reinit = Started >= 1 ? IopTakeReinit(&IopBootReinitList, NULL) : NULL;
    return Reinit == NULL && Started >= 2 ? IopTakeReinit(&IopReinitList, NULL) : Reinit;
}

void IopReinitializeDrivers(void)
{
    PIOP_REINIT Reinit;
    while ((Reinit = IopTakeDueReinit()) != NULL) {
        IopCallInWorker(IopRunReinit, Reinit);
        IopEndReinit(Reinit);
    }
}

void IoDriversStarted(BOOLEAN All)
{
    IopDriversStarted = All ? 2 : 1;
    IopReinitializeDrivers();
}

void IopForgetReinitialization(PDRIVER_OBJECT Driver)
{
    PIOP_REINIT Reinit;
    while ((Reinit = IopTakeReinit(&IopReinitList, Driver)) != NULL ||
           (Reinit = IopTakeReinit(&IopBootReinitList, Driver)) != NULL) {
        IopFreeReinit(Reinit);
    }
}
