/*
 * import.c - binds an image's imports to the kernel's exports and to those of other drivers.
 *
 * What a driver imports from another is loaded when it is not in memory yet, and stays as long as
 * the importer does. An export may be a forward to a third module, which then belongs to the
 * importer's imports, too; forwards may be chained. Whatever is missing is named, all of it, with
 * the driver, the module and the symbol, and why.
 */
#include <ke.h>
#include <kd.h>
#include <exporttable.h>
#include <ob.h>
#include "ldrp.h"

#define LDRP_MAXIMUM_FORWARDS 16 /* links of a chain; more go round in a circle */
#define LDRP_SYMBOL_TEXT 48      /* of a name in messages */

/* A binding in progress. */
typedef struct _LDRP_BINDING {
    PLDRP_SLOT Slot; /* whose imports */
    PLDRP_MESSAGE Message;
    ULONG Missing;
    NTSTATUS Status;                     /* of the first that is missing */
    CHAR Failed[LDRP_MAXIMUM_FILE_NAME]; /* the module that could not be loaded last, ... */
    NTSTATUS FailedStatus;               /* ... and why: it is not tried for each symbol */
    CHAR Why[160];                       /* the current symbol is missing */
} LDRP_BINDING, *PLDRP_BINDING;

/* The build sorted the table as strcmp sorts. */
PVOID LdrFindExport(const CHAR *Name)
{
    ULONG Low = 0, High = LdrExportCount;

    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        int Order = strcmp(Name, LdrExportTable[Middle].Name);

        if (Order == 0) {
            return ObDriverRoutine(LdrExportTable[Middle].Address);
        }
        if (Order < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return NULL;
}

/* Import libraries differ in the case they write these in; forwards leave the extension out. */
static BOOLEAN LdrpIsKernelModule(const CHAR *Module, BOOLEAN Stem)
{
    return _stricmp(Module, Stem ? "ntoskrnl" : "ntoskrnl.exe") == 0 ||
           _stricmp(Module, Stem ? "hal" : "hal.dll") == 0;
}

/* "Name" or "#7". */
static const CHAR *LdrpSymbolText(const PE_SYMBOL *Symbol, CHAR *Text)
{
    if (Symbol->Name != NULL) {
        LdrpFormat(Text, LDRP_SYMBOL_TEXT, "%s", Symbol->Name);
    } else {
        LdrpFormat(Text, LDRP_SYMBOL_TEXT, "#%u", Symbol->Ordinal);
    }
    return Text;
}

/* Every missing import is named on the debug port; the text gets as many as it holds. */
static void LdrpNoteMissing(PLDRP_BINDING Binding, const CHAR *Module, const PE_SYMBOL *Symbol)
{
    const CHAR *FileName = LdrpFileName(Binding->Slot->Path);
    CHAR Text[LDRP_SYMBOL_TEXT];

    LdrpSymbolText(Symbol, Text);
    KdPrintf("ldr: %s: import %s!%s is missing%s%s\n", FileName, Module, Text,
             Binding->Why[0] != 0 ? ": " : "", Binding->Why);
    if (Binding->Missing++ == 0) {
        LdrpSay(Binding->Message, "%s%s: missing imports:", Binding->Message->Used != 0 ? "; " : "",
                FileName);
    }
    LdrpSay(Binding->Message, " %.40s!%s", Module, Text);
    if (Binding->Why[0] != 0) {
        LdrpSay(Binding->Message, " (%s)", Binding->Why);
    }
}

/* TRUE when Slot is called Name and imported already. */
static BOOLEAN LdrpFindImport(PLDRP_SLOT Importer, const CHAR *Name, BOOLEAN Stem, PLDRP_SLOT *Slot)
{
    SIZE_T Length = strlen(Name);

    for (ULONG i = 0; i < Importer->ImportCount; i++) {
        const CHAR *Own = LdrpFileName(Importer->Imports[i]->Path);

        if (_strnicmp(Own, Name, Length) == 0 &&
            (Stem ? LdrpStemLength(Own) == Length : Own[Length] == 0)) {
            *Slot = Importer->Imports[i];
            return TRUE;
        }
    }
    return FALSE;
}

/* Load the file Name of a folder; Folder ends in a slash. */
static NTSTATUS LdrpLoadFrom(PLDRP_BINDING Binding, const CHAR *Folder, SIZE_T FolderLength,
                             const CHAR *Name, const CHAR *Extension, PLDRP_SLOT *Slot)
{
    CHAR Path[LDRP_MAXIMUM_PATH];

    if (LdrpFormat(Path, sizeof(Path), "%.*s%s%s", (int)FolderLength, Folder, Name, Extension) >=
        sizeof(Path)) {
        return STATUS_NAME_TOO_LONG;
    }
    return LdrpLoadDll(Path, Binding->Message, Slot);
}

/* As on Windows: the importer's folder, then that of the drivers. */
static NTSTATUS LdrpLoadModule(PLDRP_BINDING Binding, const CHAR *Name, BOOLEAN Stem,
                               PLDRP_SLOT *Slot)
{
    static const CHAR *const Extensions[] = {".sys", ".dll"};
    const CHAR *Own = Binding->Slot->Path;
    SIZE_T OwnLength = (SIZE_T)(LdrpFileName(Own) - Own);
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    for (ULONG i = 0; i < (Stem ? ARRAYSIZE(Extensions) : 1); i++) {
        const CHAR *Extension = Stem ? Extensions[i] : "";

        Status = LdrpLoadFrom(Binding, Own, OwnLength, Name, Extension, Slot);
        if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
            Status = LdrpLoadFrom(Binding, LDRP_DRIVERS, sizeof(LDRP_DRIVERS) - 1, Name, Extension,
                                  Slot);
        }
        if (Status != STATUS_OBJECT_NAME_NOT_FOUND) {
            break;
        }
    }
    return Status;
}

