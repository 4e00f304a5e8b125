/*
 * arch.h - the x86-64 instructions C cannot say, one inline each, under the names compilers for
 * Windows give them. No state, no locks.
 */
#ifndef _ARCH_H_
#define _ARCH_H_

#include <ntdef.h>

/* For what rarely happens in a short routine: learning nothing of such a function, the compiler
 * leaves by a jump where the short one has ended, and gives that one no frame. */
#ifdef __clang__
#define ARCH_COLD __attribute__((noinline, cold))
#else
#define ARCH_COLD __attribute__((noipa, cold))
#endif

static inline ULONG64 __readmsr(ULONG Msr)
{
    ULONG Low, High;
    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(Msr));
    return ((ULONG64)High << 32) | Low;
}
static inline void __writemsr(ULONG Msr, ULONG64 Value)
{
    __asm__ volatile("wrmsr" : : "c"(Msr), "a"((ULONG)Value), "d"((ULONG)(Value >> 32)) : "memory");
}
#define ARCH_CONTROL_REGISTER(n)                                                                   \
    static inline ULONG64 __readcr##n(void)                                                        \
    {                                                                                              \
        ULONG64 Value;                                                                             \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(Value) : : "memory");                         \
        return Value;                                                                              \
    }                                                                                              \
    static inline void __writecr##n(ULONG64 Value)                                                 \
    {                                                                                              \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(Value) : "memory");                             \
    }
ARCH_CONTROL_REGISTER(0)
ARCH_CONTROL_REGISTER(2)
ARCH_CONTROL_REGISTER(3)
ARCH_CONTROL_REGISTER(4)
ARCH_CONTROL_REGISTER(8)

static inline void _disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}
static inline void _enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}
static inline void __halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}
static inline ULONG64 __readeflags(void)
{
    ULONG64 Flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(Flags) : : "memory");
    return Flags;
}
static inline void __writeeflags(ULONG64 Flags)
{
    __asm__ volatile("push %0; popfq" : : "r"(Flags) : "memory", "cc");
}
static inline void __invlpg(PVOID Address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(Address) : "memory");
}
static inline ULONG64 __rdtsc(void)
{
    ULONG Low, High;
    __asm__ volatile("rdtsc" : "=a"(Low), "=d"(High) : : "memory");
    return ((ULONG64)High << 32) | Low;
}
/* Later instructions, RDTSC among them, do not start before earlier ones have ended. */
static inline void _mm_lfence(void)
{
    __asm__ volatile("lfence" : : : "memory");
}
/* Earlier stores are visible to every processor before anything later happens. */
static inline void _mm_mfence(void)
{
    __asm__ volatile("mfence" : : : "memory");
}
static inline void __cpuidex(ULONG Info[4], ULONG Leaf, ULONG SubLeaf)
{
    __asm__ volatile("cpuid"
                     : "=a"(Info[0]), "=b"(Info[1]), "=c"(Info[2]), "=d"(Info[3])
                     : "a"(Leaf), "c"(SubLeaf));
}

/* Compares the 16 bytes at Destination with Comparand[0..1] and, when equal, replaces them; else
 * Comparand receives what is there. Destination is 16-byte aligned. */
static inline BOOLEAN _InterlockedCompareExchange128(volatile LONG64 *Destination,
                                                     LONG64 ExchangeHigh, LONG64 ExchangeLow,
                                                     LONG64 *Comparand)
{
    BOOLEAN Equal;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(Equal), "+m"(*(volatile __int128 *)Destination), "+a"(Comparand[0]),
                       "+d"(Comparand[1])
                     : "b"(ExchangeLow), "c"(ExchangeHigh)
                     : "memory");
    return Equal;
}

#define EFLAGS_IF 0x200
#define MSR_APIC_BASE 0x1B
#define MSR_EFER 0xC0000080
#define MSR_FS_BASE 0xC0000100
#define MSR_GS_BASE 0xC0000101
#define MSR_KERNEL_GS_BASE 0xC0000102

#endif
