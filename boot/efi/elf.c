/*
 * elf.c - what is to be loaded of the kernel file, and whether it can be. Pure: reads nothing but
 * the file.
 */
#include "loader.h"

#define ELF_MAGIC 0x464C457F
#define ELF_CLASS_64_LITTLE 0x0102 /* bytes 4 and 5 */
#define ELF_EXECUTABLE 2
#define ELF_X86_64 62
#define ELF_LOAD 1

typedef struct ELF_HEADER {
    uint32_t Magic;
    uint16_t ClassAndOrder;
    uint8_t Version, Abi;
    uint64_t Padding;
    uint16_t Type, Machine;
    uint32_t Version2;
    uint64_t Entry, ProgramHeaders, SectionHeaders;
    uint32_t Flags;
    uint16_t HeaderSize, ProgramHeaderSize, ProgramHeaderCount;
} ELF_HEADER;

typedef struct ELF_PROGRAM_HEADER {
    uint32_t Type, Flags;
    uint64_t Offset, Virtual, Physical, FileBytes, MemoryBytes, Alignment;
} ELF_PROGRAM_HEADER;

static const char *BlPlanSegment(const uint8_t *File, size_t Size, const ELF_PROGRAM_HEADER *Header,
                                 BL_PLAN *Plan)
{
    if (Header->Offset > Size || Header->FileBytes > Size - Header->Offset ||
        Header->FileBytes > Header->MemoryBytes) {
        return "the file is cut short";
    }
    if (Header->Physical > BL_LOW_LIMIT || Header->MemoryBytes > BL_LOW_LIMIT - Header->Physical) {
        return "it wants to be above 4 GB";
    }
    if (Plan->SegmentCount == BL_MAXIMUM_SEGMENTS) {
        return "it has too many segments";
    }
    Plan->Segment[Plan->SegmentCount++] =
        (BL_SEGMENT){(uint64_t)(uintptr_t)File + Header->Offset, Header->Physical,
                     Header->FileBytes, Header->MemoryBytes};
    return NULL;
}

/* The entry point is a virtual address; below 4 GB the two are the same, and only there is 32-bit
 * code. */
static int BlIsLoaded(const BL_PLAN *Plan, uint64_t Address)
{
    for (uint64_t i = 0; i < Plan->SegmentCount; i++) {
        if (Address >= Plan->Segment[i].Target &&
            Address - Plan->Segment[i].Target < Plan->Segment[i].FileBytes) {
            return 1;
        }
    }
    return 0;
}

const char *BlPlanKernel(const void *File, size_t Size, BL_PLAN *Plan, uint64_t *Low,
                         uint64_t *High)
{
    const ELF_HEADER *Header = File;

    if (Size < sizeof(*Header) || Header->Magic != ELF_MAGIC ||
        Header->ClassAndOrder != ELF_CLASS_64_LITTLE || Header->Type != ELF_EXECUTABLE ||
        Header->Machine != ELF_X86_64) {
        return "it is no 64-bit ELF program";
    }
    if (Header->ProgramHeaderSize != sizeof(ELF_PROGRAM_HEADER) ||
        Header->ProgramHeaders % 8 != 0 || Header->ProgramHeaders > Size ||
        Header->ProgramHeaderCount > (Size - Header->ProgramHeaders) / sizeof(ELF_PROGRAM_HEADER)) {
        return "the file is cut short";
    }
    Plan->SegmentCount = 0;
    *Low = BL_LOW_LIMIT;
    *High = 0;
    for (size_t i = 0; i < Header->ProgramHeaderCount; i++) {
        const ELF_PROGRAM_HEADER *Program =
            (const ELF_PROGRAM_HEADER *)((const uint8_t *)File + Header->ProgramHeaders) + i;
        const char *Wrong;

        if (Program->Type != ELF_LOAD || Program->MemoryBytes == 0) {
            continue;
        }
        Wrong = BlPlanSegment(File, Size, Program, Plan);
        if (Wrong != NULL) {
            return Wrong;
        }
        *Low = Program->Physical < *Low ? Program->Physical : *Low;
        *High = Program->Physical + Program->MemoryBytes > *High
                    ? Program->Physical + Program->MemoryBytes
                    : *High;
    }
    Plan->Entry = Header->Entry;
    return BlIsLoaded(Plan, Header->Entry) ? NULL : "its entry point is not in the file";
}
