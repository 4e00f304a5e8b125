/*
 * ntdddisk.h - disks: what can be asked of one besides reading and writing.
 *
 * A disk is \Device\HarddiskN\DR0, or \Device\HarddiskN\Partition0, or for those who write
 * \??\ names PhysicalDriveN. Offsets and lengths of reads and writes are multiples of the sector
 * size.
 */
#ifndef _NTDDDISK_
#define _NTDDDISK_

#include <wdm.h>

#define IOCTL_DISK_BASE FILE_DEVICE_DISK

/* No input; the output is a DISK_GEOMETRY. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_DISK_GET_DRIVE_GEOMETRY                                                              \
    CTL_CODE(IOCTL_DISK_BASE, 0x0000, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* No input, no output: STATUS_SUCCESS, or STATUS_MEDIA_WRITE_PROTECTED. */
#define IOCTL_DISK_IS_WRITABLE CTL_CODE(IOCTL_DISK_BASE, 0x0009, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* No input; the output is a GET_LENGTH_INFORMATION. STATUS_BUFFER_TOO_SMALL. */
#define IOCTL_DISK_GET_LENGTH_INFO                                                                 \
    CTL_CODE(IOCTL_DISK_BASE, 0x0017, METHOD_BUFFERED, FILE_READ_ACCESS)

typedef enum _MEDIA_TYPE {
    Unknown = 0,
    RemovableMedia = 11,
    FixedMedia = 12
} MEDIA_TYPE;
typedef MEDIA_TYPE *PMEDIA_TYPE;

/* Cylinders * TracksPerCylinder * SectorsPerTrack sectors; what does not fill a cylinder is left
 * out, as on any disk today only the product and BytesPerSector mean something. */
typedef struct _DISK_GEOMETRY {
    LARGE_INTEGER Cylinders;
    MEDIA_TYPE MediaType;
    ULONG TracksPerCylinder;
    ULONG SectorsPerTrack;
    ULONG BytesPerSector;
} DISK_GEOMETRY, *PDISK_GEOMETRY;

typedef struct _GET_LENGTH_INFORMATION {
    LARGE_INTEGER Length; /* bytes */
} GET_LENGTH_INFORMATION, *PGET_LENGTH_INFORMATION;

C_ASSERT(sizeof(DISK_GEOMETRY) == 0x18 && sizeof(GET_LENGTH_INFORMATION) == 8);

#endif
