/*
 * hiveslot.c - two generations of the registry on a disk, of which one is always whole.
 *
 * The disk, or as much of it as is used, has two halves, each with a header sector and a body. A
 * new generation is written over the older one:
 *
 *     slot 0: header n    body n        the newest one, left alone
 *     slot 1: header n-1  body n-1      body n+1 -> flush -> header n+1 -> flush
 *
 * Whenever the power goes, slot 0 has generation n. In slot 1 the header's checksum finds a header
 * that is half written, and the body's one that does not belong to its header. So reading takes the
 * highest generation whose checksums agree, and nothing that was flushed before is lost. Pure.
 */
#include "hive.h"

#define HIVE_VERSION 1

static const UCHAR HiveMagic[8] = {'E', 't', 'u', 'd', 'e', 'H', 'i', 'v'};

/* A slot's first sector. Numbers are little endian, as the processor's. */
typedef struct _HIVE_HEADER {
    UCHAR Magic[8];
    ULONG Version;
    ULONG Size;
    ULONG64 Generation;
    ULONG BodyChecksum;
    ULONG Origin;
    UCHAR Unused[HIVE_SECTOR - 36];
    ULONG HeaderChecksum; /* of all above */
} HIVE_HEADER, *PHIVE_HEADER;
C_ASSERT(sizeof(HIVE_HEADER) == HIVE_SECTOR);

/* Four bits at a time: the table is small, and a body is read once and written seldom. */
ULONG CmpChecksum(ULONG Sum, const VOID *Data, SIZE_T Size)
{
    static const ULONG Table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                    0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                    0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const UCHAR *Bytes = Data;

    Sum = ~Sum;
    for (SIZE_T i = 0; i < Size; i++) {
        Sum = Table[(Sum ^ Bytes[i]) & 15] ^ (Sum >> 4);
        Sum = Table[(Sum ^ (ULONG)(Bytes[i] >> 4)) & 15] ^ (Sum >> 4);
    }
    return ~Sum;
}

static ULONG64 CmpSlotSectors(const HIVE_DISK *Disk)
{
    return min(Disk->Sectors / HIVE_SLOTS, HIVE_MAXIMUM_SLOT);
}

static ULONG CmpSectorsOf(ULONG Size)
{
    return (Size + HIVE_SECTOR - 1) / HIVE_SECTOR;
}

ULONG CmpHiveCapacity(const HIVE_DISK *Disk)
{
    return Disk->Sectors < HIVE_MINIMUM_SECTORS ? 0
                                                : (ULONG)(CmpSlotSectors(Disk) - 1) * HIVE_SECTOR;
}

