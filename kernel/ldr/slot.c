/*
 * slot.c - who is in memory because of whom: the states and references of the module table's slots.
 *
 * An image is Loaded as long as something refers to it: a driver object that was made of it, and
 * the images that import from it. The reference of a driver object is dropped together with the
 * state of the driver, so nobody can start a driver anew in an image that is already lost. What an
 * image imports goes after it, in a loop: chains may be long and stacks are short.
 */
#include <io.h>
#include <ke.h>
#include <kd.h>
#include "ldrp.h"

/* Finding and dropping the last reference takes no longer than a few thread switches. */
#define LDRP_GONE_TIMEOUT_100NS 10000000LL

static LDRP_SLOT LdrpSlots[LDRP_MAXIMUM_MODULES];
static FAST_MUTEX LdrpModuleMutex;
static KMUTEX LdrpLoadLock;
static PKTHREAD volatile LdrpLoader; /* LdrpLoadLock  who holds it, or NULL */
static ULONG LdrpLoads;              /* LdrpLoadLock  nested */

PLDRP_SLOT LdrpInitializeSlots(void)
{
    ExInitializeFastMutex(&LdrpModuleMutex);
    KeInitializeMutex(&LdrpLoadLock, 0);
    LdrpSlots[0].State = LdrpLoaded;
    LdrpSlots[0].References = 1;
    return &LdrpSlots[0];
}

PLDRP_SLOT LdrpQuerySlot(ULONG Index)
{
    return Index < LDRP_MAXIMUM_MODULES ? &LdrpSlots[Index] : NULL;
}

/* A DllInitialize that loads a driver waits, with the lock, for a DriverEntry that a worker calls:
 * that may load drivers, too, one after another. */
void LdrpLockLoads(void)
{
    if (!IoWorksFor(LdrpLoader)) {
        KeWaitForSingleObject(&LdrpLoadLock, Executive, KernelMode, FALSE, NULL);
        LdrpLoader = KeGetCurrentThread();
    }
    LdrpLoads++;
}

void LdrpUnlockLoads(void)
{
    if (--LdrpLoads == 0) {
        LdrpLoader = NULL;
        KeReleaseMutex(&LdrpLoadLock, FALSE);
    }
}

/* Service names are the same in any case. */
static BOOLEAN LdrpIsService(const LDRP_SLOT *Slot, PUNICODE_STRING ServiceName)
{
    UNICODE_STRING Own;

    RtlInitUnicodeString(&Own, Slot->ServiceName);
    return Slot->Driver != LdrpNoDriver && RtlEqualUnicodeString(&Own, ServiceName, TRUE);
}

/* Takes a free slot; mutex held. */
static PLDRP_SLOT LdrpTakeFreeSlot(const UCHAR *File)
{
    for (ULONG i = 0; i < LDRP_MAXIMUM_MODULES; i++) {
        PLDRP_SLOT Slot = &LdrpSlots[i];

        if (Slot->State == LdrpFree) {
            Slot->State = LdrpLoading;
            Slot->File = File;
            Slot->References = 1;
            Slot->ImportCount = 0;
            Slot->Initialized = Slot->Discarded = FALSE;
            RtlZeroMemory(&Slot->Mapping, sizeof(Slot->Mapping));
            return Slot;
        }
    }
    return NULL;
}

/* Mutex held. */
static void LdrpAddReference(PLDRP_SLOT Slot)
{
    Slot->References++;
    Slot->Entry.LoadCount = (USHORT)Slot->References;
}

/* Whether a slot stands in the way of a new driver; STATUS_SUCCESS also for one whose image can
 * be used. Mutex held. */
static NTSTATUS LdrpCheckClash(PLDRP_SLOT Slot, PUNICODE_STRING Name, const UCHAR *File)
{
    if (Slot->State == LdrpFree || (Slot->File != File && !LdrpIsService(Slot, Name))) {
        return STATUS_SUCCESS;
    }
    if (Slot->State == LdrpUnloading || Slot->Driver == LdrpStopping) {
        return STATUS_DEVICE_BUSY;
    }
    return Slot->State == LdrpLoading || Slot->Driver != LdrpNoDriver ? STATUS_IMAGE_ALREADY_LOADED
                                                                      : STATUS_SUCCESS;
}

