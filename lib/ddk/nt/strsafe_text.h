/*
 * nt/strsafe_text.h - the routines of ntstrsafe.h for one kind of characters: included there twice,
 * so it has no guard. STRSAFE_CHAR is the character, STRSAFE_CCH(Copy) makes RtlStringCchCopyA or
 * ...W, STRSAFE_CB the same in bytes.
 *
 * Everything is made of five workers: the Ex routines. They work in four steps: check the
 * arguments, see where the text goes, store as much as there is room for, and finish as dwFlags
 * ask.
 */
#ifdef STRSAFE_CHAR

/* What one Ex operation works on. */
typedef struct STRSAFE_OWN(_TARGET) {
    STRSAFE_CHAR *Text;
    size_t Size;  /* characters */
    size_t Start; /* where what is stored begins: 0, or behind the text that is there */
    size_t End;   /* where the terminator is */
    ULONG Flags;
    NTSTATUS Status;
} STRSAFE_OWN(TARGET);

/* The target of a new text; STATUS_INVALID_PARAMETER when there can be none. A target of no size
 * stays untouched: then only an empty text fits. */
static inline STRSAFE_OWN(TARGET)
    STRSAFE_OWN(Begin)(STRSAFE_CHAR *pszDest, size_t cchDest, ULONG dwFlags)
{
    STRSAFE_OWN(TARGET) Target;
    int MayBeNull = (dwFlags & STRSAFE_IGNORE_NULLS) != 0 && cchDest == 0;

    Target.Text = pszDest;
    Target.Size = cchDest;
    Target.Start = Target.End = 0;
    Target.Flags = dwFlags;
    Target.Status = STATUS_SUCCESS;
    if ((dwFlags & ~STRSAFE_VALID_FLAGS) != 0 || cchDest > NTSTRSAFE_MAX_CCH ||
        (pszDest == NULL && !MayBeNull)) {
        Target.Status = STATUS_INVALID_PARAMETER;
        Target.Size = 0;
    }
    return Target;
}

/* The same, behind the text that the target has, which must be terminated. */
static inline STRSAFE_OWN(TARGET)
    STRSAFE_OWN(BeginBehind)(STRSAFE_CHAR *pszDest, size_t cchDest, ULONG dwFlags)
{
    STRSAFE_OWN(TARGET) Target = STRSAFE_OWN(Begin)(pszDest, cchDest, dwFlags);

    if (Target.Size != 0) {
        Target.Start = Target.End = STRSAFE_LENGTH(pszDest, Target.Size);
        if (Target.End == Target.Size) {
            Target.Status = STATUS_INVALID_PARAMETER;
            Target.Size = 0;
        }
    } else if (NT_SUCCESS(Target.Status) && (dwFlags & STRSAFE_IGNORE_NULLS) == 0) {
        Target.Status = STATUS_INVALID_PARAMETER;
    }
    return Target;
}

/* Appends at most Limit characters of Source, as far as there is room. */
static inline void STRSAFE_OWN(Store)(STRSAFE_OWN(TARGET) * Target, const STRSAFE_CHAR *Source,
                                      size_t Limit)
{
    size_t Room = Target->Size - Target->Start, Length;

    if (!NT_SUCCESS(Target->Status)) {
        return;
    }
    if (Source == NULL) {
        Limit = 0;
        if ((Target->Flags & STRSAFE_IGNORE_NULLS) == 0) {
            Target->Status = STATUS_INVALID_PARAMETER;
            return;
        }
    }
    Length = Limit == 0 ? 0 : STRSAFE_LENGTH(Source, Limit < Room ? Limit : Room);
    if (Room == 0) {
        if (Limit != 0 && Source[0] != 0) {
            Target->Status =
                Target->Text == NULL ? STATUS_INVALID_PARAMETER : STATUS_BUFFER_OVERFLOW;
        }
        return;
    }
    if (Length == Room) {
        Length--;
        Target->Status = STATUS_BUFFER_OVERFLOW;
    }
    if (Length != 0) {
        memmove(Target->Text + Target->Start, Source, Length * sizeof(STRSAFE_CHAR));
    }
    Target->End = Target->Start + Length;
    Target->Text[Target->End] = 0;
}

