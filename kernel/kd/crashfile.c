/*
 * crashfile.c - the machine's memory as an ELF core file, which gdb opens.
 *
 *     0                          ELF header and program headers
 *     KD_CRASH_NOTES_OFFSET      a note for each processor: its registers
 *     KD_CRASH_MEMORY_OFFSET     RAM; a byte stands at this plus its physical address
 *
 * Program headers describe memory by virtual addresses: the direct map, and each run of what else
 * is mapped (kernel, drivers, pools, stacks), which points to the same bytes. Everything goes
 * through two static pages, because nothing can be allocated. Drivers' KbCallbackDumpIo routines
 * see each piece that has been written. The first page, with the header, is written last: a file
 * that was not completed is none.
 */
#include "ke.h"
#include "kd.h"
#include "mm.h"
#include "crashfile.h"

#define KD_CRASH_NOTES_OFFSET 0x1F0000
#define ELF_MACHINE 62
#define ELF_CORE 4
#define ELF_LOAD 1
#define ELF_NOTE 4
#define NOTE_STATUS 1
#define MAXIMUM_LOADS ((KD_CRASH_NOTES_OFFSET - sizeof(ELF_HEADER)) / sizeof(ELF_PROGRAM) - 1)

typedef struct _ELF_HEADER {
    UCHAR Identity[16];
    USHORT Type, Machine;
    ULONG Version;
    ULONG64 Entry, ProgramOffset, SectionOffset;
    ULONG Flags;
    USHORT HeaderSize, ProgramSize, Programs, SectionSize, Sections, Names;
} ELF_HEADER;
C_ASSERT(sizeof(ELF_HEADER) == 64);

typedef struct _ELF_PROGRAM {
    ULONG Type, Flags;
    ULONG64 Offset, Virtual, Physical, FileSize, MemorySize, Alignment;
} ELF_PROGRAM;
C_ASSERT(sizeof(ELF_PROGRAM) == 56 && MAXIMUM_LOADS < 0xFFFF);

#pragma pack(push, 4)
/* A note of NT_PRSTATUS as Linux defines it for x86-64. */
typedef struct _ELF_STATUS_NOTE {
    ULONG NameSize, Size, Type;
    CHAR Name[8];
    ULONG Signal[8];
    ULONG Id;
    ULONG Other[19]; /* what a process has and a processor has not: masks, parents, times */
    ULONG64 R15, R14, R13, R12, Rbp, Rbx, R11, R10, R9, R8, Rax, Rcx, Rdx, Rsi, Rdi, OriginalRax;
    ULONG64 Rip, Cs, EFlags, Rsp, Ss, FsBase, GsBase, Ds, Es, Fs, Gs;
    ULONG64 FloatingPoint;
} ELF_STATUS_NOTE;
#pragma pack(pop)
C_ASSERT(sizeof(ELF_STATUS_NOTE) == 20 + 336 && FIELD_OFFSET(ELF_STATUS_NOTE, R15) == 20 + 112);

typedef struct _KD_CRASH_FILE {
    const CRASH_WRITER *Writer;
    NTSTATUS Status;
    ULONG Fill;       /* bytes in the current page */
    ULONG64 Position; /* of its start in the file */
    ULONG64 Written;
    ULONG Loads; /* program headers so far */
    BOOLEAN Counting;
} KD_CRASH_FILE;

static DECLSPEC_ALIGN(PAGE_SIZE) UCHAR
    KdpCrashPage[2][PAGE_SIZE]; /* the first of the file; any other */

/* The memory map is in the order of addresses, and no range overlaps the next: all below relies on
 * it. */
static BOOLEAN KdpIsMemory(const LOADER_MEMORY_DESCRIPTOR *Range)
{
    return Range->Type <= LoaderAcpiReclaim;
}

ULONG64 KdpHighestMemory(void)
{
    ULONG64 Highest = 0;

    for (ULONG i = 0; i < KeLoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Range = &KeLoaderBlock->Descriptors[i];
        if (KdpIsMemory(Range)) {
            Highest = Range->Base + Range->PageCount * PAGE_SIZE;
        }
    }
    return Highest;
}

