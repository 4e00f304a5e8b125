/*
 * Proves that the boot disk's reader finds what an archive holds, several archives in a row
 * included, and never reads a byte outside of it, however it is damaged or cut.
 *
 * unit-sources: kernel/ldr/cpio.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ldr/cpio.h"

#define REGULAR 0100644
#define FOLDER 0040755

typedef struct _ARCHIVE {
    UCHAR Bytes[8192];
    SIZE_T Size;
    SIZE_T Origin;
} ARCHIVE;

static void Pad(ARCHIVE *Archive)
{
    while ((Archive->Size - Archive->Origin) % 4 != 0) {
        Archive->Bytes[Archive->Size++] = 0;
    }
}

static void Add(ARCHIVE *Archive, const char *Name, unsigned Mode, const void *Data, unsigned Size)
{
    unsigned Fields[13] = {[1] = Mode, [4] = 1, [6] = Size, [11] = (unsigned)strlen(Name) + 1};
    char *To = (char *)Archive->Bytes + Archive->Size;

    To += sprintf(To, "070701");
    for (int i = 0; i < 13; i++) {
        To += sprintf(To, i % 2 ? "%08X" : "%08x", Fields[i]);
    }
    strcpy(To, Name);
    Archive->Size += 110 + Fields[11];
    Pad(Archive);
    memcpy(Archive->Bytes + Archive->Size, Data, Size);
    Archive->Size += Size;
    Pad(Archive);
}

static void End(ARCHIVE *Archive, SIZE_T Zeros)
{
    Add(Archive, "TRAILER!!!", 0, "", 0);
    memset(Archive->Bytes + Archive->Size, 0, Zeros);
    Archive->Size += Zeros;
    Archive->Origin = Archive->Size;
}

static void Expect(CPIO_CURSOR *Cursor, const char *Name, const char *Data)
{
    CPIO_MEMBER Member;

    assert(CpioNext(Cursor, &Member));
    assert(strcmp(Member.Name, Name) == 0);
    assert(Member.Size == strlen(Data) && memcmp(Member.Data, Data, Member.Size) == 0);
}

static void ExpectEnd(CPIO_CURSOR *Cursor, BOOLEAN Damaged)
{
    CPIO_MEMBER Member;

    assert(!CpioNext(Cursor, &Member) && !CpioNext(Cursor, &Member));
    assert(Cursor->Damaged == Damaged);
}

/* Three files, a folder, and a second archive behind an odd number of zeros. */
static void MakeSample(ARCHIVE *Archive)
{
    memset(Archive, 0, sizeof(*Archive));
    Add(Archive, "drivers", FOLDER, "", 0);
    Add(Archive, "drivers/beep.sys", REGULAR, "MZ", 2);
    Add(Archive, "./registry.reg", REGULAR, "Windows", 7);
    Add(Archive, "empty", REGULAR, "", 0);
    End(Archive, 301);
    Add(Archive, "extra/tune", REGULAR, "a:b:c", 5);
    End(Archive, 0);
}

static void ExpectSample(CPIO_CURSOR *Cursor)
{
    Expect(Cursor, "drivers/beep.sys", "MZ");
    Expect(Cursor, "registry.reg", "Windows");
    Expect(Cursor, "empty", "");
    Expect(Cursor, "extra/tune", "a:b:c");
    ExpectEnd(Cursor, FALSE);
}

static void TestReading(void)
{
    ARCHIVE Archive;
    CPIO_CURSOR Cursor;

    MakeSample(&Archive);
    CpioOpen(&Cursor, Archive.Bytes, Archive.Size);
    ExpectSample(&Cursor);

    CpioOpen(&Cursor, "", 0);
    ExpectEnd(&Cursor, FALSE);
    CpioOpen(&Cursor, "\0\0\0", 3);
    ExpectEnd(&Cursor, FALSE);
    CpioOpen(&Cursor, "not an archive", 14);
    ExpectEnd(&Cursor, TRUE);
}

/* Walks all members and touches each byte they promise; the sanitizer watches. */
static ULONG Walk(const UCHAR *Bytes, SIZE_T Size)
{
    volatile UCHAR Sum = 0;
    CPIO_CURSOR Cursor;
    CPIO_MEMBER Member;
    ULONG Count = 0;

    CpioOpen(&Cursor, Bytes, Size);
    while (CpioNext(&Cursor, &Member)) {
        Sum += (UCHAR)strlen(Member.Name);
        for (SIZE_T i = 0; i < Member.Size; i++) {
            Sum += Member.Data[i];
        }
        Count++;
    }
    assert(Cursor.Offset <= Size);
    return Count;
}

static void TestEveryCut(void)
{
    ARCHIVE Archive;
    ULONG Last = 0;

    MakeSample(&Archive);
    for (SIZE_T Size = 0; Size <= Archive.Size; Size++) {
        UCHAR *Copy = malloc(Size + 1); /* of exactly that size, to the sanitizer */
        ULONG Count;

        Copy = realloc(Copy, Size > 0 ? Size : 1);
        memcpy(Copy, Archive.Bytes, Size);
        Count = Walk(Copy, Size);
        assert(Count == Last || Count == Last + 1);
        Last = Count;
        free(Copy);
    }
    assert(Last == 4);
}

/* Lengths that wrap a 32-bit sum, lengths past the end, names without an end. */
static void TestDirected(void)
{
    static const char *const Sizes[] = {"ffffffff", "fffffffc", "7fffffff", "80000000",
                                        "00002000", "0000000g", "-0000001", "        "};

    for (ULONG Field = 6; Field <= 11; Field += 5) {
        for (ULONG i = 0; i < ARRAYSIZE(Sizes); i++) {
            ARCHIVE Archive;
            CPIO_CURSOR Cursor;

            memset(&Archive, 0, sizeof(Archive));
            Add(&Archive, "name", REGULAR, "data", 4);
            End(&Archive, 0);
            memcpy(Archive.Bytes + 6 + 8 * Field, Sizes[i], 8);
            CpioOpen(&Cursor, Archive.Bytes, Archive.Size);
            ExpectEnd(&Cursor, TRUE);
            assert(Cursor.Offset == 0);
        }
    }
}

static void TestRandomDamage(unsigned Seed)
{
    ARCHIVE Archive;
    UCHAR *Copy;

    srand(Seed);
    MakeSample(&Archive);
    Copy = malloc(Archive.Size);
    memcpy(Copy, Archive.Bytes, Archive.Size);
    for (int i = 1 + rand() % 8; i > 0; i--) {
        SIZE_T Where = (SIZE_T)rand() % Archive.Size;
        Copy[Where] = rand() % 2 ? (UCHAR)rand() : (UCHAR) "0123456789abcdef"[rand() % 16];
    }
    Walk(Copy, Archive.Size);
    free(Copy);
}

int main(void)
{
    puts("1..4");
    TestReading();
    puts("ok 1 - members in order, two archives, folders left out");
    TestEveryCut();
    puts("ok 2 - an archive cut anywhere");
    TestDirected();
    puts("ok 3 - impossible lengths");
    for (unsigned Seed = 1; Seed <= 20000; Seed++) {
        TestRandomDamage(Seed);
    }
    puts("ok 4 - 20000 archives damaged at random");
    return 0;
}
