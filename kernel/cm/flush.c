/*
 * flush.c - when the registry goes to its disk, and comes from there.
 *
 * The disk holds the whole of \Registry but for volatile keys, so what it holds takes the place of
 * what registry.reg says; that is read first all the same, since the disk's driver is a service in
 * it. Keys that the disk does not know are kept only when registry.reg has changed since the disk
 * was written: they are what came with a new boot disk. An empty disk, and `registry=fresh` on the
 * command line, leave registry.reg in force.
 *
 * Changes are counted; a few seconds after one a worker writes all of it, ZwFlushKey and the end of
 * the system write at once. CmpFlushLock makes one writer of them all. A write that fails is said
 * once, and tried again with the next change: memory has everything.
 */
#include "kd.h"
#include "ldr.h"
#include "cmp.h"
#include "hive.h"

#define CMP_LAZY_SECONDS 5

static EX_PUSH_LOCK CmpFlushLock;
static BOOLEAN CmpHasDisk;       /* f  there was a disk that is ours when the system started */
static ULONG CmpSlot;            /* f  of the newest generation */
static ULONG64 CmpGeneration;    /* f  0: none */
static volatile LONG64 CmpSaved; /* f  CmpChangeCount of the newest generation */
static ULONG CmpOrigin;          /* f  checksum of registry.reg */
static BOOLEAN CmpFailureSaid;   /* f */

static KTIMER CmpLazyTimer;
static KDPC CmpLazyDpc;
static WORK_QUEUE_ITEM CmpLazyItem;
static volatile LONG
    CmpLazyState; /* o  0: no disk, 1: nothing to be done, 2: timer or item on its way */

static void CmpLockFlush(void)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&CmpFlushLock);
}

static void CmpUnlockFlush(void)
{
    ExReleasePushLockExclusive(&CmpFlushLock);
    KeLeaveCriticalRegion();
}

void CmpNoteChange(void)
{
    LARGE_INTEGER Later = {.QuadPart = -10000000LL * CMP_LAZY_SECONDS};

    InterlockedIncrement64(&CmpChangeCount);
    if (CmpLazyState == 1 && InterlockedCompareExchange(&CmpLazyState, 2, 1) == 1) {
        KeSetTimer(&CmpLazyTimer, Later, &CmpLazyDpc);
    }
}

