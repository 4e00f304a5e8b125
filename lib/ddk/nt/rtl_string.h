/* nt/rtl_string.h - more of the run-time library: byte strings, GUIDs as text, copies of strings,
 * numbers. */
#include <wdm.h>

#ifndef _NT_RTL_STRING_
#define _NT_RTL_STRING_

/*** Counted byte strings; lengths are bytes, case is that of ASCII letters. Any IRQL with resident
 * memory; drivers may count on PASSIVE_LEVEL for what ignores case. ***/

/* Copies what fits; NULL empties. No terminator. WDK: RtlCopyString. */
NTSYSAPI VOID NTAPI RtlCopyString(_Inout_ PSTRING DestinationString,
                                  _In_opt_ const STRING *SourceString);
/* < 0, 0 or > 0, as unsigned bytes, in upper case when CaseInSensitive; a prefix is less.
 * WDK: RtlCompareString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI LONG NTAPI RtlCompareString(_In_ const STRING *String1, _In_ const STRING *String2,
                                     _In_ BOOLEAN CaseInSensitive);
/* TRUE when the strings are equal; when String2 begins with String1.
 * WDK: RtlEqualString, RtlPrefixString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI BOOLEAN NTAPI RtlEqualString(_In_ const STRING *String1, _In_ const STRING *String2,
                                      _In_ BOOLEAN CaseInSensitive);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI BOOLEAN NTAPI RtlPrefixString(_In_ const STRING *String1, _In_ const STRING *String2,
                                       _In_ BOOLEAN CaseInSensitive);
/* A letter, or what fits of a string, in upper case. WDK: RtlUpperChar, RtlUpperString. */
NTSYSAPI CHAR NTAPI RtlUpperChar(_In_ CHAR Character);
NTSYSAPI VOID NTAPI RtlUpperString(_Inout_ PSTRING DestinationString,
                                   _In_ const STRING *SourceString);
/* Append the whole source or nothing: STATUS_BUFFER_TOO_SMALL. No terminator. NULL appends nothing.
 * WDK: RtlAppendStringToString, RtlAppendAsciizToString. */
NTSYSAPI NTSTATUS NTAPI RtlAppendStringToString(_Inout_ PSTRING Destination,
                                                _In_ const STRING *Source);
NTSYSAPI NTSTATUS NTAPI RtlAppendAsciizToString(_Inout_ PSTRING Destination,
                                                _In_opt_z_ PCSZ Source);

/*** UNICODE_STRINGs. ***/

/* Copies a string in lower case, as RtlUpcaseUnicodeString does in upper. WDK:
 * RtlDowncaseUnicodeString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlDowncaseUnicodeString(_Inout_ PUNICODE_STRING DestinationString,
                                                 _In_ PCUNICODE_STRING SourceString,
                                                 _In_ BOOLEAN AllocateDestinationString);

#define RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE 0x00000001
#define RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING 0x00000002
/* Makes *DestinationString a copy in paged pool, for RtlFreeUnicodeString. An empty string gets no
 * buffer unless both flags are given. STATUS_INVALID_PARAMETER: flags unknown or only the second,
 * not a string; STATUS_NO_MEMORY; STATUS_NAME_TOO_LONG: no room for the terminator in what a string
 * can hold. WDK: RtlDuplicateUnicodeString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlDuplicateUnicodeString(_In_ ULONG Flags,
                                                  _In_ PCUNICODE_STRING SourceString,
                                                  _Out_ PUNICODE_STRING DestinationString);
/* STATUS_SUCCESS for a string that is one, and for NULL; STATUS_INVALID_PARAMETER for another and
 * for Flags that are not 0. Any IRQL. WDK: RtlValidateUnicodeString. */
NTSYSAPI NTSTATUS NTAPI RtlValidateUnicodeString(_In_ ULONG Flags,
                                                 _In_opt_ PCUNICODE_STRING String);

/* Writes "{6B29FC40-CA47-1067-B31D-00DD010662DA}", terminated, into a buffer from paged pool, for
 * RtlFreeUnicodeString. STATUS_NO_MEMORY. WDK: RtlStringFromGUID. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlStringFromGUID(_In_ const GUID *Guid, _Out_ PUNICODE_STRING GuidString);
/* Reads exactly that, in either case. STATUS_INVALID_PARAMETER: another text; *Guid is unchanged.
 * WDK: RtlGUIDFromString. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlGUIDFromString(_In_ PCUNICODE_STRING GuidString, _Out_ GUID *Guid);

/* Reads a number from a terminated text as RtlUnicodeStringToInteger does. WDK:
 * RtlCharToInteger. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI RtlCharToInteger(_In_z_ PCSZ String, _In_opt_ ULONG Base,
                                         _Out_ PULONG Value);

#endif
