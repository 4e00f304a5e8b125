/*
 * Proves that the image checks refuse each kind of damage for its own reason, that what they let
 * through is laid out, relocated and bound as its tables say, and that no image whatever makes them
 * touch memory outside of the file and the mapping.
 *
 * The sample is built here. A real driver, from the build folder that this program stands in or
 * given as an argument, is damaged at random as well.
 *
 * unit-sources: kernel/ldr/pe.c kernel/ldr/pemap.c
 */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/ldr/pe.h"

#define NT 0x80
#define HEADERS 0x400
#define BASE 0x140000000ULL
#define IMAGE_SIZE 0x5000
#define NEW_BASE 0xFFFFF80000120000ULL
#define COOKIE 0x00002B992DDFA232ULL

/* Sections: .text at 1000h, .rdata 2000h, .data 3000h, .reloc 4000h; 200h bytes each in the file.
 */
#define RDATA (HEADERS + 0x200)
#define DATA (HEADERS + 0x400)
#define RELOC (HEADERS + 0x600)
#define FILE_SIZE (HEADERS + 0x800)

#define TEXT_FLAGS 0x60000020
#define RDATA_FLAGS 0x40000040
#define DATA_FLAGS 0xC0000040

static UCHAR Sample[FILE_SIZE];

static void Put(SIZE_T Offset, ULONG64 Value, ULONG Size)
{
    memcpy(Sample + Offset, &Value, Size);
}

#define DOS_FIELD(Field) offsetof(IMAGE_DOS_HEADER, Field)
#define NT_FIELD(Field) (NT + offsetof(IMAGE_NT_HEADERS64, Field))
#define OPTIONAL_FIELD(Field) NT_FIELD(OptionalHeader.Field)
#define DIRECTORY(Index) (OPTIONAL_FIELD(DataDirectory) + 8 * (Index))
#define SECTION(Index, Field)                                                                      \
    (NT + sizeof(IMAGE_NT_HEADERS64) + 40 * (Index) + offsetof(IMAGE_SECTION_HEADER, Field))

static void PutSection(ULONG Index, const char *Name, ULONG Flags)
{
    memcpy(Sample + SECTION(Index, Name), Name, strlen(Name));
    Put(SECTION(Index, VirtualSize), 0x1F0, 4);
    Put(SECTION(Index, VirtualAddress), 0x1000 * (Index + 1), 4);
    Put(SECTION(Index, SizeOfRawData), 0x200, 4);
    Put(SECTION(Index, PointerToRawData), HEADERS + 0x200 * Index, 4);
    Put(SECTION(Index, Characteristics), Flags, 4);
}

static void PutHeaders(void)
{
    Put(DOS_FIELD(e_magic), 0x5A4D, 2);
    Put(DOS_FIELD(e_lfanew), NT, 4);
    Put(NT_FIELD(Signature), 0x4550, 4);
    Put(NT_FIELD(FileHeader.Machine), 0x8664, 2);
    Put(NT_FIELD(FileHeader.NumberOfSections), 4, 2);
    Put(NT_FIELD(FileHeader.SizeOfOptionalHeader), 240, 2);
    Put(NT_FIELD(FileHeader.Characteristics), 0x22, 2);
    Put(OPTIONAL_FIELD(Magic), 0x20B, 2);
    Put(OPTIONAL_FIELD(AddressOfEntryPoint), 0x1010, 4);
    Put(OPTIONAL_FIELD(ImageBase), BASE, 8);
    Put(OPTIONAL_FIELD(SectionAlignment), 0x1000, 4);
    Put(OPTIONAL_FIELD(FileAlignment), 0x200, 4);
    Put(OPTIONAL_FIELD(SizeOfImage), IMAGE_SIZE, 4);
    Put(OPTIONAL_FIELD(SizeOfHeaders), HEADERS, 4);
    Put(OPTIONAL_FIELD(Subsystem), 1, 2);
    Put(OPTIONAL_FIELD(NumberOfRvaAndSizes), 16, 4);
    PutSection(0, ".text", TEXT_FLAGS);
    PutSection(1, ".rdata", RDATA_FLAGS);
    PutSection(2, ".data", DATA_FLAGS);
    PutSection(3, ".reloc", RDATA_FLAGS);
}

