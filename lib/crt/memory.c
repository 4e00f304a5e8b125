/*
 * memory.c - memcpy, memmove, memset and memcmp for the kernel.
 *
 * gcc emits calls to these, so they exist with its own (System V) convention; drivers get the twins
 * of drivers.c. Blocks of up to 32 bytes are moved as a few overlapping words, all loaded before
 * the first is stored, which serves every direction of overlap without a branch on it. Longer ones
 * use REP with 8 bytes an iteration: the fewest instructions when they are counted, and what
 * processors run fastest. The remainder is one more unaligned word, not a loop.
 *
 * Compiled without loop idiom recognition, which would turn these bodies into calls to themselves.
 */
#include <ntdef.h>
#include <nt/crt.h>

typedef ULONG64 __attribute__((aligned(1), may_alias)) UNALIGNED64;
typedef ULONG __attribute__((aligned(1), may_alias)) UNALIGNED32;
typedef USHORT __attribute__((aligned(1), may_alias)) UNALIGNED16;

#define LOAD(Type, Address) (*(const Type *)(Address))
#define STORE(Type, Address, Value) (*(Type *)(Address) = (Value))

/* Up to 32 bytes, overlapping in any way. */
static inline void CopySmall(UCHAR *To, const UCHAR *From, size_t Count)
{
    if (Count > 16) {
        ULONG64 A = LOAD(UNALIGNED64, From), B = LOAD(UNALIGNED64, From + 8);
        ULONG64 C = LOAD(UNALIGNED64, From + Count - 16), D = LOAD(UNALIGNED64, From + Count - 8);
        STORE(UNALIGNED64, To, A);
        STORE(UNALIGNED64, To + 8, B);
        STORE(UNALIGNED64, To + Count - 16, C);
        STORE(UNALIGNED64, To + Count - 8, D);
    } else if (Count >= 8) {
        ULONG64 A = LOAD(UNALIGNED64, From), B = LOAD(UNALIGNED64, From + Count - 8);
        STORE(UNALIGNED64, To, A);
        STORE(UNALIGNED64, To + Count - 8, B);
    } else if (Count >= 4) {
        ULONG A = LOAD(UNALIGNED32, From), B = LOAD(UNALIGNED32, From + Count - 4);
        STORE(UNALIGNED32, To, A);
        STORE(UNALIGNED32, To + Count - 4, B);
    } else if (Count >= 2) {
        USHORT A = LOAD(UNALIGNED16, From), B = LOAD(UNALIGNED16, From + Count - 2);
        STORE(UNALIGNED16, To, A);
        STORE(UNALIGNED16, To + Count - 2, B);
    } else if (Count == 1) {
        *To = *From;
    }
}

/* More than 32 bytes; To is not inside the source after its start. The last word is loaded first,
 * because the copy itself may overwrite it. */
static inline void CopyForward(UCHAR *To, const UCHAR *From, size_t Count)
{
    size_t Words = Count / 8;
    UCHAR *Last = To + Count - 8;
    ULONG64 Tail = LOAD(UNALIGNED64, From + Count - 8);

    __asm__ volatile("rep movsq" : "+D"(To), "+S"(From), "+c"(Words) : : "memory");
    STORE(UNALIGNED64, Last, Tail);
}

/* More than 32 bytes; To is inside the source. Not REP with the direction flag set: processors do
 * that a word at a time, and the flag would be one more thing to put back. */
static inline void CopyBackward(UCHAR *To, const UCHAR *From, size_t Count)
{
    ULONG64 Head = LOAD(UNALIGNED64, From);

    for (size_t Left = Count; Left >= 8; Left -= 8) {
        STORE(UNALIGNED64, To + Left - 8, LOAD(UNALIGNED64, From + Left - 8));
    }
    STORE(UNALIGNED64, To, Head);
}

void *memcpy(void *Destination, const void *Source, size_t Count)
{
    if (Count <= 32) {
        CopySmall(Destination, Source, Count);
    } else {
        CopyForward(Destination, Source, Count);
    }
    return Destination;
}

void *memmove(void *Destination, const void *Source, size_t Count)
{
    if (Count <= 32) {
        CopySmall(Destination, Source, Count);
    } else if ((size_t)Destination - (size_t)Source >= Count) {
        /* One unsigned test for both: before the source, where the difference wraps, or behind
         * it. */
        CopyForward(Destination, Source, Count);
    } else {
        CopyBackward(Destination, Source, Count);
    }
    return Destination;
}

/* The tail goes first, as one word that may overlap the others: order does not matter when all
 * bytes are the same. */
void *memset(void *Destination, int Value, size_t Count)
{
    UCHAR *To = Destination;
    ULONG64 Pattern = (UCHAR)Value * 0x0101010101010101ULL;
    size_t Words = Count / 8;

    if (Count >= 8) {
        STORE(UNALIGNED64, To + Count - 8, Pattern);
        __asm__ volatile("rep stosq" : "+D"(To), "+c"(Words) : "a"(Pattern) : "memory");
    } else if (Count >= 4) {
        STORE(UNALIGNED32, To, (ULONG)Pattern);
        STORE(UNALIGNED32, To + Count - 4, (ULONG)Pattern);
    } else if (Count >= 2) {
        STORE(UNALIGNED16, To, (USHORT)Pattern);
        STORE(UNALIGNED16, To + Count - 2, (USHORT)Pattern);
    } else if (Count == 1) {
        *To = (UCHAR)Value;
    }
    return Destination;
}

int memcmp(const void *Left, const void *Right, size_t Count)
{
    const UCHAR *A = Left, *B = Right;

    for (; Count >= 8; A += 8, B += 8, Count -= 8) {
        ULONG64 First = LOAD(UNALIGNED64, A), Second = LOAD(UNALIGNED64, B);
        if (First != Second) {
            /* The lowest address decides, so it has to be the most significant byte. */
            return __builtin_bswap64(First) < __builtin_bswap64(Second) ? -1 : 1;
        }
    }
    for (; Count != 0; A++, B++, Count--) {
        if (*A != *B) {
            return *A - *B;
        }
    }
    return 0;
}
