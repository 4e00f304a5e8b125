/*
 * ldrp.h - private to ldr: images in memory, who needs them, and how they come and go.
 *
 * Locks: LdrpLoadLock (a mutex, taken first) is held by whoever brings an image and what it imports
 * into memory; threads that work for it meanwhile (IoWorksFor) have it, too. LdrpModuleMutex guards
 * states and reference counts; nothing is waited for while it is held.
 */
#ifndef _LDRP_H_
#define _LDRP_H_

#include <ldr.h>
#include "pe.h"

#define LDRP_MAXIMUM_MODULES 128
#define LDRP_MAXIMUM_IMPORTS 16 /* drivers that one driver imports from, forwards included */
#define LDRP_MAXIMUM_SERVICE_NAME 64
#define LDRP_MAXIMUM_PATH 128
#define LDRP_MAXIMUM_CHAIN 16 /* services that depend on each other in a row */
#define LDRP_REASON_SIZE 256
#define LDRP_RETRIES 2000            /* of 5 ms, while an image is on its way out */
#define LDRP_MAXIMUM_FILE_NAME 32    /* of LDR_MODULE.Name */
#define LDRP_DRIVERS "c:\\drivers\\" /* Windows' \SystemRoot\System32\drivers */

void LdrpOpenBootDisk(PLOADER_BLOCK LoaderBlock);

/* An image that is ready to run. */
typedef struct _LDRP_MAPPING {
    PUCHAR Base;
    ULONG Size;       /* bytes, whole pages */
    PVOID EntryPoint; /* NULL: none */
} LDRP_MAPPING, *PLDRP_MAPPING;

/* Loading: being built by the owner of the load lock. Loaded: as long as it has references. */
typedef enum _LDRP_STATE {
    LdrpFree,
    LdrpLoading,
    LdrpLoaded,
    LdrpUnloading
} LDRP_STATE;

/* The driver object of an image, if it has one: a service was started with it. */
typedef enum _LDRP_DRIVER_STATE {
    LdrpNoDriver,
    LdrpStarting,
    LdrpRunning,
    LdrpStopping
} LDRP_DRIVER_STATE;

/*
 * A slot of the module table. m: LdrpModuleMutex; l: whoever moved State to Loading, or Unloading,
 * and fixed while it is Loaded.
 */
typedef struct _LDRP_SLOT {
    KLDR_DATA_TABLE_ENTRY Entry; /* what DRIVER_OBJECT.DriverSection points to */
    LDR_MODULE Module;
    LDRP_STATE State;  /* m */
    ULONG References;  /* m  one for a driver object, one for each image that imports from here */
    const UCHAR *File; /* m  identity of the image: its bytes on the boot disk */
    PE_IMAGE Image;    /* l */
    LDRP_MAPPING Mapping; /* l */
    BOOLEAN Initialized;  /* l  DllInitialize has been called: DllUnload is due */
    BOOLEAN Discarded;    /* l  what only the initialisation needed has gone */
    ULONG ImportCount;    /* l */
    struct _LDRP_SLOT *Imports[LDRP_MAXIMUM_IMPORTS]; /* l  each referenced once */
    struct _LDRP_SLOT *NextDead;                      /* l  while Unloading */
    CHAR Path[LDRP_MAXIMUM_PATH];                     /* l */
    WCHAR WidePath[LDRP_MAXIMUM_PATH];                /* l  Entry.FullDllName */
    LDRP_DRIVER_STATE Driver;                         /* m */
    WCHAR ServiceName[LDRP_MAXIMUM_SERVICE_NAME];     /* m */
    PDRIVER_OBJECT DriverObject;                      /* m  referenced while Running */
    PKEVENT Gone; /* m  set when the driver object has gone: who stops it waits */
} LDRP_SLOT, *PLDRP_SLOT;

/* Text for people about a load, which ends in dots when it has become too long. Size 0: nobody
 * listens. */
typedef struct _LDRP_MESSAGE {
    CHAR *Text;
    SIZE_T Size;
    SIZE_T Used;
} LDRP_MESSAGE, *PLDRP_MESSAGE;