/* .rdata: a descriptor at 0, names at 40h, addresses at 60h, texts at 80h; a load configuration at
 * 100h. .data: a pointer at 0 and the cookie at 8. .reloc: one block with both pointers. */
static void MakeSample(void)
{
    memset(Sample, 0, sizeof(Sample));
    PutHeaders();
    Put(DIRECTORY(IMAGE_DIRECTORY_ENTRY_IMPORT), 0x2000 | 40ULL << 32, 8);
    Put(RDATA + 0, 0x2040, 4);
    Put(RDATA + 12, 0x20A0, 4);
    Put(RDATA + 16, 0x2060, 4);
    Put(RDATA + 0x40, 0x2080, 8);
    Put(RDATA + 0x48, 0x2090, 8);
    memcpy(Sample + RDATA + 0x82, "One", 4);
    memcpy(Sample + RDATA + 0x92, "Two", 4);
    memcpy(Sample + RDATA + 0xA0, "ntoskrnl.exe", 13);
    Put(DIRECTORY(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG), 0x2100 | 0x60ULL << 32, 8);
    Put(RDATA + 0x100, 0x60, 4);
    Put(RDATA + 0x158, BASE + 0x3008, 8);
    Put(DATA + 0, BASE + 0x1234, 8);
    Put(DATA + 8, COOKIE, 8);
    Put(DIRECTORY(IMAGE_DIRECTORY_ENTRY_BASERELOC), 0x4000 | 24ULL << 32, 8);
    Put(RELOC + 0, 0x3000, 4);
    Put(RELOC + 4, 12, 4);
    Put(RELOC + 8, 0xA000, 2);
    Put(RELOC + 12, 0x2000, 4);
    Put(RELOC + 16, 12, 4);
    Put(RELOC + 20, 0xA158, 2);
}

static PVOID ResolveAll(const CHAR *Module, const PE_SYMBOL *Symbol, PVOID Context)
{
    *(ULONG *)Context += 1;
    return strlen(Module) < INT_MAX && Symbol->Name != NULL && strlen(Symbol->Name) < INT_MAX
               ? (PVOID)0x1111111111111111
               : NULL;
}

static PVOID ResolveOne(const CHAR *Module, const PE_SYMBOL *Symbol, PVOID Context)
{
    assert(strcmp(Module, "ntoskrnl.exe") == 0);
    *(ULONG *)Context += strcmp(Symbol->Name, "One") != 0;
    return strcmp(Symbol->Name, "One") == 0 ? (PVOID)0x1111111111111111 : NULL;
}

/* All that a load does, in memory of exactly the right sizes. */
static PE_REASON Load(const UCHAR *File, SIZE_T Size, PE_RESOLVE *Resolve, UCHAR *Result)
{
    UCHAR *Copy = malloc(Size > 0 ? Size : 1), *Mapped = NULL;
    ULONG Count = 0;
    PE_IMAGE Image;
    PE_REASON Reason;

    memcpy(Copy, File, Size);
    Reason = PeCheckImage(Copy, Size, &Image);
    if (Reason == PeOk && Image.ImageSize <= 0x1000000) {
        Mapped = calloc(1, Image.ImageSize);
        PeCopySections(&Image, Mapped);
        Reason = PeRelocate(&Image, Mapped, NEW_BASE);
        Reason = Reason == PeOk ? PeBindImports(&Image, Mapped, Resolve, &Count) : Reason;
        Reason = Reason == PeOk ? PeInitializeCookie(&Image, Mapped, NEW_BASE, 77) : Reason;
    }
    if (Result != NULL && Mapped != NULL) {
        memcpy(Result, Mapped, IMAGE_SIZE);
    }
    free(Mapped);
    free(Copy);
    return Reason;
}

static ULONG64 Get(const UCHAR *Mapped, ULONG Rva)
{
    ULONG64 Value;

    memcpy(&Value, Mapped + Rva, sizeof(Value));
    return Value;
}

