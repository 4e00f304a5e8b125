/*
 * pe.c - checks a PE32+ file header by header, before anything is mapped.
 *
 * The rules are those Windows has for drivers: what it demands is demanded, what it ignores (time
 * stamps, versions, stack and heap sizes, sums of section sizes) is ignored, and beyond it no
 * section may be writable and executable. Sections must follow one another without gaps, so one
 * walk through them proves that they overlap neither each other nor the headers.
 */
#include "pe.h"
#include <nt/crt.h>

#define PE_CHECKSUM_OFFSET offsetof(IMAGE_NT_HEADERS64, OptionalHeader.CheckSum)

const CHAR *PeReasonText(PE_REASON Reason)
{
    static const CHAR *const Texts[] = {
#define PE_REASON_TEXT(Name, Text) Text,
        PE_REASONS(PE_REASON_TEXT)
#undef PE_REASON_TEXT
    };
    return (ULONG)Reason < ARRAYSIZE(Texts) ? Texts[Reason] : "?";
}

/* 0 is none: alignments are divided and rounded by. */
static BOOLEAN PeIsPowerOfTwo(ULONG Value)
{
    return Value != 0 && (Value & (Value - 1)) == 0;
}

/* TRUE when [Offset, Offset + Length) lies within Limit bytes; the sum cannot wrap. */
static BOOLEAN PeWithin(ULONG64 Offset, ULONG64 Length, ULONG64 Limit)
{
    return Offset <= Limit && Length <= Limit - Offset;
}

static ULONG64 PeRoundUp(ULONG64 Value, ULONG Alignment)
{
    return (Value + Alignment - 1) & ~((ULONG64)Alignment - 1);
}

/* The sum is of 16-bit words with the carries added back in, as in Internet headers, plus the size.
 * An odd last byte counts as a word. */
ULONG PeComputeChecksum(const UCHAR *File, SIZE_T Size, SIZE_T FieldOffset)
{
    ULONG Sum = 0;

    for (SIZE_T Offset = 0; Offset < Size; Offset += 2) {
        if (Offset >= FieldOffset && Offset < FieldOffset + 4) {
            continue;
        }
        Sum += File[Offset] | (Offset + 1 < Size ? File[Offset + 1] << 8 : 0);
        Sum = (Sum & 0xFFFF) + (Sum >> 16);
    }
    return Sum + (ULONG)Size;
}

/* Finds the NT headers and copies them: the file may lie at any address, and a header whose data
 * directories are cut short is completed with absent ones. */
static PE_REASON PeReadHeaders(const UCHAR *File, SIZE_T Size, IMAGE_NT_HEADERS64 *Nt,
                               SIZE_T *NtOffset)
{
    const SIZE_T Fixed = offsetof(IMAGE_NT_HEADERS64, OptionalHeader.DataDirectory);
    IMAGE_DOS_HEADER Dos;

    if (Size < sizeof(Dos)) {
        return PeFileTooSmall;
    }
    memcpy(&Dos, File, sizeof(Dos));
    if (Dos.e_magic != IMAGE_DOS_SIGNATURE) {
        return PeDosMagic;
    }
    /* Multiples of four, because that is all Windows asks for; so headers are read by copying. */
    if (Dos.e_lfanew < sizeof(Dos) || Dos.e_lfanew % 4 != 0 ||
        !PeWithin(Dos.e_lfanew, Fixed, Size)) {
        return PeHeaderOffset;
    }
    *NtOffset = Dos.e_lfanew;
    memset(Nt, 0, sizeof(*Nt));
    memcpy(Nt, File + *NtOffset, Fixed);
    return PeOk;
}

/* What kind of file this is. */
static PE_REASON PeCheckFileHeader(const IMAGE_NT_HEADERS64 *Nt)
{
    const IMAGE_FILE_HEADER *Header = &Nt->FileHeader;

    if (Nt->Signature != IMAGE_NT_SIGNATURE) {
        return PeSignature;
    }
    if (Header->Machine != IMAGE_FILE_MACHINE_AMD64) {
        return PeMachine;
    }
    /* Linkers clear the mark when symbols were left undefined. */
    if (!(Header->Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE)) {
        return PeNotExecutable;
    }
    if (Header->NumberOfSections < 1 || Header->NumberOfSections > PE_MAXIMUM_SECTIONS) {
        return PeSectionCount;
    }
    return PeOk;
}

