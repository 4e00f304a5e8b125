/*
 * nt/zw_query.h - what can be asked about objects and handles, and done with handles (book ch. 8).
 * IRQL and bad pointers as in nt/zw_object.h.
 */
#include <ntifs.h>

#ifndef _NT_ZW_QUERY_
#define _NT_ZW_QUERY_

typedef enum _OBJECT_INFORMATION_CLASS {
    ObjectBasicInformation = 0,
    ObjectNameInformation = 1,
    ObjectTypeInformation = 2,
    ObjectTypesInformation = 3,
    ObjectHandleFlagInformation = 4,
    ObjectSessionInformation = 5,
    MaxObjectInfoClass
} OBJECT_INFORMATION_CLASS;

/* Counts are those at the moment of the query, which has a reference of its own. */
typedef struct _OBJECT_BASIC_INFORMATION {
    ULONG Attributes; /* OBJ_INHERIT, OBJ_PROTECT_CLOSE, OBJ_PERMANENT, OBJ_EXCLUSIVE */
    ACCESS_MASK GrantedAccess;
    ULONG HandleCount;
    ULONG PointerCount;
    ULONG PagedPoolCharge;
    ULONG NonPagedPoolCharge;
    ULONG Reserved[3];
    ULONG NameInformationLength; /* bytes that ObjectNameInformation takes */
    ULONG TypeInformationLength;
    ULONG SecurityDescriptorLength; /* 0 */
    LARGE_INTEGER CreationTime;     /* of symbolic links, 100 ns since 1601 */
} OBJECT_BASIC_INFORMATION, *POBJECT_BASIC_INFORMATION;

typedef struct _PUBLIC_OBJECT_BASIC_INFORMATION {
    ULONG Attributes;
    ACCESS_MASK GrantedAccess;
    ULONG HandleCount;
    ULONG PointerCount;
    ULONG Reserved[10];
} PUBLIC_OBJECT_BASIC_INFORMATION, *PPUBLIC_OBJECT_BASIC_INFORMATION;

/* The name's characters follow. */
typedef struct _OBJECT_TYPE_INFORMATION {
    UNICODE_STRING TypeName;
    ULONG TotalNumberOfObjects;
    ULONG TotalNumberOfHandles;
    ULONG TotalPagedPoolUsage;
    ULONG TotalNonPagedPoolUsage;
    ULONG TotalNamePoolUsage;
    ULONG TotalHandleTableUsage;
    ULONG HighWaterNumberOfObjects;
    ULONG HighWaterNumberOfHandles;
    ULONG HighWaterPagedPoolUsage;
    ULONG HighWaterNonPagedPoolUsage;
    ULONG HighWaterNamePoolUsage;
    ULONG HighWaterHandleTableUsage;
    ULONG InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG ValidAccessMask;
    BOOLEAN SecurityRequired;
    BOOLEAN MaintainHandleCount;
    UCHAR TypeIndex;
    CHAR ReservedByte;
    ULONG PoolType;
    ULONG DefaultPagedPoolCharge;
    ULONG DefaultNonPagedPoolCharge;
} OBJECT_TYPE_INFORMATION, *POBJECT_TYPE_INFORMATION;

typedef struct _PUBLIC_OBJECT_TYPE_INFORMATION {
    UNICODE_STRING TypeName;
    ULONG Reserved[22];
} PUBLIC_OBJECT_TYPE_INFORMATION, *PPUBLIC_OBJECT_TYPE_INFORMATION;

typedef struct _OBJECT_HANDLE_FLAG_INFORMATION {
    BOOLEAN Inherit;
    BOOLEAN ProtectFromClose;
} OBJECT_HANDLE_FLAG_INFORMATION, *POBJECT_HANDLE_FLAG_INFORMATION;

C_ASSERT(sizeof(OBJECT_BASIC_INFORMATION) == 0x38);
C_ASSERT(sizeof(PUBLIC_OBJECT_BASIC_INFORMATION) == sizeof(OBJECT_BASIC_INFORMATION));
C_ASSERT(sizeof(OBJECT_TYPE_INFORMATION) == 0x68);
C_ASSERT(sizeof(PUBLIC_OBJECT_TYPE_INFORMATION) == sizeof(OBJECT_TYPE_INFORMATION));

/* An entry of ZwQueryDirectoryObject's array, which ends with one that is all zero. */
typedef struct _OBJECT_DIRECTORY_INFORMATION {
    UNICODE_STRING Name;
    UNICODE_STRING TypeName;
} OBJECT_DIRECTORY_INFORMATION, *POBJECT_DIRECTORY_INFORMATION;

