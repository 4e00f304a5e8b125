/*
 * nt/zw.h - system services, called from kernel mode (book ch. 2 and 7). Arguments are trusted, as
 * PreviousMode is KernelMode; every service wants PASSIVE_LEVEL. Those for files also want special
 * kernel APCs enabled, by which requests complete, and else bugcheck with
 * IRQL_GT_ZERO_AT_SYSTEM_SERVICE.
 */
#include <wdm.h>

#ifndef _NT_ZW_
#define _NT_ZW_

/*
 * Opens or creates what a path leads to: a device, or a file that the device's driver knows.
 *   FileHandle         receives a handle, to be closed with ZwClose
 *   DesiredAccess      rights of the handle; SYNCHRONIZE for a synchronous file
 *   IoStatusBlock      receives status and FILE_OPENED...; written on success
 *   AllocationSize     bytes, or NULL
 *   CreateDisposition  FILE_OPEN, FILE_CREATE, ...
 *   CreateOptions      FILE_*; with FILE_SYNCHRONOUS_IO_NONALERT or _ALERT, services wait for their
 *                      requests, one at a time
 *   EaBuffer           extended attributes, of which the driver gets a copy; or NULL
 * STATUS_INVALID_PARAMETER: impossible options. STATUS_OBJECT_NAME_NOT_FOUND, _PATH_NOT_FOUND,
 * _NAME_INVALID, _PATH_SYNTAX_BAD: the name. STATUS_OBJECT_TYPE_MISMATCH: it is no device's.
 * STATUS_NO_SUCH_DEVICE: the device is going away. STATUS_ACCESS_DENIED: exclusive, and open.
 * STATUS_SHARING_VIOLATION: does not go with other opens of the file. STATUS_EA_LIST_INCONSISTENT:
 * EaBuffer, IoStatusBlock->Information then tells where.
 * STATUS_INSUFFICIENT_RESOURCES. Else what the driver answered to IRP_MJ_CREATE.
 * WDK: ZwCreateFile; book ch. 2.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateFile(_Out_ PHANDLE FileHandle, _In_ ACCESS_MASK DesiredAccess,
                                     _In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                     _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                     _In_opt_ PLARGE_INTEGER AllocationSize,
                                     _In_ ULONG FileAttributes, _In_ ULONG ShareAccess,
                                     _In_ ULONG CreateDisposition, _In_ ULONG CreateOptions,
                                     _In_opt_ PVOID EaBuffer, _In_ ULONG EaLength);

/* ZwCreateFile with FILE_OPEN. WDK: ZwOpenFile; book ch. 2. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenFile(_Out_ PHANDLE FileHandle, _In_ ACCESS_MASK DesiredAccess,
                                   _In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                   _Out_ PIO_STATUS_BLOCK IoStatusBlock, _In_ ULONG ShareAccess,
                                   _In_ ULONG OpenOptions);

/*
 * Reads. On a synchronous file the call waits and answers the final status; else STATUS_PENDING may
 * be the answer, Buffer and IoStatusBlock belong to the request until it is done, and its end is
 * told by all that were given of: Event (cleared first, then set), the file handle itself,
 * ApcRoutine (a normal kernel APC of the calling thread).
 *   ByteOffset  where to read; NULL, or -2 in its place: where a synchronous file has got to
 *   Key         handed to the driver, or NULL
 * STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH: FileHandle or Event.
 * STATUS_INVALID_PARAMETER: a negative offset, or none for an asynchronous file.
 * STATUS_ACCESS_VIOLATION: buffered or direct I/O, and Buffer is not mapped.
 * STATUS_INSUFFICIENT_RESOURCES. Else
 * the driver's: an error that was answered at once leaves IoStatusBlock and Event alone.
 * WDK: ZwReadFile; book ch. 2 and 7.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwReadFile(_In_ HANDLE FileHandle, _In_opt_ HANDLE Event,
                                   _In_opt_ PIO_APC_ROUTINE ApcRoutine, _In_opt_ PVOID ApcContext,
                                   _Out_ PIO_STATUS_BLOCK IoStatusBlock, _Out_ PVOID Buffer,
                                   _In_ ULONG Length, _In_opt_ PLARGE_INTEGER ByteOffset,
                                   _In_opt_ PULONG Key);

/* Writes; as ZwReadFile, with -1 in ByteOffset for the end of the file. WDK: ZwWriteFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwWriteFile(_In_ HANDLE FileHandle, _In_opt_ HANDLE Event,
                                    _In_opt_ PIO_APC_ROUTINE ApcRoutine, _In_opt_ PVOID ApcContext,
                                    _Out_ PIO_STATUS_BLOCK IoStatusBlock, _In_ PVOID Buffer,
                                    _In_ ULONG Length, _In_opt_ PLARGE_INTEGER ByteOffset,
                                    _In_opt_ PULONG Key);

/* Sends IRP_MJ_DEVICE_CONTROL; waiting, completion and errors as ZwReadFile. How the buffers
 * reach the driver is the code's method. STATUS_ACCESS_DENIED: the code's access bits ask for
 * FILE_READ_DATA or FILE_WRITE_DATA and the handle lacks it. WDK: ZwDeviceIoControlFile; book
 * ch. 7. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwDeviceIoControlFile(
    _In_ HANDLE FileHandle, _In_opt_ HANDLE Event, _In_opt_ PIO_APC_ROUTINE ApcRoutine,
    _In_opt_ PVOID ApcContext, _Out_ PIO_STATUS_BLOCK IoStatusBlock, _In_ ULONG IoControlCode,
    _In_opt_ PVOID InputBuffer, _In_ ULONG InputBufferLength, _Out_opt_ PVOID OutputBuffer,
    _In_ ULONG OutputBufferLength);

/* Closes a handle. A file's last handle sends IRP_MJ_CLEANUP, its last reference IRP_MJ_CLOSE.
 * STATUS_INVALID_HANDLE. WDK: ZwClose; book ch. 2. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwClose(_In_ HANDLE Handle);

/* Waits for a thread, process, event, or a file's last request; objects of other types are always
 * signalled. Timeout as KeWaitForSingleObject's, and so the answers; or STATUS_INVALID_HANDLE.
 * WDK: ZwWaitForSingleObject; book ch. 6. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(_In_ HANDLE Handle, _In_ BOOLEAN Alertable,
                                              _In_opt_ PLARGE_INTEGER Timeout);

/* A new event object, named if ObjectAttributes have a name, or the existing one with OBJ_OPENIF
 * (STATUS_OBJECT_NAME_EXISTS). Other answers: STATUS_INVALID_PARAMETER for EventType,
 * STATUS_OBJECT_NAME_COLLISION, STATUS_INSUFFICIENT_RESOURCES, the name's errors as ZwCreateFile.
 * WDK: ZwCreateEvent; book ch. 6. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateEvent(_Out_ PHANDLE EventHandle, _In_ ACCESS_MASK DesiredAccess,
                                      _In_opt_ POBJECT_ATTRIBUTES ObjectAttributes,
                                      _In_ EVENT_TYPE EventType, _In_ BOOLEAN InitialState);

/* A handle for a named event. Errors as ZwCreateFile's for the name. WDK: ZwOpenEvent. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenEvent(_Out_ PHANDLE EventHandle, _In_ ACCESS_MASK DesiredAccess,
                                    _In_ POBJECT_ATTRIBUTES ObjectAttributes);

/* ZwSetEvent, ZwResetEvent and ZwClearEvent signal an event, or make it not signalled; the first
 * two tell its previous state. STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. WDK; book ch.
 * 6. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetEvent(_In_ HANDLE EventHandle, _Out_opt_ PLONG PreviousState);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwResetEvent(_In_ HANDLE EventHandle, _Out_opt_ PLONG PreviousState);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwClearEvent(_In_ HANDLE EventHandle);

#endif
