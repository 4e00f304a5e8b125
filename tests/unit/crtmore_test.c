/*
 * Proves that the run-time that only drivers have does what the C library's, or Annex K, does:
 * bounded text never writes behind its room, numbers saturate, and sorting sorts whatever it is
 * given.
 *
 * unit-sources: lib/crt/drivertext.c lib/crt/driversort.c lib/crt/string.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ntdef.h>

#define MS __attribute__((ms_abi))
#define TRUNCATE ((size_t)-1)

int MS CrtMsStrncpyS(char *Destination, size_t Size, const char *Source, size_t Count);
int MS CrtMsStrncatS(char *Destination, size_t Size, const char *Source, size_t Count);
int MS CrtMsWcsncpyS(WCHAR *Destination, size_t Size, const WCHAR *Source, size_t Count);
int MS CrtMsWcsncatS(WCHAR *Destination, size_t Size, const WCHAR *Source, size_t Count);
char MS *CrtMsStrncat(char *Destination, const char *Source, size_t Count);
size_t MS CrtMsStrspn(const char *String, const char *Set);
size_t MS CrtMsStrcspn(const char *String, const char *Set);
char MS *CrtMsStrtokS(char *String, const char *Delimiters, char **Context);
char MS *CrtMsStrupr(char *String);
char MS *CrtMsStrlwr(char *String);
void MS *CrtMsMemchr(const void *Memory, int Value, size_t Count);
int MS CrtMsMemcpyS(void *Destination, size_t Size, const void *Source, size_t Count);
int MS CrtMsMemmoveS(void *Destination, size_t Size, const void *Source, size_t Count);
LONG MS CrtMsAtoi(const char *String);
LONG MS CrtMsWtoi(const WCHAR *String);
ULONG MS CrtMsWcstoul(const WCHAR *String, WCHAR **End, int Base);
int MS CrtMsIsspace(int Character);
int MS CrtMsIsxdigit(int Character);
int MS CrtMsIsprint(int Character);
int MS CrtMsRand(void);
void MS CrtMsSrand(unsigned int Seed);
typedef int MS COMPARE(const void *Left, const void *Right);
void MS *CrtMsBsearch(const void *Key, const void *Base, size_t Count, size_t Size, COMPARE *Order);
void MS CrtMsQsort(void *Base, size_t Count, size_t Size, COMPARE *Order);

/* At the end of a block, so that a step behind the room is seen. */
static void TestBounded(void)
{
    for (size_t Size = 1; Size < 8; Size++) {
        for (size_t Length = 0; Length < 10; Length++) {
            for (size_t Count = 0; Count < 11; Count++) {
                char *Room = malloc(Size), Source[16] = "abcdefghij";
                size_t Limit = Count == 10 ? TRUNCATE : Count;
                size_t Taken = Length < Limit ? Length : Limit;
                Source[Length] = 0;
                memset(Room, 'x', Size);
                int Error = CrtMsStrncpyS(Room, Size, Source, Limit);
                if (Taken < Size) {
                    assert(Error == 0 && strlen(Room) == Taken && !memcmp(Room, Source, Taken));
                } else if (Limit == TRUNCATE) {
                    assert(Error == 80 && strlen(Room) == Size - 1);
                } else {
                    assert(Error == 34 && Room[0] == 0);
                }
                Room[0] = Size > 1 ? 'p' : 0;
                Room[Size > 1] = 0;
                Error = CrtMsStrncatS(Room, Size, Source, Limit);
                size_t Whole = Taken + (Size > 1);
                assert(Whole < Size ? Error == 0 && strlen(Room) == Whole
                                    : Error == (Limit == TRUNCATE ? 80 : 34));
                free(Room);
            }
        }
    }
    char Text[4] = {'x', 'x', 'x', 'x'};
    WCHAR Wide[4];
    assert(CrtMsStrncatS(Text, 4, "a", 1) == 22 && Text[0] == 0);
    assert(CrtMsStrncpyS(NULL, 0, "a", 0) == 0 && CrtMsStrncpyS(NULL, 4, "a", 1) == 22);
    assert(CrtMsStrncpyS(Text, 4, NULL, 1) == 22);
    assert(CrtMsWcsncpyS(Wide, 4, (const WCHAR[]){'a', 'b', 'c', 'd', 0}, TRUNCATE) == 80);
    assert(Wide[2] == 'c' && Wide[3] == 0);
    assert(CrtMsWcsncatS(Wide, 4, (const WCHAR[]){'d', 0}, 1) == 34 && Wide[0] == 0);
}

