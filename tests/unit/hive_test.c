/*
 * Proves that a registry's disk loses nothing: whatever write or flush the power goes at, in
 * whatever order the sectors since the last flush had arrived, and with the last sector torn, what
 * is read afterwards is the old generation or the new one, whole. And that a body with any bytes
 * wrong is refused or is good records, without a step outside of it.
 *
 * unit-sources: kernel/cm/hiveslot.c kernel/cm/hiveimage.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cm/hive.h"

#define SECTORS 128
#define PENDING 256

/* What was flushed, and what was written since, in order. */
static UCHAR Platter[SECTORS][HIVE_SECTOR];
static struct {
    ULONG64 Sector;
    UCHAR Data[HIVE_SECTOR];
} Cache[PENDING];
static ULONG Cached;
static long Fuse; /* sector writes and flushes until the power goes; < 0: never */

static NTSTATUS Read(PVOID Context, ULONG64 Sector, PVOID Buffer, ULONG Count)
{
    (void)Context;
    assert(Sector + Count <= SECTORS);
    memcpy(Buffer, Platter[Sector], (size_t)Count * HIVE_SECTOR);
    return STATUS_SUCCESS;
}

static NTSTATUS Write(PVOID Context, ULONG64 Sector, const VOID *Buffer, ULONG Count)
{
    (void)Context;
    assert(Sector + Count <= SECTORS);
    for (ULONG i = 0; i < Count; i++) {
        if (Fuse == 0) {
            return STATUS_IO_DEVICE_ERROR;
        }
        Fuse -= Fuse > 0;
        assert(Cached < PENDING);
        Cache[Cached].Sector = Sector + i;
        memcpy(Cache[Cached++].Data, (const UCHAR *)Buffer + (size_t)i * HIVE_SECTOR, HIVE_SECTOR);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS Flush(PVOID Context)
{
    (void)Context;
    if (Fuse == 0) {
        return STATUS_IO_DEVICE_ERROR;
    }
    Fuse -= Fuse > 0;
    for (ULONG i = 0; i < Cached; i++) {
        memcpy(Platter[Cache[i].Sector], Cache[i].Data, HIVE_SECTOR);
    }
    Cached = 0;
    return STATUS_SUCCESS;
}

static const HIVE_DISK Disk = {SECTORS, NULL, Read, Write, Flush};

/* The power goes: any of the sectors that were not flushed have arrived, one of them only in part.
 */
static void CutPower(void)
{
    for (ULONG i = 0; i < Cached; i++) {
        if (rand() % 2) {
            size_t Size = rand() % 4 ? HIVE_SECTOR : (size_t)rand() % HIVE_SECTOR;
            memcpy(Platter[Cache[i].Sector], Cache[i].Data, Size);
        }
    }
    Cached = 0;
}

static UCHAR Body[SECTORS * HIVE_SECTOR];

static ULONG MakeBody(ULONG64 Generation)
{
    ULONG Size = (ULONG)(Generation * 977 % 20000);

    memset(Body, 0, sizeof(Body));
    for (ULONG i = 0; i < Size; i++) {
        Body[i] = (UCHAR)(Generation * 31 + i);
    }
    return Size;
}

/* The newest generation that is whole, or 0; *Slot: where. */
static ULONG64 Newest(ULONG *Slot)
{
    static UCHAR Buffer[SECTORS * HIVE_SECTOR];
    HIVE_SLOT Slots[HIVE_SLOTS];
    ULONG64 Best = 0;

    assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS);
    *Slot = 1;
    for (ULONG i = 0; i < HIVE_SLOTS; i++) {
        if (Slots[i].State == HiveWritten && Slots[i].Generation > Best &&
            CmpReadBody(&Disk, Slots, i, Buffer) == STATUS_SUCCESS) {
            assert(Slots[i].Size == MakeBody(Slots[i].Generation));
            assert(memcmp(Buffer, Body, Slots[i].Size) == 0 && Slots[i].Origin == 77);
            Best = Slots[i].Generation;
            *Slot = i;
        }
    }
    return Best;
}

/* Generations are written one after another, with the power cut at every step of each. */
static void TestPowerCuts(void)
{
    ULONG64 Generation = 0;
    ULONG Slot, Size;

    for (ULONG Round = 0; Round < 60; Round++) {
        for (long Step = 0;; Step++) {
            ULONG64 Before = Newest(&Slot);
            NTSTATUS Status;
            assert(Before == Generation);
            Size = MakeBody(Generation + 1);
            Fuse = Step;
            Status = CmpWriteGeneration(&Disk, 1 - Slot, Generation + 1, Body, Size, 77);
            Fuse = -1;
            CutPower();
            ULONG64 After = Newest(&Slot);
            assert(After == Generation || After == Generation + 1);
            assert(Status != STATUS_SUCCESS || After == Generation + 1);
            Generation = After;
            if (Status == STATUS_SUCCESS) {
                break;
            }
        }
    }
    assert(Generation >= 60);
}

/* The first write to an empty disk, cut off anywhere: it never looks like somebody else's disk. */
static void TestFirstWrite(void)
{
    for (ULONG Round = 0; Round < 40; Round++) {
        NTSTATUS Status = STATUS_IO_DEVICE_ERROR;
        for (long Step = 0; Status != STATUS_SUCCESS; Step++) {
            HIVE_SLOT Slots[HIVE_SLOTS];
            ULONG Size = MakeBody(19 + Round);
            memset(Platter, 0, sizeof(Platter));
            Fuse = Step;
            Status = CmpClaimDisk(&Disk);
            if (Status == STATUS_SUCCESS) {
                Status = CmpWriteGeneration(&Disk, 0, 1, Body, Size, 77);
            }
            Fuse = -1;
            CutPower();
            assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS);
            assert(Slots[0].State != HiveForeign && Slots[1].State == HiveEmpty);
            assert(Status != STATUS_SUCCESS || Slots[0].State == HiveWritten);
        }
    }
}