static BOOLEAN KdpHasMemory(ULONG64 Base, ULONG64 Size)
{
    for (ULONG i = 0; i < KeLoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Range = &KeLoaderBlock->Descriptors[i];
        ULONG64 End = Range->Base + Range->PageCount * PAGE_SIZE;
        if (KdpIsMemory(Range) && Base >= Range->Base && Base < End) {
            if (Size <= End - Base) {
                return TRUE;
            }
            Size -= End - Base; /* it goes on in the next range */
            Base = End;
        }
    }
    return FALSE;
}

static void KdpWrite(KD_CRASH_FILE *File, ULONG64 Offset, ULONG64 Physical, ULONG64 Size)
{
    while (Size != 0 && NT_SUCCESS(File->Status)) {
        ULONG Some = (ULONG)min(Size, CRASH_WRITE_MAXIMUM);
        PHYSICAL_ADDRESS Address = {.QuadPart = (LONGLONG)Physical};
        File->Status = File->Writer->Write(File->Writer->Context, Offset, Address, Some);
        if (NT_SUCCESS(File->Status)) {
            KeGiveToDumpIo(Offset < KD_CRASH_MEMORY_OFFSET ? KbDumpIoHeader : KbDumpIoBody, Offset,
                           (PVOID)(MM_DIRECT_MAP_BASE + Physical), Some);
        }
        Offset += Some;
        Physical += Some;
        Size -= Some;
        File->Written += Some;
    }
}

/* A page of the headers is complete, or the last one. */
static void KdpFlushPage(KD_CRASH_FILE *File)
{
    PUCHAR Page = KdpCrashPage[File->Position != 0];

    RtlZeroMemory(Page + File->Fill, PAGE_SIZE - File->Fill);
    if (File->Position != 0) {
        KdpWrite(File, File->Position, (ULONG64)MmGetPhysicalAddress(Page).QuadPart, PAGE_SIZE);
    }
    File->Position += PAGE_SIZE;
    File->Fill = 0;
}

static void KdpPut(KD_CRASH_FILE *File, const void *Data, ULONG Size)
{
    const UCHAR *Bytes = Data;

    while (Size != 0) {
        ULONG Some = min(Size, PAGE_SIZE - File->Fill);
        memcpy(KdpCrashPage[File->Position != 0] + File->Fill, Bytes, Some);
        File->Fill += Some;
        Bytes += Some;
        Size -= Some;
        if (File->Fill == PAGE_SIZE) {
            KdpFlushPage(File);
        }
    }
}

static void KdpPutLoad(KD_CRASH_FILE *File, ULONG64 Virtual, ULONG64 Physical, ULONG64 Size)
{
    ELF_PROGRAM Program = {.Type = ELF_LOAD,
                           .Flags = 7,
                           .Offset = KD_CRASH_MEMORY_OFFSET + Physical,
                           .Virtual = Virtual,
                           .Physical = Physical,
                           .FileSize = Size,
                           .MemorySize = Size,
                           .Alignment = PAGE_SIZE};

    /* The direct map comes first, so what finds no room any more is in the file all the same: a
     * debugger finds it only by its physical address. */
    if (File->Loads == MAXIMUM_LOADS) {
        return;
    }
    File->Loads++;
    if (!File->Counting) {
        KdpPut(File, &Program, sizeof(Program));
    }
}

/* Devices' registers are left out: reading them would change them. */
static void KdpVisitMapping(PVOID Context, ULONG64 Virtual, ULONG64 Physical, ULONG64 Size)
{
    if (KdpHasMemory(Physical, Size)) {
        KdpPutLoad(Context, Virtual, Physical, Size);
    }
}

/* Called twice, since the header that says how many there are stands in front of them. */
static void KdpPutLoads(KD_CRASH_FILE *File)
{
    for (ULONG i = 0; i < KeLoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Range = &KeLoaderBlock->Descriptors[i];
        if (KdpIsMemory(Range)) {
            KdpPutLoad(File, MM_DIRECT_MAP_BASE + Range->Base, Range->Base,
                       Range->PageCount * PAGE_SIZE);
        }
    }
    MmVisitMappings(KdpVisitMapping, File);
}

