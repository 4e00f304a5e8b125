/*
 * leak.h - what a driver whose image is about to go has left behind.
 *
 * The loader asks each component in turn (Ke..., Mm..., Ex..., Ob..., CmFindLeaks); a component
 * notes what it has in its lists that the image contains, or whose routine the image contains.
 * PASSIVE_LEVEL; LdrNoteLeak may be called at any IRQL with locks held.
 */
#ifndef _LEAK_PRIVATE_H_
#define _LEAK_PRIVATE_H_

#include <ntddk.h>

#define LDR_LEAKS_KEPT 16

typedef enum _LDR_LEAK_KIND {
    LdrLeakTimer,    /* armed */
    LdrLeakDpc,      /* queued */
    LdrLeakApc,      /* queued to a thread */
    LdrLeakThread,   /* started in the image, and not ended */
    LdrLeakCode,     /* Object: a thread that stands in the image, which did not start it; Routine:
                        where */
    LdrLeakWorkItem, /* queued */
    LdrLeakWorkRunning, /* Object: a worker that has taken it and is not done */
    LdrLeakLockedPages, /* Object: the MDL; debug kernel only */
    LdrLeakInterrupt,
    LdrLeakBugCheckCallback,
    LdrLeakRegistryCallback,
    LdrLeakLink,      /* Object: a symbolic link that a routine of the image made */
    LdrLeakHandle,    /* Object: its value in System's table, of Type; not closed */
    LdrLeakReference, /* Object: of Type, Name; Count references that a driver has taken; debug
                         kernel only */
    LdrLeakResource,  /* ERESOURCE in the image, not deleted */
    LdrLeakPool,      /* Object: the tag; Routine: who allocated it; Count blocks of Bytes in all */
    LdrLeakKinds
} LDR_LEAK_KIND;

typedef struct _LDR_LEAK {
    LDR_LEAK_KIND Kind;
    PVOID Object;
    PVOID Routine; /* or NULL */
    ULONG64 Count, Bytes;
    PCUNICODE_STRING Type; /* of an object */
    WCHAR Name[32];        /* of an object, cut to fit; or "" */
} LDR_LEAK, *PLDR_LEAK;

typedef struct _LDR_LEAKS {
    ULONG_PTR Base; /* the image */
    SIZE_T Size;    /* bytes */
    ULONG Count;    /* noted, of which the first LDR_LEAKS_KEPT are kept */
    LDR_LEAK Leak[LDR_LEAKS_KEPT];
} LDR_LEAKS, *PLDR_LEAKS;

static inline BOOLEAN LdrIsInImage(const LDR_LEAKS *Leaks, const VOID *Address)
{
    return (ULONG_PTR)Address - Leaks->Base < Leaks->Size;
}

/* Answers what was noted, for more to be said of it; NULL: there was no room, it is only
 * counted. */
static inline PLDR_LEAK LdrNoteLeak(PLDR_LEAKS Leaks, LDR_LEAK_KIND Kind, PVOID Object,
                                    PVOID Routine)
{
    PLDR_LEAK Leak = Leaks->Count < LDR_LEAKS_KEPT ? &Leaks->Leak[Leaks->Count] : NULL;

    Leaks->Count++;
    if (Leak != NULL) {
        *Leak = (LDR_LEAK){.Kind = Kind, .Object = Object, .Routine = Routine, .Count = 1};
    }
    return Leak;
}

/* Timers armed, DPCs queued, interrupts connected, bugcheck callbacks registered. */
void KeFindLeaks(PLDR_LEAKS Leaks);
/* The thread, if it was started in the image or stands in it, waiting or running, and APCs queued
 * to it. */
void KeFindThreadLeaks(PKTHREAD Thread, PLDR_LEAKS Leaks);
/* Work items queued or running, resources, pool memory. */
void ExFindLeaks(PLDR_LEAKS Leaks);
/* Symbolic links of the DOS devices' directory, handles of the System process, references to
 * objects. */
void ObFindLeaks(PLDR_LEAKS Leaks);
/* Pages that are still locked. */
#if DBG
void MmFindLeaks(PLDR_LEAKS Leaks);
#else
#define MmFindLeaks(Leaks) ((void)0)
#endif
/* Registry callbacks. */
void CmFindLeaks(PLDR_LEAKS Leaks);

#endif
