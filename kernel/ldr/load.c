/*
 * load.c - services to running drivers and back.
 *
 * A load holds the load lock while images come into memory, DllInitialize of what they import
 * included, and no lock while DriverEntry or DriverUnload runs, so these may wait for anything,
 * loading other drivers included. DllInitialize may load drivers, too, but may not wait for threads
 * that do. A second request for the same service or image is answered at once: already loaded, or
 * busy.
 */
#include <cm.h>
#include <io.h>
#include <kd.h>
#include "ldrp.h"

/* What the registry says about a service. */
typedef struct _LDRP_SERVICE {
    UNICODE_STRING KeyPath;
    WCHAR KeyPathBuffer[LDRP_MAXIMUM_PATH];
    WCHAR Name[LDRP_MAXIMUM_SERVICE_NAME];
    CHAR ImagePath[LDRP_MAXIMUM_PATH];
} LDRP_SERVICE, *PLDRP_SERVICE;

/* FALSE when the value is missing or no number. */
static BOOLEAN LdrpQueryNumber(PCM_KEY Key, PCWSTR Name, ULONG *Number)
{
    ULONG Type, Size = sizeof(*Number);

    return NT_SUCCESS(CmQueryValue(Key, Name, &Type, Number, &Size)) && Type == REG_DWORD &&
           Size == sizeof(*Number);
}

/* Narrows Wide, which ends at a zero or after Count characters; what is not ASCII becomes a
 * question mark, which no file of the boot disk has in its name. FALSE when it does not fit. */
static BOOLEAN LdrpNarrow(const WCHAR *Wide, ULONG Count, CHAR *Narrow, ULONG Size)
{
    for (ULONG i = 0; i < Size; i++) {
        WCHAR Character = i < Count ? Wide[i] : 0;

        Narrow[i] = Character < 0x80 ? (CHAR)Character : '?';
        if (Character == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ImagePath, or what Windows takes when there is none: the service's name among the drivers. */
static NTSTATUS LdrpQueryImagePath(PCM_KEY Key, PLDRP_SERVICE Service)
{
    WCHAR Path[LDRP_MAXIMUM_PATH];
    CHAR Name[LDRP_MAXIMUM_SERVICE_NAME];
    ULONG Type, Size = sizeof(Path);
    NTSTATUS Status = CmQueryValue(Key, L"ImagePath", &Type, Path, &Size);
    BOOLEAN Fits;

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        Fits = LdrpNarrow(Service->Name, ARRAYSIZE(Service->Name), Name, sizeof(Name));
        LdrpFormat(Service->ImagePath, sizeof(Service->ImagePath), "c:\\drivers\\%s.sys", Name);
    } else if (NT_SUCCESS(Status) && (Type == REG_SZ || Type == REG_EXPAND_SZ)) {
        Fits =
            LdrpNarrow(Path, Size / sizeof(WCHAR), Service->ImagePath, sizeof(Service->ImagePath));
    } else {
        return NT_SUCCESS(Status) ? STATUS_OBJECT_NAME_INVALID : Status;
    }
    return Fits ? STATUS_SUCCESS : STATUS_NAME_TOO_LONG;
}

/* Opens the service's key and notes names and path, which live as long as Service. */
static NTSTATUS LdrpOpenService(PUNICODE_STRING Name, PLDRP_SERVICE Service, PCM_KEY *Key)
{
    if (Name->Length == 0 || Name->Length >= sizeof(Service->Name)) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    RtlZeroMemory(Service->Name, sizeof(Service->Name));
    RtlCopyMemory(Service->Name, Name->Buffer, Name->Length);
    Service->KeyPath = (UNICODE_STRING){.MaximumLength = sizeof(Service->KeyPathBuffer),
                                        .Buffer = Service->KeyPathBuffer};
    RtlAppendUnicodeToString(&Service->KeyPath, CM_SERVICES_PATH L"\\");
    RtlAppendUnicodeToString(&Service->KeyPath, Service->Name);
    return CmOpenKey(&Service->KeyPath, FALSE, Key);
}

/* Reads all that a load needs out of the registry, so that no key stays open while code runs. */
static NTSTATUS LdrpQueryService(PUNICODE_STRING Name, PLDRP_SERVICE Service)
{
    PCM_KEY Key;
    ULONG Type;
    NTSTATUS Status = LdrpOpenService(Name, Service, &Key);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (LdrpQueryNumber(Key, L"Type", &Type) && Type != SERVICE_KERNEL_DRIVER &&
        Type != SERVICE_FILE_SYSTEM_DRIVER) {
        Status = STATUS_NOT_SUPPORTED;
    } else {
        Status = LdrpQueryImagePath(Key, Service);
    }
    CmCloseKey(Key);
    return Status;
}

/* IO_DRIVER_GONE: nothing of this driver runs in the image any more. */
static void LdrpDriverGone(PVOID DriverSection)
{
    LdrpReleaseDriver(CONTAINING_RECORD(DriverSection, LDRP_SLOT, Entry));
}

/* Load lock held: the image of a slot that was reserved for the service is in memory. After a
 * failure the slot is not ours any more. */
static NTSTATUS LdrpPrepareSlot(PLDRP_SLOT Slot, PLDRP_SERVICE Service, SIZE_T FileSize,
                                PLDRP_MESSAGE Message)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Slot->State == LdrpLoading) {
        LdrpFormat(Slot->Path, sizeof(Slot->Path), "%s", Service->ImagePath);
        Status = LdrpMapImage(Slot, FileSize, Message);
        if (!NT_SUCCESS(Status)) {
            LdrpAbandonSlot(Slot);
            return Status;
        }
        /* From here on a crash in DriverEntry shows the driver's symbols. */
        LdrpPublishModule(Slot);
        LdrpFinishLoading(Slot);
    }
    if (Slot->Mapping.EntryPoint == NULL) {
        LdrpSay(Message, "%s: %s", LdrpFileName(Slot->Path), PeReasonText(PeEntryPoint));
        LdrpReleaseDriver(Slot);
        Status = STATUS_INVALID_IMAGE_FORMAT;
    }
    return Status;
}

