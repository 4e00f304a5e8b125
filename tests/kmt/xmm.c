/*
 * Promises: a driver's thread keeps XMM6-15, its control word, and between calls XMM0-5 too,
 * whatever else runs on its processor: other threads of the same kind, interrupts, and DPCs that
 * use every vector register.
 */
#include "kmt.h"

#define THREADS_PER_PROCESSOR 2
#define ROUNDS 300
#define SPINS 3000

static KTIMER Timer;
static KDPC Dpc;
static LONG Dpcs, Changed;

/* Wrong values in all sixteen registers; the compiler saves those that a DPC routine has to
 * keep. */
static VOID NTAPI Spoil(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(TheDpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    __asm__ volatile(
        "pcmpeqb %%xmm0, %%xmm0\n\tmovaps %%xmm0, %%xmm1\n\tmovaps %%xmm0, %%xmm2\n\t"
        "movaps %%xmm0, %%xmm3\n\tmovaps %%xmm0, %%xmm4\n\tmovaps %%xmm0, %%xmm5\n\t"
        "movaps %%xmm0, %%xmm6\n\tmovaps %%xmm0, %%xmm7\n\tmovaps %%xmm0, %%xmm8\n\t"
        "movaps %%xmm0, %%xmm9\n\tmovaps %%xmm0, %%xmm10\n\tmovaps %%xmm0, %%xmm11\n\t"
        "movaps %%xmm0, %%xmm12\n\tmovaps %%xmm0, %%xmm13\n\tmovaps %%xmm0, %%xmm14\n\t"
        "movaps %%xmm0, %%xmm15" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    InterlockedIncrement(&Dpcs);
}

/* Loads value n into register n, spins, and stores all of them. */
static VOID SpinWithValues(const ULONG64 In[16][2], ULONG64 Out[16][2])
{
    ULONG64 Count = SPINS;

    __asm__ volatile(
        "movups 0(%[i]), %%xmm0\n\tmovups 16(%[i]), %%xmm1\n\tmovups 32(%[i]), %%xmm2\n\t"
        "movups 48(%[i]), %%xmm3\n\tmovups 64(%[i]), %%xmm4\n\tmovups 80(%[i]), %%xmm5\n\t"
        "movups 96(%[i]), %%xmm6\n\tmovups 112(%[i]), %%xmm7\n\tmovups 128(%[i]), %%xmm8\n\t"
        "movups 144(%[i]), %%xmm9\n\tmovups 160(%[i]), %%xmm10\n\tmovups 176(%[i]), %%xmm11\n\t"
        "movups 192(%[i]), %%xmm12\n\tmovups 208(%[i]), %%xmm13\n\tmovups 224(%[i]), %%xmm14\n\t"
        "movups 240(%[i]), %%xmm15\n"
        "1:\tpause\n\tdec %[c]\n\tjnz 1b\n\t"
        "movups %%xmm0, 0(%[o])\n\tmovups %%xmm1, 16(%[o])\n\tmovups %%xmm2, 32(%[o])\n\t"
        "movups %%xmm3, 48(%[o])\n\tmovups %%xmm4, 64(%[o])\n\tmovups %%xmm5, 80(%[o])\n\t"
        "movups %%xmm6, 96(%[o])\n\tmovups %%xmm7, 112(%[o])\n\tmovups %%xmm8, 128(%[o])\n\t"
        "movups %%xmm9, 144(%[o])\n\tmovups %%xmm10, 160(%[o])\n\tmovups %%xmm11, 176(%[o])\n\t"
        "movups %%xmm12, 192(%[o])\n\tmovups %%xmm13, 208(%[o])\n\tmovups %%xmm14, 224(%[o])\n\t"
        "movups %%xmm15, 240(%[o])"
        : [c] "+r"(Count)
        : [i] "r"(In), [o] "r"(Out)
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* XMM6-15 across a wait, in which other threads run. */
static VOID WaitWithValues(const ULONG64 In[16][2], ULONG64 Out[16][2], LARGE_INTEGER *Time)
{
    /* Call-saved registers, which the compiler does not touch between the two. */
    __asm__ volatile("movups 96(%0), %%xmm6\n\tmovups 112(%0), %%xmm7\n\tmovups 128(%0), %%xmm8\n\t"
                     "movups 144(%0), %%xmm9\n\tmovups 160(%0), %%xmm10\n\t"
                     "movups 176(%0), %%xmm11\n\tmovups 192(%0), %%xmm12\n\t"
                     "movups 208(%0), %%xmm13\n\tmovups 224(%0), %%xmm14\n\t"
                     "movups 240(%0), %%xmm15" ::"r"(In)
                     : "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15");
    KeDelayExecutionThread(KernelMode, FALSE, Time);
    __asm__ volatile("movups %%xmm6, 96(%0)\n\tmovups %%xmm7, 112(%0)\n\tmovups %%xmm8, 128(%0)\n\t"
                     "movups %%xmm9, 144(%0)\n\tmovups %%xmm10, 160(%0)\n\t"
                     "movups %%xmm11, 176(%0)\n\tmovups %%xmm12, 192(%0)\n\t"
                     "movups %%xmm13, 208(%0)\n\tmovups %%xmm14, 224(%0)\n\t"
                     "movups %%xmm15, 240(%0)" ::"r"(Out)
                     : "memory");
}

static VOID NTAPI Keeper(PVOID Context)
{
    ULONG64 In[16][2], Out[16][2];
    LARGE_INTEGER Time = {.QuadPart = -1};
    ULONG Word = 0x1F80 | (ULONG)((ULONG_PTR)Context & 3) << 13, Now; /* rounding of its own */

    for (ULONG i = 0; i < 16; i++) {
        In[i][0] = (ULONG_PTR)Context << 32 | i;
        In[i][1] = ~In[i][0];
    }
    __asm__ volatile("ldmxcsr %0" : : "m"(Word));
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        RtlZeroMemory(Out, sizeof(Out));
        SpinWithValues(In, Out);
        if (!RtlEqualMemory(In, Out, sizeof(In))) {
            InterlockedIncrement(&Changed);
        }
        if (Round % 16 == 0) {
            WaitWithValues(In, Out, &Time);
            if (!RtlEqualMemory(In[6], Out[6], 10 * sizeof(In[0]))) {
                InterlockedIncrement(&Changed);
            }
        }
        __asm__ volatile("stmxcsr %0" : "=m"(Now));
        if ((Now & ~0x3FU) != Word) {
            InterlockedIncrement(&Changed);
        }
    }
    Word = 0x1F80;
    __asm__ volatile("ldmxcsr %0" : : "m"(Word));
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID KmtRun(VOID)
{
    PETHREAD Threads[64];
    ULONG Count = min(KmtProcessors() * THREADS_PER_PROCESSOR, ARRAYSIZE(Threads)), Started = 0;

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, Spoil, NULL);
    KeSetTimerEx(&Timer, KmtMs(1), 1, &Dpc);
    for (; Started < Count; Started++) {
        Threads[Started] = KmtStartThread(Keeper, (PVOID)(ULONG_PTR)(Started + 1));
        if (Threads[Started] == NULL) {
            break;
        }
    }
    KMT_EQUAL(Started, Count, "two threads for each processor");
    while (Started != 0) {
        KmtJoin(Threads[--Started]);
    }
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    KMT_CHECK(Dpcs > 0, "DPCs that spoil all registers came in between");
    KMT_EQUAL(Changed, 0, "and no thread lost a register or its control word");
}
