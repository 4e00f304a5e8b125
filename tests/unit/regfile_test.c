/*
 * Proves that REGEDIT text is read as regedit reads it, that each mistake is reported with its line
 * and costs only that line, and that no input makes the parser leave its text or its scratch
 * memory.
 *
 * unit-sources: kernel/cm/regfile.c lib/rtl/convert.c lib/rtl/upcase.c lib/rtl/utf.c lib/crt/wide.c
 * unit-sources: lib/crt/string.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/inc/cm.h"
#include "kernel/cm/regfile.h"

#define HEADER "Windows Registry Editor Version 5.00\r\n"

static char Log[8192];

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    (void)PoolType, (void)NumberOfBytes, (void)Tag;
    abort();
}

VOID NTAPI ExFreePool(PVOID P)
{
    (void)P;
    abort();
}

static void Note(const char *Text)
{
    if (strlen(Log) + strlen(Text) < sizeof(Log)) {
        strcat(Log, Text);
    }
}

static void NoteWide(PCWSTR Text, size_t Length)
{
    char Narrow[2] = "";

    for (size_t i = 0; i < Length; i++) {
        Narrow[0] = Text[i] < 0x80 ? (char)Text[i] : '?';
        Note(Text[i] == 0 ? "~" : Narrow);
    }
}

static NTSTATUS OnKey(PVOID Context, PCUNICODE_STRING Path, BOOLEAN Delete)
{
    (void)Context;
    Note(Delete ? "-[" : "[");
    NoteWide(Path->Buffer, Path->Length / 2);
    Note("]");
    return Path->Length == 6 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static NTSTATUS OnValue(PVOID Context, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size,
                        BOOLEAN Delete)
{
    char Text[32];

    (void)Context;
    assert((ULONG_PTR)Data % 8 == 0);
    NoteWide(Name, wcslen(Name));
    if (Delete) {
        Note("=- ");
        return STATUS_SUCCESS;
    }
    sprintf(Text, "=%u:", Type);
    Note(Text);
    if (Type == REG_SZ) {
        NoteWide(Data, Size / 2);
    } else {
        for (ULONG i = 0; i < Size; i++) {
            sprintf(Text, "%02x", ((const UCHAR *)Data)[i]);
            Note(Text);
        }
    }
    Note(" ");
    return STATUS_SUCCESS;
}

static void OnError(PVOID Context, ULONG Line, const char *Text)
{
    char Number[16];

    (void)Context;
    assert(Text[0] != 0);
    sprintf(Number, "!%u ", Line);
    Note(Number);
}

/* Parses exact heap copies, so that the sanitizer sees every byte beyond. */
static const char *Parse(const char *Text, size_t Size)
{
    static const CM_REGFILE_SINK Sink = {OnKey, OnValue, OnError, NULL};
    char *Copy = malloc(Size);
    PVOID Scratch = malloc(CmpRegistryScratchSize(Size));

    memcpy(Copy, Text, Size);
    Log[0] = 0;
    CmpParseRegistryFile(Copy, Size, Scratch, &Sink);
    free(Copy);
    free(Scratch);
    return Log;
}

static void Expect(const char *Body, const char *Wanted)
{
    char Text[4096];

    sprintf(Text, "%s%s", HEADER, Body);
    if (strcmp(Parse(Text, strlen(Text)), Wanted) != 0) {
        printf("for %s\ngot    %s\nwanted %s\n", Body, Log, Wanted);
        exit(1);
    }
}