NTSTATUS LdrpReserveService(PCWSTR ServiceName, const UCHAR *File, PLDRP_SLOT *Slot)
{
    NTSTATUS Status = STATUS_SUCCESS;
    UNICODE_STRING Name;
    PLDRP_SLOT Found = NULL;

    RtlInitUnicodeString(&Name, ServiceName);
    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 0; NT_SUCCESS(Status) && i < LDRP_MAXIMUM_MODULES; i++) {
        PLDRP_SLOT Candidate = &LdrpSlots[i];

        Status = LdrpCheckClash(Candidate, &Name, File);
        Found = Candidate->State != LdrpFree && Candidate->File == File ? Candidate : Found;
    }
    if (NT_SUCCESS(Status)) {
        if (Found != NULL) {
            LdrpAddReference(Found); /* an export driver that is a service as well */
        } else {
            Found = LdrpTakeFreeSlot(File);
        }
        if (Found != NULL) {
            Found->Driver = LdrpStarting;
            RtlCopyMemory(Found->ServiceName, ServiceName, Name.Length + sizeof(WCHAR));
        } else {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    *Slot = Found;
    return Status;
}

PLDRP_SLOT LdrpReserveImage(const UCHAR *File)
{
    PLDRP_SLOT Slot;

    ExAcquireFastMutex(&LdrpModuleMutex);
    Slot = LdrpTakeFreeSlot(File);
    ExReleaseFastMutex(&LdrpModuleMutex);
    return Slot;
}

/* Names of files are the same in any case. */
static BOOLEAN LdrpIsNamed(const LDRP_SLOT *Slot, const CHAR *Name, BOOLEAN Stem)
{
    const CHAR *Own = LdrpFileName(Slot->Path);
    SIZE_T Length = strlen(Name);

    return _strnicmp(Own, Name, Length) == 0 &&
           (Stem ? LdrpStemLength(Own) == Length : Own[Length] == 0);
}

static NTSTATUS LdrpTryReference(const CHAR *Name, BOOLEAN Stem, PLDRP_SLOT *Slot)
{
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 1; i < LDRP_MAXIMUM_MODULES; i++) {
        if (LdrpSlots[i].State == LdrpFree || !LdrpIsNamed(&LdrpSlots[i], Name, Stem)) {
            continue;
        }
        *Slot = &LdrpSlots[i];
        switch (LdrpSlots[i].State) {
        case LdrpLoaded:
            LdrpAddReference(&LdrpSlots[i]);
            Status = STATUS_SUCCESS;
            break;
        case LdrpUnloading:
            Status = STATUS_DEVICE_BUSY;
            break;
        default:
            Status = STATUS_DRIVER_UNABLE_TO_LOAD;
            break;
        }
        break;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    return Status;
}

/* One that is going does not need the load lock to get there. */
NTSTATUS LdrpReferenceByName(const CHAR *Name, BOOLEAN Stem, PLDRP_SLOT *Slot)
{
    LARGE_INTEGER Interval = {.QuadPart = -50000};
    NTSTATUS Status = LdrpTryReference(Name, Stem, Slot);

    for (ULONG Tries = 0; Status == STATUS_DEVICE_BUSY && Tries < LDRP_RETRIES; Tries++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
        Status = LdrpTryReference(Name, Stem, Slot);
    }
    return Status;
}

void LdrpFinishLoading(PLDRP_SLOT Slot)
{
    ExAcquireFastMutex(&LdrpModuleMutex);
    Slot->State = LdrpLoaded;
    ExReleaseFastMutex(&LdrpModuleMutex);
}

/* Mutex held. The last reference puts the slot in front of the list of those to unload. */
static void LdrpDropReference(PLDRP_SLOT Slot, PLDRP_SLOT *Dead)
{
    KI_ASSERT(Slot->References > 0);
    Slot->References--;
    Slot->Entry.LoadCount = (USHORT)Slot->References;
    if (Slot->References == 0) {
        Slot->State = LdrpUnloading;
        Slot->NextDead = *Dead;
        *Dead = Slot;
    }
}

/* Everything that the image had is gone. */
static void LdrpFreeSlot(PLDRP_SLOT Slot, PLDRP_SLOT *Dead)
{
    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 0; i < Slot->ImportCount; i++) {
        LdrpDropReference(Slot->Imports[i], Dead);
    }
    Slot->ImportCount = 0;
    Slot->References = 0;
    Slot->Driver = LdrpNoDriver;
    Slot->File = NULL;
    Slot->Path[0] = 0;
    Slot->State = LdrpFree;
    ExReleaseFastMutex(&LdrpModuleMutex);
}

