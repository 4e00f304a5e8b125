/* nt/rtl.h - the run-time library: strings, lists, memory, debug output (book ch. 2, 3 and 5). */
#include <wdm.h>

#ifndef _NT_RTL_
#define _NT_RTL_

#include <dpfilter.h>

/*** Counted strings (book ch. 3). Lengths are bytes. Routines that compare ignoring case, or
 * convert, read tables: drivers may count on PASSIVE_LEVEL only. No routine keeps a pointer to its
 * arguments except the Init ones, whose result refers to SourceString. ***/

/* Makes a counted string of a terminated one, without copying; NULL makes an empty one. Longer
 * texts are cut at 65532 bytes, ANSI ones at 65534. IRQL <= DISPATCH_LEVEL for resident text. WDK:
 * RtlInitUnicodeString, RtlInitAnsiString, RtlInitString. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI VOID NTAPI RtlInitUnicodeString(_Out_ PUNICODE_STRING DestinationString,
                                         _In_opt_z_ PCWSTR SourceString);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI VOID NTAPI RtlInitAnsiString(_Out_ PANSI_STRING DestinationString,
                                      _In_opt_z_ PCSZ SourceString);
NTSYSAPI VOID NTAPI RtlInitString(_Out_ PSTRING DestinationString, _In_opt_z_ PCSZ SourceString);
/* The same, but a text that would be cut makes an empty string and STATUS_NAME_TOO_LONG.
 * WDK: RtlInitUnicodeStringEx. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlInitUnicodeStringEx(_Out_ PUNICODE_STRING DestinationString,
                                               _In_opt_z_ PCWSTR SourceString);

/* Copies what fits into DestinationString's buffer; silently cut. NULL empties it. Terminated when
 * there is room. IRQL <= DISPATCH_LEVEL. WDK: RtlCopyUnicodeString. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI VOID NTAPI RtlCopyUnicodeString(_Inout_ PUNICODE_STRING DestinationString,
                                         _In_opt_ PCUNICODE_STRING SourceString);
/* Appends the whole source or nothing: STATUS_BUFFER_TOO_SMALL. Terminated when there is room.
 * IRQL <= DISPATCH_LEVEL. WDK: RtlAppendUnicodeToString, RtlAppendUnicodeStringToString. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlAppendUnicodeToString(_Inout_ PUNICODE_STRING Destination,
                                                 _In_opt_z_ PCWSTR Source);
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlAppendUnicodeStringToString(_Inout_ PUNICODE_STRING Destination,
                                                       _In_ PCUNICODE_STRING Source);

/* Compare by UTF-16 units, in upper case when CaseInSensitive: < 0, 0 or > 0; a prefix is less.
 * WDK: RtlCompareUnicodeString, RtlCompareUnicodeStrings (lengths in characters). */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI LONG NTAPI RtlCompareUnicodeString(_In_ PCUNICODE_STRING String1,
                                            _In_ PCUNICODE_STRING String2,
                                            _In_ BOOLEAN CaseInSensitive);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI LONG NTAPI RtlCompareUnicodeStrings(_In_reads_(String1Length) PCWCH String1,
                                             _In_ SIZE_T String1Length,
                                             _In_reads_(String2Length) PCWCH String2,
                                             _In_ SIZE_T String2Length,
                                             _In_ BOOLEAN CaseInSensitive);
