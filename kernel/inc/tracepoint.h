/*
 * tracepoint.h - places in the code that the trace can look at, and that cost nothing while it does
 * not.
 *
 * A trace point is an instruction that the program needs anyway, a store or a move to or from CR8,
 * made five bytes long or longer by its encoding: no instruction is added, none is slower. Started,
 * the trace overwrites the first five bytes of each with a jump to a stub of its own, which tells
 * ke/trace.c about it, executes the instruction itself and jumps back behind it. So there is no
 * flag to test.
 *
 *      off                            on                   stub, in .text.trace
 *      movb $5, disp32(%rbx)          jmp stub   ------>   push C, B, A, kind; call KiTraceEntry
 *      next:                          next:      <------   movb $5, disp32(%rbx); jmp next
 *
 * As a point is one instruction, no interrupted thread can stand inside what is overwritten.
 * Arguments cost nothing if they are in registers; what else an event holds is read from there by
 * ke/trace.c. The hook sees the state from before the instruction, but for a raise of the IRQL:
 * that is told from the higher level. A point may be at any IRQL and in any interrupt, NMI too.
 *
 * KI_TRACE_STORE(kind, place, value, a, b, c)    place = value
 * KI_TRACE_STORE_AT_ONCE                         the same, with no interrupt between event and
 * store KI_TRACE_INCREMENT(kind, place, a, b, c)       place += 1;   _LOCKED: interlocked
 * KI_TRACE_IRQL(kind, a, b, c)                   KeGetCurrentIrql()
 * KI_TRACE_LOWER(kind, irql, a, b, c)            KeLowerIrql(irql)
 * KI_TRACE_POINT(kind, a, b, c)                  a five-byte NOP, for paths that are slow anyway
 *
 * Drivers' own moves to CR8, inlined by their compiler, are not traced.
 */
#ifndef _TRACEPOINT_H_
#define _TRACEPOINT_H_

#include "traceevent.h"

#define KI_TRACE_TEXT_(x) #x
#define KI_TRACE_TEXT(x) KI_TRACE_TEXT_(x)

#if defined(_NTOSKRNL_) && !defined(__clang__)

/* The stub and its entry in the table; Early and Late: the instruction, before or after the
 * event. */
#define KI_TRACE_SITE(Instruction, Early, Late, A)                                                 \
    "661:\t" Instruction "\n662:\n"                                                                \
    ".pushsection .text.trace,\"ax\",@progbits\n663:\t" Early "\n"                                 \
    "\tpush %q[c]\n\tpush %q[b]\n\tpush " A "\n\tpush %[kind]\n\tcall KiTraceEntry\n\t" Late       \
    "\n\tjmp 662b\n.popsection\n"                                                                  \
    ".pushsection .tracesites,\"a\",@progbits\n"                                                   \
    "\t.long 661b - ., 663b - ., %c[kind]\n.popsection\n"
