/*
 * Proves that byte strings, copies, GUIDs, bitmaps and the small routines keep Windows' rules; the
 * bitmap routines agree with a bit-by-bit search on random bitmaps of every size around words'
 * ends.
 *
 * unit-sources: lib/rtl/bytestrings.c lib/rtl/copies.c lib/rtl/guid.c lib/rtl/bitmap.c lib/rtl/misc.c
 * unit-sources: lib/rtl/number.c lib/rtl/upcase.c lib/crt/wide.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ntddk.h>

static int Allocations, FailAllocation;

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    (void)PoolType, (void)Tag;
    Allocations += !FailAllocation;
    return FailAllocation ? NULL : malloc(NumberOfBytes);
}

static void Free(PUNICODE_STRING String)
{
    Allocations -= String->Buffer != NULL;
    free(String->Buffer);
}

static void TestByteStrings(void)
{
    char Buffer[4] = "###";
    STRING Target = {0, 3, Buffer}, Long = RTL_CONSTANT_STRING("Beep"), Upper = {4, 4, "BEEP"};
    STRING Start = {2, 2, "bE"}, High = {1, 1, "\x80"}, Low = {1, 1, "a"};

    Long.Length = 4;
    RtlCopyString(&Target, &Long);
    assert(Target.Length == 3 && memcmp(Buffer, "Bee", 4) == 0);
    RtlUpperString(&Target, &Long);
    assert(memcmp(Buffer, "BEE", 3) == 0);
    RtlCopyString(&Target, NULL);
    assert(Target.Length == 0);
    assert(RtlAppendAsciizToString(&Target, "ab") == STATUS_SUCCESS && Target.Length == 2);
    assert(RtlAppendStringToString(&Target, &Start) == STATUS_BUFFER_TOO_SMALL);
    assert(RtlAppendAsciizToString(&Target, NULL) == STATUS_SUCCESS && Target.Length == 2);
    assert(RtlEqualString(&Long, &Upper, TRUE) && !RtlEqualString(&Long, &Upper, FALSE));
    assert(RtlPrefixString(&Start, &Long, TRUE) && !RtlPrefixString(&Long, &Start, TRUE));
    assert(RtlCompareString(&Start, &Long, TRUE) < 0 && RtlCompareString(&High, &Low, TRUE) > 0);
}

static void TestCopies(void)
{
    UNICODE_STRING Source = RTL_CONSTANT_STRING(L"\x00C9t\x00C9"), Empty = {0, 0, NULL}, Copy;
    UNICODE_STRING Odd = {3, 4, L"ab"}, Huge = {65534, 65534, L""};

    assert(RtlDuplicateUnicodeString(1, &Source, &Copy) == STATUS_SUCCESS);
    assert(Copy.Length == 6 && Copy.MaximumLength == 8 && Copy.Buffer[3] == 0);
    Free(&Copy);
    assert(RtlDuplicateUnicodeString(0, &Source, &Copy) == STATUS_SUCCESS);
    assert(Copy.MaximumLength == 6 && memcmp(Copy.Buffer, Source.Buffer, 6) == 0);
    Free(&Copy);
    assert(RtlDuplicateUnicodeString(1, &Empty, &Copy) == STATUS_SUCCESS && Copy.Buffer == NULL);
    assert(RtlDuplicateUnicodeString(3, &Empty, &Copy) == STATUS_SUCCESS && Copy.Buffer[0] == 0);
    Free(&Copy);
    assert(RtlDuplicateUnicodeString(2, &Source, &Copy) == STATUS_INVALID_PARAMETER);
    assert(RtlDuplicateUnicodeString(4, &Source, &Copy) == STATUS_INVALID_PARAMETER);
    assert(RtlDuplicateUnicodeString(0, &Odd, &Copy) == STATUS_INVALID_PARAMETER);
    assert(RtlDuplicateUnicodeString(1, &Huge, &Copy) == STATUS_NAME_TOO_LONG);
    assert(RtlDowncaseUnicodeString(&Copy, &Source, TRUE) == STATUS_SUCCESS);
    assert(memcmp(Copy.Buffer, L"\x00E9t\x00E9", 6) == 0);
    Copy.MaximumLength = 4;
    assert(RtlDowncaseUnicodeString(&Copy, &Source, FALSE) == STATUS_BUFFER_OVERFLOW);
    Free(&Copy);
    FailAllocation = 1;
    assert(RtlDuplicateUnicodeString(0, &Source, &Copy) == STATUS_NO_MEMORY);
    assert(RtlDowncaseUnicodeString(&Copy, &Source, TRUE) == STATUS_NO_MEMORY);
    FailAllocation = 0;
    assert(RtlValidateUnicodeString(0, NULL) == STATUS_SUCCESS);
    assert(RtlValidateUnicodeString(1, &Source) == STATUS_INVALID_PARAMETER);
}

static void TestGuids(void)
{
    GUID Guid = {0x6B29FC40, 0xCA47, 0x1067, {0xB3, 0x1D, 0, 0xDD, 1, 6, 0x62, 0xDA}}, Back;
    UNICODE_STRING Text;
    WCHAR Other[38];

    assert(RtlStringFromGUID(&Guid, &Text) == STATUS_SUCCESS && Text.Length == 76);
    assert(wcscmp(Text.Buffer, L"{6B29FC40-CA47-1067-B31D-00DD010662DA}") == 0);
    assert(RtlGUIDFromString(&Text, &Back) == STATUS_SUCCESS && memcmp(&Guid, &Back, 16) == 0);
    for (ULONG i = 0; i < 38; i++) {
        UNICODE_STRING Wrong = {76, 76, Other};
        memcpy(Other, Text.Buffer, sizeof(Other));
        Other[i] = 'g';
        assert(RtlGUIDFromString(&Wrong, &Back) == STATUS_INVALID_PARAMETER);
    }
    Text.Length -= 2;
    assert(RtlGUIDFromString(&Text, &Back) == STATUS_INVALID_PARAMETER);
    Free(&Text);
    FailAllocation = 1;
    assert(RtlStringFromGUID(&Guid, &Text) == STATUS_NO_MEMORY);
    FailAllocation = 0;
}

/* The same by looking at every bit. */
static ULONG SlowFind(PRTL_BITMAP Map, ULONG Start, ULONG Limit, ULONG Count, BOOLEAN Set)
{
    for (ULONG i = Start; i < Limit; i++) {
        ULONG Run = 0;
        while (i + Run < Map->SizeOfBitMap && RtlCheckBit(Map, i + Run) == Set) {
            Run++;
        }
        if (Run >= Count) {
            return i;
        }
    }
    return MAXULONG;
}