static void TestDisks(void)
{
    HIVE_DISK Small = Disk, Large = Disk;
    HIVE_SLOT Slots[HIVE_SLOTS];

    Small.Sectors = HIVE_MINIMUM_SECTORS - 1;
    Large.Sectors = 1ULL << 40;
    assert(CmpHiveCapacity(&Small) == 0);
    assert(CmpHiveCapacity(&Disk) == (SECTORS / 2 - 1) * HIVE_SECTOR);
    assert(CmpHiveCapacity(&Large) == (HIVE_MAXIMUM_SLOT - 1) * HIVE_SECTOR);
    memset(Platter, 0, sizeof(Platter));
    assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS);
    assert(Slots[0].State == HiveEmpty && Slots[1].State == HiveEmpty);
    strcpy((char *)Platter[0], "a file system");
    assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS && Slots[0].State == HiveForeign);
    memset(Platter, 0, sizeof(Platter));
    strcpy((char *)Platter[2], "a file system that begins later");
    assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS && Slots[0].State == HiveForeign);
    memset(Platter, 0, sizeof(Platter));
    assert(CmpWriteGeneration(&Disk, 0, 1, Body, MakeBody(1), 77) == STATUS_SUCCESS);
    Platter[0][20] ^= 1;
    assert(CmpReadSlots(&Disk, Slots) == STATUS_SUCCESS && Slots[0].State == HiveDamaged);
    assert(CmpChecksum(0, "123456789", 9) == 0xCBF43926);
    assert(CmpChecksum(CmpChecksum(0, "1234", 4), "56789", 5) == 0xCBF43926);
}

/* A sink that writes down what it is told. */
static char Log[200000];
static size_t LogLength;

static void Note(char Kind, PCUNICODE_STRING Name, const void *Rest, size_t Size)
{
    assert(LogLength + Size + Name->Length + 8 < sizeof(Log));
    Log[LogLength++] = Kind;
    if (Name->Length) {
        memcpy(Log + LogLength, Name->Buffer, Name->Length);
    }
    LogLength += Name->Length;
    if (Size) {
        memcpy(Log + LogLength, Rest, Size);
    }
    LogLength += Size;
}

static NTSTATUS Key(PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name,
                    PCUNICODE_STRING Class)
{
    (void)Record;
    Note('K', Name, Class->Buffer, Class->Length);
    ++*(int *)Context;
    return STATUS_SUCCESS;
}

static NTSTATUS Value(PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name,
                      const VOID *Data)
{
    assert(*(int *)Context > 0);
    Note('V', Name, Data, Record->Size);
    return STATUS_SUCCESS;
}

static void End(PVOID Context)
{
    UNICODE_STRING Empty = {0, 0, NULL};

    Note('E', &Empty, NULL, 0);
    --*(int *)Context;
}

static int Depth;
static const HIVE_SINK Sink = {Key, Value, End, &Depth};