/* TRUE when the strings are equal; when String2 begins with String1.
 * WDK: RtlEqualUnicodeString, RtlPrefixUnicodeString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI BOOLEAN NTAPI RtlEqualUnicodeString(_In_ PCUNICODE_STRING String1,
                                             _In_ PCUNICODE_STRING String2,
                                             _In_ BOOLEAN CaseInSensitive);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI BOOLEAN NTAPI RtlPrefixUnicodeString(_In_ PCUNICODE_STRING String1,
                                              _In_ PCUNICODE_STRING String2,
                                              _In_ BOOLEAN CaseInSensitive);

#define HASH_STRING_ALGORITHM_DEFAULT 0
#define HASH_STRING_ALGORITHM_X65599 1
#define HASH_STRING_ALGORITHM_INVALID 0xffffffff
/* Hashes a string; strings equal under CaseInSensitive hash alike. STATUS_INVALID_PARAMETER: a NULL
 * pointer or an unknown algorithm. WDK: RtlHashUnicodeString. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlHashUnicodeString(_In_ PCUNICODE_STRING String,
                                             _In_ BOOLEAN CaseInSensitive, _In_ ULONG HashAlgorithm,
                                             _Out_ PULONG HashValue);

/* The other case of a character that has exactly one; else the character.
 * WDK: RtlUpcaseUnicodeChar, RtlDowncaseUnicodeChar. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI WCHAR NTAPI RtlUpcaseUnicodeChar(_In_ WCHAR SourceCharacter);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI WCHAR NTAPI RtlDowncaseUnicodeChar(_In_ WCHAR SourceCharacter);
/* Copies a string in upper case. With AllocateDestinationString the buffer is allocated from paged
 * pool, for RtlFreeUnicodeString (STATUS_NO_MEMORY); else STATUS_BUFFER_OVERFLOW when
 * DestinationString is too small. WDK: RtlUpcaseUnicodeString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlUpcaseUnicodeString(_Inout_ PUNICODE_STRING DestinationString,
                                               _In_ PCUNICODE_STRING SourceString,
                                               _In_ BOOLEAN AllocateDestinationString);

/* Convert between the ANSI code page, which is UTF-8 here, and UTF-16; what is no character becomes
 * U+FFFD. Results are terminated. With AllocateDestinationString the buffer is allocated from paged
 * pool, for RtlFreeUnicodeString or RtlFreeAnsiString (STATUS_NO_MEMORY). Otherwise
 * STATUS_BUFFER_OVERFLOW when it does not fit: RtlUnicodeStringToAnsiString then stores the
 * characters that do, RtlAnsiStringToUnicodeString none. STATUS_INVALID_PARAMETER_2: the result is
 * longer than a string can be. WDK: RtlAnsiStringToUnicodeString, RtlUnicodeStringToAnsiString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlAnsiStringToUnicodeString(_Inout_ PUNICODE_STRING DestinationString,
                                                     _In_ PCANSI_STRING SourceString,
                                                     _In_ BOOLEAN AllocateDestinationString);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToAnsiString(_Inout_ PANSI_STRING DestinationString,
                                                     _In_ PCUNICODE_STRING SourceString,
                                                     _In_ BOOLEAN AllocateDestinationString);
/* Bytes that the converted string takes with its terminator. WDK: RtlAnsiStringToUnicodeSize,
 * RtlUnicodeStringToAnsiSize, for which RtlxAnsiStringToUnicodeSize and RtlxUnicodeStringToAnsiSize
 * do the work. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI ULONG NTAPI RtlxAnsiStringToUnicodeSize(_In_ PCANSI_STRING AnsiString);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI ULONG NTAPI RtlxUnicodeStringToAnsiSize(_In_ PCUNICODE_STRING UnicodeString);
#define RtlAnsiStringToUnicodeSize(String) RtlxAnsiStringToUnicodeSize(String)
#define RtlUnicodeStringToAnsiSize(String) RtlxUnicodeStringToAnsiSize(String)
/* Frees a buffer allocated by the routines above and empties the string; one without a buffer is
 * left alone. WDK: RtlFreeUnicodeString, RtlFreeAnsiString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI VOID NTAPI RtlFreeUnicodeString(_Inout_ PUNICODE_STRING UnicodeString);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI VOID NTAPI RtlFreeAnsiString(_Inout_ PANSI_STRING AnsiString);

/* Reads a number: blanks, a sign, then digits of Base 2, 8, 10 or 16 as far as they go; Base 0
 * takes it from a prefix 0x, 0o, 0b, else 10. No digits make 0; what overflows is lost.
 * STATUS_INVALID_PARAMETER: another base. WDK: RtlUnicodeStringToInteger. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlUnicodeStringToInteger(_In_ PCUNICODE_STRING String, _In_opt_ ULONG Base,
                                                  _Out_ PULONG Value);
/* Write a number in Base 2, 8, 10 (also 0) or 16 with upper-case digits, terminated.
 * STATUS_INVALID_PARAMETER: another base; STATUS_BUFFER_OVERFLOW: no room, nothing written.
 * WDK: RtlIntegerToUnicodeString, RtlInt64ToUnicodeString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlIntegerToUnicodeString(_In_ ULONG Value, _In_opt_ ULONG Base,
                                                  _Inout_ PUNICODE_STRING String);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlInt64ToUnicodeString(_In_ ULONGLONG Value, _In_opt_ ULONG Base,
                                                _Inout_ PUNICODE_STRING String);

/*** Time and version. ***/

