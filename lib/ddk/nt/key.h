/*
 * nt/key.h - registry keys (book ch. 2 and 9's exercises): values' types, what can be asked of keys
 * and values, and the system services. Those want PASSIVE_LEVEL; a handle has to have the access
 * that a service names. Names are compared without regard to case. A key's name has up to 255
 * characters, a value's up to 16383, a value's data up to 1 MB.
 *
 * Errors common to all services that take a handle: STATUS_INVALID_HANDLE,
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED (the handle lacks the access),
 * STATUS_KEY_DELETED (the key has been deleted), STATUS_ACCESS_VIOLATION (a buffer is not mapped),
 * STATUS_INSUFFICIENT_RESOURCES, and what a registry callback answers in the service's place.
 */
#include <wdm.h>

#ifndef _NT_KEY_
#define _NT_KEY_

#define REG_NONE 0
#define REG_SZ 1
#define REG_EXPAND_SZ 2
#define REG_BINARY 3
#define REG_DWORD 4
#define REG_DWORD_LITTLE_ENDIAN 4
#define REG_DWORD_BIG_ENDIAN 5
#define REG_LINK 6
#define REG_MULTI_SZ 7
#define REG_RESOURCE_LIST 8
#define REG_FULL_RESOURCE_DESCRIPTOR 9
#define REG_RESOURCE_REQUIREMENTS_LIST 10
#define REG_QWORD 11
#define REG_QWORD_LITTLE_ENDIAN 11

#define KEY_QUERY_VALUE 0x0001
#define KEY_SET_VALUE 0x0002
#define KEY_CREATE_SUB_KEY 0x0004
#define KEY_ENUMERATE_SUB_KEYS 0x0008
#define KEY_NOTIFY 0x0010
#define KEY_CREATE_LINK 0x0020
#define KEY_WOW64_64KEY 0x0100
#define KEY_WOW64_32KEY 0x0200
#define KEY_WOW64_RES 0x0300
#define KEY_READ (STANDARD_RIGHTS_READ | KEY_QUERY_VALUE | KEY_ENUMERATE_SUB_KEYS | KEY_NOTIFY)
#define KEY_WRITE (STANDARD_RIGHTS_WRITE | KEY_SET_VALUE | KEY_CREATE_SUB_KEY)
#define KEY_EXECUTE KEY_READ
#define KEY_ALL_ACCESS                                                                             \
    (STANDARD_RIGHTS_REQUIRED | KEY_QUERY_VALUE | KEY_SET_VALUE | KEY_CREATE_SUB_KEY |             \
     KEY_ENUMERATE_SUB_KEYS | KEY_NOTIFY | KEY_CREATE_LINK)

#define REG_OPTION_RESERVED 0x00000000
#define REG_OPTION_NON_VOLATILE 0x00000000
#define REG_OPTION_VOLATILE 0x00000001
#define REG_OPTION_CREATE_LINK 0x00000002
#define REG_OPTION_BACKUP_RESTORE 0x00000004
#define REG_OPTION_OPEN_LINK 0x00000008
#define REG_LEGAL_OPTION 0x0000000F
#define REG_OPEN_LEGAL_OPTION (REG_OPTION_BACKUP_RESTORE | REG_OPTION_OPEN_LINK)

#define REG_CREATED_NEW_KEY 0x00000001
#define REG_OPENED_EXISTING_KEY 0x00000002

#define REG_NOTIFY_CHANGE_NAME 0x00000001
#define REG_NOTIFY_CHANGE_ATTRIBUTES 0x00000002
#define REG_NOTIFY_CHANGE_LAST_SET 0x00000004
#define REG_NOTIFY_CHANGE_SECURITY 0x00000008
#define REG_LEGAL_CHANGE_FILTER 0x0000000F

typedef enum _KEY_INFORMATION_CLASS {
    KeyBasicInformation,
    KeyNodeInformation,
    KeyFullInformation,
    KeyNameInformation,
    KeyCachedInformation,
    KeyFlagsInformation,
    KeyVirtualizationInformation,
    KeyHandleTagsInformation,
    KeyTrustInformation,
    KeyLayerInformation,
    MaxKeyInfoClass
} KEY_INFORMATION_CLASS;