/*
 * Asks for ObjectBasicInformation, ObjectHandleFlagInformation (Length is the structure's size
 * exactly), ObjectTypeInformation or ObjectNameInformation (an OBJECT_NAME_INFORMATION; empty when
 * the object has no name).
 *   ReturnLength  receives the bytes needed
 * STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH. WDK: ZwQueryObject; book ch. 8.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryObject(_In_opt_ HANDLE Handle,
                                      _In_ OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                      _Out_opt_ PVOID ObjectInformation,
                                      _In_ ULONG ObjectInformationLength,
                                      _Out_opt_ PULONG ReturnLength);

/* Sets ObjectHandleFlagInformation. Errors as ZwQueryObject's and ObSetHandleAttributes'. WDK:
 * ZwSetInformationObject. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationObject(_In_ HANDLE Handle,
                                               _In_ OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                               _In_ PVOID ObjectInformation,
                                               _In_ ULONG ObjectInformationLength);

/* Sets whether child processes inherit a handle and whether it can be closed.
 * STATUS_INVALID_HANDLE; STATUS_INVALID_PARAMETER: objects of the type are not inherited. In no WDK
 * header. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObSetHandleAttributes(_In_ HANDLE Handle,
                                                 _In_ POBJECT_HANDLE_FLAG_INFORMATION HandleFlags,
                                                 _In_ KPROCESSOR_MODE PreviousMode);

/* The type of a referenced object. Any IRQL. In no WDK header. */
NTKERNELAPI POBJECT_TYPE NTAPI ObGetObjectType(_In_ PVOID Object);

/*
 * The full name of a referenced object: \Device\Beep; empty when it has none. A file's is its
 * device's with the file's behind it. What lies above a directory that has lost its name is "...".
 *   Length        bytes in ObjectNameInfo, which the characters follow
 *   ReturnLength  receives the bytes needed
 * STATUS_INFO_LENGTH_MISMATCH: too few. WDK: ObQueryNameString.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI NTSTATUS NTAPI ObQueryNameString(_In_ PVOID Object,
                                             _Out_opt_ POBJECT_NAME_INFORMATION ObjectNameInfo,
                                             _In_ ULONG Length, _Out_ PULONG ReturnLength);

/*
 * One more handle for the object of a handle.
 *   TargetProcessHandle  where it is made; NULL with DUPLICATE_CLOSE_SOURCE: nowhere
 *   TargetHandle         receives it; NULL: it is made nevertheless
 *   DesiredAccess        its rights, without DUPLICATE_SAME_ACCESS
 *   HandleAttributes     OBJ_INHERIT, OBJ_PROTECT_CLOSE, OBJ_KERNEL_HANDLE; but for the last one
 *                        without effect with DUPLICATE_SAME_ATTRIBUTES
 *   Options              DUPLICATE_*; DUPLICATE_CLOSE_SOURCE closes SourceHandle, if it is one,
 * also when there is an error STATUS_INVALID_PARAMETER, STATUS_INVALID_HANDLE,
 * STATUS_OBJECT_TYPE_MISMATCH: a process handle is none; STATUS_ACCESS_DENIED: the object is open
 * exclusively; STATUS_INSUFFICIENT_RESOURCES. WDK: ZwDuplicateObject.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwDuplicateObject(_In_ HANDLE SourceProcessHandle, _In_ HANDLE SourceHandle,
                                          _In_opt_ HANDLE TargetProcessHandle,
                                          _Out_opt_ PHANDLE TargetHandle,
                                          _In_ ACCESS_MASK DesiredAccess,
                                          _In_ ULONG HandleAttributes, _In_ ULONG Options);

/* A handle for a directory. WDK: ZwOpenDirectoryObject. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenDirectoryObject(_Out_ PHANDLE DirectoryHandle,
                                              _In_ ACCESS_MASK DesiredAccess,
                                              _In_ POBJECT_ATTRIBUTES ObjectAttributes);

/*
 * Lists a directory: OBJECT_DIRECTORY_INFORMATION entries in Buffer, an empty one, and the strings.
 *   ReturnSingleEntry  one entry; else as many as Length bytes take
 *   RestartScan        from the first name on
 *   Context            where the listing is: the caller's from call to call. Names that are there
 *                      all the time are told once, whatever others do meanwhile
 *   ReturnLength       receives bytes used, or, for STATUS_BUFFER_TOO_SMALL, needed
 * STATUS_SUCCESS, and the listing is complete, or has its one entry. STATUS_MORE_ENTRIES: there are
 * more. STATUS_NO_MORE_ENTRIES: there were none left. STATUS_BUFFER_TOO_SMALL: for the one entry.
 * In no WDK header.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryDirectoryObject(_In_ HANDLE DirectoryHandle, _Out_opt_ PVOID Buffer,
                                               _In_ ULONG Length, _In_ BOOLEAN ReturnSingleEntry,
                                               _In_ BOOLEAN RestartScan, _Inout_ PULONG Context,
                                               _Out_opt_ PULONG ReturnLength);

/* A new symbolic link, which goes with its last handle unless OBJ_PERMANENT is given. LinkTarget:
 * an absolute path, which need not lead anywhere yet. STATUS_INVALID_PARAMETER: LinkTarget
 * without MaximumLength, or with an impossible Length; STATUS_OBJECT_NAME_COLLISION.
 * IoCreateSymbolicLink is for drivers' devices. In no WDK header. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateSymbolicLinkObject(_Out_ PHANDLE LinkHandle,
                                                   _In_ ACCESS_MASK DesiredAccess,
                                                   _In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                                   _In_ PUNICODE_STRING LinkTarget);

#endif
