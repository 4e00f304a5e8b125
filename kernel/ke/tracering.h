/* tracering.h - what trace.c, which keeps events, and tracehit.c, which makes them, share. */
#ifndef _KE_TRACERING_H_
#define _KE_TRACERING_H_

#include "ke.h"

typedef struct _KI_TRACE_RING {
    ULONG64 Next; /* events so far; this processor, by KiTakeTraceSlot */
    KI_TRACE_EVENT Events[];
} KI_TRACE_RING, *PKI_TRACE_RING;

/* Makes *Next one more, if it is still Seen; else FALSE. Only this processor's interrupts can be in
 * the way, so the instruction need not be locked. */
static inline BOOLEAN KiTakeTraceSlot(ULONG64 *Next, ULONG64 Seen)
{
    BOOLEAN Taken;
    __asm__ volatile("cmpxchgq %[more], %[next]"
                     : "=@ccz"(Taken), [next] "+m"(*Next), "+a"(Seen)
                     : [more] "r"(Seen + 1)
                     : "memory");
    return Taken;
}

/* What a stub pushes. */
typedef struct _KI_TRACE_HIT {
    ULONG64 Kind, A, B, C;
} KI_TRACE_HIT;

/* tracestub.asm: called by stubs alone, with KI_TRACE_HIT on the stack, which it takes off. */
void KiTraceEntry(void);
/* From it, at a trace point: any IRQL, interrupts as they were. */
void KiTraceHit(const KI_TRACE_HIT *Hit);

/* The groups of the running trace; 0: none runs. Interrupts off. */
ULONG KiTraceGroups(void);
/* Interrupts off, a trace runs. */
void KiPutTraceEvent(ULONG Kind, ULONG Extra, ULONG64 A, ULONG64 B);
/* A thread is to be known by name. The same. */
void KiNoteTraceThread(PKTHREAD Thread);

#endif