static void TestLayout(void)
{
    static UCHAR Mapped[IMAGE_SIZE];
    PE_IMAGE Image;
    PE_SECTION Section;

    MakeSample();
    memset(Sample + HEADERS, 0xCC, 0x200);
    assert(Load(Sample, FILE_SIZE, ResolveAll, Mapped) == PeOk);
    assert(memcmp(Mapped, Sample, HEADERS) == 0);
    /* The section's size in memory, not in the file, says how much is copied. */
    assert(Mapped[0x1000] == 0xCC && Mapped[0x11EF] == 0xCC && Mapped[0x11F0] == 0);
    assert(Get(Mapped, 0x3000) == NEW_BASE + 0x1234 && Get(Mapped, 0x2158) == NEW_BASE + 0x3008);
    assert(Get(Mapped, 0x2060) == 0x1111111111111111 && Get(Mapped, 0x2070) == 0);
    assert(Get(Mapped, 0x3008) == 77);

    assert(PeCheckImage(Sample, FILE_SIZE, &Image) == PeOk && Image.HeadersEnd == 0x1000);
    PeQuerySection(&Image, 0, &Section);
    assert(Section.Executable && !Section.Writable && Section.Pages == 1);
    PeQuerySection(&Image, 2, &Section);
    assert(!Section.Executable && Section.Writable && strcmp(Section.Name, ".data") == 0);
}

/* Value of Size bytes at Offset instead of the sample's gives Reason. */
typedef struct _CASE {
    SIZE_T Offset;
    ULONG64 Value;
    ULONG Size;
    PE_REASON Reason;
} CASE;

