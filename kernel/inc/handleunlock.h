/*
 * handleunlock.h - the end of an entry's lock, inline: every request on a file looks up its handle,
 * and what a call costs here counts. The rest is ex/handle.c.
 */
#ifndef _HANDLEUNLOCK_H_
#define _HANDLEUNLOCK_H_

#include "ex.h"
#include "ke.h"

/* Others wait for Entry, which is unlocked already. */
void ExWakeHandleWaiters(PHANDLE_TABLE Table, PHANDLE_TABLE_ENTRY Entry);

static inline void ExUnlockHandleTableEntry(PHANDLE_TABLE Table, PHANDLE_TABLE_ENTRY Entry)
{
    PKTHREAD Thread = KeGetCurrentThread();
    if (InterlockedExchange(&Entry->State, EX_ENTRY_USED) & EX_ENTRY_WAITED) {
        ExWakeHandleWaiters(Table, Entry);
    }
    // As KeLeaveCriticalRegion: the count is written before the list is read.
    Thread->KernelApcDisable += 1;
    __asm__ volatile("" : : : "memory");
    if (Thread->KernelApcDisable == 0 && !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        KiCheckForKernelApc(Thread);
    }
}

#endif