typedef enum _KEY_VALUE_INFORMATION_CLASS {
    KeyValueBasicInformation,
    KeyValueFullInformation,
    KeyValuePartialInformation,
    KeyValueFullInformationAlign64,
    KeyValuePartialInformationAlign64,
    KeyValueLayerInformation,
    MaxKeyValueInfoClass
} KEY_VALUE_INFORMATION_CLASS;

typedef enum _KEY_SET_INFORMATION_CLASS {
    KeyWriteTimeInformation,
    KeyWow64FlagsInformation,
    KeyControlFlagsInformation,
    KeySetVirtualizationInformation,
    KeySetDebugInformation,
    KeySetHandleTagsInformation,
    KeySetLayerInformation,
    MaxKeySetInfoClass
} KEY_SET_INFORMATION_CLASS;

/* Lengths and offsets are bytes; an offset of -1 says that there is nothing. */
typedef struct _KEY_BASIC_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_BASIC_INFORMATION, *PKEY_BASIC_INFORMATION;

typedef struct _KEY_NODE_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex;
    ULONG ClassOffset;
    ULONG ClassLength;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_NODE_INFORMATION, *PKEY_NODE_INFORMATION;

typedef struct _KEY_FULL_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex;
    ULONG ClassOffset;
    ULONG ClassLength;
    ULONG SubKeys;
    ULONG MaxNameLen;
    ULONG MaxClassLen;
    ULONG Values;
    ULONG MaxValueNameLen;
    ULONG MaxValueDataLen;
    WCHAR Class[1];
} KEY_FULL_INFORMATION, *PKEY_FULL_INFORMATION;

/* The whole path, "\REGISTRY\Machine\...". */
typedef struct _KEY_NAME_INFORMATION {
    ULONG NameLength;
    WCHAR Name[1];
} KEY_NAME_INFORMATION, *PKEY_NAME_INFORMATION;

typedef struct _KEY_CACHED_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex;
    ULONG SubKeys;
    ULONG MaxNameLen;
    ULONG Values;
    ULONG MaxValueNameLen;
    ULONG MaxValueDataLen;
    ULONG NameLength;
} KEY_CACHED_INFORMATION, *PKEY_CACHED_INFORMATION;

typedef struct _KEY_VALUE_BASIC_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_VALUE_BASIC_INFORMATION, *PKEY_VALUE_BASIC_INFORMATION;

typedef struct _KEY_VALUE_FULL_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG DataOffset;
    ULONG DataLength;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_VALUE_FULL_INFORMATION, *PKEY_VALUE_FULL_INFORMATION;

typedef struct _KEY_VALUE_PARTIAL_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG DataLength;
    UCHAR Data[1];
} KEY_VALUE_PARTIAL_INFORMATION, *PKEY_VALUE_PARTIAL_INFORMATION;

typedef struct _KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 {
    ULONG Type;
    ULONG DataLength;
    UCHAR Data[1];
} KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, *PKEY_VALUE_PARTIAL_INFORMATION_ALIGN64;

typedef struct _KEY_WRITE_TIME_INFORMATION {
    LARGE_INTEGER LastWriteTime;
} KEY_WRITE_TIME_INFORMATION, *PKEY_WRITE_TIME_INFORMATION;

C_ASSERT(offsetof(KEY_NODE_INFORMATION, Name) == 24 && offsetof(KEY_FULL_INFORMATION, Class) == 44);
C_ASSERT(offsetof(KEY_VALUE_FULL_INFORMATION, Name) == 20 && sizeof(KEY_CACHED_INFORMATION) == 40);