void LdrpInitializeMessage(PLDRP_MESSAGE Message, CHAR *Text, SIZE_T Size);
/* Adds to it. Format as KdPrintf. */
void NT_VARARGS LdrpSay(PLDRP_MESSAGE Message, const CHAR *Format, ...);
/* Formats into Size bytes, always terminated; answers the bytes the whole text needs. */
SIZE_T NT_VARARGS LdrpFormat(CHAR *Buffer, SIZE_T Size, const CHAR *Format, ...);
/* The last part of a path. */
const CHAR *LdrpFileName(const CHAR *Path);

/*** slot.c; PASSIVE_LEVEL. ***/

/* The kernel's own slot. Once, before threads. */
PLDRP_SLOT LdrpInitializeSlots(void);
PLDRP_SLOT LdrpQuerySlot(ULONG Index);
/* From here to LdrpUnlockLoads nobody else brings images into memory. May be nested, also by a
 * worker that calls DriverEntry for the owner. */
void LdrpLockLoads(void);
void LdrpUnlockLoads(void);
/* Load lock held. Finds or makes a slot for ServiceName (zero terminated, short enough) and File,
 * and moves its Driver to Starting; the driver's reference is taken. A new one is Loading.
 * STATUS_IMAGE_ALREADY_LOADED when either is in use, STATUS_DEVICE_BUSY when its driver is going,
 * STATUS_INSUFFICIENT_RESOURCES when the table is full. */
NTSTATUS LdrpReserveService(PCWSTR ServiceName, const UCHAR *File, PLDRP_SLOT *Slot);
/* Load lock held. A new slot, Loading, with one reference, its importer's; NULL: the table is
 * full. */
PLDRP_SLOT LdrpReserveImage(const UCHAR *File);
/* Load lock held. Finds an image by its file's name, or with Stem by that without extension, and
 * references it. STATUS_OBJECT_NAME_NOT_FOUND; STATUS_DRIVER_UNABLE_TO_LOAD: it is being loaded,
 * which means by the caller or for whom he works; STATUS_DEVICE_BUSY: going for longer than a
 * second. */
NTSTATUS LdrpReferenceByName(const CHAR *Name, BOOLEAN Stem, PLDRP_SLOT *Slot);
/* A slot that was Loading is Loaded. */
void LdrpFinishLoading(PLDRP_SLOT Slot);
/* A slot that was Loading has no image after all; what it imports loses its references. */
void LdrpAbandonSlot(PLDRP_SLOT Slot);
/* Drops a reference. The last one unloads the image, and those it imported that nobody else
 * needs. */
void LdrpDereferenceSlot(PLDRP_SLOT Slot);
/* The driver object of the slot has been made, and its DriverEntry has succeeded. */
void LdrpSetRunning(PLDRP_SLOT Slot, PDRIVER_OBJECT RunningObject);
/* The driver object has gone: drops its reference as LdrpDereferenceSlot does, and tells who
 * waits. */
void LdrpReleaseDriver(PLDRP_SLOT Slot);
/* Moves the running driver of a service to Stopping; Gone is initialised here.
 * STATUS_OBJECT_NAME_NOT_FOUND, STATUS_DEVICE_BUSY. */
NTSTATUS LdrpClaimDriver(PUNICODE_STRING ServiceName, PKEVENT Gone, PLDRP_SLOT *Slot);
/* Nobody waits for the driver's end any more, or it runs on after all. */
void LdrpDisclaimDriver(PLDRP_SLOT Slot, LDRP_DRIVER_STATE State);
/* Waits until Gone, a slot's since LdrpClaimDriver, is set, or for about a second: long enough for
 * whoever still looks at the driver object. */
void LdrpWaitUntilGone(PLDRP_SLOT Slot, PKEVENT Gone);

/* The driver of a service; *Stoppable: it has an unload routine. */
LDRP_DRIVER_STATE LdrpQueryDriver(PUNICODE_STRING ServiceName, BOOLEAN *Stoppable);

/*** load.c; PASSIVE_LEVEL. ***/

/*
 * Loads the image of a service (its ImagePath, or c:\drivers\<name>.sys) and runs DriverEntry.
 * Message receives text for people when that fails. STATUS_OBJECT_NAME_NOT_FOUND: no such service
 * or no such file. STATUS_IMAGE_ALREADY_LOADED: the service runs, or another with the same image
 * does. STATUS_INVALID_IMAGE_FORMAT, STATUS_DRIVER_ENTRYPOINT_NOT_FOUND,
 * STATUS_DRIVER_ORDINAL_NOT_FOUND (imports missing), STATUS_DRIVER_UNABLE_TO_LOAD (imports in a
 * circle), or why something imported could not be loaded. Otherwise what DriverEntry returned.
 * After a failure nothing is left behind.
 */
