/*
 * nt/zw_file.h - services that ask about files, change them and list them. Rules as in nt/zw.h:
 * arguments are a kernel-mode caller's, so the handle's rights are not looked at. Their first
 * answers, of all of them: STATUS_INVALID_INFO_CLASS: there is no such class;
 * STATUS_INFO_LENGTH_MISMATCH: Length is less than the class's structure; STATUS_ACCESS_VIOLATION:
 * the buffer is not mapped; STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH;
 * STATUS_INSUFFICIENT_RESOURCES. Else what the driver answers; STATUS_INVALID_DEVICE_REQUEST is
 * that of drivers that do not know the request.
 */
#include <wdm.h>

#ifndef _NT_ZW_FILE_
#define _NT_ZW_FILE_

/* Tells about an open file; waits for the answer. Rights, mode, alignment, whether the device is
 * remote, and a synchronous file's position come from the file object, all else from the driver.
 * STATUS_BUFFER_OVERFLOW: the name did not fit, what is before it did. WDK:
 * ZwQueryInformationFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationFile(_In_ HANDLE FileHandle,
                                               _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                               _Out_ PVOID FileInformation, _In_ ULONG Length,
                                               _In_ FILE_INFORMATION_CLASS FileInformationClass);

/* Changes an open file; waits for the answer. The mode, and a synchronous file's position, are the
 * file object's: STATUS_INVALID_PARAMETER for a mode that cannot be set or would make a synchronous
 * file of an asynchronous one or the reverse, and for a position that is negative or, without
 * intermediate buffering, not aligned. All else goes to the driver. WDK: ZwSetInformationFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationFile(_In_ HANDLE FileHandle,
                                             _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                             _In_ PVOID FileInformation, _In_ ULONG Length,
                                             _In_ FILE_INFORMATION_CLASS FileInformationClass);

/* Tells about the volume or device that a file is on; waits for the answer.
 * FileFsDeviceInformation is known for every file; all else the driver is asked for.
 * WDK: ZwQueryVolumeInformationFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryVolumeInformationFile(_In_ HANDLE FileHandle,
                                                     _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                                     _Out_ PVOID FsInformation, _In_ ULONG Length,
                                                     _In_ FS_INFORMATION_CLASS FsInformationClass);

/* Asks the driver to write what it holds back of the file, and waits. WDK: ZwFlushBuffersFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwFlushBuffersFile(_In_ HANDLE FileHandle,
                                           _Out_ PIO_STATUS_BLOCK IoStatusBlock);

/*
 * Lists a directory, as many entries as fit; waiting and completion as ZwReadFile.
 *   FileInformationClass  FileDirectoryInformation, FileFullDirectoryInformation,
 *                         FileBothDirectoryInformation or FileNamesInformation
 *   ReturnSingleEntry     TRUE: one entry at most
 *   FileName              a pattern with * and ?, or NULL: all; the first call's is kept for the
 * rest RestartScan           TRUE: from the beginning, with this FileName if there is one
 * STATUS_NO_SUCH_FILE: nothing matches, at the first call; STATUS_NO_MORE_FILES: at a later one.
 * STATUS_BUFFER_OVERFLOW: the first entry's name was cut. STATUS_INVALID_PARAMETER: not a
 * directory. WDK: ZwQueryDirectoryFile.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryDirectoryFile(
    _In_ HANDLE FileHandle, _In_opt_ HANDLE Event, _In_opt_ PIO_APC_ROUTINE ApcRoutine,
    _In_opt_ PVOID ApcContext, _Out_ PIO_STATUS_BLOCK IoStatusBlock, _Out_ PVOID FileInformation,
    _In_ ULONG Length, _In_ FILE_INFORMATION_CLASS FileInformationClass,
    _In_ BOOLEAN ReturnSingleEntry, _In_opt_ PUNICODE_STRING FileName, _In_ BOOLEAN RestartScan);

/* ZwQueryAttributesFile and ZwQueryFullAttributesFile tell about a file by its name, which they
 * open for its attributes; errors as ZwOpenFile and ZwQueryInformationFile. WDK:
 * ZwQueryFullAttributesFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryAttributesFile(_In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                              _Out_ PFILE_BASIC_INFORMATION FileInformation);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryFullAttributesFile(
    _In_ POBJECT_ATTRIBUTES ObjectAttributes, _Out_ PFILE_NETWORK_OPEN_INFORMATION FileInformation);

/* Sends IRP_MJ_FILE_SYSTEM_CONTROL with minor function 0; as ZwDeviceIoControlFile in everything
 * else. WDK: ZwFsControlFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwFsControlFile(_In_ HANDLE FileHandle, _In_opt_ HANDLE Event,
                                        _In_opt_ PIO_APC_ROUTINE ApcRoutine,
                                        _In_opt_ PVOID ApcContext,
                                        _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                        _In_ ULONG FsControlCode, _In_opt_ PVOID InputBuffer,
                                        _In_ ULONG InputBufferLength, _Out_opt_ PVOID OutputBuffer,
                                        _In_ ULONG OutputBufferLength);

/* ZwCancelIoFile asks for an end of all requests that this thread has under way on the file, and
 * waits until they have ended. STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. WDK:
 * NtCancelIoFile. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCancelIoFile(_In_ HANDLE FileHandle,
                                       _Out_ PIO_STATUS_BLOCK IoStatusBlock);

/* Asks for an end of the requests that the threads of this process have under way on the file: all,
 * or that with the status block IoRequestToCancel; does not wait for it. STATUS_NOT_FOUND: there
 * was none. STATUS_INSUFFICIENT_RESOURCES. WDK: NtCancelIoFileEx (CancelIoEx). */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCancelIoFileEx(_In_ HANDLE FileHandle,
                                         _In_opt_ PIO_STATUS_BLOCK IoRequestToCancel,
                                         _Out_ PIO_STATUS_BLOCK IoStatusBlock);

/* Checks a list of extended attributes as ZwCreateFile does; *ErrorOffset: the entry it got to.
 * STATUS_EA_LIST_INCONSISTENT. Any IRQL at which the list may be touched. WDK:
 * IoCheckEaBufferValidity. */
NTKERNELAPI NTSTATUS NTAPI IoCheckEaBufferValidity(_In_ PFILE_FULL_EA_INFORMATION EaBuffer,
                                                   _In_ ULONG EaLength, _Out_ PULONG ErrorOffset);

#endif
