/*
 * peexport.c - looking symbols up in the export table of a mapped image.
 *
 * The table has an array of functions by ordinal and a sorted array of names with the index of the
 * function of each. It is the driver's own memory, so nothing of it is trusted even after the image
 * was checked: every value is read by a bounds-checked copy, and the searches end for any contents.
 */
#include "pe.h"
#include <nt/crt.h>

#define PE_MAXIMUM_ORDINAL 0xFFFF

/* As in pemap.c; FALSE: not within the image. */
static BOOLEAN PeReadTable(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG64 Rva, PVOID Value,
                           ULONG Size)
{
    if (Rva > Image->ImageSize || Size > Image->ImageSize - Rva) {
        return FALSE;
    }
    memcpy(Value, Mapped + Rva, Size);
    return TRUE;
}

/* strcmp of Name with the text at Rva, which ends at the image's end at the latest. */
static int PeCompareName(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG64 Rva, const CHAR *Name)
{
    for (;; Name++, Rva++) {
        UCHAR Own = Rva < Image->ImageSize ? Mapped[Rva] : 0;

        if ((UCHAR)*Name != Own || Own == 0) {
            return (int)(UCHAR)*Name - (int)Own;
        }
    }
}

/* The index of the function called Name. Names are sorted as strcmp sorts: linkers see to it. */
static PE_REASON PeFindName(const PE_IMAGE *Image, const UCHAR *Mapped,
                            const IMAGE_EXPORT_DIRECTORY *Directory, const CHAR *Name, ULONG *Index)
{
    ULONG64 Low = 0, High = Directory->NumberOfNames;

    while (Low < High) {
        ULONG64 Middle = Low + (High - Low) / 2;
        USHORT Ordinal;
        ULONG Rva;
        int Order;

        if (!PeReadTable(Image, Mapped, Directory->AddressOfNames + Middle * sizeof(Rva), &Rva,
                         sizeof(Rva))) {
            return PeExportRange;
        }
        Order = PeCompareName(Image, Mapped, Rva, Name);
        if (Order == 0) {
            Rva = Directory->AddressOfNameOrdinals;
            if (!PeReadTable(Image, Mapped, Rva + Middle * sizeof(Ordinal), &Ordinal,
                             sizeof(Ordinal))) {
                return PeExportRange;
            }
            *Index = Ordinal;
            return PeOk;
        }
        Low = Order > 0 ? Middle + 1 : Low;
        High = Order < 0 ? Middle : High;
    }
    return PeExportMissing;
}

/* TRUE when the text at Rva ends within the image. */
static BOOLEAN PeEndsWithin(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG Rva)
{
    while (Rva < Image->ImageSize && Mapped[Rva] != 0) {
        Rva++;
    }
    return Rva < Image->ImageSize;
}

/* What stands for function Index; a zero is a gap between ordinals. */
static PE_REASON PeReadFunction(const PE_IMAGE *Image, const UCHAR *Mapped,
                                const IMAGE_EXPORT_DIRECTORY *Table, ULONG Index, PPE_EXPORT Export)
{
    const IMAGE_DATA_DIRECTORY *Directory = &Image->Directories[IMAGE_DIRECTORY_ENTRY_EXPORT];
    ULONG64 At = Table->AddressOfFunctions + (ULONG64)Index * sizeof(ULONG);
    ULONG Rva;

    if (Index >= Table->NumberOfFunctions) {
        return PeExportMissing;
    }
    if (!PeReadTable(Image, Mapped, At, &Rva, sizeof(Rva)) || Rva >= Image->ImageSize) {
        return PeExportRange;
    }
    if (Rva == 0) {
        return PeExportMissing;
    }
    *Export = (PE_EXPORT){.Rva = Rva};
    if (Rva >= Directory->VirtualAddress && Rva - Directory->VirtualAddress < Directory->Size) {
        if (!PeEndsWithin(Image, Mapped, Rva)) {
            return PeExportRange;
        }
        Export->Forward = (const CHAR *)Mapped + Rva;
    }
    return PeOk;
}

PE_REASON PeFindExport(const PE_IMAGE *Image, const UCHAR *Mapped, const PE_SYMBOL *Symbol,
                       PPE_EXPORT Export)
{
    ULONG64 Rva = Image->Directories[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress;
    IMAGE_EXPORT_DIRECTORY Table;
    PE_REASON Reason;
    ULONG Index;

    if (Rva == 0) {
        return PeExportMissing;
    }
    if (!PeReadTable(Image, Mapped, Rva, &Table, sizeof(Table))) {
        return PeExportRange;
    }
    if (Symbol->Name == NULL) {
        /* Below the base the difference wraps, and is above any number of functions. */
        return PeReadFunction(Image, Mapped, &Table, Symbol->Ordinal - Table.Base, Export);
    }
    Reason = PeFindName(Image, Mapped, &Table, Symbol->Name, &Index);
    return Reason == PeOk ? PeReadFunction(Image, Mapped, &Table, Index, Export) : Reason;
}

/* Digits that fill the text, and a number that ordinals have. */
static BOOLEAN PeParseOrdinal(const CHAR *Text, ULONG *Ordinal)
{
    *Ordinal = 0;
    if (*Text == 0) {
        return FALSE;
    }
    for (; *Text != 0; Text++) {
        if (*Text < '0' || *Text > '9') {
            return FALSE;
        }
        *Ordinal = *Ordinal * 10 + (ULONG)(*Text - '0');
        if (*Ordinal > PE_MAXIMUM_ORDINAL) {
            return FALSE;
        }
    }
    return TRUE;
}

BOOLEAN PeSplitForward(const CHAR *Forward, CHAR *Module, SIZE_T Size, PPE_SYMBOL Symbol)
{
    const CHAR *Dot = strrchr(Forward, '.'); /* the module's own name may have dots */
    SIZE_T Length = Dot != NULL ? (SIZE_T)(Dot - Forward) : 0;

    if (Length == 0 || Length >= Size || Dot[1] == 0) {
        return FALSE;
    }
    memcpy(Module, Forward, Length);
    Module[Length] = 0;
    *Symbol = (PE_SYMBOL){.Name = Dot + 1};
    if (Dot[1] == '#') {
        Symbol->Name = NULL;
        return PeParseOrdinal(Dot + 2, &Symbol->Ordinal);
    }
    return TRUE;
}
