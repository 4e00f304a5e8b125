/*
 * driversort.c - numbers, kinds of characters, searching and sorting as drivers import them
 * (nt/crt_more.h), with the Windows calling convention only; so are the routines that they are
 * given.
 */
#include "crtp.h"

typedef int TWIN CRT_COMPARE(const void *Left, const void *Right);

/*** Characters. ***/

#define KIND(Name, Test)                                                                           \
    int TWIN Name(int c);                                                                          \
    int TWIN Name(int c)                                                                           \
    {                                                                                              \
        return (Test);                                                                             \
    }

KIND(CrtMsIsdigit, c >= '0' && c <= '9')
KIND(CrtMsIslower, c >= 'a' && c <= 'z')
KIND(CrtMsIsupper, c >= 'A' && c <= 'Z')
KIND(CrtMsIsspace, c == ' ' || (c >= '\t' && c <= '\r'))
KIND(CrtMsIsprint, c >= ' ' && c <= '~')
KIND(CrtMsIsxdigit, (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))

/*** Numbers. ***/

/* The value of a digit in any base up to 36; 36: it is none. */
static ULONG CrtDigit(int Character)
{
    if (CrtMsIsdigit(Character)) {
        return (ULONG)Character - '0';
    }
    if (CrtMsIslower(Character)) {
        return (ULONG)Character - 'a' + 10;
    }
    return CrtMsIsupper(Character) ? (ULONG)Character - 'A' + 10 : 36;
}

/* A decimal number with a sign from text of Width bytes a character, kept within a LONG. */
static LONG CrtReadLong(const void *Text, ULONG Width)
{
    const char *Narrow = Text;
    const wchar_t *Wide = Text;
    LONG64 Value = 0;
    BOOLEAN Minus = FALSE;
    size_t i = 0;
    int Character;

    while (CrtMsIsspace(Width == 1 ? (unsigned char)Narrow[i] : Wide[i])) {
        i++;
    }
    Character = Width == 1 ? (unsigned char)Narrow[i] : Wide[i];
    if (Character == '-' || Character == '+') {
        Minus = Character == '-';
        i++;
    }
    /* One more than MAXLONG, for -MAXLONG - 1; what comes behind is read all the same, and changes
     * nothing. */
    while (CrtMsIsdigit(Character = Width == 1 ? (unsigned char)Narrow[i] : Wide[i])) {
        Value = min(Value * 10 + Character - '0', (LONG64)MAXLONG + 1);
        i++;
    }
    return (LONG)(Minus ? -Value : min(Value, MAXLONG));
}

LONG TWIN CrtMsAtoi(const char *String);
LONG TWIN CrtMsAtoi(const char *String)
{
    return CrtReadLong(String, sizeof(char));
}

LONG TWIN CrtMsWtoi(const wchar_t *String);
LONG TWIN CrtMsWtoi(const wchar_t *String)
{
    return CrtReadLong(String, sizeof(wchar_t));
}

/* Skips a prefix that belongs to Base, which becomes what the prefix says when it is 0. */
/* "0x" before anything but a hexadecimal digit is the number 0, and the x comes after it. */
static const wchar_t *CrtReadPrefix(const wchar_t *At, ULONG *Base)
{
    BOOLEAN Hex = At[0] == '0' && (At[1] == 'x' || At[1] == 'X') && CrtDigit(At[2]) < 16;

    if (Hex && (*Base == 0 || *Base == 16)) {
        *Base = 16;
        return At + 2;
    }
    if (*Base == 0) {
        *Base = At[0] == '0' ? 8 : 10;
    }
    return At;
}

