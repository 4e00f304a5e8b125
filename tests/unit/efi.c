/*
 * Proves that the UEFI loader takes the kernel file as it is and refuses any damaged one, that its
 * information is read by the kernel's own multiboot2 parser as it was written, its checksums, and
 * where it finds room for the boot disk.
 *
 * unit-sources: boot/efi/elf.c boot/efi/info.c boot/efi/sums.c boot/efi/room.c boot/grub/multiboot.c boot/memorymap.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/efi/loader.h"

/* An ELF file with two segments: 64 bytes of header, two program headers, data. */
#define FILE_SIZE 512
#define SEGMENT 56
static _Alignas(8) UCHAR Elf[FILE_SIZE];

static void Put(SIZE_T Offset, ULONG64 Value, SIZE_T Bytes)
{
    memcpy(Elf + Offset, &Value, Bytes);
}

static void BuildSegment(SIZE_T Index, ULONG64 Offset, ULONG64 Target, ULONG64 File, ULONG64 Memory)
{
    SIZE_T At = 64 + Index * SEGMENT;

    Put(At, 1, 4);
    Put(At + 8, Offset, 8);
    Put(At + 16, 0xFFFFFFFF80000000 + Target, 8);
    Put(At + 24, Target, 8);
    Put(At + 32, File, 8);
    Put(At + 40, Memory, 8);
}

static void BuildElf(void)
{
    memset(Elf, 0, sizeof(Elf));
    memcpy(Elf, "\177ELF\2\1\1", 7);
    Put(16, 2, 2);
    Put(18, 62, 2);
    Put(24, 0x200010, 8); /* entry */
    Put(32, 64, 8);       /* program headers */
    Put(54, SEGMENT, 2);
    Put(56, 2, 2);
    BuildSegment(0, 256, 0x200000, 128, 128);
    BuildSegment(1, 384, 0x201000, 128, 0x2000);
}

static const char *Plan(BL_PLAN *Result)
{
    uint64_t Low, High;

    return BlPlanKernel(Elf, sizeof(Elf), Result, &Low, &High);
}

static void TestElf(void)
{
    BL_PLAN Result;
    uint64_t Low, High;

    BuildElf();
    assert(BlPlanKernel(Elf, sizeof(Elf), &Result, &Low, &High) == NULL);
    assert(Result.Entry == 0x200010 && Result.SegmentCount == 2 && Low == 0x200000 &&
           High == 0x203000);
    assert(Result.Segment[1].Source == (uintptr_t)Elf + 384 &&
           Result.Segment[1].Target == 0x201000 && Result.Segment[1].FileBytes == 128 &&
           Result.Segment[1].MemoryBytes == 0x2000);

    for (SIZE_T Size = 0; Size < sizeof(Elf); Size++) {
        UCHAR *Short =
            malloc(Size + 8); /* of its own, so that the sanitizer sees a read behind it */
        memcpy(Short, Elf, Size);
        assert(BlPlanKernel(Short, Size, &Result, &Low, &High) != NULL);
        free(Short);
    }
    Put(18, 3, 2); /* another machine */
    assert(strstr(Plan(&Result), "no 64-bit"));
    BuildElf();
    Put(24, 0x300000, 8);
    assert(strstr(Plan(&Result), "entry point"));
    BuildElf();
    BuildSegment(1, 384, 0xFFFFF000, 128, 0x2000);
    assert(strstr(Plan(&Result), "above 4 GB"));
    BuildElf();
    BuildSegment(1, 384, 0x201000, 128, 64); /* more in the file than in memory */
    assert(Plan(&Result) != NULL);
    BuildElf();
    BuildSegment(1, 0xFFFFFFFFFFFFFFFF, 0x201000, 128, 128);
    assert(Plan(&Result) != NULL);
    BuildElf();
    Put(32, 0xFFFFFFFFFFFFFFF8, 8);
    assert(Plan(&Result) != NULL);
}

/* Any change of a byte is survived; what is accepted lies within the file. */
static void TestDamage(void)
{
    BL_PLAN Result;

    srand(1);
    for (ULONG i = 0; i < 200000; i++) {
        BuildElf();
        for (ULONG j = 0; j < 3; j++) {
            Elf[rand() % 256] = (UCHAR)rand();
        }
        if (Plan(&Result) == NULL) {
            for (uint64_t k = 0; k < Result.SegmentCount; k++) {
                uint64_t Start = Result.Segment[k].Source - (uintptr_t)Elf;
                assert(Start <= FILE_SIZE && Result.Segment[k].FileBytes <= FILE_SIZE - Start);
                assert(Result.Segment[k].Target + Result.Segment[k].MemoryBytes <= BL_LOW_LIMIT);
            }
        }
    }
}

/* The parser's way out. */
VOID BlFail(const CHAR *Message)
{
    printf("BlFail: %s\n", Message);
    abort();
}

VOID BlCopyString(PCHAR Destination, SIZE_T Size, const CHAR *Source)
{
    snprintf(Destination, Size, "%s", Source);
}

