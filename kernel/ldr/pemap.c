/*
 * pemap.c - turns a checked file into an image that can run: copy, relocate, bind, cookie.
 *
 * All of it works on the mapped bytes, which have Image->ImageSize bytes, and reaches them only
 * through PeRead and PeWrite. A relocation may hit any table, so a table's entry is read once, into
 * a local variable, and that is what gets checked and used.
 */
#include "pe.h"
#include <nt/crt.h>

/* Linkers' value of __security_cookie: it says that nobody has set one yet. */
#define PE_DEFAULT_COOKIE 0x00002B992DDFA232ULL
/* A cookie's two highest bytes are zero, so that no string copy can write one. */
#define PE_COOKIE_MASK 0x0000FFFFFFFFFFFFULL

/* Copies out of the image, from any address, aligned or not. FALSE: not within it. */
static BOOLEAN PeRead(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG64 Rva, PVOID Value,
                      ULONG Size)
{
    if (Rva > Image->ImageSize || Size > Image->ImageSize - Rva) {
        return FALSE;
    }
    memcpy(Value, Mapped + Rva, Size);
    return TRUE;
}

/* Copies eight bytes into it. */
static BOOLEAN PeWrite(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Rva, ULONG64 Value)
{
    if (Rva > Image->ImageSize || sizeof(Value) > Image->ImageSize - Rva) {
        return FALSE;
    }
    memcpy(Mapped + Rva, &Value, sizeof(Value));
    return TRUE;
}

/* A zero-terminated text at Rva, or NULL when the image ends before its zero. */
static const CHAR *PeString(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG64 Rva)
{
    for (ULONG64 End = Rva; End < Image->ImageSize; End++) {
        if (Mapped[End] == 0) {
            return (const CHAR *)Mapped + Rva;
        }
    }
    return NULL;
}

/* What a section has in memory beyond its bytes in the file (.bss) stays zero, as the pages
 * came. */
void PeCopySections(const PE_IMAGE *Image, PUCHAR Mapped)
{
    memcpy(Mapped, Image->File, Image->HeadersSize);
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;

        PeQuerySection(Image, i, &Section);
        if (Section.FileSize != 0) {
            memcpy(Mapped + Section.Rva, Image->File + Section.FileOffset, Section.FileSize);
        }
    }
}

/* Adds Delta to the pointers of one page. A pointer may reach into the next page, or stand anywhere
 * in the image, the headers included: the image is only damaging itself. */
static PE_REASON PeRelocateBlock(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 EntryRva,
                                 const IMAGE_BASE_RELOCATION *Block, ULONG64 Delta)
{
    ULONG Count = (Block->SizeOfBlock - sizeof(*Block)) / sizeof(USHORT);

    for (ULONG i = 0; i < Count; i++) {
        USHORT Entry;
        ULONG64 Target, Value;

        if (!PeRead(Image, Mapped, EntryRva + i * sizeof(Entry), &Entry, sizeof(Entry))) {
            return PeRelocationBlock;
        }
        if (Entry >> 12 == IMAGE_REL_BASED_ABSOLUTE) {
            continue; /* padding */
        }
        if (Entry >> 12 != IMAGE_REL_BASED_DIR64) {
            return PeRelocationType;
        }
        Target = (ULONG64)Block->VirtualAddress + (Entry & 0xFFF);
        if (!PeRead(Image, Mapped, Target, &Value, sizeof(Value))) {
            return PeRelocationTarget;
        }
        PeWrite(Image, Mapped, Target, Value + Delta);
    }
    return PeOk;
}