/*
 * Opens a key, or makes it under a key that exists.
 *   ObjectAttributes  the name: a path from \Registry, or relative to a key in RootDirectory; with
 *                     OBJ_OPENLINK a symbolic link itself is meant
 *   TitleIndex        0
 *   Class             of a new key: any text, or NULL
 *   CreateOptions     REG_OPTION_VOLATILE: a new key is gone at the next start;
 *                     REG_OPTION_CREATE_LINK: it is a symbolic link, whose REG_LINK value
 *                     SymbolicLinkValue names the target; REG_OPTION_OPEN_LINK as OBJ_OPENLINK
 *   Disposition       receives REG_CREATED_NEW_KEY or REG_OPENED_EXISTING_KEY; or NULL
 * STATUS_OBJECT_NAME_NOT_FOUND: a key on the way is missing, or links lead in a circle.
 * STATUS_OBJECT_NAME_COLLISION: the link to be made exists. STATUS_CHILD_MUST_BE_VOLATILE: a
 * lasting key under a volatile one. STATUS_ACCESS_DENIED: directly under \Registry.
 * STATUS_INVALID_PARAMETER: unknown options, a name that is too long, or over 512 levels of keys.
 * STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_OBJECT_TYPE_MISMATCH: no key's name.
 * WDK: ZwCreateKey; book ch. 7.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwCreateKey(_Out_ PHANDLE KeyHandle, _In_ ACCESS_MASK DesiredAccess,
                                    _In_ POBJECT_ATTRIBUTES ObjectAttributes, _In_ ULONG TitleIndex,
                                    _In_opt_ PUNICODE_STRING Class, _In_ ULONG CreateOptions,
                                    _Out_opt_ PULONG Disposition);

/* Opens a key that exists; errors as ZwCreateKey. OpenOptions: REG_OPTION_OPEN_LINK and
 * REG_OPTION_BACKUP_RESTORE, else STATUS_INVALID_PARAMETER. WDK: ZwOpenKey, ZwOpenKeyEx. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenKey(_Out_ PHANDLE KeyHandle, _In_ ACCESS_MASK DesiredAccess,
                                  _In_ POBJECT_ATTRIBUTES ObjectAttributes);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwOpenKeyEx(_Out_ PHANDLE KeyHandle, _In_ ACCESS_MASK DesiredAccess,
                                    _In_ POBJECT_ATTRIBUTES ObjectAttributes,
                                    _In_ ULONG OpenOptions);

/* Deletes a key (DELETE access) with its values; handles for it stay, and answer
 * STATUS_KEY_DELETED. STATUS_CANNOT_DELETE: it has keys below it, or is \Registry, Machine or User.
 * WDK: ZwDeleteKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwDeleteKey(_In_ HANDLE KeyHandle);

/* Gives a key (KEY_WRITE access) another name, a single component. STATUS_CANNOT_DELETE: \Registry,
 * Machine or User. STATUS_OBJECT_NAME_COLLISION, STATUS_OBJECT_NAME_INVALID.
 * WDK: ZwRenameKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwRenameKey(_In_ HANDLE KeyHandle, _In_ PUNICODE_STRING NewName);

/*
 * Makes or replaces a value (KEY_SET_VALUE access). ValueName of length 0 is the default value.
 * Type is kept with the value and not compared with Data. DataSize: bytes, up to 1 MB.
 * STATUS_INVALID_PARAMETER: name or data are too long. STATUS_ACCESS_DENIED: a link has only its
 * SymbolicLinkValue. WDK: ZwSetValueKey.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetValueKey(_In_ HANDLE KeyHandle, _In_ PUNICODE_STRING ValueName,
                                      _In_opt_ ULONG TitleIndex, _In_ ULONG Type,
                                      _In_reads_bytes_opt_(DataSize) PVOID Data,
                                      _In_ ULONG DataSize);

/* Removes a value (KEY_SET_VALUE access). STATUS_OBJECT_NAME_NOT_FOUND. WDK: ZwDeleteValueKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwDeleteValueKey(_In_ HANDLE KeyHandle, _In_ PUNICODE_STRING ValueName);

/*
 * Describes a key (KEY_QUERY_VALUE access; none for KeyNameInformation).
 *   KeyInformationClass  KeyBasicInformation, KeyNodeInformation, KeyFullInformation,
 *                        KeyNameInformation or KeyCachedInformation
 *   Length               bytes at KeyInformation
 *   ResultLength         receives the bytes that the whole answer has, also when it does not fit
 * STATUS_BUFFER_TOO_SMALL: the fixed part of the structure does not fit, nothing is written.
 * STATUS_BUFFER_OVERFLOW: all but the names' end was written. STATUS_INVALID_PARAMETER: another
 * class. WDK: ZwQueryKey.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryKey(_In_ HANDLE KeyHandle,
                                   _In_ KEY_INFORMATION_CLASS KeyInformationClass,
                                   _Out_writes_bytes_opt_(Length) PVOID KeyInformation,
                                   _In_ ULONG Length, _Out_ PULONG ResultLength);

/* Describes the Index-th key below a key (KEY_ENUMERATE_SUB_KEYS access), in alphabetical order, by
 * one of the first three classes; as ZwQueryKey. STATUS_NO_MORE_ENTRIES: there are not so many.
 * WDK: ZwEnumerateKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwEnumerateKey(_In_ HANDLE KeyHandle, _In_ ULONG Index,
                                       _In_ KEY_INFORMATION_CLASS KeyInformationClass,
                                       _Out_writes_bytes_opt_(Length) PVOID KeyInformation,
                                       _In_ ULONG Length, _Out_ PULONG ResultLength);

/*
 * Reads a value (KEY_QUERY_VALUE access): its name, its data or both. The classes ...Align64 lay
 * the data at a multiple of 8 bytes. Length, ResultLength, STATUS_BUFFER_TOO_SMALL and _OVERFLOW as
 * ZwQueryKey. STATUS_OBJECT_NAME_NOT_FOUND; STATUS_INVALID_PARAMETER: another class.
 * STATUS_DATATYPE_MISALIGNMENT: a buffer for Align64 is not at a multiple of 8. WDK:
 * ZwQueryValueKey.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwQueryValueKey(_In_ HANDLE KeyHandle, _In_ PUNICODE_STRING ValueName,
                                        _In_ KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                        _Out_writes_bytes_opt_(Length) PVOID KeyValueInformation,
                                        _In_ ULONG Length, _Out_ PULONG ResultLength);

/* Reads the Index-th value of a key in the order of their creation; as ZwQueryValueKey.
 * STATUS_NO_MORE_ENTRIES. WDK: ZwEnumerateValueKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwEnumerateValueKey(
    _In_ HANDLE KeyHandle, _In_ ULONG Index,
    _In_ KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
    _Out_writes_bytes_opt_(Length) PVOID KeyValueInformation, _In_ ULONG Length,
    _Out_ PULONG ResultLength);

/* Returns when all changes made before are on the registry's disk, if there is one; success
 * without. Needs no access. STATUS_REGISTRY_IO_FAILED: they could not be written, and stay in
 * memory; the disk keeps what it had. WDK: ZwFlushKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwFlushKey(_In_ HANDLE KeyHandle);

/* Sets a key's time of last change (KEY_SET_VALUE access; KeyWriteTimeInformation, the one class
 * there is: else STATUS_INVALID_INFO_CLASS; STATUS_INFO_LENGTH_MISMATCH). WDK:
 * ZwSetInformationKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetInformationKey(_In_ HANDLE KeyHandle,
                                            _In_ KEY_SET_INFORMATION_CLASS KeySetInformationClass,
                                            _In_reads_bytes_(KeySetInformationLength)
                                                PVOID KeySetInformation,
                                            _In_ ULONG KeySetInformationLength);

/*
 * Waits for, or asks to be told of, the next change of a key (KEY_NOTIFY access).
 *   Event             handle of an event that is cleared now and set then, or NULL
 *   ApcRoutine        NULL, or a WORK_QUEUE_ITEM to be queued then, to the queue ApcContext
 *                     (a WORK_QUEUE_TYPE)
 *   IoStatusBlock     receives STATUS_NOTIFY_ENUM_DIR, or STATUS_NOTIFY_CLEANUP when the handle was
 *                     closed or the key deleted
 *   CompletionFilter  REG_NOTIFY_CHANGE_NAME (keys below come and go), _LAST_SET (values),
 *                     _ATTRIBUTES, _SECURITY (which never happen); the first call's on this handle
 *                     counts for all of them
 *   WatchTree         also changes of keys below, at any depth; of the first call
 *   Buffer            NULL; BufferSize 0
 *   Asynchronous      FALSE: the call itself waits, and answers what IoStatusBlock receives
 * Between two calls on one handle changes are noted, and the second call is answered at once.
 * STATUS_PENDING; STATUS_INVALID_PARAMETER. WDK: ZwNotifyChangeKey.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwNotifyChangeKey(_In_ HANDLE KeyHandle, _In_opt_ HANDLE Event,
                                          _In_opt_ PIO_APC_ROUTINE ApcRoutine,
                                          _In_opt_ PVOID ApcContext,
                                          _Out_ PIO_STATUS_BLOCK IoStatusBlock,
                                          _In_ ULONG CompletionFilter, _In_ BOOLEAN WatchTree,
                                          _Out_writes_bytes_opt_(BufferSize) PVOID Buffer,
                                          _In_ ULONG BufferSize, _In_ BOOLEAN Asynchronous);

#endif