/* The disk is open. Writes over the older slot. */
static NTSTATUS CmpWriteTo(PHIVE_DISK Disk)
{
    ULONG Size, Slot = CmpGeneration == 0 ? 0 : 1 - CmpSlot;
    LONG64 Changes;
    PVOID Body = CmpSaveTree(&Size, &Changes);
    NTSTATUS Status;

    if (Body == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = Size > CmpHiveCapacity(Disk) ? STATUS_DISK_FULL : STATUS_SUCCESS;
    if (NT_SUCCESS(Status) && CmpGeneration == 0) {
        Status = CmpClaimDisk(Disk);
    }
    if (NT_SUCCESS(Status)) {
        Status = CmpWriteGeneration(Disk, Slot, CmpGeneration + 1, Body, Size, CmpOrigin);
    }
    if (NT_SUCCESS(Status)) {
        CmpSlot = Slot;
        CmpGeneration++;
        CmpSaved = Changes;
    }
    ExFreePoolWithTag(Body, CMP_TAG);
    return Status;
}

static void CmpSayFailure(NTSTATUS Status)
{
    if (!CmpFailureSaid) {
        KdPrintf(
            "registry: it cannot be written to its disk (%08X%s); generation %llu stays there\n",
            Status, Status == STATUS_DISK_FULL ? ", the disk is too small" : "", CmpGeneration);
    }
    CmpFailureSaid = TRUE;
}

NTSTATUS CmpFlush(void)
{
    NTSTATUS Status = STATUS_SUCCESS;
    HIVE_DISK Disk;

    CmpLockFlush();
    if (CmpHasDisk && CmpSaved != CmpChangeCount) {
        Status = CmpOpenDisk(&Disk);
        if (NT_SUCCESS(Status)) {
            Status = CmpWriteTo(&Disk);
            CmpCloseDisk(&Disk);
        }
        if (NT_SUCCESS(Status)) {
            CmpFailureSaid = FALSE;
        } else {
            CmpSayFailure(Status);
            Status = STATUS_REGISTRY_IO_FAILED;
        }
    }
    CmpUnlockFlush();
    return Status;
}

/* Changes from here on set the timer anew: they may come too late for this flush. */
static VOID NTAPI CmpLazyFlush(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    InterlockedExchange(&CmpLazyState, 1);
    CmpFlush();
}

static VOID NTAPI CmpLazyTime(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExQueueWorkItem(&CmpLazyItem, DelayedWorkQueue);
}

static void CmpStartLazyFlush(void)
{
    KeInitializeTimer(&CmpLazyTimer);
    KeInitializeDpc(&CmpLazyDpc, CmpLazyTime, NULL);
    ExInitializeWorkItem(&CmpLazyItem, CmpLazyFlush, NULL);
    InterlockedExchange(&CmpLazyState, 1);
}

void CmShutdownSystem(void)
{
    CmpFlush();
}

/* Reads one slot's generation into the tree. */
static NTSTATUS CmpLoadSlot(PHIVE_DISK Disk, const HIVE_SLOT *Slots, ULONG Slot)
{
    SIZE_T Room = ((SIZE_T)Slots[Slot].Size / HIVE_SECTOR + 1) * HIVE_SECTOR;
    PVOID Body = ExAllocatePool2(POOL_FLAG_PAGED, Room, CMP_TAG);
    NTSTATUS Status;

    if (Body == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = CmpReadBody(Disk, Slots, Slot, Body);
    if (NT_SUCCESS(Status)) {
        Status = CmpLoadTree(Body, Slots[Slot].Size, Slots[Slot].Origin != CmpOrigin);
    }
    ExFreePoolWithTag(Body, CMP_TAG);
    return Status;
}

/* The newest generation that is whole. FALSE: there is none, or it cannot be read, and registry.reg
 * stays in force. */
static BOOLEAN CmpLoadNewest(PHIVE_DISK Disk, const HIVE_SLOT *Slots)
{
    ULONG First = Slots[1].State == HiveWritten &&
                  (Slots[0].State != HiveWritten || Slots[1].Generation > Slots[0].Generation);

    for (ULONG i = 0; i < HIVE_SLOTS; i++) {
        ULONG Slot = First ^ i;
        NTSTATUS Status;
        if (Slots[Slot].State != HiveWritten) {
            continue;
        }
        Status = CmpLoadSlot(Disk, Slots, Slot);
        if (NT_SUCCESS(Status)) {
            CmpSlot = Slot;
            CmpGeneration = Slots[Slot].Generation;
            /* With keys of a new registry.reg it is not what the disk has. */
            CmpSaved = CmpChangeCount - (Slots[Slot].Origin != CmpOrigin);
            KdPrintf("registry: generation %llu from the disk, %u bytes\n", CmpGeneration,
                     Slots[Slot].Size);
            return TRUE;
        }
        if (Status != STATUS_REGISTRY_CORRUPT) {
            /* Good perhaps, but not to be had now: it must not become the older one and be written
             * over. */
            CmpHasDisk = FALSE;
            KdPrintf("registry: generation %llu on the disk cannot be read (%08X); changes are not "
                     "kept\n",
                     Slots[Slot].Generation, Status);
            return FALSE;
        }
        KdPrintf("registry: generation %llu on the disk is damaged (%08X)\n",
                 Slots[Slot].Generation, Status);
    }
    return FALSE;
}

/* A registry, whole or damaged, or nothing at all. */
static BOOLEAN CmpIsOurs(const HIVE_SLOT *Slots)
{
    BOOLEAN Any = FALSE;

    for (ULONG i = 0; i < HIVE_SLOTS; i++) {
        Any |= Slots[i].State == HiveWritten || Slots[i].State == HiveDamaged;
    }
    return Any || (Slots[0].State == HiveEmpty && Slots[1].State == HiveEmpty);
}

/* The disk is open. What is neither empty nor a registry is somebody else's, and left alone. TRUE:
 * a generation is loaded. */
static BOOLEAN CmpLoadFrom(PHIVE_DISK Disk)
{
    HIVE_SLOT Slots[HIVE_SLOTS];
    NTSTATUS Status;

    if (CmpHiveCapacity(Disk) == 0) {
        KdPrintf("registry: the disk is too small, it needs %u KB at least; changes are not kept\n",
                 HIVE_MINIMUM_SECTORS * HIVE_SECTOR / 1024);
        return FALSE;
    }
    Status = CmpReadSlots(Disk, Slots);
    if (!NT_SUCCESS(Status)) {
        KdPrintf("registry: the disk cannot be read (%08X); changes are not kept\n", Status);
        return FALSE;
    }
    if (!CmpIsOurs(Slots)) {
        KdPrintf(
            "registry: the disk holds something else and is left alone; changes are not kept\n");
        return FALSE;
    }
    CmpHasDisk = TRUE;
    CmpSaved = CmpChangeCount - 1; /* unless a generation is loaded, nothing is saved */
    if (strstr(KeLoaderBlock->CommandLine, "registry=fresh") != NULL) {
        /* The next generation is newer than what is there, and takes its place. */
        CmpSlot = Slots[1].Generation > Slots[0].Generation;
        CmpGeneration = max(Slots[0].Generation, Slots[1].Generation);
        KdPrintf("registry: fresh from registry.reg, as the command line says\n");
    } else if (CmpLoadNewest(Disk, Slots)) {
        return TRUE;
    } else if (CmpHasDisk) {
        CmpGeneration = max(Slots[0].Generation, Slots[1].Generation);
        KdPrintf("registry: %s, registry.reg is used\n",
                 Slots[0].State == HiveEmpty && Slots[1].State == HiveEmpty
                     ? "the disk is empty"
                     : "no generation on the disk is whole");
    }
    return FALSE;
}

/* After this changes are written; what differs from the disk already is, too. */
BOOLEAN CmLoadHive(void)
{
    BOOLEAN Loaded = FALSE;
    const UCHAR *File;
    SIZE_T Size;
    HIVE_DISK Disk;

    CmpLockFlush();
    if (LdrFindFile("c:\\registry.reg", &File, &Size)) {
        CmpOrigin = CmpChecksum(0, File, Size);
    }
    if (NT_SUCCESS(CmpOpenDisk(&Disk))) {
        Loaded = CmpLoadFrom(&Disk);
        CmpCloseDisk(&Disk);
    }
    if (CmpHasDisk) {
        CmpStartLazyFlush();
    }
    CmpUnlockFlush();
    if (CmpHasDisk && CmpSaved != CmpChangeCount) {
        CmpNoteChange();
    }
    return Loaded;
}