static const CASE HeaderCases[] = {
    {DOS_FIELD(e_magic), 0x4D5A, 2, PeDosMagic},
    {DOS_FIELD(e_lfanew), 0x81, 4, PeHeaderOffset},
    {DOS_FIELD(e_lfanew), 0, 4, PeHeaderOffset},
    {DOS_FIELD(e_lfanew), FILE_SIZE, 4, PeHeaderOffset},
    {DOS_FIELD(e_lfanew), 0xFFFFFFFC, 4, PeHeaderOffset},
    {NT_FIELD(Signature), 0x454E, 4, PeSignature},
    {NT_FIELD(FileHeader.Machine), 0x14C, 2, PeMachine},
    {NT_FIELD(FileHeader.NumberOfSections), 0, 2, PeSectionCount},
    {NT_FIELD(FileHeader.NumberOfSections), 97, 2, PeSectionCount},
    {NT_FIELD(FileHeader.NumberOfSections), 96, 2, PeSectionTable},
    {NT_FIELD(FileHeader.NumberOfSections), 5, 2, PeSectionAddress},
    {NT_FIELD(FileHeader.NumberOfSections), 3, 2, PeImageSize},
    {NT_FIELD(FileHeader.SizeOfOptionalHeader), 0, 2, PeOptionalSize},
    {NT_FIELD(FileHeader.SizeOfOptionalHeader), 232, 2, PeOptionalSize},
    {NT_FIELD(FileHeader.SizeOfOptionalHeader), 242, 2, PeOptionalSize},
    {NT_FIELD(FileHeader.SizeOfOptionalHeader), 0xFFF8, 2, PeSectionTable},
    {NT_FIELD(FileHeader.Characteristics), 0x20, 2, PeNotExecutable},
    {NT_FIELD(FileHeader.Characteristics), 0x23, 2, PeNotRelocatable},
    {OPTIONAL_FIELD(Magic), 0x10B, 2, PeOptionalMagic},
    {OPTIONAL_FIELD(AddressOfEntryPoint), 0, 4, PeEntryPoint},
    {OPTIONAL_FIELD(AddressOfEntryPoint), 0x11F0, 4, PeEntryPoint},
    {OPTIONAL_FIELD(AddressOfEntryPoint), 0x3000, 4, PeEntryPoint},
    {OPTIONAL_FIELD(ImageBase), BASE + 0x1000, 8, PeImageBase},
    {OPTIONAL_FIELD(SectionAlignment), 0, 4, PeSectionAlignment},
    {OPTIONAL_FIELD(SectionAlignment), 0x800, 4, PeSectionAlignment},
    {OPTIONAL_FIELD(SectionAlignment), 0x3000, 4, PeSectionAlignment},
    {OPTIONAL_FIELD(SectionAlignment), 0x2000, 4, PeSectionAddress},
    {OPTIONAL_FIELD(FileAlignment), 0, 4, PeFileAlignment},
    {OPTIONAL_FIELD(FileAlignment), 0x100, 4, PeFileAlignment},
    {OPTIONAL_FIELD(FileAlignment), 0x300, 4, PeFileAlignment},
    {OPTIONAL_FIELD(FileAlignment), 0x20000, 4, PeFileAlignment},
    {OPTIONAL_FIELD(FileAlignment), 0x2000, 4, PeSectionAlignment},
    {OPTIONAL_FIELD(SizeOfImage), IMAGE_SIZE - 0x1000, 4, PeImageSize},
    {OPTIONAL_FIELD(SizeOfImage), IMAGE_SIZE + 0x1000, 4, PeImageSize},
    {OPTIONAL_FIELD(SizeOfImage), IMAGE_SIZE - 1, 4, PeImageSize},
    {OPTIONAL_FIELD(SizeOfImage), 0xFFFFF000, 4, PeImageTooLarge},
    {OPTIONAL_FIELD(SizeOfHeaders), 0x200, 4, PeSectionTable},
    {OPTIONAL_FIELD(SizeOfHeaders), 0x3FF, 4, PeHeadersSize},
    {OPTIONAL_FIELD(SizeOfHeaders), 0xFFFFFE00, 4, PeHeadersSize},
    {OPTIONAL_FIELD(CheckSum), 1, 4, PeChecksum},
    {OPTIONAL_FIELD(Subsystem), 2, 2, PeSubsystem},
    {OPTIONAL_FIELD(NumberOfRvaAndSizes), 17, 4, PeDirectoryCount},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_IMPORT), IMAGE_SIZE | 1ULL << 32, 8, PeDirectoryRange},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_IMPORT), 0xFFFFFFFF0000FFFF, 8, PeDirectoryRange},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_SECURITY), FILE_SIZE | 1ULL << 32, 8, PeDirectoryRange},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_TLS), 0x2000 | 40ULL << 32, 8, PeTls},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT), 0x2000 | 40ULL << 32, 8, PeDelayImport},
    {DIRECTORY(IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR), 0x2000 | 40ULL << 32, 8, PeManaged},
    {SECTION(0, VirtualSize), 0x1001, 4, PeSectionAddress},
    {SECTION(3, VirtualSize), 0x1001, 4, PeImageSize},
    {SECTION(3, VirtualSize), 0xFFFFFFFF, 4, PeImageSize},
    {SECTION(0, VirtualAddress), 0, 4, PeSectionAddress},
    {SECTION(1, VirtualAddress), 0x1000, 4, PeSectionAddress},
    {SECTION(2, SizeOfRawData), FILE_SIZE, 4, PeSectionData},
    {SECTION(2, SizeOfRawData), 0xFFFFFE00, 4, PeSectionData},
    {SECTION(2, PointerToRawData), 0x200, 4, PeSectionData},
    {SECTION(2, PointerToRawData), DATA + 1, 4, PeSectionData},
    {SECTION(2, PointerToRawData), 0xFFFFFE00, 4, PeSectionData},
    {SECTION(0, Characteristics), TEXT_FLAGS | DATA_FLAGS, 4, PeSectionWriteExecute},
    {SECTION(0, Characteristics), RDATA_FLAGS, 4, PeEntryPoint},
};

