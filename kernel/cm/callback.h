/*
 * callback.h - private to callback.c and callbackobject.c: registrations and what they have
 * attached to key objects. Lock legend: see cmp.h.
 */
#ifndef ETUDE_CALLBACK_H
#define ETUDE_CALLBACK_H

#include "cmp.h"

typedef struct _CMP_CALLBACK {
    LIST_ENTRY Link;                /* c */
    LIST_ENTRY Contexts;            /* c  of CMP_CONTEXT.CallbackLink */
    EX_RUNDOWN_REF Running;         /* o */
    PEX_CALLBACK_FUNCTION Function; /* i */
    PVOID Context;                  /* i */
    LARGE_INTEGER Cookie;           /* i */
    UNICODE_STRING Altitude;        /* i  allocated */
} CMP_CALLBACK;

/* What one registration has attached to one key object. */
typedef struct _CMP_CONTEXT {
    LIST_ENTRY ObjectLink;   /* c */
    LIST_ENTRY CallbackLink; /* c */
    PCMP_CALLBACK Callback;  /* i */
    PCMP_KEY_OBJECT Object;  /* i */
    PVOID Context;           /* c */
} CMP_CONTEXT, *PCMP_CONTEXT;

/* Never held while a callback runs. */
extern EX_PUSH_LOCK CmpCallbackLock;

static inline void CmpLockCallbacks(BOOLEAN Exclusive)
{
    KeEnterCriticalRegion();
    if (Exclusive) {
        ExAcquirePushLockExclusive(&CmpCallbackLock);
    } else {
        ExAcquirePushLockShared(&CmpCallbackLock);
    }
}

static inline void CmpUnlockCallbacks(void)
{
    ExReleasePushLock(&CmpCallbackLock);
    KeLeaveCriticalRegion();
}

/* callback.c: the registration, or NULL. The lock is held. */
PCMP_CALLBACK CmpFindCallback(LONGLONG Cookie);
/* callbackobject.c: the context that the registration has of an object, which may be NULL. */
PVOID CmpQueryContext(PCMP_KEY_OBJECT Object, PCMP_CALLBACK Callback);
/* callbackobject.c: gives up one context of a registration that has left the list, so that none is
 * added. FALSE: there was none. May wait. */
BOOLEAN CmpDropOneContext(PCMP_CALLBACK Callback);

#endif
