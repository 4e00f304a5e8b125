/*
 * image.c - brings a driver's image into memory: check, map, relocate, bind, protect.
 *
 * The image is built while all its pages are writable and none executable; its sections get their
 * own protections at the very end, so no page is ever both. The headers stay mapped, read only:
 * exception handling finds the unwind tables through them.
 */
#include <ke.h>
#include <mm.h>
#include <kd.h>
#include <exporttable.h>
#include "ex.h"
#include "ldrp.h"
#include "pe.h"

/* What the resolver of imports keeps: which are missing. */
typedef struct _LDRP_IMPORTS {
    const CHAR *FileName;
    ULONG Missing;
    CHAR *Reason;
    SIZE_T ReasonSize;
    SIZE_T ReasonUsed;
} LDRP_IMPORTS, *PLDRP_IMPORTS;

/* The build sorted the table as strcmp sorts. */
PVOID LdrFindExport(const char *Name)
{
    ULONG Low = 0, High = LdrExportCount;

    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        int Order = strcmp(Name, LdrExportTable[Middle].Name);

        if (Order == 0) {
            return LdrExportTable[Middle].Address;
        }
        if (Order < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return NULL;
}

/* Adds to the text for people, which ends in dots when it has become too long. */
static void LdrpAppendReason(PLDRP_IMPORTS Imports, const CHAR *Format, const CHAR *Text)
{
    CHAR *End = Imports->Reason + Imports->ReasonUsed;
    SIZE_T Left = Imports->ReasonSize - Imports->ReasonUsed;

    if (LdrpFormat(End, Left, Format, Text) < Left) {
        Imports->ReasonUsed += strlen(End);
    } else {
        LdrpFormat(Imports->Reason + Imports->ReasonSize - sizeof(" ..."), sizeof(" ..."), " ...");
    }
}

/* Every missing import is named on the debug port; the text gets as many as it holds. */
static void LdrpNoteMissing(PLDRP_IMPORTS Imports, const CHAR *Module, const CHAR *Name)
{
    KdPrintf("ldr: %s: import %s!%s is missing\n", Imports->FileName, Module, Name);
    if (Imports->Missing++ == 0) {
        LdrpAppendReason(Imports, "%s: missing imports:", Imports->FileName);
    }
    LdrpAppendReason(Imports, " %s", Name);
}

/* Import libraries differ in the case they write these in. No other module exists, so a driver that
 * imports from one, as WdfLdr.sys, is told so by the import's name. */
static BOOLEAN LdrpIsKernelModule(const CHAR *Module)
{
    return _stricmp(Module, "ntoskrnl.exe") == 0 || _stricmp(Module, "hal.dll") == 0;
}

/* PE_RESOLVE. Windows moved routines between the two modules over time, so a name is looked for in
 * both. */
static PVOID LdrpResolveImport(const CHAR *Module, const CHAR *Name, PVOID Context)
{
    PVOID Address = LdrpIsKernelModule(Module) ? LdrFindExport(Name) : NULL;

    if (Address == NULL) {
        LdrpNoteMissing(Context, Module, Name);
    }
    return Address;
}

/* Everything that is done to the bytes of the image before it gets its protections. */
static PE_REASON LdrpBuildImage(const PE_IMAGE *Image, PVOID Base, PLDRP_IMPORTS Imports)
{
    ULONG64 Address = (ULONG64)(ULONG_PTR)Base;
    /* The factor is 2^64 over the golden ratio: it spreads the counter's low bits, which differ
     * from boot to boot, over the whole word. Nobody attacks this machine; the cookie need only
     * differ from what stacks hold by chance. */
    ULONG64 Random = __rdtsc() * 0x9E3779B97F4A7C15ULL ^ Address >> 12;
    PE_REASON Reason;

    PeCopySections(Image, Base);
    Reason = PeRelocate(Image, Base, Address);
    if (Reason == PeOk) {
        Reason = PeBindImports(Image, Base, LdrpResolveImport, Imports);
    }
    if (Reason == PeOk) {
        Reason = PeInitializeCookie(Image, Base, Address, Random >> 8);
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
    }
}

/* The statuses that Windows' loader has for the same. */
static NTSTATUS LdrpStatusOfReason(PE_REASON Reason)
{
    switch (Reason) {
    case PeOk:
        return STATUS_SUCCESS;
    case PeImportMissing:
        return STATUS_DRIVER_ENTRYPOINT_NOT_FOUND;
    case PeImportOrdinal:
        return STATUS_DRIVER_ORDINAL_NOT_FOUND;
    default:
        return STATUS_INVALID_IMAGE_FORMAT;
    }
}

NTSTATUS LdrpMapImage(const CHAR *FileName, const UCHAR *File, SIZE_T FileSize,
                      PLDRP_MAPPING Mapping, CHAR *Reason, SIZE_T ReasonSize)
{
    LDRP_IMPORTS Imports = {.FileName = FileName, .Reason = Reason, .ReasonSize = ReasonSize};
    PE_IMAGE Image;
    PUCHAR Base = NULL;
    PE_REASON Result = PeCheckImage(File, FileSize, &Image);

    if (Result == PeOk) {
        Base = MmAllocateImage(Image.ImageSize / PE_PAGE_SIZE);
        if (Base == NULL) {
            LdrpFormat(Reason, ReasonSize, "%s: no memory for %u KB", FileName,
                       Image.ImageSize / 1024);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Result = LdrpBuildImage(&Image, Base, &Imports);
    }
    if (Result != PeOk) {
        if (Result != PeImportMissing) { /* whose text the resolver has made */
            LdrpFormat(Reason, ReasonSize, "%s: %s", FileName, PeReasonText(Result));
        }
        if (Base != NULL) {
            MmFreeImage(Base, Image.ImageSize / PE_PAGE_SIZE);
        }
        return LdrpStatusOfReason(Result);
    }
    LdrpProtectImage(&Image, Base);
    *Mapping = (LDRP_MAPPING){Base, Image.ImageSize, Base + Image.EntryPoint};
    return STATUS_SUCCESS;
}

void LdrpUnmapImage(const LDRP_MAPPING *Mapping)
{
    ExForgetModulePool(Mapping->Base, Mapping->Size);
    MmFreeImage(Mapping->Base, Mapping->Size / PE_PAGE_SIZE);
}