/* Why the module could not be had, for the text about its symbols. */
static void LdrpExplainModule(PLDRP_BINDING Binding, const CHAR *Name, NTSTATUS Status)
{
    SIZE_T Size = sizeof(Binding->Why);

    switch (Status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
        LdrpFormat(Binding->Why, Size, "there is no file %.40s", Name);
        break;
    case STATUS_DRIVER_UNABLE_TO_LOAD:
        LdrpFormat(Binding->Why, Size, "%.40s is just being loaded: it imports from here", Name);
        break;
    case STATUS_TOO_MANY_LINKS:
        LdrpFormat(Binding->Why, Size, "it imports from more than %u drivers",
                   LDRP_MAXIMUM_IMPORTS);
        break;
    default:
        LdrpFormat(Binding->Why, Size, "%.40s cannot be loaded: status %08X", Name, Status);
        break;
    }
}

/* No folders: a driver imports from where drivers are. */
static BOOLEAN LdrpIsModuleName(const CHAR *Name)
{
    SIZE_T Length = strlen(Name);

    return Length != 0 && Length < LDRP_MAXIMUM_FILE_NAME && strchr(Name, '\\') == NULL &&
           strchr(Name, '/') == NULL && strchr(Name, ':') == NULL;
}

/* The module a symbol is imported from, which becomes one of the importer's. */
static BOOLEAN LdrpOpenModule(PLDRP_BINDING Binding, const CHAR *Name, BOOLEAN Stem,
                              PLDRP_SLOT *Slot)
{
    PLDRP_SLOT Importer = Binding->Slot;
    NTSTATUS Status;

    if (LdrpFindImport(Importer, Name, Stem, Slot)) {
        return TRUE;
    }
    if (!LdrpIsModuleName(Name)) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (_stricmp(Name, Binding->Failed) == 0) {
        Status = Binding->FailedStatus;
    } else if (Importer->ImportCount == LDRP_MAXIMUM_IMPORTS) {
        Status = STATUS_TOO_MANY_LINKS;
    } else {
        Status = LdrpReferenceByName(Name, Stem, Slot);
        if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
            Status = LdrpLoadModule(Binding, Name, Stem, Slot);
        }
        if (NT_SUCCESS(Status)) {
            Importer->Imports[Importer->ImportCount++] = *Slot;
            return TRUE;
        }
        LdrpFormat(Binding->Failed, sizeof(Binding->Failed), "%s", Name);
        Binding->FailedStatus = Status;
    }
    LdrpExplainModule(Binding, Name, Status);
    if (NT_SUCCESS(Binding->Status)) {
        Binding->Status = Status;
    }
    return FALSE;
}

