/* nt/io_share.h - share access: which opens of one file go together. */
#include <wdm.h>

#ifndef _NT_IO_SHARE_
#define _NT_IO_SHARE_

/* Counts of a file's opens that read, write or delete, and of those that let others do so. */
typedef struct _SHARE_ACCESS {
    ULONG OpenCount;
    ULONG Readers;
    ULONG Writers;
    ULONG Deleters;
    ULONG SharedRead;
    ULONG SharedWrite;
    ULONG SharedDelete;
} SHARE_ACCESS, *PSHARE_ACCESS;

/*
 * The driver that owns a file keeps a SHARE_ACCESS for it, under a lock of its own: these routines
 * take none. They also note in FileObject what it does (ReadAccess, WriteAccess, DeleteAccess) and
 * what it lets others do (SharedRead, ...). An open that asks for none of FILE_READ_DATA,
 * FILE_EXECUTE, FILE_WRITE_DATA, FILE_APPEND_DATA and DELETE goes with everything and is not
 * counted. DesiredShareAccess  FILE_SHARE_*
 *
 * IoSetShareAccess begins with the first open. IoCheckShareAccess looks whether one more goes with
 * those there are, and counts it with Update; STATUS_SHARING_VIOLATION: it does not.
 * IoUpdateShareAccess counts one that was looked at without Update. IoRemoveShareAccess takes one
 * back, at its cleanup. IRQL <= APC_LEVEL (WDK: PASSIVE_LEVEL). WDK; book ch. 7.
 */
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI IoSetShareAccess(_In_ ACCESS_MASK DesiredAccess,
                                        _In_ ULONG DesiredShareAccess,
                                        _Inout_ PFILE_OBJECT FileObject,
                                        _Out_ PSHARE_ACCESS ShareAccess);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI NTSTATUS NTAPI IoCheckShareAccess(_In_ ACCESS_MASK DesiredAccess,
                                              _In_ ULONG DesiredShareAccess,
                                              _Inout_ PFILE_OBJECT FileObject,
                                              _Inout_ PSHARE_ACCESS ShareAccess,
                                              _In_ BOOLEAN Update);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI IoUpdateShareAccess(_In_ PFILE_OBJECT FileObject,
                                           _Inout_ PSHARE_ACCESS ShareAccess);
_IRQL_requires_max_(APC_LEVEL)
NTKERNELAPI VOID NTAPI IoRemoveShareAccess(_In_ PFILE_OBJECT FileObject,
                                           _Inout_ PSHARE_ACCESS ShareAccess);

#endif