#define KI_TRACE_INPUTS(Kind, A, B, C)                                                             \
    [kind] "i"(KiTrace##Kind), [a] "re"(A), [b] "re"(B), [c] "re"(C)

/* {disp32}: the address with four bytes of displacement, however small. */
#define KI_TRACE_STORE_TEXT "%{disp32%} mov%z[place] %[value], %[place]"
#define KI_TRACE_STORE_BY(Early, Late, Kind, Place, Value, A, B, C)                                \
    __asm__ volatile inline(KI_TRACE_SITE(KI_TRACE_STORE_TEXT, Early, Late, "%q[a]")               \
                            : [place] "=m"(Place)                                                  \
                            : [value] "re"((__typeof__(Place))(Value)),                            \
                              KI_TRACE_INPUTS(Kind, A, B, C))
#define KI_TRACE_STORE(Kind, Place, Value, A, B, C)                                                \
    KI_TRACE_STORE_BY("", KI_TRACE_STORE_TEXT, Kind, Place, Value, A, B, C)
/* The place is behind a pointer: a word is on the stack meanwhile. */
#define KI_TRACE_STORE_AT_ONCE(Kind, Place, Value, A, B, C)                                        \
    KI_TRACE_STORE_BY("pushfq\n\tcli", KI_TRACE_STORE_TEXT "\n\tpopfq", Kind, Place, Value, A, B, C)

#define KI_TRACE_ADD(Kind, Text, Place, A, B, C)                                                   \
    __asm__ volatile inline(KI_TRACE_SITE(Text, "", Text, "%q[a]")                                 \
                            : [place] "+m"(Place)                                                  \
                            : KI_TRACE_INPUTS(Kind, A, B, C)                                       \
                            : "memory")
#define KI_TRACE_INCREMENT(Kind, Place, A, B, C)                                                   \
    KI_TRACE_ADD(Kind, "%{disp32%} add%z[place] $1, %[place]", Place, A, B, C)
#define KI_TRACE_INCREMENT_LOCKED(Kind, Place, A, B, C)                                            \
    KI_TRACE_ADD(Kind, "lock; %{disp32%} add%z[place] $1, %[place]", Place, A, B, C)

#define KI_TRACE_POINT_TEXT ".byte 0x0f, 0x1f, 0x44, 0, 0"
#define KI_TRACE_POINT(Kind, A, B, C)                                                              \
    __asm__ volatile inline(KI_TRACE_SITE(KI_TRACE_POINT_TEXT, "", "", "%q[a]")                    \
                            :                                                                      \
                            : KI_TRACE_INPUTS(Kind, A, B, C))

/* A move of CR8 has four bytes; a prefix that means nothing makes it five. */
#define KI_TRACE_READ_TEXT "ds; movq %%cr8, %q[level]"
#define KI_TRACE_IRQL(Kind, A, B, C)                                                               \
    ({                                                                                             \
        ULONG64 Level;                                                                             \
        __asm__ volatile inline(KI_TRACE_SITE(KI_TRACE_READ_TEXT, "", KI_TRACE_READ_TEXT, "%q[a]") \
                                : [level] "=r"(Level)                                              \
                                : KI_TRACE_INPUTS(Kind, A, B, C)                                   \
                                : "memory");                                                       \
        (KIRQL) Level;                                                                             \
    })

/* Its own place is the event's A, when A is the text "$661b". */
#define KI_TRACE_WRITE_TEXT "ds; movq %q[c], %%cr8"
#define KI_TRACE_WRITE(Kind, Early, Late, A, ArgumentA, ArgumentB, NewIrql)                        \
    __asm__ volatile inline(KI_TRACE_SITE(KI_TRACE_WRITE_TEXT, Early, Late, A)                     \
                            :                                                                      \
                            : [kind] "i"(KiTrace##Kind), [a] "re"(ArgumentA), [b] "re"(ArgumentB), \
                              [c] "r"((ULONG64)(NewIrql))                                          \
                            : "memory")
#define KI_TRACE_LOWER(Kind, NewIrql, A, B)                                                        \
    KI_TRACE_WRITE(Kind, "", KI_TRACE_WRITE_TEXT, "%q[a]", A, B, NewIrql)

/* Moves to CR8 in place of __writecr8. */
static inline void KiWriteRaisedIrql(ULONG64 NewIrql)
{
    KI_TRACE_WRITE(IrqlRaise, KI_TRACE_WRITE_TEXT, "", "$661b", 0, 0, NewIrql);
}
static inline void KiWriteLoweredIrql(ULONG64 NewIrql)
{
    KI_TRACE_WRITE(IrqlLower, "", KI_TRACE_WRITE_TEXT, "$661b", 0, 0, NewIrql);
}

#else

/* For compilers that only check the source. */
#define KI_TRACE_STORE(Kind, Place, Value, A, B, C)                                                \
    ((void)(KiTrace##Kind), (void)(A), (void)(B), (void)(C), (void)((Place) = (Value)))
#define KI_TRACE_STORE_AT_ONCE(Kind, Place, Value, A, B, C)                                        \
    KI_TRACE_STORE(Kind, Place, Value, A, B, C)
#define KI_TRACE_INCREMENT(Kind, Place, A, B, C)                                                   \
    ((void)(KiTrace##Kind), (void)(A), (void)(B), (void)(C), (void)((Place) += 1))
#define KI_TRACE_INCREMENT_LOCKED(Kind, Place, A, B, C)                                            \
    ((void)(KiTrace##Kind), (void)(A), (void)(B), (void)(C),                                       \
     (void)__atomic_add_fetch(&(Place), 1, __ATOMIC_SEQ_CST))
#define KI_TRACE_POINT(Kind, A, B, C) ((void)(KiTrace##Kind), (void)(A), (void)(B), (void)(C))
#define KI_TRACE_IRQL(Kind, A, B, C)                                                               \
    ((void)(KiTrace##Kind), (void)(A), (void)(B), (void)(C), KeGetCurrentIrql())
#define KI_TRACE_LOWER(Kind, NewIrql, A, B)                                                        \
    ((void)(KiTrace##Kind), (void)(A), (void)(B), KeLowerIrql(NewIrql))

static inline void KiWriteRaisedIrql(ULONG64 NewIrql)
{
    KfRaiseIrql((KIRQL)NewIrql);
}
static inline void KiWriteLoweredIrql(ULONG64 NewIrql)
{
    KeLowerIrql((KIRQL)NewIrql);
}

#endif

/* The driver interface's inline routines, as the kernel uses them. */
static inline KIRQL KiRaiseIrqlTraced(KIRQL NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();
    KiWriteRaisedIrql(NewIrql);
    return OldIrql;
}
#define KfRaiseIrql(NewIrql) KiRaiseIrqlTraced(NewIrql)
#define KeRaiseIrqlToDpcLevel() KiRaiseIrqlTraced(DISPATCH_LEVEL)
#define KeRaiseIrqlToSynchLevel() KiRaiseIrqlTraced(SYNCH_LEVEL)
#ifndef KeLowerIrql /* the debug kernel has one, which checks first */
#define KeLowerIrql(NewIrql) KiWriteLoweredIrql(NewIrql)
#endif

#endif