PE_REASON PeRelocate(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address)
{
    const IMAGE_DATA_DIRECTORY *Directory = &Image->Directories[IMAGE_DIRECTORY_ENTRY_BASERELOC];
    ULONG64 Delta = Address - Image->PreferredBase; /* modulo 2^64: either direction */
    ULONG Offset = 0;

    if (Delta == 0) {
        return PeOk;
    }
    /* An image without relocation table that is not marked so needs none: it is all RIP
     * relative. */
    if (Image->RelocationsStripped) {
        return PeNotRelocatable;
    }
    while (Offset < Directory->Size) {
        IMAGE_BASE_RELOCATION Block;
        ULONG Left = Directory->Size - Offset;
        ULONG64 Rva = (ULONG64)Directory->VirtualAddress + Offset;
        PE_REASON Reason;

        if (Left < sizeof(Block) || !PeRead(Image, Mapped, Rva, &Block, sizeof(Block)) ||
            Block.SizeOfBlock < sizeof(Block) || Block.SizeOfBlock > Left ||
            Block.SizeOfBlock % sizeof(USHORT) != 0 || Block.VirtualAddress >= Image->ImageSize) {
            return PeRelocationBlock;
        }
        Reason = PeRelocateBlock(Image, Mapped, Rva + sizeof(Block), &Block, Delta);
        if (Reason != PeOk) {
            return Reason;
        }
        Offset += Block.SizeOfBlock;
    }
    return PeOk;
}

/* One import descriptor in progress. */
typedef struct _PE_BINDING {
    const PE_IMAGE *Image;
    PUCHAR Mapped;
    PE_RESOLVE *Resolve;
    PVOID Context;
    ULONG64 ModuleRva;  /* of the module's name */
    ULONG64 NameRva;    /* of the next entry of the names' table */
    ULONG64 AddressRva; /* and of the addresses' table */
    BOOLEAN Done;       /* the zero that ends the table has been read */
} PE_BINDING, *PPE_BINDING;

/* Binds one entry. The two bytes before a name are the linker's guess at its place in the export
 * table, of no use here. The addresses may have been written over the module's name meanwhile, so
 * it is looked at anew for each entry. */
static PE_REASON PeBindEntry(PPE_BINDING Binding)
{
    const PE_IMAGE *Image = Binding->Image;
    PE_SYMBOL Symbol = {0};
    const CHAR *Module;
    ULONG64 Entry;
    PVOID Address;

    if (!PeRead(Image, Binding->Mapped, Binding->NameRva, &Entry, sizeof(Entry))) {
        return PeImportRange;
    }
    Binding->Done = Entry == 0;
    if (Binding->Done) {
        return PeOk;
    }
    Module = PeString(Image, Binding->Mapped, Binding->ModuleRva);
    if (Entry & IMAGE_ORDINAL_FLAG64) {
        Symbol.Ordinal = Entry & 0xFFFF;
    } else {
        Symbol.Name = PeString(Image, Binding->Mapped, Entry + sizeof(USHORT));
    }
    if (Module == NULL || (Symbol.Name == NULL && !(Entry & IMAGE_ORDINAL_FLAG64))) {
        return PeImportRange;
    }
    Address = Binding->Resolve(Module, &Symbol, Binding->Context);
    if (!PeWrite(Image, Binding->Mapped, Binding->AddressRva, (ULONG64)(ULONG_PTR)Address)) {
        return PeImportRange;
    }
    return Address != NULL ? PeOk : PeImportMissing;
}

/* Binds all entries of one descriptor, so that all that are missing get named. */
static PE_REASON PeBindModule(PPE_BINDING Binding, const IMAGE_IMPORT_DESCRIPTOR *Import)
{
    PE_REASON Result = PeOk;

    if (PeString(Binding->Image, Binding->Mapped, Import->Name) == NULL ||
        Import->FirstThunk == 0) {
        return PeImportRange;
    }
    Binding->ModuleRva = Import->Name;
    Binding->AddressRva = Import->FirstThunk;
    Binding->NameRva = Import->OriginalFirstThunk ? Import->OriginalFirstThunk : Import->FirstThunk;
    do {
        PE_REASON Reason = PeBindEntry(Binding);

        if (Reason != PeOk && Reason != PeImportMissing) {
            return Reason;
        }
        Result = Reason != PeOk ? Reason : Result;
        Binding->NameRva += sizeof(ULONG64);
        Binding->AddressRva += sizeof(ULONG64);
    } while (!Binding->Done);
    return Result;
}

