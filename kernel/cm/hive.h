/*
 * hive.h - the registry on a disk: where a generation stands (hiveslot.c), and what it is made of
 * (hiveimage.c). Both are pure: the disk is three routines of the caller's.
 */
#ifndef ETUDE_HIVE_H
#define ETUDE_HIVE_H

#include <ntddk.h>

#define HIVE_SECTOR 512
#define HIVE_SLOTS 2
#define HIVE_MINIMUM_SECTORS 128 /* 64 KB: smaller disks are refused */
#define HIVE_MAXIMUM_SLOT 32768  /* sectors, 16 MB: more of a disk is not used */

/* A disk of sectors. Read and Write are for Count sectors; Flush returns when all written before is
 * safe from a power cut. */
typedef struct _HIVE_DISK {
    ULONG64 Sectors;
    PVOID Context;
    NTSTATUS (*Read)(PVOID Context, ULONG64 Sector, PVOID Buffer, ULONG Count);
    NTSTATUS (*Write)(PVOID Context, ULONG64 Sector, const VOID *Buffer, ULONG Count);
    NTSTATUS (*Flush)(PVOID Context);
} HIVE_DISK;

typedef enum _HIVE_STATE {
    HiveEmpty,   /* zeros */
    HiveForeign, /* something else's */
    HiveDamaged, /* a header of ours that is not whole */
    HiveWritten  /* a header that is whole; the body is still to be read */
} HIVE_STATE;

/* What the header of a slot says. */
typedef struct _HIVE_SLOT {
    HIVE_STATE State;
    ULONG64 Generation; /* counts up with each write */
    ULONG Size;         /* bytes of the body */
    ULONG Checksum;     /* of the body */
    ULONG Origin;       /* the writer's */
} HIVE_SLOT, *PHIVE_SLOT;

/* CRC-32 (IEEE 802.3) of Size bytes, going on from Sum, which is 0 at first. */
ULONG CmpChecksum(ULONG Sum, const VOID *Data, SIZE_T Size);
/* Bytes that a body may have on the disk; 0: the disk is too small. */
ULONG CmpHiveCapacity(const HIVE_DISK *Disk);
/* Writes a first header without a generation (HiveDamaged), so that what a power cut leaves of the
 * first generation's body is not taken for somebody else's. */
NTSTATUS CmpClaimDisk(const HIVE_DISK *Disk);
/* Reads both headers; the first is HiveForeign, too, when there are none but other things. Errors
 * are the disk's. */
NTSTATUS CmpReadSlots(const HIVE_DISK *Disk, HIVE_SLOT Slots[HIVE_SLOTS]);
/* Reads a slot's body to Buffer, which has whole sectors. STATUS_REGISTRY_CORRUPT: it is not what
 * its header says. */
NTSTATUS CmpReadBody(const HIVE_DISK *Disk, const HIVE_SLOT Slots[HIVE_SLOTS], ULONG Slot,
                     PVOID Buffer);
/*
 * Writes a generation into slot Slot, which thereby loses what it had: body, flush, header, flush.
 * As long as this has not returned success the slot may hold the old one, the new one, or nothing;
 * the other slot is not touched. Body has whole sectors behind it, the rest of the last one zeros.
 */
NTSTATUS CmpWriteGeneration(const HIVE_DISK *Disk, ULONG Slot, ULONG64 Generation, const VOID *Body,
                            ULONG Size, ULONG Origin);

/*** The body: keys and values as records, each key's before those of the keys below it. ***/

#define HIVE_KEY 1
#define HIVE_VALUE 2
#define HIVE_END 3 /* of the last key begun */

#define HIVE_LINK 1        /* Flags: a symbolic link */
#define HIVE_DEPTH 512     /* keys within keys */
#define HIVE_DATA 0x100000 /* bytes of a value */

/* A record: this, then the name, then the class or the data; together a multiple of 8 bytes. */
typedef struct _HIVE_RECORD {
    UCHAR Kind;
    UCHAR Flags;
    USHORT NameLength;  /* bytes */
    USHORT ClassLength; /* bytes; of a key */
    USHORT Reserved;
    ULONG Type;   /* of a value */
    ULONG Size;   /* bytes of data; of a value */
    ULONG64 Time; /* of a key's last change */
} HIVE_RECORD, *PHIVE_RECORD;
C_ASSERT(sizeof(HIVE_RECORD) == 24);

/* Records being written; Buffer NULL: only counted. */
typedef struct _HIVE_WRITER {
    PUCHAR Buffer;
    SIZE_T Room, Used;
} HIVE_WRITER, *PHIVE_WRITER;

/* Adds a record with NameLength bytes of name and Record->ClassLength or Size bytes of Rest. What
 * does not fit is counted and left out. */
void CmpWriteRecord(PHIVE_WRITER Writer, const HIVE_RECORD *Record, PCWCH Name, const VOID *Rest);

/* What is done with records; an error ends the reading. Names and data belong to the body. */
typedef struct _HIVE_SINK {
    NTSTATUS(*Key)
    (PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name, PCUNICODE_STRING Class);
    NTSTATUS(*Value)
    (PVOID Context, const HIVE_RECORD *Record, PCUNICODE_STRING Name, const VOID *Data);
    void (*End)(PVOID Context);
    PVOID Context;
} HIVE_SINK;

/* Checks all of a body, and only then hands its records to Sink, in order (NULL: only checks). Body
 * is 8-byte aligned. STATUS_REGISTRY_CORRUPT, with nothing handed over; else the sink's. */
NTSTATUS CmpReadImage(const UCHAR *Body, SIZE_T Size, const HIVE_SINK *Sink);

#endif