static void KdpPutStatus(KD_CRASH_FILE *File, PKPRCB Prcb)
{
    const KTRAP_FRAME *f = Prcb->FrozenFrame;
    ELF_STATUS_NOTE Note = {.NameSize = 5,
                            .Size = sizeof(Note) - FIELD_OFFSET(ELF_STATUS_NOTE, Signal),
                            .Type = NOTE_STATUS,
                            .Name = "CORE",
                            .Id = Prcb->Number + 1};

    Note.R15 = f->R15, Note.R14 = f->R14, Note.R13 = f->R13, Note.R12 = f->R12;
    Note.R11 = f->R11, Note.R10 = f->R10, Note.R9 = f->R9, Note.R8 = f->R8;
    Note.Rax = f->Rax, Note.Rbx = f->Rbx, Note.Rcx = f->Rcx, Note.Rdx = f->Rdx;
    Note.Rsi = f->Rsi, Note.Rdi = f->Rdi, Note.Rbp = f->Rbp, Note.Rsp = f->Rsp;
    Note.Rip = f->Rip, Note.EFlags = f->EFlags, Note.Cs = f->SegCs, Note.Ss = f->SegSs;
    /* Behind the call of a routine that does not return there may be another one. */
    Note.Rip -= f->Vector == KI_NO_VECTOR;
    Note.OriginalRax = ~0ULL;
    Note.GsBase = (ULONG64)CONTAINING_RECORD(Prcb, KPCR, Prcb);
    KdpPut(File, &Note, sizeof(Note));
}

/* The processor that crashed is the one that a debugger shows first. Returns the notes' size. */
static ULONG KdpPutNotes(KD_CRASH_FILE *File, ULONG Owner)
{
    ULONG Count = 0;

    File->Position = KD_CRASH_NOTES_OFFSET;
    File->Fill = 0;
    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        PKPRCB Prcb = KiProcessorBlock[i == 0 ? Owner : i <= Owner ? i - 1 : i];
        if (Prcb != NULL && Prcb->Started && Prcb->FrozenFrame != NULL) {
            KdpPutStatus(File, Prcb);
            Count++;
        }
    }
    KdpFlushPage(File);
    return Count * sizeof(ELF_STATUS_NOTE);
}

static void KdpPutHeaders(KD_CRASH_FILE *File, ULONG NoteSize)
{
    ELF_HEADER Header = {.Identity = {0x7F, 'E', 'L', 'F', 2, 1, 1},
                         .Type = ELF_CORE,
                         .Machine = ELF_MACHINE,
                         .Version = 1,
                         .ProgramOffset = sizeof(Header),
                         .HeaderSize = sizeof(Header),
                         .ProgramSize = sizeof(ELF_PROGRAM)};
    ELF_PROGRAM Notes = {
        .Type = ELF_NOTE, .Offset = KD_CRASH_NOTES_OFFSET, .FileSize = NoteSize, .Alignment = 4};

    File->Counting = TRUE;
    File->Loads = 0;
    KdpPutLoads(File);
    Header.Programs = (USHORT)(File->Loads + 1);
    File->Counting = FALSE;
    File->Loads = 0;
    File->Position = 0;
    File->Fill = 0;
    KdpPut(File, &Header, sizeof(Header));
    KdpPut(File, &Notes, sizeof(Notes));
    KdpPutLoads(File);
    KdpFlushPage(File);
}

ULONG64 KdpWriteCrashFile(const CRASH_WRITER *Writer, ULONG Owner, NTSTATUS *Status)
{
    KD_CRASH_FILE File = {.Writer = Writer, .Status = STATUS_SUCCESS};
    ULONG NoteSize = KdpPutNotes(&File, Owner);

    for (ULONG i = 0; i < KeLoaderBlock->DescriptorCount; i++) {
        const LOADER_MEMORY_DESCRIPTOR *Range = &KeLoaderBlock->Descriptors[i];
        if (KdpIsMemory(Range)) {
            KdpWrite(&File, KD_CRASH_MEMORY_OFFSET + Range->Base, Range->Base,
                     Range->PageCount * PAGE_SIZE);
        }
    }
    KdpPutHeaders(&File, NoteSize);
    KdpWrite(&File, 0, (ULONG64)MmGetPhysicalAddress(KdpCrashPage[0]).QuadPart, PAGE_SIZE);
    *Status = File.Status;
    return NT_SUCCESS(File.Status) ? File.Written : 0;
}