static void TestText(void)
{
    char Text[32] = "ab", List[] = ",,one,two;;three", *Context = NULL, *Piece;
    const char *Pieces[] = {"one", "two", "three"};
    unsigned Count = 0;
    assert(strcmp(CrtMsStrncat(Text, "cdef", 2), "abcd") == 0);
    assert(CrtMsStrspn("aabc", "ab") == 3 && CrtMsStrspn("", "ab") == 0);
    assert(CrtMsStrcspn("xyzb", "ab") == 3 && CrtMsStrcspn("xyz", "") == 3);
    for (Piece = CrtMsStrtokS(List, ",;", &Context); Piece != NULL;
         Piece = CrtMsStrtokS(NULL, ",;", &Context)) {
        assert(Count < 3 && strcmp(Piece, Pieces[Count++]) == 0);
    }
    assert(Count == 3 && CrtMsStrtokS(NULL, ",;", &Context) == NULL);
    assert(strcmp(CrtMsStrupr(Text), "ABCD") == 0 && strcmp(CrtMsStrlwr(Text), "abcd") == 0);
    assert(CrtMsMemchr("a\xFF"
                       "b",
                       0xFF, 3) != NULL &&
           CrtMsMemchr("abc", 'c', 2) == NULL);
    assert(CrtMsMemcpyS(Text, 2, "xyz", 3) == 34 && Text[0] == 0 && Text[1] == 0 && Text[2] == 'c');
    assert(CrtMsMemcpyS(Text, 3, "xyz", 3) == 0 && memcmp(Text, "xyz", 3) == 0);
    assert(CrtMsMemmoveS(Text + 1, 3, Text, 3) == 0 && memcmp(Text, "xxyz", 4) == 0);
    assert(CrtMsMemmoveS(Text, 2, Text, 3) == 34 && CrtMsMemcpyS(NULL, 3, Text, 3) == 22);
}

static ULONG Ul(const char *Text, int Base, int Behind)
{
    WCHAR Wide[40], *End;
    size_t i = 0;
    do {
        Wide[i] = (WCHAR)Text[i];
    } while (Text[i++] != 0);
    ULONG Value = CrtMsWcstoul(Wide, &End, Base);
    assert(End - Wide == Behind);
    return Value;
}

static void TestNumbers(void)
{
    assert(CrtMsAtoi(" \t-12x") == -12 && CrtMsAtoi("+7") == 7 && CrtMsAtoi("x") == 0);
    assert(CrtMsAtoi("2147483647") == MAXLONG && CrtMsAtoi("99999999999999999999") == MAXLONG);
    assert(CrtMsAtoi("-2147483648") == (-MAXLONG - 1) &&
           CrtMsAtoi("-99999999999999999999") == (-MAXLONG - 1));
    assert(CrtMsWtoi((const WCHAR[]){' ', '4', '2', 0}) == 42);
    assert(Ul("4294967295", 10, 10) == MAXULONG && Ul("4294967296", 10, 10) == MAXULONG);
    assert(Ul("0x1Fg", 0, 4) == 0x1F && Ul("0x", 0, 1) == 0 && Ul("017", 0, 3) == 15);
    assert(Ul("-1", 10, 2) == MAXULONG && Ul("zz", 36, 2) == 35 * 36 + 35 && Ul("  x", 10, 0) == 0);
    assert(CrtMsIsspace('\v') && !CrtMsIsspace(0xA0) && CrtMsIsxdigit('f') && !CrtMsIsxdigit('g'));
    assert(CrtMsIsprint('~') && !CrtMsIsprint(127));
    CrtMsSrand(1);
    assert(CrtMsRand() == 41 && CrtMsRand() == 18467 && CrtMsRand() == 6334);
}

static int MS CompareKeys(const void *Left, const void *Right)
{
    int A = *(const int *)Left, B = *(const int *)Right;
    return A < B ? -1 : A > B;
}

static int CompareHost(const void *Left, const void *Right)
{
    return CompareKeys(Left, Right);
}

/* Elements of three ints, whose last is the sum of the others: none is torn. */
static void TestSort(void)
{
    for (size_t Count = 0; Count < 300; Count += 1 + Count / 9) {
        int(*Own)[3] = malloc(Count * sizeof(*Own) + 1), *Host = malloc(Count * sizeof(int) + 1);
        for (size_t i = 0; i < Count; i++) {
            int Kind = rand() % 4;
            Host[i] = Own[i][0] = Kind ? rand() % 50 * 2 : (int)i * 2;
            Own[i][1] = rand() % 1000;
            Own[i][2] = Own[i][0] + Own[i][1];
        }
        CrtMsQsort(Own, Count, sizeof(*Own), CompareKeys);
        qsort(Host, Count, sizeof(int), CompareHost);
        for (size_t i = 0; i < Count; i++) {
            int Odd = Own[i][0] + 1, (*Found)[3];
            assert(Own[i][0] == Host[i] && Own[i][2] == Own[i][0] + Own[i][1]);
            Found = CrtMsBsearch(&Own[i][0], Own, Count, sizeof(*Own), CompareKeys);
            assert(Found != NULL && (*Found)[0] == Own[i][0]);
            assert(CrtMsBsearch(&Odd, Own, Count, sizeof(*Own), CompareKeys) == NULL);
        }
        free(Own);
        free(Host);
    }
}

int main(void)
{
    TestBounded();
    TestText();
    TestNumbers();
    TestSort();
    printf("ok\n");
    return 0;
}