/* Follows Symbol from module to module until it is code or data. */
static PVOID LdrpFollowExport(PLDRP_BINDING Binding, PLDRP_SLOT Slot, PE_SYMBOL Symbol)
{
    CHAR Module[LDRP_MAXIMUM_FILE_NAME], Text[LDRP_SYMBOL_TEXT];
    PE_EXPORT Export;
    ULONG Links = 0;

    for (;;) {
        if (PeFindExport(&Slot->Image, Slot->Mapping.Base, &Symbol, &Export) != PeOk) {
            LdrpFormat(Binding->Why, sizeof(Binding->Why), "%s does not export %s",
                       LdrpFileName(Slot->Path), LdrpSymbolText(&Symbol, Text));
            return NULL;
        }
        if (Export.Forward == NULL) {
            return Slot->Mapping.Base + Export.Rva;
        }
        if (++Links > LDRP_MAXIMUM_FORWARDS) {
            LdrpFormat(Binding->Why, sizeof(Binding->Why),
                       "forwarded in a circle: %s forwards it to %.60s", LdrpFileName(Slot->Path),
                       Export.Forward);
            return NULL;
        }
        if (!PeSplitForward(Export.Forward, Module, sizeof(Module), &Symbol)) {
            LdrpFormat(Binding->Why, sizeof(Binding->Why), "%s forwards it to \"%.60s\"",
                       LdrpFileName(Slot->Path), Export.Forward);
            return NULL;
        }
        if (LdrpIsKernelModule(Module, TRUE)) {
            PVOID Address = Symbol.Name != NULL ? LdrFindExport(Symbol.Name) : NULL;

            if (Address == NULL) {
                LdrpFormat(Binding->Why, sizeof(Binding->Why), "%s forwards it to %.60s",
                           LdrpFileName(Slot->Path), Export.Forward);
            }
            return Address;
        }
        if (!LdrpOpenModule(Binding, Module, TRUE, &Slot)) {
            return NULL;
        }
    }
}

/* PE_RESOLVE. Windows moved routines between the kernel and the HAL over time, so a name is looked
 * for in both. Neither has ordinals that anybody could rely on. */
static PVOID LdrpResolveImport(const CHAR *Module, const PE_SYMBOL *Symbol, PVOID Context)
{
    PLDRP_BINDING Binding = Context;
    PVOID Address = NULL;
    PLDRP_SLOT Slot;

    Binding->Why[0] = 0;
    if (LdrpIsKernelModule(Module, FALSE)) {
        Address = Symbol->Name != NULL ? LdrFindExport(Symbol->Name) : NULL;
    } else if (LdrpOpenModule(Binding, Module, FALSE, &Slot)) {
        Address = LdrpFollowExport(Binding, Slot, *Symbol);
    }
    if (Address == NULL) {
        LdrpNoteMissing(Binding, Module, Symbol);
        if (NT_SUCCESS(Binding->Status)) {
            Binding->Status = Symbol->Name != NULL ? STATUS_DRIVER_ENTRYPOINT_NOT_FOUND
                                                   : STATUS_DRIVER_ORDINAL_NOT_FOUND;
        }
    }
    return Address;
}

PE_REASON LdrpBindImports(PLDRP_SLOT Slot, PLDRP_MESSAGE Message, NTSTATUS *Status)
{
    LDRP_BINDING Binding = {.Slot = Slot, .Message = Message, .Status = STATUS_SUCCESS};
    PE_REASON Reason = PeBindImports(&Slot->Image, Slot->Mapping.Base, LdrpResolveImport, &Binding);

    *Status = Reason == PeImportMissing ? Binding.Status : STATUS_INVALID_IMAGE_FORMAT;
    return Reason;
}

PVOID LdrpFindSlotExport(PLDRP_SLOT Slot, const CHAR *Name)
{
    PE_SYMBOL Symbol = {.Name = Name};
    PE_EXPORT Export;

    if (PeFindExport(&Slot->Image, Slot->Mapping.Base, &Symbol, &Export) != PeOk ||
        Export.Forward != NULL) {
        return NULL;
    }
    return Slot->Mapping.Base + Export.Rva;
}