typedef struct _TIME_FIELDS {
    SHORT Year; /* 1601... */
    SHORT Month;
    SHORT Day;
    SHORT Hour;
    SHORT Minute;
    SHORT Second;
    SHORT Milliseconds;
    SHORT Weekday; /* 0 is Sunday */
} TIME_FIELDS, *PTIME_FIELDS;

/* Splits a system time (100 ns units since 1601, not negative). Any IRQL. WDK:
 * RtlTimeToTimeFields. */
NTSYSAPI VOID NTAPI RtlTimeToTimeFields(_In_ PLARGE_INTEGER Time, _Out_ PTIME_FIELDS TimeFields);
/* The reverse, ignoring Weekday; FALSE when a field is out of its range (years 1601 to 30827). Any
 * IRQL. WDK: RtlTimeFieldsToTime. */
NTSYSAPI BOOLEAN NTAPI RtlTimeFieldsToTime(_In_ PTIME_FIELDS TimeFields, _Out_ PLARGE_INTEGER Time);

typedef struct _OSVERSIONINFOW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
} OSVERSIONINFOW, *POSVERSIONINFOW, RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW;

typedef struct _OSVERSIONINFOEXW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
    USHORT wServicePackMajor;
    USHORT wServicePackMinor;
    USHORT wSuiteMask;
    UCHAR wProductType;
    UCHAR wReserved;
} OSVERSIONINFOEXW, *POSVERSIONINFOEXW, RTL_OSVERSIONINFOEXW, *PRTL_OSVERSIONINFOEXW;
C_ASSERT(sizeof(OSVERSIONINFOW) == 276 && sizeof(OSVERSIONINFOEXW) == 284);

#define VER_PLATFORM_WIN32_NT 2
#define VER_NT_WORKSTATION 1

/* The Windows version whose driver interface this is: 10.0 build 19045. Fills the extended fields
 * when dwOSVersionInfoSize says that they are there. STATUS_SUCCESS. PASSIVE_LEVEL.
 * WDK: RtlGetVersion; book ch. 3. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlGetVersion(_Inout_ PRTL_OSVERSIONINFOW VersionInformation);

/*** Memory. ***/

/* Bytes at the start of both blocks that are equal. Any IRQL. WDK: RtlCompareMemory. */
NTSYSAPI SIZE_T NTAPI RtlCompareMemory(_In_ const VOID *Source1, _In_ const VOID *Source2,
                                       _In_ SIZE_T Length);

#define RtlCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define RtlMoveMemory(Destination, Source, Length) memmove((Destination), (Source), (Length))
#define RtlFillMemory(Destination, Length, Fill) memset((Destination), (Fill), (Length))
#define RtlZeroMemory(Destination, Length) memset((Destination), 0, (Length))
#define RtlEqualMemory(A, B, Length) (!memcmp((A), (B), (Length)))

/*** Lists (book ch. 3); any IRQL, and the caller's lock. ***/

/* Doubly linked lists, circular with a head. The Remove routines require an entry; RemoveEntryList
 * answers TRUE when the list has become empty. */
