/*
 * Proves that a counter of few bits is extended without losing a wrap or going back, by one reader
 * and by several at once, and that scaled divisions are exact.
 *
 * unit-sources: kernel/hal/count.c
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "kernel/hal/count.h"

#define MASK 0xFFF
#define READERS 4
#define READINGS 200000

static ULONG64 Hardware; /* what a counter with enough bits would show */
static volatile ULONG64 Last;

/* Every look moves time on. */
static ULONG64 ReadRaw(void)
{
    return __atomic_add_fetch(&Hardware, 1, __ATOMIC_SEQ_CST) & MASK;
}

static ULONG64 ReadStill(void)
{
    return Hardware & MASK;
}

static void TestOneReader(void)
{
    Hardware = Last = 0;
    for (ULONG i = 1; i < 100000; i++) {
        Hardware += i % (MASK + 1);
        assert(HalpExtendCount(&Last, MASK, ReadStill) == Hardware);
        assert(HalpExtendCount(&Last, MASK, ReadStill) == Hardware);
    }
}

/* What is read lies between what the counter showed before and after. */
static void *ReadOften(void *Failed)
{
    ULONG64 Before, Now, Previous = 0;

    for (ULONG i = 0; i < READINGS; i++) {
        Before = __atomic_load_n(&Hardware, __ATOMIC_SEQ_CST);
        Now = HalpExtendCount(&Last, MASK, ReadRaw);
        if (Now < Before || Now < Previous || Now > __atomic_load_n(&Hardware, __ATOMIC_SEQ_CST)) {
            *(BOOLEAN *)Failed = TRUE;
        }
        Previous = Now;
    }
    return NULL;
}

static void TestManyReaders(void)
{
    pthread_t Thread[READERS];
    BOOLEAN Failed = FALSE;

    Hardware = Last = 0;
    for (ULONG i = 0; i < READERS; i++) {
        assert(pthread_create(&Thread[i], NULL, ReadOften, &Failed) == 0);
    }
    for (ULONG i = 0; i < READERS; i++) {
        pthread_join(Thread[i], NULL);
    }
    assert(!Failed && Hardware >= (ULONG64)READERS * READINGS);
}

static void TestShiftDivide(void)
{
    static const ULONG64 Hertz[] = {1193182, 3579545, 14318180, 100000000, 2596074964, 5000000001};

    for (ULONG i = 0; i < ARRAYSIZE(Hertz); i++) {
        unsigned __int128 Exact = ((unsigned __int128)10000000 << 56) / Hertz[i];
        assert(HalpShiftDivide(10000000, 56, Hertz[i]) == (ULONG64)Exact);
        Exact = ((unsigned __int128)Hertz[i] << 32) / 10000000;
        assert(HalpShiftDivide(Hertz[i], 32, 10000000) == (ULONG64)Exact);
    }
}

int main(void)
{
    static const struct {
        void (*Run)(void);
        const char *Name;
    } Tests[] = {
        {TestOneReader, "wraps are counted"},
        {TestManyReaders, "readers at once see time that does not go back"},
        {TestShiftDivide, "multipliers are exact"},
    };

    printf("1..%zu\n", ARRAYSIZE(Tests));
    for (size_t i = 0; i < ARRAYSIZE(Tests); i++) {
        Tests[i].Run();
        printf("ok %zu - %s\n", i + 1, Tests[i].Name);
    }
    return 0;
}
