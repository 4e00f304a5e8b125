/*
 * pe.h - checking, laying out, relocating and binding a driver's PE32+ image. Pure: works on bytes
 * it is given and calls nothing but a resolver, so that it also runs on a host, under sanitizers.
 *
 * Order of use: PeCheckImage on the file; PeCopySections into SizeOfImage zeroed bytes; then
 * PeRelocate, PeBindImports and PeInitializeCookie on those. Nothing in the file is trusted, and
 * what a relocation may have changed in the mapped copy is checked again where it is read.
 * PeFindExport serves the imports of others.
 */
#ifndef _LDR_PE_H_
#define _LDR_PE_H_

#include "peformat.h"

#define PE_PAGE_SIZE 4096U
#define PE_MAXIMUM_SECTIONS 96
#define PE_MAXIMUM_IMAGE_SIZE 0x10000000U

/* Why an image is refused: one reason for each rule, with the text that people are told. */
#define PE_REASONS(X)                                                                              \
    X(PeOk, "nothing is wrong")                                                                    \
    X(PeFileTooSmall, "the file is too small to be an image")                                      \
    X(PeDosMagic, "the file does not start with MZ")                                               \
    X(PeHeaderOffset, "e_lfanew does not point to headers within the file")                        \
    X(PeSignature, "the PE signature is missing")                                                  \
    X(PeMachine, "the machine is not x64")                                                         \
    X(PeNotExecutable, "the image is not marked as executable: its linking failed")                \
    X(PeOptionalSize, "SizeOfOptionalHeader is wrong")                                             \
    X(PeOptionalMagic, "the optional header is not that of PE32+")                                 \
    X(PeSubsystem, "the subsystem is not native: not a driver")                                    \
    X(PeSectionCount, "the number of sections is not 1 to 96")                                     \
    X(PeFileAlignment, "FileAlignment is not a power of two from 512 to 64 KB")                    \
    X(PeSectionAlignment, "SectionAlignment is not a power of two from a page upwards")            \
    X(PeImageBase, "ImageBase is not a multiple of 64 KB")                                         \
    X(PeHeadersSize, "SizeOfHeaders does not fit the headers or the file")                         \
    X(PeImageSize, "SizeOfImage is not where the last section ends")                               \
    X(PeImageTooLarge, "SizeOfImage is above 256 MB")                                              \
    X(PeChecksum, "the checksum is wrong: the file is damaged")                                    \
    X(PeSectionTable, "the section table is not within the headers")                               \
    X(PeSectionAddress, "a section does not start where the one before it ends")                   \
    X(PeSectionEmpty, "a section is empty")                                                        \
    X(PeSectionData, "a section's data are not within the file, or not aligned")                   \
    X(PeSectionWriteExecute, "a section is both writable and executable")                          \
    X(PeEntryPoint, "the entry point is not in an executable section")                             \
    X(PeDirectoryCount, "NumberOfRvaAndSizes is above 16")                                         \
    X(PeDirectoryRange, "a data directory is not within the image")                                \
    X(PeTls, "the image uses thread-local storage, which drivers cannot have")                     \
    X(PeDelayImport, "the image has delayed imports, which drivers cannot have")                   \
    X(PeManaged, "the image holds managed code")                                                   \
    X(PeNotRelocatable, "the image has no relocations and cannot be moved from its ImageBase")     \
    X(PeRelocationBlock, "a block of relocations has a wrong size or page")                        \
    X(PeRelocationType, "a relocation is not of type DIR64")                                       \
    X(PeRelocationTarget, "a relocation's target is not within the image")                         \
    X(PeImportRange, "an import table is not within the image")                                    \
    X(PeImportMissing, "imports are missing")                                                      \
    X(PeExportRange, "the export table is not within the image")                                   \
    X(PeExportMissing, "the export is missing")                                                    \
    X(PeLoadConfig, "the security cookie is not within writable data")

typedef enum _PE_REASON {
#define PE_REASON_NAME(Name, Text) Name,
    PE_REASONS(PE_REASON_NAME)
#undef PE_REASON_NAME
    PeReasonCount
} PE_REASON;