FORCEINLINE VOID InitializeListHead(_Out_ PLIST_ENTRY ListHead)
{
    ListHead->Flink = ListHead->Blink = ListHead;
}
FORCEINLINE BOOLEAN IsListEmpty(_In_ const LIST_ENTRY *ListHead)
{
    return (BOOLEAN)(ListHead->Flink == ListHead);
}

#define FAST_FAIL_CORRUPT_LIST_ENTRY 3
/* A broken neighbour link means memory corruption: stop at once, as Windows does, with int 29h. */
FORCEINLINE DECLSPEC_NORETURN VOID RtlFailFast(_In_ ULONG Code)
{
    __asm__ volatile("int $0x29" : : "c"(Code) : "memory");
    __builtin_unreachable();
}
FORCEINLINE BOOLEAN RemoveEntryList(_In_ PLIST_ENTRY Entry)
{
    PLIST_ENTRY Next = Entry->Flink;
    PLIST_ENTRY Previous = Entry->Blink;
    if (Next->Blink != Entry || Previous->Flink != Entry) {
        RtlFailFast(FAST_FAIL_CORRUPT_LIST_ENTRY);
    }
    Previous->Flink = Next;
    Next->Blink = Previous;
    return (BOOLEAN)(Previous == Next);
}
FORCEINLINE PLIST_ENTRY RemoveHeadList(_Inout_ PLIST_ENTRY ListHead)
{
    PLIST_ENTRY Entry = ListHead->Flink;
    RemoveEntryList(Entry);
    return Entry;
}
FORCEINLINE PLIST_ENTRY RemoveTailList(_Inout_ PLIST_ENTRY ListHead)
{
    PLIST_ENTRY Entry = ListHead->Blink;
    RemoveEntryList(Entry);
    return Entry;
}
FORCEINLINE VOID InsertTailList(_Inout_ PLIST_ENTRY ListHead, _Out_ PLIST_ENTRY Entry)
{
    PLIST_ENTRY Previous = ListHead->Blink;
    if (Previous->Flink != ListHead) {
        RtlFailFast(FAST_FAIL_CORRUPT_LIST_ENTRY);
    }
    Entry->Flink = ListHead;
    Entry->Blink = Previous;
    Previous->Flink = Entry;
    ListHead->Blink = Entry;
}
FORCEINLINE VOID InsertHeadList(_Inout_ PLIST_ENTRY ListHead, _Out_ PLIST_ENTRY Entry)
{
    PLIST_ENTRY Next = ListHead->Flink;
    if (Next->Blink != ListHead) {
        RtlFailFast(FAST_FAIL_CORRUPT_LIST_ENTRY);
    }
    Entry->Flink = Next;
    Entry->Blink = ListHead;
    Next->Blink = Entry;
    ListHead->Flink = Entry;
}
FORCEINLINE VOID PushEntryList(_Inout_ PSINGLE_LIST_ENTRY ListHead,
                               _Inout_ PSINGLE_LIST_ENTRY Entry)
{
    Entry->Next = ListHead->Next;
    ListHead->Next = Entry;
}
FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(_Inout_ PSINGLE_LIST_ENTRY ListHead)
{
    PSINGLE_LIST_ENTRY First = ListHead->Next;
    if (First != NULL) {
        ListHead->Next = First->Next;
    }
    return First;
}

/*** Debug output (book ch. 5); any IRQL. ***/

/* Format a message and print it on the debug port in one piece, at most 511 bytes of it.
 * Conversions: Windows' printf set with %I64x, %ws, %S, %Z and %wZ, and without floating point;
 * wide text comes out as UTF-8. All memory named must be resident above APC_LEVEL. DbgPrint is
 * component DPFLTR_DEFAULT_ID at DPFLTR_INFO_LEVEL. Return STATUS_SUCCESS, also for a message that
 * the component's filter drops. WDK: DbgPrint, DbgPrintEx. */