static void LdrpUnloadDead(PLDRP_SLOT Dead)
{
    while (Dead != NULL) {
        PLDRP_SLOT Slot = Dead;

        Dead = Slot->NextDead;
        LdrpCallDllUnload(Slot);
        LdrpReportLeaks(Slot);
        LdrpCheckLookasideLists(Slot);
        LdrpNoteUnloaded(&Slot->Module);
        LdrpRetractModule(Slot);
        LdrpUnmapImage(&Slot->Mapping);
        LdrpFreeSlot(Slot, &Dead);
    }
}

void LdrpAbandonSlot(PLDRP_SLOT Slot)
{
    PLDRP_SLOT Dead = NULL;

    LdrpFreeSlot(Slot, &Dead);
    LdrpUnloadDead(Dead);
}

void LdrpDereferenceSlot(PLDRP_SLOT Slot)
{
    PLDRP_SLOT Dead = NULL;

    ExAcquireFastMutex(&LdrpModuleMutex);
    LdrpDropReference(Slot, &Dead);
    ExReleaseFastMutex(&LdrpModuleMutex);
    LdrpUnloadDead(Dead);
}

void LdrpSetRunning(PLDRP_SLOT Slot, PDRIVER_OBJECT RunningObject)
{
    ExAcquireFastMutex(&LdrpModuleMutex);
    Slot->DriverObject = RunningObject;
    Slot->Driver = LdrpRunning;
    ExReleaseFastMutex(&LdrpModuleMutex);
}

void LdrpReleaseDriver(PLDRP_SLOT Slot)
{
    PLDRP_SLOT Dead = NULL;
    PKEVENT Gone;

    ExAcquireFastMutex(&LdrpModuleMutex);
    Gone = Slot->Gone;
    Slot->Gone = NULL;
    Slot->Driver = LdrpNoDriver;
    Slot->DriverObject = NULL;
    LdrpDropReference(Slot, &Dead);
    ExReleaseFastMutex(&LdrpModuleMutex);
    LdrpUnloadDead(Dead);
    if (Gone != NULL) {
        KeSetEvent(Gone, IO_NO_INCREMENT, FALSE);
    }
}

NTSTATUS LdrpClaimDriver(PUNICODE_STRING ServiceName, PKEVENT Gone, PLDRP_SLOT *Slot)
{
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    KeInitializeEvent(Gone, NotificationEvent, FALSE);
    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 1; i < LDRP_MAXIMUM_MODULES; i++) {
        if (!LdrpIsService(&LdrpSlots[i], ServiceName)) {
            continue;
        }
        Status = STATUS_DEVICE_BUSY;
        if (LdrpSlots[i].Driver == LdrpRunning) {
            LdrpSlots[i].Driver = LdrpStopping;
            LdrpSlots[i].Gone = Gone;
            *Slot = &LdrpSlots[i];
            Status = STATUS_SUCCESS;
        }
        break;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    return Status;
}

LDRP_DRIVER_STATE LdrpQueryDriver(PUNICODE_STRING ServiceName, BOOLEAN *Stoppable)
{
    LDRP_DRIVER_STATE State = LdrpNoDriver;

    *Stoppable = FALSE;
    ExAcquireFastMutex(&LdrpModuleMutex);
    for (ULONG i = 1; i < LDRP_MAXIMUM_MODULES; i++) {
        if (LdrpIsService(&LdrpSlots[i], ServiceName)) {
            State = LdrpSlots[i].Driver;
            *Stoppable = State == LdrpRunning && LdrpSlots[i].DriverObject->DriverUnload != NULL;
            break;
        }
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    return State;
}

void LdrpDisclaimDriver(PLDRP_SLOT Slot, LDRP_DRIVER_STATE State)
{
    ExAcquireFastMutex(&LdrpModuleMutex);
    Slot->Driver = State;
    Slot->Gone = NULL;
    ExReleaseFastMutex(&LdrpModuleMutex);
}

void LdrpWaitUntilGone(PLDRP_SLOT Slot, PKEVENT Gone)
{
    LARGE_INTEGER Timeout = {.QuadPart = -LDRP_GONE_TIMEOUT_100NS};
    BOOLEAN Taken;

    KeWaitForSingleObject(Gone, Executive, KernelMode, FALSE, &Timeout);
    /* The event is the caller's: take it back. Who has taken it meanwhile is about to set it. */
    ExAcquireFastMutex(&LdrpModuleMutex);
    Taken = Slot->Gone != Gone;
    if (!Taken) {
        Slot->Gone = NULL;
    }
    ExReleaseFastMutex(&LdrpModuleMutex);
    if (Taken) {
        KeWaitForSingleObject(Gone, Executive, KernelMode, FALSE, NULL);
    }
}