NTSTATUS LdrpLoadDriver(PUNICODE_STRING ServiceName, PLDRP_MESSAGE Message);
/*
 * Runs the driver's unload routine, which must exist, and waits a while until the image has gone.
 * STATUS_PENDING: the driver is in use; the last close unloads it. STATUS_OBJECT_NAME_NOT_FOUND:
 * not loaded. STATUS_DEVICE_BUSY: it is being loaded or unloaded. STATUS_INVALID_DEVICE_REQUEST: it
 * cannot be unloaded.
 */
NTSTATUS LdrpUnloadDriver(PUNICODE_STRING ServiceName);

/*** service.c, servicelist.c; PASSIVE_LEVEL. ***/

void LdrpInitializeServices(void);
/* The same name, in any case. */
BOOLEAN LdrpIsSameName(PCWSTR Left, PCWSTR Right);
void LdrpNoteExitCode(PCWSTR Name, ULONG ExitCode);
BOOLEAN LdrpIsDeletePending(PCWSTR Name);
/* ERROR_CIRCULAR_DEPENDENCY: a service called Name with these dependencies (LDR_SERVICE_CONFIG)
 * would depend on itself. Other errors: it could not be found out. */
ULONG LdrpCheckCircle(PCWSTR Name, PCWSTR Dependencies);

/*** module.c: the table that crash screens read. ***/

/* Enters a mapped image, and takes it out again. PASSIVE_LEVEL. */
void LdrpPublishModule(PLDRP_SLOT Slot);
void LdrpRetractModule(PLDRP_SLOT Slot);
/* Length of a file's name without its extension. */
SIZE_T LdrpStemLength(const CHAR *Name);

/*** unloaded.c ***/

/* Remembers a module that is about to go. PASSIVE_LEVEL. */
void LdrpNoteUnloaded(const LDR_MODULE *Module);

/*** leak.c ***/

/* Tells what the image of a driver that has ended is still needed for; a bugcheck when the driver
 * is under verification. PASSIVE_LEVEL. */
void LdrpReportLeaks(PLDRP_SLOT Slot);

/*** image.c ***/

/* Maps the image of a slot that is Loading: Path and File are set. FileSize: bytes of the file.
 * After a failure nothing is mapped, but the slot's imports stay referenced. Load lock held. */
NTSTATUS LdrpMapImage(PLDRP_SLOT Slot, SIZE_T FileSize, PLDRP_MESSAGE Message);
/* Bugchecks when a lookaside list in the image was not deleted. */
void LdrpCheckLookasideLists(PLDRP_SLOT Slot);
void LdrpUnmapImage(const LDRP_MAPPING *Mapping);
/* Gives back the sections that only DriverEntry needed. */
void LdrpDiscardInitialization(PLDRP_SLOT Slot);

/*** import.c ***/

/* Binds the imports of the slot's image, built so far at its base, loading what they need. *Status:
 * what is wrong, when the result is not PeOk. Load lock held. */
PE_REASON LdrpBindImports(PLDRP_SLOT Slot, PLDRP_MESSAGE Message, NTSTATUS *Status);
/* An export of the slot's image that is no forward, or NULL. */
PVOID LdrpFindSlotExport(PLDRP_SLOT Slot, const CHAR *Name);

/*** dll.c: export drivers. ***/

/* Loads the file Path, because another driver imports from it, and calls its DllInitialize; the
 * slot comes with a reference. Load lock held. */
NTSTATUS LdrpLoadDll(const CHAR *Path, PLDRP_MESSAGE Message, PLDRP_SLOT *Slot);
/* Calls DllUnload of an image that goes, if it is due. */
void LdrpCallDllUnload(PLDRP_SLOT Slot);

/*** guard.asm ***/

/* What images made with /guard:cf call before an indirect call, with the target in RCX, and in
 * place of one, with the target in RAX. No C prototype fits: all registers are kept. */
extern const UCHAR LdrpGuardCheck[], LdrpGuardDispatch[];

#endif
