/*
 * dll.c - export drivers: images that are in memory because others import from them.
 *
 * Such an image has no driver object. It may export DllInitialize, which is called once it is bound
 * and before any importer runs, with the load lock held, and DllUnload, which is called when the
 * last importer has gone. Its DriverEntry is called only when somebody starts it as a service, too;
 * then both need it, and it stays until neither does.
 */
#include <ke.h>
#include <kd.h>
#include <cm.h>
#include "ldrp.h"

#define LDRP_MAXIMUM_DEPTH 8 /* imports of imports: each takes stack */

typedef NTSTATUS NTAPI LDRP_DLL_INITIALIZE(PUNICODE_STRING RegistryPath);
typedef NTSTATUS NTAPI LDRP_DLL_UNLOAD(void);

static ULONG LdrpDepth; /* load lock */

/* Its argument is the key that a service of the same name would have; it need not exist. No part of
 * the caller, which imports of imports have on the stack several times. */
static ARCH_COLD NTSTATUS LdrpCallDllInitialize(PLDRP_SLOT Slot, PLDRP_MESSAGE Message)
{
    LDRP_DLL_INITIALIZE *Initialize =
        (LDRP_DLL_INITIALIZE *)LdrpFindSlotExport(Slot, "DllInitialize");
    const CHAR *FileName = LdrpFileName(Slot->Path);
    WCHAR Buffer[ARRAYSIZE(CM_SERVICES_PATH) + 1 + LDRP_MAXIMUM_FILE_NAME];
    WCHAR Name[LDRP_MAXIMUM_FILE_NAME];
    UNICODE_STRING Path = {0, sizeof(Buffer), Buffer};
    SIZE_T Length = LdrpStemLength(FileName);
    NTSTATUS Status;

    if (Initialize == NULL) {
        return STATUS_SUCCESS;
    }
    for (SIZE_T i = 0; i < Length; i++) {
        Name[i] = (UCHAR)FileName[i];
    }
    Name[Length] = 0;
    RtlAppendUnicodeToString(&Path, CM_SERVICES_PATH L"\\");
    RtlAppendUnicodeToString(&Path, Name);
    Buffer[Path.Length / sizeof(WCHAR)] = 0;
    Status = Initialize(&Path);
    if (NT_SUCCESS(Status)) {
        Slot->Initialized = TRUE;
    } else {
        LdrpSay(Message, "%s: DllInitialize answered %08X", FileName, Status);
    }
    return Status;
}

void LdrpCallDllUnload(PLDRP_SLOT Slot)
{
    LDRP_DLL_UNLOAD *Unload;

    if (Slot->Initialized) {
        Slot->Initialized = FALSE;
        Unload = (LDRP_DLL_UNLOAD *)LdrpFindSlotExport(Slot, "DllUnload");
        if (Unload != NULL) {
            Unload();
        }
    }
}

/* The slot is Loading: makes it Loaded, or gives it back. */
static NTSTATUS LdrpLoadDllInSlot(PLDRP_SLOT Slot, SIZE_T FileSize, PLDRP_MESSAGE Message)
{
    NTSTATUS Status = LdrpMapImage(Slot, FileSize, Message);

    if (!NT_SUCCESS(Status)) {
        LdrpAbandonSlot(Slot);
        return Status;
    }
    LdrpPublishModule(Slot);
    Status = LdrpCallDllInitialize(Slot, Message);
    LdrpFinishLoading(Slot);
    if (!NT_SUCCESS(Status)) {
        LdrpDereferenceSlot(Slot);
    }
    return Status;
}

NTSTATUS LdrpLoadDll(const CHAR *Path, PLDRP_MESSAGE Message, PLDRP_SLOT *Slot)
{
    const UCHAR *File;
    SIZE_T FileSize;
    NTSTATUS Status;

    if (!LdrFindFile(Path, &File, &FileSize)) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (LdrpDepth == LDRP_MAXIMUM_DEPTH) {
        LdrpSay(Message, "%s: imports of imports, more than %u deep", LdrpFileName(Path),
                LDRP_MAXIMUM_DEPTH);
        return STATUS_STACK_OVERFLOW;
    }
    *Slot = LdrpReserveImage(File);
    if (*Slot == NULL) {
        LdrpSay(Message, "%s: too many drivers are loaded", LdrpFileName(Path));
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    LdrpFormat((*Slot)->Path, sizeof((*Slot)->Path), "%s", Path);
    LdrpDepth++;
    Status = LdrpLoadDllInSlot(*Slot, FileSize, Message);
    LdrpDepth--;
    return Status;
}