/* Hands the image, in memory, over to a driver object, whose end calls LdrpDriverGone. */
static NTSTATUS LdrpStartDriver(PLDRP_SLOT Slot, PLDRP_SERVICE Service, PLDRP_MESSAGE Message)
{
    PDRIVER_OBJECT DriverObject;
    UNICODE_STRING Name;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, Service->Name);
    Status = IopLoadDriverObject(&Name, &Service->KeyPath, Slot->Mapping.Base, Slot->Mapping.Size,
                                 (PDRIVER_INITIALIZE)Slot->Mapping.EntryPoint, &Slot->Entry,
                                 LdrpDriverGone, &DriverObject);
    if (NT_SUCCESS(Status)) {
        LdrpDiscardInitialization(Slot);
        LdrpSetRunning(Slot, DriverObject);
    } else {
        LdrpSay(Message, "%s: the driver did not start: status %08X",
                LdrpFileName(Service->ImagePath), Status);
    }
    return Status;
}

static void LdrpSayReserved(PLDRP_MESSAGE Message, PLDRP_SERVICE Service, NTSTATUS Status)
{
    LdrpSay(Message,
            Status == STATUS_IMAGE_ALREADY_LOADED ? "%s: loaded already"
                                                  : "%s: too many drivers are loaded",
            LdrpFileName(Service->ImagePath));
}

/* Brings the image into memory, for the service. */
static NTSTATUS LdrpTryPrepare(PLDRP_SERVICE Service, const UCHAR *File, SIZE_T FileSize,
                               PLDRP_MESSAGE Message, PLDRP_SLOT *Slot)
{
    NTSTATUS Status;

    LdrpLockLoads();
    Status = LdrpReserveService(Service->Name, File, Slot);
    if (NT_SUCCESS(Status)) {
        Status = LdrpPrepareSlot(*Slot, Service, FileSize, Message);
    } else if (Status != STATUS_DEVICE_BUSY) {
        LdrpSayReserved(Message, Service, Status);
    }
    LdrpUnlockLoads();
    return Status;
}

/* A driver that nobody can find any more may still be on its way out, in a worker thread: that is
 * waited for, up to ten seconds. One that stays because it is open counts as loaded. */
static NTSTATUS LdrpPrepareImage(PLDRP_SERVICE Service, const UCHAR *File, SIZE_T FileSize,
                                 PLDRP_MESSAGE Message, PLDRP_SLOT *Slot)
{
    LARGE_INTEGER Interval = {.QuadPart = -50000}; /* 5 ms */
    NTSTATUS Status = LdrpTryPrepare(Service, File, FileSize, Message, Slot);

    for (ULONG Tries = 0; Status == STATUS_DEVICE_BUSY && Tries < LDRP_RETRIES; Tries++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
        Status = LdrpTryPrepare(Service, File, FileSize, Message, Slot);
    }
    if (Status == STATUS_DEVICE_BUSY) {
        Status = STATUS_IMAGE_ALREADY_LOADED;
        LdrpSayReserved(Message, Service, Status);
    }
    return Status;
}

NTSTATUS LdrpLoadDriver(PUNICODE_STRING ServiceName, PLDRP_MESSAGE Message)
{
    LDRP_SERVICE Service;
    const UCHAR *File;
    SIZE_T FileSize;
    PLDRP_SLOT Slot;
    NTSTATUS Status;

    PAGED_CODE();
    Status = LdrpQueryService(ServiceName, &Service);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!LdrFindFile(Service.ImagePath, &File, &FileSize)) {
        LdrpSay(Message, "%s: no such file", Service.ImagePath);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Status = LdrpPrepareImage(&Service, File, FileSize, Message, &Slot);
    if (NT_SUCCESS(Status)) {
        Status = LdrpStartDriver(Slot, &Service, Message);
    }
    return Status;
}

NTSTATUS LdrpUnloadDriver(PUNICODE_STRING ServiceName)
{
    PDRIVER_OBJECT DriverObject;
    PLDRP_SLOT Slot;
    KEVENT Gone;
    NTSTATUS Status;

    PAGED_CODE();
    Status = LdrpClaimDriver(ServiceName, &Gone, &Slot);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject = Slot->DriverObject;
    Status = IopUnloadDriverObject(DriverObject);
    if (!NT_SUCCESS(Status) && !IopIsUnloadPending(DriverObject)) {
        LdrpDisclaimDriver(Slot, LdrpRunning);
        return Status;
    }
    /* The driver stays Stopping until its object has gone, which ends in LdrpDriverGone. When the
     * last close is to unload, that may take for ever. */
    if (!NT_SUCCESS(Status)) {
        LdrpDisclaimDriver(Slot, LdrpStopping);
        ObDereferenceObject(DriverObject);
        return STATUS_PENDING;
    }
    ObDereferenceObject(DriverObject);
    LdrpWaitUntilGone(Slot, &Gone);
    return STATUS_SUCCESS;
}