/* Formats into a target that begins at 0. */
static inline void STRSAFE_OWN(Print)(STRSAFE_OWN(TARGET) * Target, const STRSAFE_CHAR *Format,
                                      NT_VA_LIST Arguments)
{
    STRSAFE_CHAR Empty[1] = {0};
    int Length;

    if (!NT_SUCCESS(Target->Status)) {
        return;
    }
    if (Format == NULL && (Target->Flags & STRSAFE_IGNORE_NULLS) == 0) {
        Target->Status = STATUS_INVALID_PARAMETER;
        return;
    }
    Format = Format == NULL ? Empty : Format;
    if (Target->Size == 0) {
        if (Format[0] != 0) {
            Target->Status =
                Target->Text == NULL ? STATUS_INVALID_PARAMETER : STATUS_BUFFER_OVERFLOW;
        }
        return;
    }
    Length = STRSAFE_PRINT(Target->Text, Target->Size - 1, Format, Arguments);
    if (Length < 0 || (size_t)Length > Target->Size - 1) {
        Target->Status = STATUS_BUFFER_OVERFLOW;
        Length = (int)(Target->Size - 1);
    }
    Target->End = (size_t)Length;
    Target->Text[Target->End] = 0;
}

/* Does what the flags ask for and tells the caller where the text ends. */
static inline NTSTATUS STRSAFE_OWN(Finish)(STRSAFE_OWN(TARGET) * Target, STRSAFE_CHAR **ppszDestEnd,
                                           size_t *pcchRemaining)
{
    size_t Unit = sizeof(STRSAFE_CHAR);
    int Fill = (int)(Target->Flags & 0xFF);

    if (Target->Size != 0 && NT_SUCCESS(Target->Status)) {
        if ((Target->Flags & STRSAFE_FILL_BEHIND_NULL) != 0) {
            memset(Target->Text + Target->End + 1, Fill, (Target->Size - Target->End - 1) * Unit);
        }
    } else if (Target->Size != 0) {
        if ((Target->Flags & STRSAFE_NO_TRUNCATION) != 0) {
            Target->End = Target->Start;
        }
        if ((Target->Flags & STRSAFE_FILL_ON_FAILURE) != 0) {
            memset(Target->Text, Fill, Target->Size * Unit);
            Target->End = Fill == 0 ? 0 : Target->Size - 1;
        }
        if ((Target->Flags & STRSAFE_NULL_ON_FAILURE) != 0) {
            Target->End = 0;
        }
        Target->Text[Target->End] = 0;
    }
    if (NT_SUCCESS(Target->Status) || Target->Status == STATUS_BUFFER_OVERFLOW) {
        if (ppszDestEnd != NULL) {
            *ppszDestEnd = Target->Size == 0 ? Target->Text : Target->Text + Target->End;
        }
        if (pcchRemaining != NULL) {
            *pcchRemaining = Target->Size - Target->End;
        }
    }
    return Target->Status;
}

/* Room of no size is a mistake of who calls a routine without flags. */
static inline int STRSAFE_OWN(IsRoom)(const STRSAFE_CHAR *pszDest, size_t cchDest)
{
    return pszDest != NULL && cchDest != 0 && cchDest <= NTSTRSAFE_MAX_CCH;
}

/*** Copy: the whole text, or at most cchToCopy characters of it. ***/

/* Source is a NULL pointer only with STRSAFE_IGNORE_NULLS. *ppszDestEnd (may be NULL) is where the
 * terminator is, *pcchRemaining (may be NULL) the room from there on, that of the terminator
 * included. */
static inline NTSTATUS STRSAFE_CCH(CopyNEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                            const STRSAFE_CHAR *pszSrc, size_t cchToCopy,
                                            STRSAFE_CHAR **ppszDestEnd, size_t *pcchRemaining,
                                            ULONG dwFlags)
{
    STRSAFE_OWN(TARGET) Target = STRSAFE_OWN(Begin)(pszDest, cchDest, dwFlags);

    if (cchToCopy > NTSTRSAFE_MAX_CCH && NT_SUCCESS(Target.Status)) {
        Target.Status = STATUS_INVALID_PARAMETER;
        if (Target.Size != 0) {
            Target.Text[0] = 0;
        }
    }
    STRSAFE_OWN(Store)(&Target, pszSrc, cchToCopy);
    return STRSAFE_OWN(Finish)(&Target, ppszDestEnd, pcchRemaining);
}

static inline NTSTATUS STRSAFE_CCH(CopyEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                           const STRSAFE_CHAR *pszSrc, STRSAFE_CHAR **ppszDestEnd,
                                           size_t *pcchRemaining, ULONG dwFlags)
{
    return STRSAFE_CCH(CopyNEx)(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH, ppszDestEnd,
                                pcchRemaining, dwFlags);
}