PE_REASON PeBindImports(const PE_IMAGE *Image, PUCHAR Mapped, PE_RESOLVE *Resolve, PVOID Context)
{
    ULONG64 Rva = Image->Directories[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    PE_BINDING Binding = {.Image = Image, .Mapped = Mapped, .Resolve = Resolve, .Context = Context};
    PE_REASON Result = PeOk;

    /* As on Windows a descriptor without a name ends the table, whose size is not looked at. */
    for (; Rva != 0; Rva += sizeof(IMAGE_IMPORT_DESCRIPTOR)) {
        IMAGE_IMPORT_DESCRIPTOR Import;
        PE_REASON Reason;

        if (!PeRead(Image, Mapped, Rva, &Import, sizeof(Import))) {
            return PeImportRange;
        }
        if (Import.Name == 0) {
            break;
        }
        Reason = PeBindModule(&Binding, &Import);
        if (Reason != PeOk && Reason != PeImportMissing) {
            return Reason;
        }
        Result = Reason != PeOk ? Reason : Result;
    }
    return Result;
}

/* TRUE when eight bytes at Rva lie in one writable section: a cookie's place comes from the file,
 * and a wrong one must not have code or constants written over. */
static BOOLEAN PeIsWritable(const PE_IMAGE *Image, ULONG64 Rva)
{
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;

        PeQuerySection(Image, i, &Section);
        if (Section.Writable && Rva >= Section.Rva && Rva - Section.Rva < Section.Size &&
            Section.Size - (Rva - Section.Rva) >= sizeof(ULONG64)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Field at Offset of the load configuration, 0 when there is none: the field is one of the pointers
 * that have been relocated. FALSE when the configuration is not within the image. */
static BOOLEAN PeReadConfig(const PE_IMAGE *Image, const UCHAR *Mapped, ULONG Offset,
                            ULONG64 *Pointer)
{
    ULONG64 Config = Image->Directories[IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG].VirtualAddress;
    ULONG Size;

    *Pointer = 0;
    if (Config == 0) {
        return TRUE;
    }
    if (!PeRead(Image, Mapped, Config, &Size, sizeof(Size))) {
        return FALSE;
    }
    /* A shorter one is older than the field. */
    return Size < Offset + sizeof(*Pointer) ||
           PeRead(Image, Mapped, Config + Offset, Pointer, sizeof(*Pointer));
}

PE_REASON PeInitializeCookie(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address, ULONG64 Random)
{
    ULONG64 Pointer, Cookie;

    if (!PeReadConfig(Image, Mapped, IMAGE_LOAD_CONFIG_COOKIE_OFFSET, &Pointer)) {
        return PeLoadConfig;
    }
    if (Pointer == 0) {
        return PeOk;
    }
    if (!PeIsWritable(Image, Pointer - Address) ||
        !PeRead(Image, Mapped, Pointer - Address, &Cookie, sizeof(Cookie))) {
        return PeLoadConfig;
    }
    /* Some other value is the driver's own choice. */
    if (Cookie == PE_DEFAULT_COOKIE) {
        Cookie = Random & PE_COOKIE_MASK;
        PeWrite(Image, Mapped, Pointer - Address, Cookie == 0 ? PE_DEFAULT_COOKIE + 1 : Cookie);
    }
    return PeOk;
}

PE_REASON PeInitializeGuard(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address, ULONG64 Check,
                            ULONG64 Dispatch)
{
    const struct {
        ULONG Offset;
        ULONG64 Routine;
    } Slots[] = {{IMAGE_LOAD_CONFIG_GUARD_CHECK_OFFSET, Check},
                 {IMAGE_LOAD_CONFIG_GUARD_DISPATCH_OFFSET, Dispatch}};

    for (ULONG i = 0; i < ARRAYSIZE(Slots); i++) {
        ULONG64 Pointer;

        /* The slot is read only once the image runs, so it may stand in any section. */
        if (!PeReadConfig(Image, Mapped, Slots[i].Offset, &Pointer) ||
            (Pointer != 0 && !PeWrite(Image, Mapped, Pointer - Address, Slots[i].Routine))) {
            return PeLoadConfig;
        }
    }
    return PeOk;
}