static BOOLEAN CmpIsZero(const UCHAR *Bytes, ULONG Size)
{
    for (ULONG i = 0; i < Size; i++) {
        if (Bytes[i] != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

/* A claim of which the power cut left only some letters. */
static BOOLEAN CmpIsBeginning(const UCHAR *Sector)
{
    ULONG Count = 0;

    while (Count < sizeof(HiveMagic) && Sector[Count] == HiveMagic[Count]) {
        Count++;
    }
    return Count != 0 && CmpIsZero(Sector + Count, HIVE_SECTOR - Count);
}

static void CmpReadHeader(const HIVE_DISK *Disk, const HIVE_HEADER *Header, PHIVE_SLOT Slot)
{
    memset(Slot, 0, sizeof(*Slot));
    if (CmpIsZero((const UCHAR *)Header, sizeof(*Header))) {
        Slot->State = HiveEmpty;
    } else if (memcmp(Header->Magic, HiveMagic, sizeof(HiveMagic)) != 0) {
        Slot->State = CmpIsBeginning((const UCHAR *)Header) ? HiveDamaged : HiveForeign;
    } else if (Header->HeaderChecksum !=
                   CmpChecksum(0, Header, offsetof(HIVE_HEADER, HeaderChecksum)) ||
               Header->Size > CmpHiveCapacity(Disk)) {
        Slot->State = HiveDamaged;
    } else if (Header->Version != HIVE_VERSION) {
        Slot->State = HiveForeign; /* of another version of the kernel */
    } else {
        Slot->State = HiveWritten;
        Slot->Generation = Header->Generation;
        Slot->Size = Header->Size;
        Slot->Checksum = Header->BodyChecksum;
        Slot->Origin = Header->Origin;
    }
}

/* Whether a disk without headers has something else: where file systems and partition tables begin.
 * Ours has a header from its first write on (CmpClaimDisk). */
static NTSTATUS CmpLookForOthers(const HIVE_DISK *Disk, PHIVE_HEADER Sector, PHIVE_SLOT First)
{
    static const USHORT Places[] = {1, 2, 7, 16, 64, 128};
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG i = 0; i < ARRAYSIZE(Places) && Places[i] < Disk->Sectors; i++) {
        Status = Disk->Read(Disk->Context, Places[i], Sector, 1);
        if (!NT_SUCCESS(Status)) {
            break;
        }
        if (!CmpIsZero((const UCHAR *)Sector, sizeof(*Sector))) {
            First->State = HiveForeign;
        }
    }
    return Status;
}

NTSTATUS CmpReadSlots(const HIVE_DISK *Disk, HIVE_SLOT Slots[HIVE_SLOTS])
{
    NTSTATUS Status = STATUS_SUCCESS;
    DECLSPEC_ALIGN(8) HIVE_HEADER Header;

    for (ULONG i = 0; NT_SUCCESS(Status) && i < HIVE_SLOTS; i++) {
        Status = Disk->Read(Disk->Context, i * CmpSlotSectors(Disk), &Header, 1);
        if (NT_SUCCESS(Status)) {
            CmpReadHeader(Disk, &Header, &Slots[i]);
        }
    }
    if (NT_SUCCESS(Status) && Slots[0].State == HiveEmpty && Slots[1].State == HiveEmpty) {
        Status = CmpLookForOthers(Disk, &Header, &Slots[0]);
    }
    return Status;
}

NTSTATUS CmpReadBody(const HIVE_DISK *Disk, const HIVE_SLOT Slots[HIVE_SLOTS], ULONG Slot,
                     PVOID Buffer)
{
    ULONG Size = Slots[Slot].Size;
    NTSTATUS Status =
        Disk->Read(Disk->Context, Slot * CmpSlotSectors(Disk) + 1, Buffer, CmpSectorsOf(Size));

    if (NT_SUCCESS(Status) && CmpChecksum(0, Buffer, Size) != Slots[Slot].Checksum) {
        Status = STATUS_REGISTRY_CORRUPT;
    }
    return Status;
}

NTSTATUS CmpWriteGeneration(const HIVE_DISK *Disk, ULONG Slot, ULONG64 Generation, const VOID *Body,
                            ULONG Size, ULONG Origin)
{
    ULONG64 Sector = Slot * CmpSlotSectors(Disk);
    DECLSPEC_ALIGN(8)
    HIVE_HEADER Header = {.Version = HIVE_VERSION,
                          .Size = Size,
                          .Generation = Generation,
                          .BodyChecksum = CmpChecksum(0, Body, Size),
                          .Origin = Origin};
    NTSTATUS Status;

    memcpy(Header.Magic, HiveMagic, sizeof(HiveMagic));
    Header.HeaderChecksum = CmpChecksum(0, &Header, offsetof(HIVE_HEADER, HeaderChecksum));
    Status = Disk->Write(Disk->Context, Sector + 1, Body, CmpSectorsOf(Size));
    if (NT_SUCCESS(Status)) {
        Status = Disk->Flush(Disk->Context);
    }
    if (NT_SUCCESS(Status)) {
        Status = Disk->Write(Disk->Context, Sector, &Header, 1);
    }
    return NT_SUCCESS(Status) ? Disk->Flush(Disk->Context) : Status;
}

NTSTATUS CmpClaimDisk(const HIVE_DISK *Disk)
{
    DECLSPEC_ALIGN(8) HIVE_HEADER Header = {.Version = HIVE_VERSION};
    NTSTATUS Status;

    memcpy(Header.Magic, HiveMagic, sizeof(HiveMagic));
    Header.HeaderChecksum = ~CmpChecksum(0, &Header, offsetof(HIVE_HEADER, HeaderChecksum));
    Status = Disk->Write(Disk->Context, 0, &Header, 1);
    return NT_SUCCESS(Status) ? Disk->Flush(Disk->Context) : Status;
}