static void Add(PHIVE_WRITER Writer, UCHAR Kind, PCWCH Name, const void *Rest, ULONG Size)
{
    HIVE_RECORD Record = {.Kind = Kind, .Type = 3};

    Record.NameLength = 0;
    for (; Name != NULL && Name[Record.NameLength / 2] != 0; Record.NameLength += 2) {
    }
    if (Kind == HIVE_VALUE) {
        Record.Size = Size;
    } else {
        Record.ClassLength = (USHORT)Size;
    }
    CmpWriteRecord(Writer, &Record, Name, Rest);
}

static void AddTree(PHIVE_WRITER Writer)
{
    Add(Writer, HIVE_KEY, L"MACHINE", NULL, 0);
    Add(Writer, HIVE_VALUE, L"", "odd", 3);
    Add(Writer, HIVE_KEY, L"A", L"class", 10);
    Add(Writer, HIVE_VALUE, L"value", "\1\2\3\4", 4);
    Add(Writer, HIVE_VALUE, L"empty", NULL, 0);
    Add(Writer, HIVE_END, NULL, NULL, 0);
    Add(Writer, HIVE_END, NULL, NULL, 0);
    Add(Writer, HIVE_KEY, L"USER", NULL, 0);
    Add(Writer, HIVE_END, NULL, NULL, 0);
}

static NTSTATUS ReadBack(const void *Data, size_t Size)
{
    NTSTATUS Status;
    /* At the end of a block, so that a step outside is seen. */
    void *Copy = malloc(Size + (Size == 0));

    memcpy(Copy, Data, Size);
    LogLength = 0;
    Depth = 0;
    Status = CmpReadImage(Copy, Size, &Sink);
    assert(Status == STATUS_SUCCESS ? Depth == 0 : Status == STATUS_REGISTRY_CORRUPT && !LogLength);
    free(Copy);
    return Status;
}

static void TestImage(void)
{
    HIVE_WRITER Count = {0}, Writer = {Body, sizeof(Body), 0}, Tight = {Body, 40, 0};
    static const char Expected[] = "K"
                                   "M\0A\0C\0H\0I\0N\0E\0"
                                   "Vodd"
                                   "KA\0c\0l\0a\0s\0s\0"
                                   "Vv\0a\0l\0u\0e\0\1\2\3\4"
                                   "Ve\0m\0p\0t\0y\0"
                                   "EE"
                                   "KU\0S\0E\0R\0"
                                   "E";
    size_t Size;

    AddTree(&Count);
    AddTree(&Tight);
    assert(Tight.Used == Count.Used);
    AddTree(&Writer);
    assert(Writer.Used == Count.Used && Writer.Used % 8 == 0);
    assert(ReadBack(Body, Writer.Used) == STATUS_SUCCESS);
    assert(LogLength == sizeof(Expected) - 1 && memcmp(Log, Expected, LogLength) == 0);
    assert(ReadBack(Body, 0) == STATUS_SUCCESS);
    for (Size = 1; Size < Writer.Used - 24 * 2 - 8; Size++) {
        assert(ReadBack(Body, Size) == STATUS_REGISTRY_CORRUPT);
    }
    for (int Round = 0; Round < 200000; Round++) {
        UCHAR Changed[512];
        memcpy(Changed, Body, Writer.Used);
        for (int i = rand() % 4; i >= 0; i--) {
            Changed[(size_t)rand() % Writer.Used] = (UCHAR)(rand() % 3 ? rand() % 8 : rand());
        }
        ReadBack(Changed, rand() % 4 ? Writer.Used : (size_t)rand() % Writer.Used);
    }
}

static void TestDepth(void)
{
    HIVE_WRITER Writer = {Body, sizeof(Body), 0};

    for (int i = 0; i < HIVE_DEPTH - 1; i++) {
        Add(&Writer, HIVE_KEY, L"k", NULL, 0);
    }
    for (int i = 0; i < HIVE_DEPTH - 1; i++) {
        Add(&Writer, HIVE_END, NULL, NULL, 0);
    }
    assert(ReadBack(Body, Writer.Used) == STATUS_SUCCESS);
    Writer.Used = 0;
    for (int i = 0; i < HIVE_DEPTH; i++) {
        Add(&Writer, HIVE_KEY, L"k", NULL, 0);
    }
    for (int i = 0; i < HIVE_DEPTH; i++) {
        Add(&Writer, HIVE_END, NULL, NULL, 0);
    }
    assert(ReadBack(Body, Writer.Used) == STATUS_REGISTRY_CORRUPT);
}

int main(void)
{
    Fuse = -1;
    TestPowerCuts();
    TestFirstWrite();
    TestDisks();
    TestImage();
    TestDepth();
    printf("ok\n");
    return 0;
}
