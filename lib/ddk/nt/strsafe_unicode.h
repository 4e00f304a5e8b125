/*
 * nt/strsafe_unicode.h - the routines of ntstrsafe.h for UNICODE_STRING; included there.
 *
 * A target need not be terminated, and is not. STATUS_INVALID_PARAMETER: a string that is none (a
 * length that is odd or above its maximum, a length without a buffer), and nothing was changed.
 * STATUS_BUFFER_OVERFLOW: cut at MaximumLength. The Ex routines answer in *RemainingString (may be
 * NULL) the part of the buffer that is left, and obey dwFlags. WDK: the same names; book ch. 3.
 */
#include <wdm.h>

#ifndef _NT_STRSAFE_UNICODE_
#define _NT_STRSAFE_UNICODE_
#ifdef _NTSTRSAFE_H_INCLUDED_

#define STRSAFE_NO_LIMIT NTSTRSAFE_UNICODE_STRING_MAX_CCH

/* Is it a string? With STRSAFE_IGNORE_NULLS a NULL pointer is one. WDK:
 * RtlUnicodeStringValidate(Ex). */
static inline NTSTATUS RtlUnicodeStringValidateEx(PCUNICODE_STRING SourceString, ULONG dwFlags)
{
    if ((dwFlags & ~STRSAFE_VALID_FLAGS) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (SourceString == NULL) {
        return (dwFlags & STRSAFE_IGNORE_NULLS) != 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if (SourceString->Length % sizeof(wchar_t) != 0 ||
        SourceString->MaximumLength % sizeof(wchar_t) != 0 ||
        SourceString->Length > SourceString->MaximumLength) {
        return STATUS_INVALID_PARAMETER;
    }
    return SourceString->Buffer == NULL && SourceString->MaximumLength != 0
               ? STATUS_INVALID_PARAMETER
               : STATUS_SUCCESS;
}
static inline NTSTATUS RtlUnicodeStringValidate(PCUNICODE_STRING SourceString)
{
    return RtlUnicodeStringValidateEx(SourceString, 0);
}

/* Makes DestinationString refer to a terminated text (NULL: an empty one), which may have up to
 * 32767 characters. WDK: RtlUnicodeStringInit(Ex). */
static inline NTSTATUS RtlUnicodeStringInitEx(PUNICODE_STRING DestinationString,
                                              const wchar_t *pszSrc, ULONG dwFlags)
{
    size_t Length = pszSrc == NULL ? 0 : wcsnlen(pszSrc, NTSTRSAFE_UNICODE_STRING_MAX_CCH + 1);

    if (DestinationString == NULL || (dwFlags & ~STRSAFE_VALID_FLAGS) != 0 ||
        Length > NTSTRSAFE_UNICODE_STRING_MAX_CCH) {
        return STATUS_INVALID_PARAMETER;
    }
    DestinationString->Length = (USHORT)(Length * sizeof(wchar_t));
    DestinationString->MaximumLength = DestinationString->Length;
    if (pszSrc != NULL && Length < NTSTRSAFE_UNICODE_STRING_MAX_CCH) {
        DestinationString->MaximumLength =
            (USHORT)(DestinationString->MaximumLength + sizeof(wchar_t));
    }
    DestinationString->Buffer = (PWCH)pszSrc;
    return STATUS_SUCCESS;
}
static inline NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING DestinationString,
                                            const wchar_t *pszSrc)
{
    return RtlUnicodeStringInitEx(DestinationString, pszSrc, 0);
}

/* What the flags ask for, after Stored characters were put behind the first Start. */
static inline NTSTATUS RtlpStrSafeFinishString(PUNICODE_STRING Target, size_t Start, size_t Stored,
                                               PUNICODE_STRING Remaining, ULONG Flags,
                                               NTSTATUS Status)
{
    size_t Size = Target == NULL ? 0 : Target->MaximumLength / sizeof(wchar_t);
    size_t End = Start + Stored;

    if (Target != NULL && NT_SUCCESS(Status) && (Flags & STRSAFE_FILL_BEHIND) != 0 && Size != 0) {
        memset(Target->Buffer + End, (int)(Flags & 0xFF), (Size - End) * sizeof(wchar_t));
    } else if (Target != NULL && !NT_SUCCESS(Status) && Size != 0) {
        End = (Flags & STRSAFE_NO_TRUNCATION) != 0 ? Start : End;
        if ((Flags & STRSAFE_FILL_ON_FAILURE) != 0) {
            memset(Target->Buffer, (int)(Flags & 0xFF), Size * sizeof(wchar_t));
            End = (Flags & 0xFF) == 0 ? 0 : Size;
        }
        End = (Flags & STRSAFE_ZERO_LENGTH_ON_FAILURE) != 0 ? 0 : End;
    }
    if (Target != NULL) {
        Target->Length = (USHORT)(End * sizeof(wchar_t));
    }
    if (Remaining != NULL && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW)) {
        Remaining->Length = 0;
        Remaining->MaximumLength = (USHORT)((Size - End) * sizeof(wchar_t));
        Remaining->Buffer = Target == NULL || Target->Buffer == NULL ? NULL : Target->Buffer + End;
    }
    return Status;
}