static const CASE TableCases[] = {
    {RELOC + 0, 0x5000, 4, PeRelocationBlock},
    {RELOC + 0, 0x4000, 4, PeOk}, /* the table may relocate itself: then its padding is a target */
    {RELOC + 4, 0, 4, PeRelocationBlock},
    {RELOC + 4, 9, 4, PeRelocationBlock},
    {RELOC + 4, 26, 4, PeRelocationBlock},
    {RELOC + 4, 0xFFFFFFFE, 4, PeRelocationBlock},
    {RELOC + 8, 0x3000, 2, PeRelocationType},
    {RELOC + 0, 0x4FFC, 4, PeRelocationTarget},
    {RDATA + 0, 0, 4, PeOk}, /* the addresses' table then holds nothing: no imports */
    {RDATA + 0, IMAGE_SIZE - 4, 4, PeImportRange},
    {RDATA + 12, IMAGE_SIZE, 4, PeImportRange},
    {RDATA + 12, 0, 4, PeOk}, /* ends the table */
    {RDATA + 16, 0, 4, PeImportRange},
    {RDATA + 16, IMAGE_SIZE - 4, 4, PeImportRange},
    {RDATA + 0x40, IMAGE_SIZE - 1, 8, PeImportRange},
    {RDATA + 0x40, 0x7FFFFFFFFFFFFFFF, 8, PeImportRange},
    {RDATA + 0x48, 0x8000000000000001, 8, PeImportMissing},
    {RDATA + 0x158, BASE + 0x2000, 8, PeLoadConfig},
    {RDATA + 0x158, BASE + 0x31EC, 8, PeLoadConfig},
    {RDATA + 0x158, 0, 8, PeLoadConfig}, /* relocated, it points to the image's base */
};

static void TestCases(const CASE *Cases, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        PE_REASON Reason;

        MakeSample();
        Put(Cases[i].Offset, Cases[i].Value, Cases[i].Size);
        Reason = Load(Sample, FILE_SIZE, ResolveAll, NULL);
        if (Reason != Cases[i].Reason) {
            printf("not ok - %llx at %llx: %s\n", Cases[i].Value, Cases[i].Offset,
                   PeReasonText(Reason));
            exit(1);
        }
    }
}

static void TestBinding(void)
{
    ULONG Missing = 0;
    UCHAR Mapped[IMAGE_SIZE];
    PE_IMAGE Image;

    MakeSample();
    assert(PeCheckImage(Sample, FILE_SIZE, &Image) == PeOk);
    memset(Mapped, 0, sizeof(Mapped));
    PeCopySections(&Image, Mapped);
    assert(PeBindImports(&Image, Mapped, ResolveOne, &Missing) == PeImportMissing && Missing == 1);
    assert(Get(Mapped, 0x2060) == 0x1111111111111111);
    /* At its preferred base an image needs no relocations, stripped or not. */
    Image.RelocationsStripped = TRUE;
    assert(PeRelocate(&Image, Mapped, BASE) == PeOk && Get(Mapped, 0x3000) == BASE + 0x1234);
    /* A cookie that has a value keeps it. */
    Put(DATA + 8, 5, 8);
    PeCopySections(&Image, Mapped);
    assert(PeInitializeCookie(&Image, Mapped, BASE, 77) == PeOk && Get(Mapped, 0x3008) == 5);
}

/* Addresses are written over the module's name, zero and all, at the image's very end: whoever
 * still reads the name then reads on behind the image. */
static void TestOverwrittenName(void)
{
    MakeSample();
    Put(SECTION(3, VirtualSize), 0x1000, 4);
    Put(SECTION(3, SizeOfRawData), 0x1000, 4);
    UCHAR Image[HEADERS + 0x600 + 0x1000] = {0};
    memcpy(Image, Sample, FILE_SIZE);
    memcpy(Image + RELOC + 0xFF8, "hal.dll", 8);
    Image[RDATA + 12] = Image[RDATA + 16] = 0xF8;
    Image[RDATA + 13] = Image[RDATA + 17] = 0x4F;
    assert(Load(Image, sizeof(Image), ResolveAll, NULL) == PeImportRange);
}

