/*
 * image.c - brings a driver's image into memory: check, map, relocate, bind, protect.
 *
 * The image is built while all its pages are writable and none executable; its sections get their
 * own protections at the very end, so no page is ever both. The headers stay mapped, read only:
 * exception handling finds the unwind tables through them.
 */
#include <ex.h>
#include <ke.h>
#include <mm.h>
#include <kd.h>
#include "ldrp.h"

/* DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, second parameter: a lookaside list that
 * was not deleted; the first is the list, the others are the image. */
#define LDRP_LOOKASIDE_LIST 0x10

/* Everything that is done to the bytes of the image before it gets its protections. */
static PE_REASON LdrpBuildImage(PLDRP_SLOT Slot, PLDRP_MESSAGE Message, NTSTATUS *Status)
{
    const PE_IMAGE *Image = &Slot->Image;
    PUCHAR Base = Slot->Mapping.Base;
    ULONG64 Address = (ULONG64)(ULONG_PTR)Base;
    /* The factor is 2^64 over the golden ratio: it spreads the counter's low bits, which differ
     * from boot to boot, over the whole word. Nobody attacks this machine; the cookie need only
     * differ from what stacks hold by chance. */
    ULONG64 Random = __rdtsc() * 0x9E3779B97F4A7C15ULL ^ Address >> 12;
    PE_REASON Reason;

    *Status = STATUS_INVALID_IMAGE_FORMAT;
    PeCopySections(Image, Base);
    Reason = PeRelocate(Image, Base, Address);
    if (Reason == PeOk) {
        Reason = PeInitializeCookie(Image, Base, Address, Random >> 8);
    }
    if (Reason == PeOk) {
        Reason = PeInitializeGuard(Image, Base, Address, (ULONG64)(ULONG_PTR)LdrpGuardCheck,
                                   (ULONG64)(ULONG_PTR)LdrpGuardDispatch);
    }
    /* Last, because it may load other drivers, which would be for nothing. */
    if (Reason == PeOk) {
        Reason = LdrpBindImports(Slot, Message, Status);
    }
    return Reason;
}

/* From the first byte to the last: every page gets the protection of what it holds. Writable wins
 * over executable, but PeCheckImage has refused sections that are both. */
static void LdrpProtectImage(const PE_IMAGE *Image, PUCHAR Base)
{
    MmProtectImage(Base, Image->HeadersEnd / PE_PAGE_SIZE, MM_READONLY);
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;
        ULONG Protection;

        PeQuerySection(Image, i, &Section);
        Protection = Section.Executable ? MM_EXECUTE : MM_READONLY;
        Protection = Section.Writable ? MM_READWRITE : Protection;
        MmProtectImage(Base + Section.Rva, Section.Pages, Protection);
        if (strncmp(Section.Name, "PAGE", 4) == 0) {
            MmRegisterPageableSection(Base + Section.Rva, Section.Pages);
        }
    }
}

NTSTATUS LdrpMapImage(PLDRP_SLOT Slot, SIZE_T FileSize, PLDRP_MESSAGE Message)
{
    const CHAR *FileName = LdrpFileName(Slot->Path);
    PE_IMAGE *Image = &Slot->Image;
    NTSTATUS Status = STATUS_INVALID_IMAGE_FORMAT;
    PE_REASON Result = PeCheckImage(Slot->File, FileSize, Image);
    PUCHAR Base = NULL;

    if (Result == PeOk) {
        Base = MmAllocateImage(Image->ImageSize / PE_PAGE_SIZE);
        if (Base == NULL) {
            LdrpSay(Message, "%s: no memory for %u KB", FileName, Image->ImageSize / 1024);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Slot->Mapping = (LDRP_MAPPING){Base, Image->ImageSize,
                                       Image->EntryPoint != 0 ? Base + Image->EntryPoint : NULL};
        Result = LdrpBuildImage(Slot, Message, &Status);
    }
    if (Result == PeOk) {
        LdrpProtectImage(Image, Base);
        return STATUS_SUCCESS;
    }
    if (Result != PeImportMissing) { /* whose text the resolver has made */
        LdrpSay(Message, "%s: %s", FileName, PeReasonText(Result));
    }
    if (Base != NULL) {
        LdrpUnmapImage(&Slot->Mapping);
    }
    return Status;
}

/* A list that is gone would be written to once a second. */
void LdrpCheckLookasideLists(PLDRP_SLOT Slot)
{
    const LDRP_MAPPING *Mapping = &Slot->Mapping;
    PVOID List = ExFindLookasideList(Mapping->Base, Mapping->Size);

    if (List != NULL) {
        KeBugCheckEx(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, (ULONG_PTR)List,
                     LDRP_LOOKASIDE_LIST, (ULONG_PTR)Mapping->Base, Mapping->Size);
    }
}

void LdrpUnmapImage(const LDRP_MAPPING *Mapping)
{
    ExForgetModulePool(Mapping->Base, Mapping->Size);
    MmFreeImage(Mapping->Base, Mapping->Size / PE_PAGE_SIZE);
}

/* TRUE when the directory has bytes in the section. */
static BOOLEAN LdrpOverlaps(const IMAGE_DATA_DIRECTORY *Directory, const PE_SECTION *Section)
{
    return Directory->Size != 0 && Directory->VirtualAddress < Section->Rva + Section->Size &&
           Section->Rva < Directory->VirtualAddress + Directory->Size;
}

/* The unwind tables are wanted as long as the code is, whatever section they are in. Nor is
 * anything taken away from who exports: its DriverEntry may be called once more, while importers
 * keep it. */
void LdrpDiscardInitialization(PLDRP_SLOT Slot)
{
    const PE_IMAGE *Image = &Slot->Image;

    if (Slot->Discarded || Image->Directories[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress != 0) {
        return;
    }
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;

        PeQuerySection(Image, i, &Section);
        if (Section.Discardable &&
            !LdrpOverlaps(&Image->Directories[IMAGE_DIRECTORY_ENTRY_EXCEPTION], &Section)) {
            MmDiscardImagePages(Slot->Mapping.Base + Section.Rva, Section.Pages);
        }
    }
    Slot->Discarded = TRUE;
}
