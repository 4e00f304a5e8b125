/*
 * nt/rtl_registry.h - the registry made easy: values by path (book ch. 2). PASSIVE_LEVEL.
 *
 * RelativeTo says where a path begins:
 *     RTL_REGISTRY_ABSOLUTE      \Registry\Machine\... in Path itself
 *     RTL_REGISTRY_SERVICES      \Registry\Machine\System\CurrentControlSet\Services
 *     RTL_REGISTRY_CONTROL       \Registry\Machine\System\CurrentControlSet\Control
 *     RTL_REGISTRY_WINDOWS_NT    \Registry\Machine\Software\Microsoft\Windows NT\CurrentVersion
 *     RTL_REGISTRY_DEVICEMAP     \Registry\Machine\Hardware\DeviceMap
 *     RTL_REGISTRY_USER          \Registry\User\.Default
 *     RTL_REGISTRY_HANDLE        Path is the handle of a key
 *     RTL_REGISTRY_OPTIONAL      or'ed to these: a missing key is no error
 * STATUS_INVALID_PARAMETER: RelativeTo is none of them. Errors of keys as ZwOpenKey.
 */
#include <wdm.h>

#ifndef _NT_RTL_REGISTRY_
#define _NT_RTL_REGISTRY_

#define RTL_REGISTRY_ABSOLUTE 0
#define RTL_REGISTRY_SERVICES 1
#define RTL_REGISTRY_CONTROL 2
#define RTL_REGISTRY_WINDOWS_NT 3
#define RTL_REGISTRY_DEVICEMAP 4
#define RTL_REGISTRY_USER 5
#define RTL_REGISTRY_MAXIMUM 6
#define RTL_REGISTRY_HANDLE 0x40000000
#define RTL_REGISTRY_OPTIONAL 0x80000000

#define RTL_QUERY_REGISTRY_SUBKEY 0x00000001
#define RTL_QUERY_REGISTRY_TOPKEY 0x00000002
#define RTL_QUERY_REGISTRY_REQUIRED 0x00000004
#define RTL_QUERY_REGISTRY_NOVALUE 0x00000008
#define RTL_QUERY_REGISTRY_NOEXPAND 0x00000010
#define RTL_QUERY_REGISTRY_DIRECT 0x00000020
#define RTL_QUERY_REGISTRY_DELETE 0x00000040
#define RTL_QUERY_REGISTRY_NOSTRING 0x00000080
#define RTL_QUERY_REGISTRY_TYPECHECK 0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT 24
#define RTL_QUERY_REGISTRY_TYPECHECK_MASK (0xff << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT)

/* Called for a value, or for each string of a REG_MULTI_SZ. A status that is no success ends the
 * query with it; STATUS_BUFFER_TOO_SMALL is for the caller of the query. */
typedef NTSTATUS NTAPI RTL_QUERY_REGISTRY_ROUTINE(_In_ PWSTR ValueName, _In_ ULONG ValueType,
                                                  _In_ PVOID ValueData, _In_ ULONG ValueLength,
                                                  _In_ PVOID Context, _In_ PVOID EntryContext);
typedef RTL_QUERY_REGISTRY_ROUTINE *PRTL_QUERY_REGISTRY_ROUTINE;

/*
 * An entry of a query; the table ends with one that is all zeros (no QueryRoutine, no Name, and
 * neither SUBKEY nor DIRECT). QueryRoutine  as above; with DIRECT not used Flags
 * RTL_QUERY_REGISTRY_ SUBKEY     Name is a key below Path; entries that follow are about it TOPKEY
 * back to Path REQUIRED   a missing value (or key, for SUBKEY) is an error NOVALUE    no value is
 * wanted: the routine is called once NOEXPAND   REG_EXPAND_SZ and REG_MULTI_SZ are handed over as
 * they are DIRECT     the data goes to EntryContext (below) DELETE     values are deleted after
 * they were read NOSTRING   with DIRECT: a value that is a string is not wanted TYPECHECK  with
 * DIRECT: the value must be of the type in DefaultType's highest byte Name          the value, or
 * NULL for all values of the key EntryContext  the routine's last argument DefaultType   of
 * DefaultData, for a value that is missing; REG_NONE: there is none DefaultLength bytes; 0:
 * DefaultData is a string, whose length is to be found out DIRECT stores a string in the
 * UNICODE_STRING at EntryContext, allocating the buffer from paged pool when it is NULL; REG_DWORD
 * and other data of up to 4 bytes as they are; larger data in a buffer whose first LONG is
 * negative, as the number of bytes there, or else behind two ULONGs with the length and the type.
 */
typedef struct _RTL_QUERY_REGISTRY_TABLE {
    PRTL_QUERY_REGISTRY_ROUTINE QueryRoutine;
    ULONG Flags;
    PWSTR Name;
    PVOID EntryContext;
    ULONG DefaultType;
    PVOID DefaultData;
    ULONG DefaultLength;
} RTL_QUERY_REGISTRY_TABLE, *PRTL_QUERY_REGISTRY_TABLE;
C_ASSERT(sizeof(RTL_QUERY_REGISTRY_TABLE) == 56);

/*
 * Reads values as a table says, in its order, until there is an error.
 *   Path         from where RelativeTo says, or a handle
 *   Context      the routines' last but one argument
 *   Environment  NULL: text between percent signs is replaced by the system's variables, of which
 * there is SystemRoot STATUS_OBJECT_NAME_NOT_FOUND: the key, or something REQUIRED.
 * STATUS_INVALID_PARAMETER: flags that contradict each other. STATUS_OBJECT_TYPE_MISMATCH: NOSTRING
 * or TYPECHECK. STATUS_BUFFER_TOO_SMALL: DIRECT, and no room. STATUS_INSUFFICIENT_RESOURCES; else
 * what a routine answered. WDK: RtlQueryRegistryValues.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlQueryRegistryValues(_In_ ULONG RelativeTo, _In_ PCWSTR Path,
                                               _Inout_ PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                               _In_opt_ PVOID Context, _In_opt_ PVOID Environment);
/* Makes or replaces a value, and the key if it is missing and the one above it is not.
 * WDK: RtlWriteRegistryValue. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlWriteRegistryValue(_In_ ULONG RelativeTo, _In_ PCWSTR Path,
                                              _In_z_ PCWSTR ValueName, _In_ ULONG ValueType,
                                              _In_reads_bytes_opt_(ValueLength) PVOID ValueData,
                                              _In_ ULONG ValueLength);
/* Removes a value. STATUS_OBJECT_NAME_NOT_FOUND. WDK: RtlDeleteRegistryValue. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlDeleteRegistryValue(_In_ ULONG RelativeTo, _In_ PCWSTR Path,
                                               _In_z_ PCWSTR ValueName);
/* Success when the key exists. WDK: RtlCheckRegistryKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlCheckRegistryKey(_In_ ULONG RelativeTo, _In_ PWSTR Path);
/* Makes a key, if it is not there, under a key that is. WDK: RtlCreateRegistryKey. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlCreateRegistryKey(_In_ ULONG RelativeTo, _In_ PWSTR Path);

#endif