/* Sizes and alignments, by themselves and against each other; sections are looked at later. */
static PE_REASON PeCheckOptionalHeader(const IMAGE_NT_HEADERS64 *Nt, SIZE_T FileSize)
{
    const IMAGE_OPTIONAL_HEADER64 *Header = &Nt->OptionalHeader;
    const SIZE_T Fixed = offsetof(IMAGE_OPTIONAL_HEADER64, DataDirectory);

    if (Header->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        return PeOptionalMagic;
    }
    if (Header->NumberOfRvaAndSizes > IMAGE_NUMBEROF_DIRECTORY_ENTRIES) {
        return PeDirectoryCount;
    }
    if (Nt->FileHeader.SizeOfOptionalHeader % 8 != 0 ||
        Nt->FileHeader.SizeOfOptionalHeader <
            Fixed + Header->NumberOfRvaAndSizes * sizeof(IMAGE_DATA_DIRECTORY)) {
        return PeOptionalSize;
    }
    if (Header->Subsystem != IMAGE_SUBSYSTEM_NATIVE) {
        return PeSubsystem;
    }
    if (!PeIsPowerOfTwo(Header->FileAlignment) || Header->FileAlignment < 512 ||
        Header->FileAlignment > 65536) {
        return PeFileAlignment;
    }
    if (!PeIsPowerOfTwo(Header->SectionAlignment) || Header->SectionAlignment < PE_PAGE_SIZE ||
        Header->SectionAlignment < Header->FileAlignment) {
        return PeSectionAlignment;
    }
    /* Windows reserves address space in units of 64 KB, so no linker makes anything else. */
    if (Header->ImageBase % 65536 != 0) {
        return PeImageBase;
    }
    if (Header->SizeOfImage > PE_MAXIMUM_IMAGE_SIZE) {
        return PeImageTooLarge;
    }
    if (Header->SizeOfHeaders % Header->FileAlignment != 0 || Header->SizeOfHeaders > FileSize ||
        Header->SizeOfHeaders > Header->SizeOfImage) {
        return PeHeadersSize;
    }
    return PeOk;
}

/* A header of the section table, which is within the file. Old linkers leave VirtualSize 0 where it
 * equals the size in the file. */
static void PeReadSection(const PE_IMAGE *Image, ULONG Index, IMAGE_SECTION_HEADER *Header)
{
    memcpy(Header, Image->File + Image->SectionTable + Index * sizeof(*Header), sizeof(*Header));
    if (Header->VirtualSize == 0) {
        Header->VirtualSize = Header->SizeOfRawData;
    }
}

/* One section against the image and the file; where it starts is the caller's business. */
static PE_REASON PeCheckSection(const PE_IMAGE *Image, const IMAGE_SECTION_HEADER *Section,
                                const IMAGE_OPTIONAL_HEADER64 *Optional)
{
    const ULONG WriteExecute = IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE;

    if (Section->VirtualSize == 0) {
        return PeSectionEmpty;
    }
    if (!PeWithin(Section->VirtualAddress, Section->VirtualSize, Optional->SizeOfImage)) {
        return PeImageSize;
    }
    /* Without data in the file the pointer to them means nothing. */
    if (Section->SizeOfRawData != 0 &&
        (Section->PointerToRawData < Optional->SizeOfHeaders ||
         Section->PointerToRawData % Optional->FileAlignment != 0 ||
         !PeWithin(Section->PointerToRawData, Section->SizeOfRawData, Image->FileSize))) {
        return PeSectionData;
    }
    return (Section->Characteristics & WriteExecute) == WriteExecute ? PeSectionWriteExecute : PeOk;
}

/* The walk that proves order, adjacency and sizes. The last section has to end where SizeOfImage
 * says, or pages at the image's end would belong to no section and get no protection. */
static PE_REASON PeCheckSections(const PE_IMAGE *Image, const IMAGE_OPTIONAL_HEADER64 *Optional)
{
    /* 64 bits, so that no sum of 32-bit sizes wraps. */
    ULONG64 Next = PeRoundUp(Optional->SizeOfHeaders, Optional->SectionAlignment);

    for (ULONG i = 0; i < Image->SectionCount; i++) {
        IMAGE_SECTION_HEADER Section;
        PE_REASON Reason;

        PeReadSection(Image, i, &Section);
        if (Section.VirtualAddress != Next) {
            return PeSectionAddress;
        }
        Reason = PeCheckSection(Image, &Section, Optional);
        if (Reason != PeOk) {
            return Reason;
        }
        Next = PeRoundUp(Next + Section.VirtualSize, Optional->SectionAlignment);
    }
    return Next == Optional->SizeOfImage ? PeOk : PeImageSize;
}

/* The first thing the kernel does with the image is to call this address. A DLL that only exports
 * may have none; the header says that it is one. */
static PE_REASON PeCheckEntryPoint(const PE_IMAGE *Image, const IMAGE_FILE_HEADER *Header)
{
    if (Image->EntryPoint == 0 && (Header->Characteristics & IMAGE_FILE_DLL)) {
        return PeOk;
    }
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;

        PeQuerySection(Image, i, &Section);
        if (Section.Executable && Image->EntryPoint >= Section.Rva &&
            Image->EntryPoint - Section.Rva < Section.Size) {
            return PeOk;
        }
    }
    return PeEntryPoint;
}