NTSYSAPI ULONG DbgPrint(_In_z_ _Printf_format_string_ PCSTR Format, ...) NT_VARARGS;
NTSYSAPI ULONG DbgPrintEx(_In_ ULONG ComponentId, _In_ ULONG Level,
                          _In_z_ _Printf_format_string_ PCSTR Format, ...) NT_VARARGS;

/* DbgPrintEx for a va_list; the second prints Prefix before the message. WDK: vDbgPrintEx,
 * vDbgPrintExWithPrefix. */
NTSYSAPI ULONG NTAPI vDbgPrintEx(_In_ ULONG ComponentId, _In_ ULONG Level, _In_z_ PCCH Format,
                                 _In_ NT_VA_LIST Arguments);
NTSYSAPI ULONG NTAPI vDbgPrintExWithPrefix(_In_z_ PCCH Prefix, _In_ ULONG ComponentId,
                                           _In_ ULONG Level, _In_z_ PCCH Format,
                                           _In_ NT_VA_LIST Arguments);

/* TRUE when a message of the component and level would be printed, else FALSE. MAXULONG is no
 * component: then the mask for everybody alone decides. WDK: DbgQueryDebugFilterState. */
NTSYSAPI NTSTATUS NTAPI DbgQueryDebugFilterState(_In_ ULONG ComponentId, _In_ ULONG Level);
/* Sets (State TRUE) or clears the level's bits in the component's mask.
 * STATUS_INVALID_PARAMETER_1: no such component. WDK: DbgSetDebugFilterState. */
NTSYSAPI NTSTATUS NTAPI DbgSetDebugFilterState(_In_ ULONG ComponentId, _In_ ULONG Level,
                                               _In_ BOOLEAN State);

/* Stops in the debugger; without one, a bugcheck. WDK: DbgBreakPoint. */
NTSYSAPI VOID NTAPI DbgBreakPoint(VOID);
/* The same, with Status for the debugger: one of the numbers below, or the caller's own. WDK:
 * DbgBreakPointWithStatus; book ch. 5. */
#define DBG_STATUS_CONTROL_C 1
#define DBG_STATUS_SYSRQ 2
#define DBG_STATUS_BUGCHECK_FIRST 3
#define DBG_STATUS_BUGCHECK_SECOND 4
#define DBG_STATUS_FATAL 5
#define DBG_STATUS_DEBUG_CONTROL 6
#define DBG_STATUS_WORKER 7
NTSYSAPI VOID NTAPI DbgBreakPointWithStatus(_In_ ULONG Status);
/* What a failed NT_ASSERT calls: prints expression, place and Message (NULL: none), then stops in
 * the debugger and returns when that goes on. Without one the breakpoint is an exception that
 * nobody handles, STATUS_BREAKPOINT: the bugcheck is SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, in a DPC
 * or an interrupt KMODE_EXCEPTION_NOT_HANDLED, and repeats the text. Any IRQL. WDK: RtlAssert; book
 * ch. 5. */
NTSYSAPI VOID NTAPI RtlAssert(_In_ PVOID FailedAssertion, _In_ PVOID FileName,
                              _In_ ULONG LineNumber, _In_opt_z_ PCHAR Message);

#define KdPrint(Args) DbgPrint Args
#define KdPrintEx(Args) DbgPrintEx Args
#define NT_ASSERT(e) ((e) ? (void)0 : RtlAssert((PVOID) #e, (PVOID)__FILE__, __LINE__, NULL))
#define ASSERT(e) NT_ASSERT(e)
#define NT_VERIFY(e) NT_ASSERT(e)
/* The same with a message (a narrow string literal), printed with the expression. */
#define NT_ASSERTMSG(Message, e)                                                                   \
    ((e) ? (void)0 : RtlAssert((PVOID) #e, (PVOID)__FILE__, __LINE__, (PCHAR)(Message)))
#define ASSERTMSG(Message, e) NT_ASSERTMSG(Message, e)

#endif