/* Puts Length characters at Source behind those of Target that are kept. */
static inline NTSTATUS RtlpStrSafePutString(PUNICODE_STRING Target, int Append,
                                            const wchar_t *Source, size_t Length,
                                            PUNICODE_STRING Remaining, ULONG Flags)
{
    NTSTATUS Status = RtlUnicodeStringValidateEx(Target, Flags);
    size_t Start, Room;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Source == NULL && Length != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Start = Target == NULL || !Append ? 0 : Target->Length / sizeof(wchar_t);
    Room = Target == NULL ? 0 : Target->MaximumLength / sizeof(wchar_t) - Start;
    if (Length > Room) {
        Status = Target == NULL ? STATUS_INVALID_PARAMETER : STATUS_BUFFER_OVERFLOW;
        Length = Room;
    }
    if (Length != 0) {
        memmove(Target->Buffer + Start, Source, Length * sizeof(wchar_t));
    }
    return RtlpStrSafeFinishString(Target, Start, Length, Remaining, Flags, Status);
}

/* The same of a terminated text, at most Limit characters of it. */
static inline NTSTATUS RtlpStrSafePutText(PUNICODE_STRING Target, int Append, const wchar_t *Source,
                                          size_t Limit, PUNICODE_STRING Remaining, ULONG Flags)
{
    if (Limit > NTSTRSAFE_MAX_CCH || (Source == NULL && (Flags & STRSAFE_IGNORE_NULLS) == 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* One more than fits is enough to know that it does not. */
    Limit = Limit > STRSAFE_NO_LIMIT + 1 ? STRSAFE_NO_LIMIT + 1 : Limit;
    return RtlpStrSafePutString(Target, Append, Source, Source == NULL ? 0 : wcsnlen(Source, Limit),
                                Remaining, Flags);
}

/* The same of a counted string. */
static inline NTSTATUS RtlpStrSafePutCounted(PUNICODE_STRING Target, int Append,
                                             PCUNICODE_STRING Source, size_t Limit,
                                             PUNICODE_STRING Remaining, ULONG Flags)
{
    NTSTATUS Status = RtlUnicodeStringValidateEx(Source, Flags);
    size_t Length = Source == NULL ? 0 : Source->Length / sizeof(wchar_t);

    if (!NT_SUCCESS(Status) || Limit > NTSTRSAFE_MAX_CCH) {
        return STATUS_INVALID_PARAMETER;
    }
    return RtlpStrSafePutString(Target, Append, Source == NULL ? NULL : Source->Buffer,
                                Length < Limit ? Length : Limit, Remaining, Flags);
}

/* Copy or append a terminated text. WDK: RtlUnicodeStringCopyString, RtlUnicodeStringCatString. */
static inline NTSTATUS RtlUnicodeStringCopyStringEx(PUNICODE_STRING DestinationString,
                                                    const wchar_t *pszSrc,
                                                    PUNICODE_STRING RemainingString, ULONG dwFlags)
{
    return RtlpStrSafePutText(DestinationString, 0, pszSrc, NTSTRSAFE_MAX_CCH, RemainingString,
                              dwFlags);
}
static inline NTSTATUS RtlUnicodeStringCopyString(PUNICODE_STRING DestinationString,
                                                  const wchar_t *pszSrc)
{
    return RtlUnicodeStringCopyStringEx(DestinationString, pszSrc, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCatStringEx(PUNICODE_STRING DestinationString,
                                                   const wchar_t *pszSrc,
                                                   PUNICODE_STRING RemainingString, ULONG dwFlags)
{
    return RtlpStrSafePutText(DestinationString, 1, pszSrc, NTSTRSAFE_MAX_CCH, RemainingString,
                              dwFlags);
}
static inline NTSTATUS RtlUnicodeStringCatString(PUNICODE_STRING DestinationString,
                                                 const wchar_t *pszSrc)
{
    return RtlUnicodeStringCatStringEx(DestinationString, pszSrc, NULL, 0);
}

/* Copy or append at most so many characters of a terminated text; Cb counts bytes.
 * WDK: RtlUnicodeStringCchCopyStringN and its kin. */
static inline NTSTATUS RtlUnicodeStringCchCopyStringN(PUNICODE_STRING DestinationString,
                                                      const wchar_t *pszSrc, size_t cchToCopy)
{
    return RtlpStrSafePutText(DestinationString, 0, pszSrc, cchToCopy, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCbCopyStringN(PUNICODE_STRING DestinationString,
                                                     const wchar_t *pszSrc, size_t cbToCopy)
{
    return RtlUnicodeStringCchCopyStringN(DestinationString, pszSrc, cbToCopy / sizeof(wchar_t));
}
static inline NTSTATUS RtlUnicodeStringCchCatStringN(PUNICODE_STRING DestinationString,
                                                     const wchar_t *pszSrc, size_t cchToAppend)
{
    return RtlpStrSafePutText(DestinationString, 1, pszSrc, cchToAppend, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCbCatStringN(PUNICODE_STRING DestinationString,
                                                    const wchar_t *pszSrc, size_t cbToAppend)
{
    return RtlUnicodeStringCchCatStringN(DestinationString, pszSrc, cbToAppend / sizeof(wchar_t));
}

/* Copy or append a counted string. WDK: RtlUnicodeStringCopy, RtlUnicodeStringCat. */
static inline NTSTATUS RtlUnicodeStringCopyEx(PUNICODE_STRING DestinationString,
                                              PCUNICODE_STRING SourceString,
                                              PUNICODE_STRING RemainingString, ULONG dwFlags)
{
    return RtlpStrSafePutCounted(DestinationString, 0, SourceString, NTSTRSAFE_MAX_CCH,
                                 RemainingString, dwFlags);
}
static inline NTSTATUS RtlUnicodeStringCopy(PUNICODE_STRING DestinationString,
                                            PCUNICODE_STRING SourceString)
{
    return RtlUnicodeStringCopyEx(DestinationString, SourceString, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCatEx(PUNICODE_STRING DestinationString,
                                             PCUNICODE_STRING SourceString,
                                             PUNICODE_STRING RemainingString, ULONG dwFlags)
{
    return RtlpStrSafePutCounted(DestinationString, 1, SourceString, NTSTRSAFE_MAX_CCH,
                                 RemainingString, dwFlags);
}
static inline NTSTATUS RtlUnicodeStringCat(PUNICODE_STRING DestinationString,
                                           PCUNICODE_STRING SourceString)
{
    return RtlUnicodeStringCatEx(DestinationString, SourceString, NULL, 0);
}

/* Copy or append at most so many characters of a counted string; Cb counts bytes.
 * WDK: RtlUnicodeStringCchCopyN and its kin. */
static inline NTSTATUS RtlUnicodeStringCchCopyN(PUNICODE_STRING DestinationString,
                                                PCUNICODE_STRING SourceString, size_t cchToCopy)
{
    return RtlpStrSafePutCounted(DestinationString, 0, SourceString, cchToCopy, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCbCopyN(PUNICODE_STRING DestinationString,
                                               PCUNICODE_STRING SourceString, size_t cbToCopy)
{
    return RtlUnicodeStringCchCopyN(DestinationString, SourceString, cbToCopy / sizeof(wchar_t));
}
static inline NTSTATUS RtlUnicodeStringCchCatN(PUNICODE_STRING DestinationString,
                                               PCUNICODE_STRING SourceString, size_t cchToAppend)
{
    return RtlpStrSafePutCounted(DestinationString, 1, SourceString, cchToAppend, NULL, 0);
}
static inline NTSTATUS RtlUnicodeStringCbCatN(PUNICODE_STRING DestinationString,
                                              PCUNICODE_STRING SourceString, size_t cbToAppend)
{
    return RtlUnicodeStringCchCatN(DestinationString, SourceString, cbToAppend / sizeof(wchar_t));
}

/* Format into a string. WDK: RtlUnicodeStringPrintf, RtlUnicodeStringVPrintf. */
static inline NTSTATUS RtlUnicodeStringVPrintfEx(PUNICODE_STRING DestinationString,
                                                 PUNICODE_STRING RemainingString, ULONG dwFlags,
                                                 const wchar_t *pszFormat, NT_VA_LIST argList)
{
    NTSTATUS Status = RtlUnicodeStringValidateEx(DestinationString, dwFlags);
    size_t Size;
    int Length;

    if (!NT_SUCCESS(Status) || DestinationString == NULL || pszFormat == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    Size = DestinationString->MaximumLength / sizeof(wchar_t);
    Length = Size == 0 ? (pszFormat[0] == 0 ? 0 : -1)
                       : _vsnwprintf(DestinationString->Buffer, Size, pszFormat, argList);
    if (Length < 0 || (size_t)Length > Size) {
        Status = STATUS_BUFFER_OVERFLOW;
        Length = (int)Size;
    }
    return RtlpStrSafeFinishString(DestinationString, 0, (size_t)Length, RemainingString, dwFlags,
                                   Status);
}
static inline NTSTATUS RtlUnicodeStringVPrintf(PUNICODE_STRING DestinationString,
                                               const wchar_t *pszFormat, NT_VA_LIST argList)
{
    return RtlUnicodeStringVPrintfEx(DestinationString, NULL, 0, pszFormat, argList);
}
static inline NTSTATUS NT_VARARGS RtlUnicodeStringPrintf(PUNICODE_STRING DestinationString,
                                                         const wchar_t *pszFormat, ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = RtlUnicodeStringVPrintf(DestinationString, pszFormat, Arguments);
    nt_va_end(Arguments);
    return Status;
}
static inline NTSTATUS NT_VARARGS RtlUnicodeStringPrintfEx(PUNICODE_STRING DestinationString,
                                                           PUNICODE_STRING RemainingString,
                                                           ULONG dwFlags, const wchar_t *pszFormat,
                                                           ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = RtlUnicodeStringVPrintfEx(DestinationString, RemainingString, dwFlags, pszFormat,
                                       Arguments);
    nt_va_end(Arguments);
    return Status;
}

/* Copy a counted string into a terminated text. WDK: RtlStringCchCopyUnicodeString and its kin. */
static inline NTSTATUS RtlStringCchCopyUnicodeString(wchar_t *pszDest, size_t cchDest,
                                                     PCUNICODE_STRING SourceString)
{
    size_t Length;

    if (!RtlpStrSafeIsRoomW(pszDest, cchDest) ||
        !NT_SUCCESS(RtlUnicodeStringValidate(SourceString))) {
        return STATUS_INVALID_PARAMETER;
    }
    Length = SourceString->Length / sizeof(wchar_t);
    Length = Length < cchDest ? Length : cchDest - 1;
    if (Length != 0) {
        memmove(pszDest, SourceString->Buffer, Length * sizeof(wchar_t));
    }
    pszDest[Length] = 0;
    return Length < SourceString->Length / sizeof(wchar_t) ? STATUS_BUFFER_OVERFLOW
                                                           : STATUS_SUCCESS;
}
static inline NTSTATUS RtlStringCbCopyUnicodeString(wchar_t *pszDest, size_t cbDest,
                                                    PCUNICODE_STRING SourceString)
{
    return RtlStringCchCopyUnicodeString(pszDest, cbDest / sizeof(wchar_t), SourceString);
}

#undef STRSAFE_NO_LIMIT
#endif
#endif