ULONG TWIN CrtMsWcstoul(const wchar_t *String, wchar_t **End, int Base);
ULONG TWIN CrtMsWcstoul(const wchar_t *String, wchar_t **End, int Base)
{
    const wchar_t *At = String;
    ULONG Radix = (ULONG)Base;
    BOOLEAN Minus = FALSE, Any = FALSE;
    ULONG64 Value = 0;

    while (CrtMsIsspace(*At)) {
        At++;
    }
    if (*At == '-' || *At == '+') {
        Minus = *At++ == '-';
    }
    At = CrtReadPrefix(At, &Radix);
    /* No base above 36, and no negative one, has digits: there is no number then. */
    for (; Radix <= 36 && CrtDigit(*At) < Radix; At++, Any = TRUE) {
        Value = min(Value * Radix + CrtDigit(*At), (ULONG64)MAXULONG + 1);
    }
    if (End != NULL) {
        *End = (wchar_t *)(ULONG_PTR)(Any ? At : String);
    }
    if (Value > MAXULONG) {
        return MAXULONG;
    }
    return Minus ? 0 - (ULONG)Value : (ULONG)Value;
}

/*** Numbers by chance: the sequence that every C run-time of Windows has. ***/

static volatile LONG CrtSeed = 1;

void TWIN CrtMsSrand(unsigned int Seed);
void TWIN CrtMsSrand(unsigned int Seed)
{
    CrtSeed = (LONG)Seed;
}

int TWIN CrtMsRand(void);
int TWIN CrtMsRand(void)
{
    LONG Old = CrtSeed, New;

    /* Two that ask at once get two numbers. */
    do {
        New = (LONG)((ULONG)Old * 214013 + 2531011);
    } while (!__atomic_compare_exchange_n(&CrtSeed, &Old, New, FALSE, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return New >> 16 & 0x7FFF;
}

/*** Arrays. ***/

void TWIN *CrtMsBsearch(const void *Key, const void *Base, size_t Count, size_t Size,
                        CRT_COMPARE *Compare);
void TWIN *CrtMsBsearch(const void *Key, const void *Base, size_t Count, size_t Size,
                        CRT_COMPARE *Compare)
{
    const char *At = Base;

    while (Count != 0) {
        const char *Middle = At + Count / 2 * Size;
        int Order = Compare(Key, Middle);
        if (Order == 0) {
            return (void *)(ULONG_PTR)Middle;
        }
        /* What is left of n elements behind the middle one is (n - 1) / 2. */
        if (Order > 0) {
            At = Middle + Size;
            Count--;
        }
        Count /= 2;
    }
    return NULL;
}

/* Byte by byte: the elements are of any size and alignment, and there is no memory to be had for
 * one. */
static void CrtSwap(char *Left, char *Right, size_t Size)
{
    while (Size-- != 0) {
        char Byte = Left[Size];
        Left[Size] = Right[Size];
        Right[Size] = Byte;
    }
}

/* An array in which each element is not less than the two at twice its place and one, two more; but
 * for the one at Root, which sinks to where it belongs. */
static void CrtSink(char *Base, size_t Root, size_t Count, size_t Size, CRT_COMPARE *Compare)
{
    for (;;) {
        size_t Child = 2 * Root + 1;
        if (Child >= Count) {
            return;
        }
        if (Child + 1 < Count && Compare(Base + Child * Size, Base + (Child + 1) * Size) < 0) {
            Child++;
        }
        if (Compare(Base + Root * Size, Base + Child * Size) >= 0) {
            return;
        }
        CrtSwap(Base + Root * Size, Base + Child * Size, Size);
        Root = Child;
    }
}

/* Heapsort: a kernel stack is short, and no array makes it slow. */
void TWIN CrtMsQsort(void *Base, size_t Count, size_t Size, CRT_COMPARE *Compare);
void TWIN CrtMsQsort(void *Base, size_t Count, size_t Size, CRT_COMPARE *Compare)
{
    /* The second half has no elements below it. */
    for (size_t i = Count / 2; i-- > 0;) {
        CrtSink(Base, i, Count, Size, Compare);
    }
    /* The largest is at the root: it goes behind those that are left, and a new one rises. */
    for (size_t Left = Count; Left > 1; Left--) {
        CrtSwap(Base, (char *)Base + (Left - 1) * Size, Size);
        CrtSink(Base, 0, Left - 1, Size, Compare);
    }
}
