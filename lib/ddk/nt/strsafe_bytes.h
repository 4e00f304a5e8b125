/*
 * nt/strsafe_bytes.h - the RtlStringCb routines: those of nt/strsafe_text.h with every size in
 * bytes; a part of a character counts for nothing. Included there for each kind of characters, so
 * it has no guard.
 */
#ifdef STRSAFE_CHAR

/* *pcbRemaining from a remainder in characters: the bytes of a cut character belong to it. */
static inline NTSTATUS STRSAFE_OWN(ToBytes)(NTSTATUS Status, size_t cbDest, size_t cchRemaining,
                                            size_t *pcbRemaining)
{
    if (pcbRemaining != NULL && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW)) {
        *pcbRemaining = cchRemaining * sizeof(STRSAFE_CHAR) + cbDest % sizeof(STRSAFE_CHAR);
    }
    return Status;
}

static inline NTSTATUS STRSAFE_CB(Copy)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                        const STRSAFE_CHAR *pszSrc)
{
    return STRSAFE_CCH(Copy)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc);
}

static inline NTSTATUS STRSAFE_CB(CopyN)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                         const STRSAFE_CHAR *pszSrc, size_t cbToCopy)
{
    return STRSAFE_CCH(CopyN)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                              cbToCopy / sizeof(STRSAFE_CHAR));
}

static inline NTSTATUS STRSAFE_CB(CopyEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                          const STRSAFE_CHAR *pszSrc, STRSAFE_CHAR **ppszDestEnd,
                                          size_t *pcbRemaining, ULONG dwFlags)
{
    size_t Remaining = 0;
    NTSTATUS Status = STRSAFE_CCH(CopyEx)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                                          ppszDestEnd, &Remaining, dwFlags);

    return STRSAFE_OWN(ToBytes)(Status, cbDest, Remaining, pcbRemaining);
}

static inline NTSTATUS STRSAFE_CB(CopyNEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                           const STRSAFE_CHAR *pszSrc, size_t cbToCopy,
                                           STRSAFE_CHAR **ppszDestEnd, size_t *pcbRemaining,
                                           ULONG dwFlags)
{
    size_t Remaining = 0;
    NTSTATUS Status =
        STRSAFE_CCH(CopyNEx)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                             cbToCopy / sizeof(STRSAFE_CHAR), ppszDestEnd, &Remaining, dwFlags);

    return STRSAFE_OWN(ToBytes)(Status, cbDest, Remaining, pcbRemaining);
}

static inline NTSTATUS STRSAFE_CB(Cat)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                       const STRSAFE_CHAR *pszSrc)
{
    return STRSAFE_CCH(Cat)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc);
}

static inline NTSTATUS STRSAFE_CB(CatN)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                        const STRSAFE_CHAR *pszSrc, size_t cbToAppend)
{
    return STRSAFE_CCH(CatN)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                             cbToAppend / sizeof(STRSAFE_CHAR));
}

static inline NTSTATUS STRSAFE_CB(CatEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                         const STRSAFE_CHAR *pszSrc, STRSAFE_CHAR **ppszDestEnd,
                                         size_t *pcbRemaining, ULONG dwFlags)
{
    size_t Remaining = 0;
    NTSTATUS Status = STRSAFE_CCH(CatEx)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                                         ppszDestEnd, &Remaining, dwFlags);

    return STRSAFE_OWN(ToBytes)(Status, cbDest, Remaining, pcbRemaining);
}

static inline NTSTATUS STRSAFE_CB(CatNEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                          const STRSAFE_CHAR *pszSrc, size_t cbToAppend,
                                          STRSAFE_CHAR **ppszDestEnd, size_t *pcbRemaining,
                                          ULONG dwFlags)
{
    size_t Remaining = 0;
    NTSTATUS Status =
        STRSAFE_CCH(CatNEx)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszSrc,
                            cbToAppend / sizeof(STRSAFE_CHAR), ppszDestEnd, &Remaining, dwFlags);

    return STRSAFE_OWN(ToBytes)(Status, cbDest, Remaining, pcbRemaining);
}

static inline NTSTATUS STRSAFE_CB(VPrintf)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                           const STRSAFE_CHAR *pszFormat, NT_VA_LIST argList)
{
    return STRSAFE_CCH(VPrintf)(pszDest, cbDest / sizeof(STRSAFE_CHAR), pszFormat, argList);
}

static inline NTSTATUS STRSAFE_CB(VPrintfEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                             STRSAFE_CHAR **ppszDestEnd, size_t *pcbRemaining,
                                             ULONG dwFlags, const STRSAFE_CHAR *pszFormat,
                                             NT_VA_LIST argList)
{
    size_t Remaining = 0;
    NTSTATUS Status = STRSAFE_CCH(VPrintfEx)(pszDest, cbDest / sizeof(STRSAFE_CHAR), ppszDestEnd,
                                             &Remaining, dwFlags, pszFormat, argList);

    return STRSAFE_OWN(ToBytes)(Status, cbDest, Remaining, pcbRemaining);
}

static inline NTSTATUS NT_VARARGS STRSAFE_CB(Printf)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                                     const STRSAFE_CHAR *pszFormat, ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = STRSAFE_CB(VPrintf)(pszDest, cbDest, pszFormat, Arguments);
    nt_va_end(Arguments);
    return Status;
}

static inline NTSTATUS NT_VARARGS STRSAFE_CB(PrintfEx)(STRSAFE_CHAR *pszDest, size_t cbDest,
                                                       STRSAFE_CHAR **ppszDestEnd,
                                                       size_t *pcbRemaining, ULONG dwFlags,
                                                       const STRSAFE_CHAR *pszFormat, ...)
{
    NT_VA_LIST Arguments;
    NTSTATUS Status;

    nt_va_start(Arguments, pszFormat);
    Status = STRSAFE_CB(VPrintfEx)(pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat,
                                   Arguments);
    nt_va_end(Arguments);
    return Status;
}

static inline NTSTATUS STRSAFE_CB(Length)(const STRSAFE_CHAR *psz, size_t cbMax, size_t *pcbLength)
{
    size_t Length = 0;
    NTSTATUS Status = STRSAFE_CCH(Length)(psz, cbMax / sizeof(STRSAFE_CHAR), &Length);

    if (pcbLength != NULL) {
        *pcbLength = Length * sizeof(STRSAFE_CHAR);
    }
    return Status;
}

#endif