static void TestBitmapOf(ULONG Size)
{
    ULONG Bits[5], Hint = (ULONG)rand() % (Size + 2), Count = 1 + (ULONG)rand() % 9, Set = 0, Found;
    ULONG Start = (ULONG)rand() % (Size + 1), Length = Size - Start, Where,
          Kind = (ULONG)rand() & 1;
    RTL_BITMAP Map;

    for (ULONG i = 0; i < 5; i++) {
        Bits[i] = (ULONG)rand() & (ULONG)rand() & (Kind ? MAXULONG : (ULONG)rand());
    }
    Bits[4] = 0x5A5A5A5A;
    RtlInitializeBitMap(&Map, Bits, Size);
    for (ULONG i = 0; i < Size; i++) {
        Set += RtlTestBit(&Map, i);
    }
    assert(RtlNumberOfSetBits(&Map) == Set && RtlNumberOfClearBits(&Map) == Size - Set);
    Hint = Hint >= Size ? 0 : Hint;
    Found = SlowFind(&Map, Hint, Size, Count, (BOOLEAN)Kind);
    Found = Found != MAXULONG ? Found : SlowFind(&Map, 0, Hint, Count, (BOOLEAN)Kind);
    assert((Kind ? RtlFindSetBits : RtlFindClearBits)(&Map, Count, Hint) == Found);
    if (Found != MAXULONG) {
        assert((Kind ? RtlAreBitsSet : RtlAreBitsClear)(&Map, Found, Count));
        assert((Kind ? RtlFindSetBitsAndClear : RtlFindClearBitsAndSet)(&Map, Count, Hint) ==
               Found);
        assert((Kind ? RtlAreBitsClear : RtlAreBitsSet)(&Map, Found, Count));
    }
    Length = RtlFindNextForwardRunClear(&Map, Start, &Where);
    assert(Where == min(SlowFind(&Map, Start, Size, 1, FALSE), Size));
    assert(Length == 0 ||
           (RtlAreBitsClear(&Map, Where, Length) && !RtlAreBitsClear(&Map, Where, Length + 1)));
    RtlSetBits(&Map, Start, Size - Start);
    assert(Start == Size || RtlAreBitsSet(&Map, Start, Size - Start));
    RtlSetBits(&Map, Start, Size - Start + 1); /* not all of it inside: nothing */
    assert(Bits[4] == 0x5A5A5A5A && (Size % 32 == 0 || Size > 96 || Bits[3] != MAXULONG));
    RtlClearAllBits(&Map);
    assert(RtlFindLongestRunClear(&Map, &Where) == Size && Where == 0);
    RtlSetAllBits(&Map);
    assert(RtlFindFirstRunClear(&Map, &Where) == 0 && RtlFindLongestRunClear(&Map, &Where) == 0);
    assert(!RtlTestBit(&Map, Size) && !RtlAreBitsSet(&Map, 0, 0) &&
           !RtlAreBitsSet(&Map, 0, Size + 1));
}

static void TestBitmaps(void)
{
    for (ULONG Round = 0; Round < 40000; Round++) {
        TestBitmapOf((ULONG)rand() % 129);
    }
}

static void TestSmallOnes(void)
{
    ULONG Words[4] = {7, 7, 7, 8}, Seed = 0, Value;
    LARGE_INTEGER Time;

    assert(RtlCompareMemoryUlong(Words, 16, 7) == 12 && RtlCompareMemoryUlong(Words, 7, 7) == 4);
    assert(RtlUshortByteSwap(0x1234) == 0x3412 && RtlUlongByteSwap(0x12345678) == 0x78563412);
    assert(RtlUlonglongByteSwap(0x0102030405060708) == 0x0807060504030201);
    for (int i = 0; i < 100000; i++) {
        assert(RtlRandomEx(&Seed) < MAXLONG);
    }
    RtlSecondsSince1970ToTime(0, &Time);
    assert(Time.QuadPart == 116444736000000000LL);
    assert(RtlTimeToSecondsSince1970(&Time, &Value) && Value == 0);
    assert(!RtlTimeToSecondsSince1980(&Time, &Value));
    RtlSecondsSince1980ToTime(MAXULONG, &Time);
    assert(RtlTimeToSecondsSince1980(&Time, &Value) && Value == MAXULONG);
    assert(!RtlTimeToSecondsSince1970(&Time, &Value));
    assert(RtlCharToInteger(" -0x10", 0, &Value) == STATUS_SUCCESS && (LONG)Value == -16);
    assert(RtlCharToInteger("z", 36, &Value) == STATUS_INVALID_PARAMETER);
}

int main(void)
{
    TestByteStrings();
    TestCopies();
    TestGuids();
    TestBitmaps();
    TestSmallOnes();
    assert(Allocations == 0);
    printf("ok\n");
    return 0;
}
