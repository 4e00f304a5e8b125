/*
 * peformat.h - the parts of the PE32+ file format that a driver image has, with the names the
 * format's own documentation (and winnt.h) gives them. Little endian, no padding anywhere.
 */
#ifndef _LDR_PEFORMAT_H_
#define _LDR_PEFORMAT_H_

#include <ntdef.h>

#define IMAGE_DOS_SIGNATURE 0x5A4D    /* "MZ" */
#define IMAGE_NT_SIGNATURE 0x00004550 /* "PE\0\0" */
#define IMAGE_FILE_MACHINE_AMD64 0x8664
#define IMAGE_NT_OPTIONAL_HDR64_MAGIC 0x20B
#define IMAGE_SUBSYSTEM_NATIVE 1

#define IMAGE_FILE_RELOCS_STRIPPED 0x0001
#define IMAGE_FILE_EXECUTABLE_IMAGE 0x0002
#define IMAGE_FILE_DLL 0x2000

#define IMAGE_SCN_MEM_DISCARDABLE 0x02000000
#define IMAGE_SCN_MEM_EXECUTE 0x20000000
#define IMAGE_SCN_MEM_READ 0x40000000
#define IMAGE_SCN_MEM_WRITE 0x80000000

#define IMAGE_NUMBEROF_DIRECTORY_ENTRIES 16
#define IMAGE_DIRECTORY_ENTRY_EXPORT 0
#define IMAGE_DIRECTORY_ENTRY_IMPORT 1
#define IMAGE_DIRECTORY_ENTRY_RESOURCE 2
#define IMAGE_DIRECTORY_ENTRY_EXCEPTION 3
#define IMAGE_DIRECTORY_ENTRY_SECURITY 4
#define IMAGE_DIRECTORY_ENTRY_BASERELOC 5
#define IMAGE_DIRECTORY_ENTRY_TLS 9
#define IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG 10
#define IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT 13
#define IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR 14

#define IMAGE_REL_BASED_ABSOLUTE 0
#define IMAGE_REL_BASED_DIR64 10

#define IMAGE_ORDINAL_FLAG64 0x8000000000000000ULL

typedef struct _IMAGE_DOS_HEADER {
    USHORT e_magic;
    USHORT e_unused[29]; /* for MS-DOS */
    ULONG e_lfanew;      /* file offset of the NT headers */
} IMAGE_DOS_HEADER;

typedef struct _IMAGE_FILE_HEADER {
    USHORT Machine;
    USHORT NumberOfSections;
    ULONG TimeDateStamp;
    ULONG PointerToSymbolTable;
    ULONG NumberOfSymbols;
    USHORT SizeOfOptionalHeader;
    USHORT Characteristics;
} IMAGE_FILE_HEADER;

typedef struct _IMAGE_DATA_DIRECTORY {
    ULONG VirtualAddress;
    ULONG Size;
} IMAGE_DATA_DIRECTORY;

typedef struct _IMAGE_OPTIONAL_HEADER64 {
    USHORT Magic;
    UCHAR MajorLinkerVersion;
    UCHAR MinorLinkerVersion;
    ULONG SizeOfCode;
    ULONG SizeOfInitializedData;
    ULONG SizeOfUninitializedData;
    ULONG AddressOfEntryPoint;
    ULONG BaseOfCode;
    ULONG64 ImageBase;
    ULONG SectionAlignment;
    ULONG FileAlignment;
    USHORT MajorOperatingSystemVersion;
    USHORT MinorOperatingSystemVersion;
    USHORT MajorImageVersion;
    USHORT MinorImageVersion;
    USHORT MajorSubsystemVersion;
    USHORT MinorSubsystemVersion;
    ULONG Win32VersionValue;
    ULONG SizeOfImage;
    ULONG SizeOfHeaders;
    ULONG CheckSum;
    USHORT Subsystem;
    USHORT DllCharacteristics;
    ULONG64 SizeOfStackReserve;
    ULONG64 SizeOfStackCommit;
    ULONG64 SizeOfHeapReserve;
    ULONG64 SizeOfHeapCommit;
    ULONG LoaderFlags;
    ULONG NumberOfRvaAndSizes;
    IMAGE_DATA_DIRECTORY DataDirectory[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
} IMAGE_OPTIONAL_HEADER64;

typedef struct _IMAGE_NT_HEADERS64 {
    ULONG Signature;
    IMAGE_FILE_HEADER FileHeader;
    IMAGE_OPTIONAL_HEADER64 OptionalHeader;
} IMAGE_NT_HEADERS64;

typedef struct _IMAGE_SECTION_HEADER {
    UCHAR Name[8]; /* zero padded, not terminated */
    ULONG VirtualSize;
    ULONG VirtualAddress;
    ULONG SizeOfRawData;
    ULONG PointerToRawData;
    ULONG PointerToRelocations;
    ULONG PointerToLinenumbers;
    USHORT NumberOfRelocations;
    USHORT NumberOfLinenumbers;
    ULONG Characteristics;
} IMAGE_SECTION_HEADER;

typedef struct _IMAGE_BASE_RELOCATION {
    ULONG VirtualAddress; /* of the page */
    ULONG SizeOfBlock;    /* with this header; 16-bit entries follow: type << 12 | offset */
} IMAGE_BASE_RELOCATION;

typedef struct _IMAGE_IMPORT_DESCRIPTOR {
    ULONG OriginalFirstThunk; /* RVA of the names; 0: FirstThunk's are used */
    ULONG TimeDateStamp;
    ULONG ForwarderChain;
    ULONG Name;       /* RVA */
    ULONG FirstThunk; /* RVA of the addresses to fill in */
} IMAGE_IMPORT_DESCRIPTOR;

typedef struct _IMAGE_EXPORT_DIRECTORY {
    ULONG Characteristics;
    ULONG TimeDateStamp;
    USHORT MajorVersion;
    USHORT MinorVersion;
    ULONG Name;
    ULONG Base;                  /* ordinal of the first function */
    ULONG NumberOfFunctions;     /* by ordinal */
    ULONG NumberOfNames;         /* sorted */
    ULONG AddressOfFunctions;    /* RVA of RVAs; one within the directory is that of a forward */
    ULONG AddressOfNames;        /* RVA of RVAs */
    ULONG AddressOfNameOrdinals; /* RVA of 16-bit indices into the functions */
} IMAGE_EXPORT_DIRECTORY;

/* Fields of IMAGE_LOAD_CONFIG_DIRECTORY64, all virtual addresses: of __security_cookie, of
 * __guard_check_icall_fptr and of __guard_dispatch_icall_fptr. */
#define IMAGE_LOAD_CONFIG_COOKIE_OFFSET 0x58
#define IMAGE_LOAD_CONFIG_GUARD_CHECK_OFFSET 0x70
#define IMAGE_LOAD_CONFIG_GUARD_DISPATCH_OFFSET 0x78

C_ASSERT(sizeof(IMAGE_DOS_HEADER) == 64 && sizeof(IMAGE_FILE_HEADER) == 20);
C_ASSERT(sizeof(IMAGE_OPTIONAL_HEADER64) == 240 && sizeof(IMAGE_NT_HEADERS64) == 264);
C_ASSERT(sizeof(IMAGE_EXPORT_DIRECTORY) == 40);
C_ASSERT(sizeof(IMAGE_SECTION_HEADER) == 40 && sizeof(IMAGE_IMPORT_DESCRIPTOR) == 20);

#endif