static void TestInfo(void)
{
    static _Alignas(8) UCHAR Buffer[4096];
    static LOADER_BLOCK Block;
    static BL_MEMORY_RANGES Ranges;
    BL_SCREEN Screen = {0xC0000000, 5120, 1280, 800, 32, 16, 8, 8, 8, 0, 8};
    BL_MEMORY Memory[3];
    BL_INFO Info;
    SIZE_T Count = 0, Needed;

    Count = BlAppendMemory(Memory, Count, 3, (BL_MEMORY){0, 0x8000, 1});
    Count = BlAppendMemory(Memory, Count, 3, (BL_MEMORY){0x8000, 0x1000, 1});
    assert(Count == 1 && Memory[0].Length == 0x9000);
    Count = BlAppendMemory(Memory, Count, 3, (BL_MEMORY){0x9000, 0x1000, 4});
    Count = BlAppendMemory(Memory, Count, 3, (BL_MEMORY){0x100000000, 0x40000000, 1});
    assert(Count == 3);
    assert(BlAppendMemory(Memory, Count, 3, (BL_MEMORY){0x900000000, 1, 1}) == 4);

    BlBeginInfo(&Info, Buffer, sizeof(Buffer));
    BlAddLoaderName(&Info, "UEFI");
    BlAddCommandLine(&Info, "exec quiet");
    BlAddModule(&Info, 0x5000000, 12345);
    BlAddScreen(&Info, &Screen);
    BlAddRsdp(&Info, "RSD PTR 0123456789012345678901234567", 1);
    BlAddMemoryMap(&Info, Memory, Count);
    assert(BlEndInfo(&Info));
    Needed = Info.Used;

    BlParseMultiboot((ULONG64)(uintptr_t)Buffer, &Block, &Ranges);
    assert(strcmp(Block.LoaderName, "UEFI") == 0 && strcmp(Block.CommandLine, "exec quiet") == 0);
    assert(Block.BootDiskBase == 0x5000000 && Block.BootDiskSize == 12345);
    assert(Block.Framebuffer.Type == LoaderFramebufferRgb && Block.Framebuffer.Width == 1280 &&
           Block.Framebuffer.Pitch == 5120 && Block.Framebuffer.RedShift == 16 &&
           Block.Framebuffer.BlueBits == 8);
    assert(memcmp(Block.Rsdp, "RSD PTR 0123456789012345678901234567", 36) == 0);
    assert(Ranges.Count == 3 && Ranges.Range[1].Type == LoaderAcpiNvs &&
           Ranges.Range[2].End == 0x140000000);

    /* Whatever the room, what is too much is said, and nothing is written behind it. */
    for (SIZE_T Room = sizeof(ULONG64); Room < Needed; Room += 8) {
        UCHAR *Small = malloc(Room);
        BlBeginInfo(&Info, Small, Room);
        BlAddCommandLine(&Info, "exec quiet");
        BlAddLoaderName(&Info, "UEFI");
        BlAddModule(&Info, 0x5000000, 12345);
        BlAddScreen(&Info, &Screen);
        BlAddRsdp(&Info, "RSD PTR 0123456789012345678901234567", 1);
        BlAddMemoryMap(&Info, Memory, Count);
        assert(!BlEndInfo(&Info));
        free(Small);
    }
}

static void TestSums(void)
{
    static const char List[] =
        "00000001 other\ncbf43926 etude.elf\nxyz\ncbf4392 bad\n00000002 last";
    uint32_t Sum;

    assert(BlCrc32(0, "123456789", 9) == 0xCBF43926); /* the check value that everybody quotes */
    assert(BlCrc32(BlCrc32(BlCrc32(0, "1234", 4), "", 0), "56789", 5) == 0xCBF43926);
    assert(BlFindSum(List, strlen(List), "etude.elf", &Sum) && Sum == 0xCBF43926);
    assert(BlFindSum(List, strlen(List), "last", &Sum) && Sum == 2);
    assert(!BlFindSum(List, strlen(List), "etude.el", &Sum));
    assert(!BlFindSum(List, strlen(List), "etude.elf2", &Sum));
    assert(!BlFindSum(List, strlen(List), "bad", &Sum));
    assert(!BlFindSum(List, 0, "other", &Sum));
}

static void TestRoom(void)
{
    static const BL_MEMORY Memory[] = {
        {0, 0xA0000, 1},           {0x100000, 0x700000, 1},      {0x800000, 0x8000, 4},
        {0x808000, 0x1F8000, 1},   {0xA00000, 0x600000, 1},      {0x1000000, 0x1000, 2},
        {0xFFF00000, 0x100000, 1}, {0x100000000, 0x40000000, 1},
    };
    static const BL_MEMORY Taken[] = {{0x200000, 0x166000, 0}, {0x400000, 0x123, 0}};

#define ROOM(Size) BlFindRoom(Memory, ARRAYSIZE(Memory), Taken, ARRAYSIZE(Taken), Size)
    assert(BlRamBetween(Memory, ARRAYSIZE(Memory), 0, 0x100000) == 0xA0000);
    assert(BlRamBetween(Memory, ARRAYSIZE(Memory), 0x7FF000, 0x809000) == 0x2000);
    assert(ROOM(1) == 0x100000); /* not below */
    assert(ROOM(0x100000) == 0x100000);
    assert(ROOM(0x100001) == 0x401000); /* 0x366000 has less, and pages are whole */
    assert(ROOM(0x9A000) == 0x100000);
    assert(ROOM(0x3FF000) == 0x401000);
    assert(ROOM(0x400000) == 0x808000); /* two ranges that meet */
    assert(ROOM(0x7F8000) == 0x808000);
    assert(ROOM(0x7F8001) == 0); /* above 4 GB is no place */
#undef ROOM
    assert(BlFindRoom(Memory, ARRAYSIZE(Memory), NULL, 0, 0x700000) == 0x100000);
}

int main(void)
{
    TestElf();
    TestDamage();
    TestInfo();
    TestSums();
    TestRoom();
    return 0;
}