/* All directories hold RVAs but that of signatures, which are not mapped. */
static PE_REASON PeCheckDirectories(const PE_IMAGE *Image)
{
    for (ULONG i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++) {
        const IMAGE_DATA_DIRECTORY *Entry = &Image->Directories[i];
        ULONG64 Limit = i == IMAGE_DIRECTORY_ENTRY_SECURITY ? Image->FileSize : Image->ImageSize;

        if (!PeWithin(Entry->VirtualAddress, Entry->Size, Limit)) {
            return PeDirectoryRange;
        }
    }
    /* Windows ignores the next three in drivers, whose code would then find nothing set up. */
    if (Image->Directories[IMAGE_DIRECTORY_ENTRY_TLS].VirtualAddress != 0) {
        return PeTls;
    }
    if (Image->Directories[IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT].VirtualAddress != 0) {
        return PeDelayImport;
    }
    if (Image->Directories[IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR].VirtualAddress != 0) {
        return PeManaged;
    }
    return PeOk;
}

/* Takes what is needed out of headers that passed; their directories are still to be copied. */
static PE_REASON PeFillImage(PPE_IMAGE Image, const IMAGE_NT_HEADERS64 *Nt, SIZE_T NtOffset)
{
    const IMAGE_OPTIONAL_HEADER64 *Optional = &Nt->OptionalHeader;
    SIZE_T Directories = NtOffset + offsetof(IMAGE_NT_HEADERS64, OptionalHeader.DataDirectory);

    Image->PreferredBase = Optional->ImageBase;
    Image->ImageSize = Optional->SizeOfImage;
    Image->HeadersSize = Optional->SizeOfHeaders;
    Image->HeadersEnd = (ULONG)PeRoundUp(Optional->SizeOfHeaders, Optional->SectionAlignment);
    Image->EntryPoint = Optional->AddressOfEntryPoint;
    Image->SectionCount = Nt->FileHeader.NumberOfSections;
    Image->CheckSum = Optional->CheckSum;
    Image->TimeDateStamp = Nt->FileHeader.TimeDateStamp;
    Image->SectionTable = NtOffset + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
                          Nt->FileHeader.SizeOfOptionalHeader;
    Image->RelocationsStripped = (Nt->FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0;
    if (!PeWithin(Image->SectionTable, Image->SectionCount * sizeof(IMAGE_SECTION_HEADER),
                  Image->HeadersSize)) {
        return PeSectionTable;
    }
    /* They lie before the section table: within the headers too. */
    memcpy(Image->Directories, Image->File + Directories,
           Optional->NumberOfRvaAndSizes * sizeof(IMAGE_DATA_DIRECTORY));
    return PeOk;
}

/* Everything but the checksum. */
static PE_REASON PeCheckStructure(PPE_IMAGE Image, const IMAGE_NT_HEADERS64 *Nt, SIZE_T NtOffset)
{
    PE_REASON Reason = PeCheckFileHeader(Nt);

    if (Reason == PeOk) {
        Reason = PeCheckOptionalHeader(Nt, Image->FileSize);
    }
    if (Reason == PeOk) {
        Reason = PeFillImage(Image, Nt, NtOffset);
    }
    if (Reason == PeOk) {
        Reason = PeCheckSections(Image, &Nt->OptionalHeader);
    }
    if (Reason == PeOk) {
        Reason = PeCheckEntryPoint(Image, &Nt->FileHeader);
    }
    if (Reason == PeOk) {
        Reason = PeCheckDirectories(Image);
    }
    return Reason;
}

PE_REASON PeCheckImage(const VOID *File, SIZE_T Size, PPE_IMAGE Image)
{
    IMAGE_NT_HEADERS64 Nt;
    SIZE_T NtOffset;
    PE_REASON Reason;

    *Image = (PE_IMAGE){.File = File, .FileSize = Size};
    Reason = PeReadHeaders(File, Size, &Nt, &NtOffset);
    if (Reason == PeOk) {
        Reason = PeCheckStructure(Image, &Nt, NtOffset);
    }
    /* Linkers write 0 unless asked for a sum. It comes last, so that damage to a header is
     * named. */
    if (Reason == PeOk && Nt.OptionalHeader.CheckSum != 0 &&
        Nt.OptionalHeader.CheckSum !=
            PeComputeChecksum(File, Size, NtOffset + PE_CHECKSUM_OFFSET)) {
        Reason = PeChecksum;
    }
    return Reason;
}

void PeQuerySection(const PE_IMAGE *Image, ULONG Index, PPE_SECTION Section)
{
    IMAGE_SECTION_HEADER Header;
    ULONG End = Image->ImageSize;

    if (Index + 1 < Image->SectionCount) {
        PeReadSection(Image, Index + 1, &Header);
        End = Header.VirtualAddress;
    }
    PeReadSection(Image, Index, &Header);
    *Section = (PE_SECTION){
        .Rva = Header.VirtualAddress,
        .Size = Header.VirtualSize,
        .FileOffset = Header.PointerToRawData,
        .FileSize = min(Header.SizeOfRawData, Header.VirtualSize),
        .Pages = (End - Header.VirtualAddress) / PE_PAGE_SIZE,
        .Writable = (Header.Characteristics & IMAGE_SCN_MEM_WRITE) != 0,
        .Executable = (Header.Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0,
        .Discardable = (Header.Characteristics & IMAGE_SCN_MEM_DISCARDABLE) != 0,
    };
    memcpy(Section->Name, Header.Name, sizeof(Header.Name));
}