/* What the rest needs of a checked image. */
typedef struct _PE_IMAGE {
    const UCHAR *File;
    SIZE_T FileSize;
    ULONG64 PreferredBase;
    ULONG ImageSize;   /* bytes, whole pages */
    ULONG HeadersSize; /* bytes of the file that stand before the sections */
    ULONG HeadersEnd;  /* RVA of the first section */
    ULONG EntryPoint;  /* RVA; 0: none, which only a DLL may have */
    ULONG SectionCount;
    SIZE_T SectionTable; /* file offset */
    ULONG CheckSum;      /* as the header has it */
    ULONG TimeDateStamp;
    BOOLEAN RelocationsStripped;
    IMAGE_DATA_DIRECTORY Directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES]; /* absent: zero */
} PE_IMAGE, *PPE_IMAGE;

typedef struct _PE_SECTION {
    CHAR Name[9];
    ULONG Rva;
    ULONG Size; /* bytes in memory */
    ULONG FileOffset;
    ULONG FileSize; /* bytes to copy, <= Size; the rest is zero */
    ULONG Pages;    /* up to the next section */
    BOOLEAN Writable;
    BOOLEAN Executable;
    BOOLEAN Discardable; /* not needed any more once the image has been initialised */
} PE_SECTION, *PPE_SECTION;

/* Text for people, without the image's name and without a full stop. */
const CHAR *PeReasonText(PE_REASON Reason);

/* Checks Size bytes at File, which need no alignment, and fills Image, which refers to them. */
PE_REASON PeCheckImage(const VOID *File, SIZE_T Size, PPE_IMAGE Image);

/* Section Index of a checked image, Index < Image->SectionCount. */
void PeQuerySection(const PE_IMAGE *Image, ULONG Index, PPE_SECTION Section);

/* The file's sum as linkers compute it for CheckSum, whose own four bytes at FieldOffset (even)
 * count as zero. */
ULONG PeComputeChecksum(const UCHAR *File, SIZE_T Size, SIZE_T FieldOffset);

/* Copies headers and sections to Mapped: Image->ImageSize zeroed bytes. */
void PeCopySections(const PE_IMAGE *Image, PUCHAR Mapped);

/* Moves the mapped image from its preferred base to run at Address. */
PE_REASON PeRelocate(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address);

/* What an import asks for. */
typedef struct _PE_SYMBOL {
    const CHAR *Name; /* NULL: by ordinal */
    ULONG Ordinal;
} PE_SYMBOL, *PPE_SYMBOL;

/* Answers the address of Symbol in Module, or NULL, which lets the binding go on but fail. */
typedef PVOID PE_RESOLVE(const CHAR *Module, const PE_SYMBOL *Symbol, PVOID Context);
PE_REASON PeBindImports(const PE_IMAGE *Image, PUCHAR Mapped, PE_RESOLVE *Resolve, PVOID Context);

/* Gives the image's stack-check cookie, if it has one with the linker's value, a value made of
 * Random. To be called after PeRelocate. */
PE_REASON PeInitializeCookie(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address, ULONG64 Random);

/* Gives an image made with checks of indirect calls the two routines that its code calls for them:
 * Check before a call, Dispatch instead of one. To be called after PeRelocate. */
PE_REASON PeInitializeGuard(const PE_IMAGE *Image, PUCHAR Mapped, ULONG64 Address, ULONG64 Check,
                            ULONG64 Dispatch);

/* What stands in an export table for a symbol. */
typedef struct _PE_EXPORT {
    ULONG Rva;
    const CHAR *Forward; /* "module.name" or "module.#ordinal", in the image; or NULL: Rva counts */
} PE_EXPORT, *PPE_EXPORT;

/* Looks Symbol up in a mapped image, which is not trusted. PeExportMissing, PeExportRange. Any
 * IRQL. */
PE_REASON PeFindExport(const PE_IMAGE *Image, const UCHAR *Mapped, const PE_SYMBOL *Symbol,
                       PPE_EXPORT Export);
/* Takes a forward apart: the module's name, without extension, goes to Size bytes at Module, the
 * symbol refers to Forward. FALSE: it is not well formed. */
BOOLEAN PeSplitForward(const CHAR *Forward, CHAR *Module, SIZE_T Size, PPE_SYMBOL Symbol);

#endif
