/*
 * virtioblk.h - private to the driver of virtio block devices, the disks that QEMU offers.
 *
 * The numbers are those of the VIRTIO 1.0 standard. A device is a PCI function with its registers
 * in four structures, which capabilities locate, and a queue of requests in memory that both sides
 * see:
 *
 *     descriptors   what is to be read or written: address, length, link to the next
 *     available     ring in which the driver names the first descriptor of each new request
 *     used          ring in which the device names those it has finished with
 *
 * Letters beside fields: q under Lock; i fixed once the device has started.
 */
#ifndef _VIRTIOBLK_H_
#define _VIRTIOBLK_H_

#include <ntddk.h>
#include <ntdddisk.h>
#include <ntddcrash.h>

#define VBLK_TAG 'klBV' /* "VBlk" in memory */
#define VBLK_SECTOR 512
#define VBLK_MAX_DISKS 8

/* Each slot owns as many descriptors as a request needs: header, data, status. A data descriptor is
 * at most a page. All of it, for both rings, fits into one page of memory. */
#define VBLK_SLOTS 8
#define VBLK_CHAIN 16
#define VBLK_QUEUE_SIZE (VBLK_SLOTS * VBLK_CHAIN)
#define VBLK_MAX_DATA (VBLK_CHAIN - 2)

typedef struct _VBLK_DESCRIPTOR {
    ULONG64 Address; /* physical */
    ULONG Length;
    USHORT Flags;
    USHORT Next;
} VBLK_DESCRIPTOR, *PVBLK_DESCRIPTOR;
#define VBLK_DESCRIPTOR_NEXT 1  /* Next is valid */
#define VBLK_DESCRIPTOR_WRITE 2 /* the device writes */

typedef struct _VBLK_HEADER {
    ULONG Type;
    ULONG Reserved;
    ULONG64 Sector;
} VBLK_HEADER, *PVBLK_HEADER;
enum {
    VblkTypeRead = 0,
    VblkTypeWrite = 1,
    VblkTypeFlush = 4
};
enum {
    VblkStatusOk = 0,
    VblkStatusError = 1,
    VblkStatusUnsupported = 2,
    VblkStatusNone = 0xFF
};

/* The page that driver and device share. */
typedef struct _VBLK_SHARED {
    VBLK_DESCRIPTOR Descriptor[VBLK_QUEUE_SIZE];
    struct {
        USHORT Flags;
        volatile USHORT Index; /* of the next entry, modulo 65536 */
        USHORT Ring[VBLK_QUEUE_SIZE];
    } Available;
    struct {
        USHORT Flags;
        volatile USHORT Index;
        struct {
            ULONG Id; /* of the chain's first descriptor */
            ULONG Length;
        } Ring[VBLK_QUEUE_SIZE];
    } Used;
    VBLK_HEADER Header[VBLK_SLOTS];
    volatile UCHAR Status[VBLK_SLOTS];
} VBLK_SHARED, *PVBLK_SHARED;
C_ASSERT(sizeof(VBLK_SHARED) <= PAGE_SIZE);
C_ASSERT(sizeof(VBLK_DESCRIPTOR) == 16 && sizeof(VBLK_HEADER) == 16);
C_ASSERT(FIELD_OFFSET(VBLK_SHARED, Used) % 4 == 0);

/* A request on its way. One that is too long for a chain goes in pieces, one after the other. */
typedef struct _VBLK_SLOT {
    PIRP Irp;    /* q  NULL: the slot is free */
    ULONG Done;  /* q  bytes that earlier pieces have moved */
    ULONG Piece; /* q  bytes of the piece on its way */
} VBLK_SLOT, *PVBLK_SLOT;

/* A structure of registers, as a capability locates it. */
typedef struct _VBLK_REGION {
    PVOID Base;   /* i  NULL: the device has none */
    ULONG Length; /* i */
} VBLK_REGION, *PVBLK_REGION;

/* The structures' numbers in capabilities. */
enum {
    VblkCommon = 1,
    VblkNotify = 2,
    VblkIsr = 3,
    VblkConfig = 4,
    VblkRegions
};

typedef struct _VBLK_EXTENSION {
    PDEVICE_OBJECT DeviceObject; /* i */
    ULONG Number;                /* i  N of HarddiskN */
    HANDLE Directory;            /* i  \Device\HarddiskN lives by this handle */
    PDEVICE_OBJECT Pdo;          /* i  the PCI function; File keeps it */
    PFILE_OBJECT File;
    VBLK_REGION Region[VblkRegions]; /* i */
    volatile USHORT *Doorbell;       /* i  in the notify region */
    ULONG Connection;                /* i  CONNECT_*; 0: no interrupt connected */
    PVOID Interrupt;                 /* i  message table or interrupt object */
    ULONG64 Length;                  /* i  bytes */
    BOOLEAN ReadOnly, CanFlush;      /* i */
    ULONG Multiplier;                /* i  from a queue's number to its doorbell's offset */
    BOOLEAN Crashed;                 /* the queue is crash.c's; one processor is left then */
    PVBLK_SHARED Shared;             /* i  what is in it: q and the device */
    KSPIN_LOCK Lock;
    LIST_ENTRY Waiting;         /* q  of IRPs that found no free slot */
    USHORT UsedIndex;           /* q  entries of the used ring seen so far */
    VBLK_SLOT Slot[VBLK_SLOTS]; /* q */
} VBLK_EXTENSION, *PVBLK_EXTENSION;

/*** transport.c ***/

/* Calls Found for each virtio block device on the PCI buses, until it fails for lack of memory. */
typedef VOID VBLK_FOUND(PVOID Context, ULONG Bus, PCI_SLOT_NUMBER Slot);
VOID VblkScan(VBLK_FOUND *Found, PVOID Context);
/* Opens the function, maps its registers, resets it, agrees on features, hands it the queue and
 * connects its interrupt. On failure nothing is left. PASSIVE_LEVEL. */
NTSTATUS VblkStartDevice(PVBLK_EXTENSION Extension, ULONG Bus, PCI_SLOT_NUMBER Slot);
/* The reverse; no request may be on its way. */
VOID VblkStopDevice(PVBLK_EXTENSION Extension);
/* There is a new entry in the available ring. */
VOID VblkNotifyDevice(PVBLK_EXTENSION Extension);

/* Resets the device, empties the queue and gives it to the device again, without interrupts. For
 * crash.c. */
NTSTATUS VblkRestartDevice(PVBLK_EXTENSION Extension);

/*** crash.c ***/

/* How to write to the disk after a bugcheck. STATUS_BUFFER_TOO_SMALL,
 * STATUS_MEDIA_WRITE_PROTECTED. */
NTSTATUS VblkGetCrashWriter(PVBLK_EXTENSION Extension, PCRASH_WRITER Writer, ULONG Room);

/*** queue.c ***/

/* Makes the shared page and the empty queue. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS VblkCreateQueue(PVBLK_EXTENSION Extension);
VOID VblkDeleteQueue(PVBLK_EXTENSION Extension);
/* Sends a read, write or flush to the device; answers STATUS_PENDING, and completes it later. */
NTSTATUS VblkStartRequest(PVBLK_EXTENSION Extension, PIRP Irp);
/* The device's DPC: something has been finished. */
IO_DPC_ROUTINE VblkDpc;

#endif