static inline NTSTATUS STRSAFE_CCH(CopyN)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                          const STRSAFE_CHAR *pszSrc, size_t cchToCopy)
{
    if (!STRSAFE_OWN(IsRoom)(pszDest, cchDest)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STRSAFE_CCH(CopyNEx)(pszDest, cchDest, pszSrc, cchToCopy, NULL, NULL, 0);
}

static inline NTSTATUS STRSAFE_CCH(Copy)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                         const STRSAFE_CHAR *pszSrc)
{
    return STRSAFE_CCH(CopyN)(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

/*** Cat: behind the text that is there, the whole text or at most cchToAppend characters of it.
 * ***/

static inline NTSTATUS STRSAFE_CCH(CatNEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                           const STRSAFE_CHAR *pszSrc, size_t cchToAppend,
                                           STRSAFE_CHAR **ppszDestEnd, size_t *pcchRemaining,
                                           ULONG dwFlags)
{
    STRSAFE_OWN(TARGET) Target = STRSAFE_OWN(BeginBehind)(pszDest, cchDest, dwFlags);

    if (cchToAppend > NTSTRSAFE_MAX_CCH && NT_SUCCESS(Target.Status)) {
        Target.Status = STATUS_INVALID_PARAMETER;
    }
    STRSAFE_OWN(Store)(&Target, pszSrc, cchToAppend);
    return STRSAFE_OWN(Finish)(&Target, ppszDestEnd, pcchRemaining);
}

static inline NTSTATUS STRSAFE_CCH(CatEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                          const STRSAFE_CHAR *pszSrc, STRSAFE_CHAR **ppszDestEnd,
                                          size_t *pcchRemaining, ULONG dwFlags)
{
    return STRSAFE_CCH(CatNEx)(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH, ppszDestEnd,
                               pcchRemaining, dwFlags);
}

static inline NTSTATUS STRSAFE_CCH(CatN)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                         const STRSAFE_CHAR *pszSrc, size_t cchToAppend)
{
    return STRSAFE_CCH(CatNEx)(pszDest, cchDest, pszSrc, cchToAppend, NULL, NULL, 0);
}

static inline NTSTATUS STRSAFE_CCH(Cat)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                        const STRSAFE_CHAR *pszSrc)
{
    return STRSAFE_CCH(CatN)(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);
}

/*** Printf: formatted text, with the conversions of _vsnprintf and _vsnwprintf. ***/

static inline NTSTATUS STRSAFE_CCH(VPrintfEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                              STRSAFE_CHAR **ppszDestEnd, size_t *pcchRemaining,
                                              ULONG dwFlags, const STRSAFE_CHAR *pszFormat,
                                              NT_VA_LIST argList)
{
    STRSAFE_OWN(TARGET) Target = STRSAFE_OWN(Begin)(pszDest, cchDest, dwFlags);

    STRSAFE_OWN(Print)(&Target, pszFormat, argList);
    return STRSAFE_OWN(Finish)(&Target, ppszDestEnd, pcchRemaining);
}

static inline NTSTATUS STRSAFE_CCH(VPrintf)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                            const STRSAFE_CHAR *pszFormat, NT_VA_LIST argList)
{
    if (!STRSAFE_OWN(IsRoom)(pszDest, cchDest)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STRSAFE_CCH(VPrintfEx)(pszDest, cchDest, NULL, NULL, 0, pszFormat, argList);
}

static inline NTSTATUS NT_VARARGS STRSAFE_CCH(Printf)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                                      const STRSAFE_CHAR *pszFormat, ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = STRSAFE_CCH(VPrintf)(pszDest, cchDest, pszFormat, Arguments);
    nt_va_end(Arguments);
    return Status;
}

static inline NTSTATUS NT_VARARGS STRSAFE_CCH(PrintfEx)(STRSAFE_CHAR *pszDest, size_t cchDest,
                                                        STRSAFE_CHAR **ppszDestEnd,
                                                        size_t *pcchRemaining, ULONG dwFlags,
                                                        const STRSAFE_CHAR *pszFormat, ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = STRSAFE_CCH(VPrintfEx)(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags,
                                    pszFormat, Arguments);
    nt_va_end(Arguments);
    return Status;
}

/*** Length: characters before the terminator, which must be among the first cchMax. *pcchLength
 * (may be NULL) is 0 on failure. ***/

static inline NTSTATUS STRSAFE_CCH(Length)(const STRSAFE_CHAR *psz, size_t cchMax,
                                           size_t *pcchLength)
{
    NTSTATUS Status = STATUS_INVALID_PARAMETER;
    size_t Length = 0;

    if (psz != NULL && cchMax <= NTSTRSAFE_MAX_CCH) {
        Length = STRSAFE_LENGTH(psz, cchMax);
        Status = Length < cchMax ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
        Length = Length < cchMax ? Length : 0;
    }
    if (pcchLength != NULL) {
        *pcchLength = Length;
    }
    return Status;
}

#include <nt/strsafe_bytes.h>

#endif
