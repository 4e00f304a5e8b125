/*
 * ldrp.h - private to ldr: module slots and mapped images.
 */
#ifndef _LDRP_H_
#define _LDRP_H_

#include <ldr.h>

#define LDRP_MAXIMUM_MODULES 64
#define LDRP_MAXIMUM_SERVICE_NAME 64
#define LDRP_MAXIMUM_PATH 128

void LdrpOpenBootDisk(PLOADER_BLOCK LoaderBlock);

/* An image that is ready to run. */
typedef struct _LDRP_MAPPING {
    PUCHAR Base;
    ULONG Size; /* bytes, whole pages */
    PVOID EntryPoint;
} LDRP_MAPPING, *PLDRP_MAPPING;

/* Loaded: the driver object owns image and slot until it has gone. */
typedef enum _LDRP_STATE {
    LdrpFree,
    LdrpLoading,
    LdrpLoaded,
    LdrpUnloading
} LDRP_STATE;

/*
 * A slot of the module table. State, File and Gone are guarded by LdrpModuleMutex; the rest belongs to
 * the thread that moved State to Loading or Unloading, and is fixed while it is Loaded.
 */
typedef struct _LDRP_SLOT {
    LDR_MODULE Module;
    LDRP_STATE State;
    const UCHAR *File; /* identity of the image: its bytes on the boot disk */
    WCHAR ServiceName[LDRP_MAXIMUM_SERVICE_NAME];
    LDRP_MAPPING Mapping;
    PDRIVER_OBJECT DriverObject; /* referenced while Loaded */
    PKEVENT Gone;                /* set when the slot becomes free: who unloads waits */
} LDRP_SLOT, *PLDRP_SLOT;

/* Takes a free slot into Loading for ServiceName (zero terminated, short enough) and File.
 * STATUS_IMAGE_ALREADY_LOADED when either is in use, STATUS_DEVICE_BUSY when its driver is being
 * unloaded, STATUS_INSUFFICIENT_RESOURCES when the table is full. PASSIVE_LEVEL. */
NTSTATUS LdrpReserveSlot(PCWSTR ServiceName, const UCHAR *File, PLDRP_SLOT *Slot);
/* Moves the slot of a loaded service into Unloading; Gone is initialised here. STATUS_OBJECT_NAME_NOT_FOUND,
 * STATUS_DEVICE_BUSY. PASSIVE_LEVEL. */
NTSTATUS LdrpClaimSlot(PUNICODE_STRING ServiceName, PKEVENT Gone, PLDRP_SLOT *Slot);
/* Ends what LdrpReserveSlot or LdrpClaimSlot began: State becomes Loaded, Free, or stays Unloading
 * with nobody waiting. */
void LdrpReleaseSlot(PLDRP_SLOT Slot, LDRP_STATE State);
/* Waits until Gone, a slot's since LdrpClaimSlot, is set, or for about a second: long enough for
 * whoever still looks at the driver object. */
void LdrpWaitUntilGone(PLDRP_SLOT Slot, PKEVENT Gone);

/* Enters a mapped image into the table that crash screens read, and takes it out again. FileName:
 * without folders. */
void LdrpPublishModule(PLDR_MODULE Module, const CHAR *FileName, PVOID Base, ULONG Size);
void LdrpRetractModule(PLDR_MODULE Module);

/* Formats into Size bytes, always terminated; answers the bytes the whole text needs. */
SIZE_T NT_VARARGS LdrpFormat(CHAR *Buffer, SIZE_T Size, const CHAR *Format, ...);

/* Maps the image in FileSize bytes at File. FileName is for messages; Reason as for LdrLoadDriver.
 * After a failure nothing is mapped. PASSIVE_LEVEL. */
NTSTATUS LdrpMapImage(const CHAR *FileName, const UCHAR *File, SIZE_T FileSize,
                      PLDRP_MAPPING Mapping, CHAR *Reason, SIZE_T ReasonSize);
void LdrpUnmapImage(const LDRP_MAPPING *Mapping);

#endif