static void TestChecksum(void)
{
    SIZE_T Field = OPTIONAL_FIELD(CheckSum);
    ULONG Sum;

    MakeSample();
    Sum = PeComputeChecksum(Sample, FILE_SIZE, Field);
    Put(Field, Sum, 4);
    assert(PeComputeChecksum(Sample, FILE_SIZE, Field) == Sum);
    assert(Load(Sample, FILE_SIZE, ResolveAll, NULL) == PeOk);
    for (SIZE_T i = HEADERS; i < FILE_SIZE; i++) {
        Sample[i] ^= 0x40;
        assert(Load(Sample, FILE_SIZE, ResolveAll, NULL) == PeChecksum);
        Sample[i] ^= 0x40;
    }
}

static void TestCuts(const UCHAR *File, SIZE_T Size, SIZE_T Step)
{
    for (SIZE_T Length = 0; Length < Size; Length += Step) {
        assert(Load(File, Length, ResolveAll, NULL) != PeOk);
    }
}

/* Damage mostly in the headers, where it tells most; values that tend to break arithmetic. */
static void Fuzz(const UCHAR *File, SIZE_T Size, unsigned Rounds)
{
    static const ULONG Values[] = {0, 1, 4, 0xFFF, 0x1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    UCHAR *Copy = malloc(Size);
    unsigned Accepted = 0;

    for (unsigned Round = 1; Round <= Rounds; Round++) {
        srand(Round);
        memcpy(Copy, File, Size);
        for (int i = 1 + rand() % 4; i > 0; i--) {
            SIZE_T Limit = rand() % 4 ? min(Size, 0x400) : Size;
            SIZE_T Where = (SIZE_T)rand() % (Limit - 4);
            ULONG Value = rand() % 2 ? Values[(SIZE_T)rand() % 8] : (ULONG)rand();

            memcpy(Copy + Where, &Value, (SIZE_T)1 << rand() % 3);
        }
        Accepted += Load(Copy, Size, ResolveAll, NULL) == PeOk;
    }
    free(Copy);
    assert(Accepted > 0 && Accepted < Rounds); /* or it would have tested nothing */
}

/* The driver next to this program: build/unit/pe_test -> build/drivers/kmelody.sys. */
static UCHAR *ReadDriver(const char *Path, SIZE_T *Size)
{
    char Own[PATH_MAX] = {0};
    UCHAR *Data;
    FILE *File;

    if (Path == NULL) {
        assert(readlink("/proc/self/exe", Own, sizeof(Own) - 64) > 0);
        *strrchr(Own, '/') = 0;
        Path = strcat(Own, "/../drivers/kmelody.sys");
    }
    File = fopen(Path, "rb");
    if (File == NULL) {
        perror(Path);
        exit(1);
    }
    fseek(File, 0, SEEK_END);
    *Size = (SIZE_T)ftell(File);
    rewind(File);
    Data = malloc(*Size);
    assert(fread(Data, 1, *Size, File) == *Size);
    fclose(File);
    return Data;
}

int main(int Argc, char **Argv)
{
    SIZE_T Size;
    UCHAR *Driver = ReadDriver(Argc > 1 ? Argv[1] : NULL, &Size);

    puts("1..7");
    TestLayout();
    puts("ok 1 - a sound image is laid out, relocated and bound");
    TestCases(HeaderCases, ARRAYSIZE(HeaderCases));
    puts("ok 2 - damaged headers, each refused for its reason");
    TestCases(TableCases, ARRAYSIZE(TableCases));
    puts("ok 3 - damaged tables");
    TestBinding();
    TestOverwrittenName();
    TestChecksum();
    puts("ok 4 - missing imports, cookies, checksums");
    MakeSample();
    TestCuts(Sample, FILE_SIZE, 1);
    puts("ok 5 - cut anywhere");
    Fuzz(Sample, FILE_SIZE, 20000);
    puts("ok 6 - 20000 samples damaged at random");
    assert(Load(Driver, Size, ResolveAll, NULL) == PeOk);
    TestCuts(Driver, Size, 64);
    Fuzz(Driver, Size, 5000);
    puts("ok 7 - a real driver, cut, and damaged at random 5000 times");
    free(Driver);
    return 0;
}