static void TestValues(void)
{
    Expect("[HKLM\\a]\n\"n\"=\"text\"\n@=\"d\"\n", "[HKLM\\a]n=1:text~ =1:d~ ");
    Expect("[HKLM\\a]\r\n\"p\"=\"c:\\\\x\\\"y\"\r\n", "[HKLM\\a]p=1:c:\\x\"y~ ");
    Expect("[HKLM\\a]\n\"n\" = dword:1F ; comment\n", "[HKLM\\a]n=4:1f000000 ");
    Expect("[HKLM\\a]\n\"n\"=hex:01,2,\\\n   ff\n\"e\"=hex:\n", "[HKLM\\a]n=3:0102ff e=3: ");
    Expect("[HKLM\\a]\n\"m\"=hex(7):61,00,00,00,\\\n  00,00\n", "[HKLM\\a]m=7:610000000000 ");
    Expect("[HKLM\\a]\n\"q\"=hex(b):01,00,00,00,00,00,00,00", "[HKLM\\a]q=11:0100000000000000 ");
    Expect("[HKLM\\a]\n\"gone\"=-\n", "[HKLM\\a]gone=- ");
    Expect("[-HKLM\\a]\n[HKLM\\b]]\n", "-[HKLM\\a][HKLM\\b]]");
    Expect("; only a comment\n\n   \n", "");
    Expect("[HKLM\\\xC3\xA4]\n", "[HKLM\\?]");
}

static void TestMistakes(void)
{
    Expect("\"n\"=\"x\"\n", "!2 ");
    Expect("[HKLM\\a\n\"n\"=\"skipped\"\n[HKLM\\b]\n\"n\"=\"x\"\n", "!2 [HKLM\\b]n=1:x~ ");
    Expect("[a b]\n\"n\"=\"skipped\"\n", "[a b]!2 ");
    Expect("[HKLM\\a]\n\"n\"=\"open\n\"n\"=\"x\"\n", "[HKLM\\a]!3 n=1:x~ ");
    Expect("[HKLM\\a]\n\"n\"=\"bad \\q\"\n", "[HKLM\\a]!3 ");
    Expect("[HKLM\\a]\n\"n\"=\"a\" b\n", "[HKLM\\a]!3 ");
    Expect("[HKLM\\a]\n\"n\"=dword:\n\"n\"=dword:123456789\n", "[HKLM\\a]!3 !4 ");
    Expect("[HKLM\\a]\n\"n\"=hex:1,\\ x\n\"n\"=hex:123\n\"n\"=hex(g):1\n", "[HKLM\\a]!3 !4 !5 ");
    Expect("[HKLM\\a]\n\"n\"=hex:01,\\\n  02,\\\n  zz\n\"n\"=\"x\"\n", "[HKLM\\a]!5 n=1:x~ ");
    Expect("[HKLM\\a]\n\"n\"\n\"n\"=\nrubbish\n", "[HKLM\\a]!3 !4 !5 ");
    Expect("[-HKLM\\a]\n\"n\"=\"x\"\n", "-[HKLM\\a]!3 ");
}

static void TestHeader(void)
{
    static const char Marked[] = "\xEF\xBB\xBF" HEADER "[HKLM\\a]";

    assert(strcmp(Parse(Marked, sizeof(Marked) - 1), "[HKLM\\a]") == 0);
    assert(strcmp(Parse("REGEDIT4\n[HKLM\\a]\n", 18), "!1 [HKLM\\a]") == 0);
    assert(strcmp(Parse("", 0), "!1 ") == 0);
}

/* Pieces in any order, and bytes changed at random. */
static void TestFuzz(void)
{
    static const char *Pieces[] = {
        "[",  "]",      "HKLM\\a", "\"",           "\\", "\n",     "\r",  "=", "-",
        "@",  "dword:", "hex",     "(2)",          ":",  "01,",    "f",   ";", " ",
        "\t", "text",   "\xC3",    "\xE2\x82\xAC", ",",  "\"n\"=", "\\\n"};

    for (int Round = 0; Round < 100000; Round++) {
        char Text[400] = HEADER;
        int Count = rand() % 40;
        size_t Length;
        for (int i = 0; i < Count; i++) {
            strcat(Text, Pieces[rand() % (int)ARRAYSIZE(Pieces)]);
        }
        Length = strlen(Text);
        if (Round % 4 == 0) {
            Text[(size_t)rand() % Length] = (char)rand();
        }
        Parse(Text, (size_t)rand() % 3 == 0 ? (size_t)rand() % Length : Length);
    }
}

int main(void)
{
    TestValues();
    TestMistakes();
    TestHeader();
    TestFuzz();
    printf("ok\n");
    return 0;
}
