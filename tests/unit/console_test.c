/*
 * Proves what the console makes of keys and lines: editing, history and scrolling, seen on a
 * terminal that is played here; the splitting of lines into commands and words; numbers; and that
 * every status value has its name.
 *
 * unit-sources: kernel/kd/line.c kernel/kd/words.c kernel/kd/status.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/inc/kd.h"
#include "kernel/kd/line.h"
#include "kernel/kd/words.h"

#define ROWS 8

/* A terminal of KDP_COLUMNS columns that understands what the editor sends, and stops the test at
 * anything else. A cell holds the first byte of its character. */
static char Screen[ROWS][KDP_COLUMNS + 1];
static int Row, Column;
static char Escape[16];
static KDP_LINE Line;

static void Control(char Byte)
{
    int Number;

    strncat(Escape, &Byte, 1);
    if (strcmp(Escape, "\x1B[K") == 0) {
        memset(Screen[Row] + Column, ' ', (size_t)(KDP_COLUMNS - Column));
    } else if (strcmp(Escape, "\x1B[H") == 0) {
        Row = Column = 0;
    } else if (strcmp(Escape, "\x1B[2J") == 0) {
        memset(Screen, ' ', sizeof(Screen));
    } else if (Byte == 'C' && sscanf(Escape, "\x1B[%2dC", &Number) == 1) {
        Column += Number;
        assert(Number > 0 && Column < KDP_COLUMNS);
    } else {
        assert(strlen(Escape) < 6 && (Byte == 0x1B || Byte == '[' || (Byte >= '0' && Byte <= '9')));
        return;
    }
    Escape[0] = 0;
}

static void NextRow(void)
{
    if (++Row == ROWS) {
        memmove(Screen[0], Screen[1], sizeof(Screen[0]) * (ROWS - 1));
        memset(Screen[--Row], ' ', KDP_COLUMNS);
    }
}

static void Show(PVOID Context, const CHAR *Text, SIZE_T Length)
{
    (void)Context;
    for (; Length != 0; Text++, Length--) {
        if (Escape[0] != 0 || *Text == 0x1B) {
            Control(*Text);
        } else if (*Text == '\r') {
            Column = 0;
        } else if (*Text == '\n') {
            NextRow();
        } else if ((*Text & 0xC0) != 0x80 && *Text != '\a') {
            assert((UCHAR)*Text >= ' ');
            if (Column == KDP_COLUMNS) {
                Column = 0;
                NextRow();
            }
            Screen[Row][Column++] = *Text;
        }
    }
}

static void Complete(PVOID Context, PKDP_LINE Edited)
{
    (void)Context;
    KdpInsertText(Edited, "<TAB>", 5);
}

static void Begin(void)
{
    memset(&Line, 0, sizeof(Line));
    memset(Screen, ' ', sizeof(Screen));
    Row = Column = 0;
    Line.Write = Show;
    Line.Complete = Complete;
    Line.Prompt = "> ";
    KdpBeginLine(&Line);
}

/* The row must show the line from the window on, and the cursor in its place. */
static void CheckScreen(void)
{
    ULONG Position = Line.Window, Place = 0;

    assert(strncmp(Screen[Row], "> ", 2) == 0);
    for (ULONG Cell = 2; Cell < KDP_COLUMNS; Cell++) {
        if (Position == Line.Cursor && Place == 0) {
            Place = Cell;
        }
        if (Cell < KDP_COLUMNS - 1) {
            assert(Screen[Row][Cell] == (Position < Line.Length ? Line.Text[Position] : ' '));
        }
        Position += Position < Line.Length;
        while ((Line.Text[Position] & 0xC0) == 0x80) {
            Position++;
        }
    }
    assert((ULONG)Column == Place);
}

/* Types keys, some of which arrive together with the next. */
static KDP_LINE_RESULT Type(const char *Keys)
{
    for (; *Keys != 0; Keys++) {
        BOOLEAN More = Keys[1] != 0 && rand() % 3 == 0;
        KDP_LINE_RESULT Result = KdpInputByte(&Line, (UCHAR)*Keys, More);
        assert(strlen(Line.Text) == Line.Length && Line.Cursor <= Line.Length);
        if (Result != KdpLineGoesOn) {
            assert(Column == 0);
            return Result;
        }
        if (!Line.Stale) {
            CheckScreen();
        }
        assert(More || !Line.Stale);
    }
    return KdpLineGoesOn;
}

static void Expect(const char *Keys, const char *Text)
{
    assert(Type(Keys) == KdpLineDone);
    if (strcmp(Line.Text, Text) != 0) {
        printf("got \"%s\", wanted \"%s\"\n", Line.Text, Text);
        exit(1);
    }
    KdpBeginLine(&Line);
}

static void TestEditing(void)
{
    Begin();
    Expect("help\r", "help");
    Expect("\nirql\n", "irql"); /* the line feed belongs to the return before */
    Begin();
    Expect("hlp\x1B[D\x1B[De\r", "help");
    Expect("xhelp\x01\x1B[3~\r", "help");
    Expect("elp\x1B[Hh\x1B[F!\r", "help!");
    Expect("abc\x7F\x08"
           "d\r",
           "ad");
    Expect("one two three\x17\x17X\r", "one X");
    Expect("abcdef\x02\x02\x0B\r", "abcd");
    Expect("abcdef\x02\x02\x15\r", "ef");
    Expect("a\x1B[5;7Rb\x1BOCc\x1B[?1xd\r", "abcd");
    Expect("\x04\x7F\x02\x06\x15\x0B\x17\r", "");
    Expect("a\x1Bxb\r", "ab");
    Expect("a\tb\r", "a<TAB>b");
    Expect("a\x0C"
           "b\r",
           "ab");
    assert(Type("rubbish\x03") == KdpLineAbandoned);
    KdpBeginLine(&Line);
    Expect("ok\r", "ok");
}

static void TestUtf8(void)
{
    Begin();
    Expect("a\xC3\xA9\xE2\x82\xAC\x7F\r", "a\xC3\xA9");
    Expect("\xF0\x9F\x98\x80x\x02\x02y\r", "y\xF0\x9F\x98\x80x");
    Expect("a\xE2\x82"
           "b\x80\xFF\r",
           "ab");
}

static void TestHistory(void)
{
    Begin();
    Expect("one\r", "one");
    Expect("two\r", "two");
    Expect("two\r", "two");
    Expect("\x1B[A\x1B[A\r", "one");
    Expect("\x10\x10\x10\x10\x0E\r", "two");
    Expect("new\x1B[A\x1B[B!\r", "new!");
    Expect("\x1B[B\x1B[Bx\r", "x");
    for (int i = 0; i < 3000; i++) {
        char Keys[64];
        sprintf(Keys, "command number %d with some length\r", i);
        Type(Keys);
        KdpBeginLine(&Line);
    }
    Expect("\x10\r", "command number 2999 with some length");
    for (int i = 0; i < 200; i++) {
        Type("\x10");
    }
    assert(strncmp(Line.Text, "command number 28", 17) == 0);
}

/* A line wider than the terminal scrolls in its row, and comes out whole at the end. */
static void TestLongLine(void)
{
    char Keys[KDP_LINE_SIZE + 100];

    Begin();
    for (int i = 0; i < 200; i++) {
        Keys[i] = (char)('a' + i % 26);
    }
    strcpy(Keys + 200, "\x01<\x05>\r");
    assert(Type(Keys) == KdpLineDone);
    assert(Line.Length == 202 && Line.Text[0] == '<' && Line.Text[201] == '>');
    assert(strncmp(Screen[0], "> <abcdef", 9) == 0 && Row == 3 && Screen[2][43] == '>');
    Begin();
    memset(Keys, 'x', sizeof(Keys));
    Keys[sizeof(Keys) - 1] = 0;
    Type(Keys);
    assert(Line.Length == KDP_LINE_SIZE - 1);
}

static void TestFuzzKeys(void)
{
    static const char *Keys[] = {
        "a",       "b",    " ",    "\xC3\xA9",   "\x01", "\x02",
        "\x04",    "\x05", "\x06", "\x7F",       "\x0B", "\x0C",
        "\x0E",    "\x10", "\x15", "\x17",       "\t",   "\x1B[A",
        "\x1B[3~", "\x1B", "[",    "0123456789", "\xE2", "long long long word",
        "\x80"};

    Begin();
    for (int i = 0; i < 200000; i++) {
        if (rand() % 60 == 0 || Type(Keys[rand() % (int)ARRAYSIZE(Keys)]) != KdpLineGoesOn) {
            Type("\r");
            KdpBeginLine(&Line);
        }
    }
}

static void ExpectCommands(const char *Text, const char *Wanted)
{
    const CHAR *Command;
    char Got[256] = "";
    SIZE_T Length;

    while (KdpTakeCommand(&Text, &Command, &Length)) {
        strcat(Got, "<");
        strncat(Got, Command, Length);
        strcat(Got, ">");
    }
    assert(strcmp(Got, Wanted) == 0);
}

static void ExpectWords(const char *Text, const char *Wanted)
{
    char Copy[256], Got[256] = "";
    CHAR *Words[4];
    int Count;

    strcpy(Copy, Text);
    Count = KdpSplitWords(Copy, Words, 4);
    for (int i = 0; i < Count; i++) {
        strcat(strcat(strcat(Got, "<"), Words[i]), ">");
    }
    assert(strcmp(Got, Wanted) == 0);
}

static void TestSplitting(void)
{
    ULONG64 Value;

    ExpectCommands("", "");
    ExpectCommands("a", "<a>");
    ExpectCommands(" a b ;c; ;", "<a b><c><>");
    ExpectCommands("echo \"a;b\"; c", "<echo \"a;b\"><c>");
    ExpectCommands("echo \"open; c", "<echo \"open; c>");
    ExpectWords("  sc  create\tx ", "<sc><create><x>");
    ExpectWords("a \"b c\"d \"\" e", "<a><b cd><><e>");
    ExpectWords("c:\\x\\ \"open", "<c:\\x\\><open>");
    ExpectWords("1 2 3 4 5", "<1><2><3><4>");
    assert(KdHasWord(" exec", "exec") && KdHasWord("a exec b", "exec"));
    assert(!KdHasWord("execute noexec exec=1", "exec"));
    assert(KdParseNumber("0", &Value) && Value == 0);
    assert(KdParseNumber("18446744073709551615", &Value) && Value == ~0ULL);
    assert(!KdParseNumber("18446744073709551616", &Value) && !KdParseNumber("", &Value));
    assert(KdParseNumber("0xFfffFFFFffffFFFF", &Value) && Value == ~0ULL);
    assert(!KdParseNumber("0x", &Value) && !KdParseNumber("12a", &Value));
    assert(KdParseHexadecimal("12a", &Value) && Value == 0x12A);
    assert(KdParseHexadecimal("0xFFFFFFFF8000004c", &Value) && Value == 0xFFFFFFFF8000004CULL);
    assert(!KdParseHexadecimal("", &Value) && !KdParseHexadecimal("0x", &Value));
    assert(!KdParseHexadecimal("beeq", &Value) && !KdParseHexadecimal("12345678123456781", &Value));
    assert(!KdParseNumber("-1", &Value) && !KdParseNumber("0x10000000000000000", &Value));
}

/* Every #define STATUS_... of a header, as a person would look it up. */
static unsigned CountStatusNames(const char *Header)
{
    FILE *File = fopen(Header, "r");
    char Text[256], Name[128];
    unsigned Value, Count = 0;

    assert(File != NULL);
    while (fgets(Text, sizeof(Text), File) != NULL) {
        if (sscanf(Text, "#define %127s ((NTSTATUS)0x%x)", Name, &Value) == 2) {
            if (KdStatusName((NTSTATUS)Value) == NULL) {
                printf("%s has no name\n", Name);
                exit(1);
            }
            Count++;
        }
    }
    fclose(File);
    return Count;
}

static void TestStatusNames(void)
{
    assert(CountStatusNames("lib/ddk/ntstatus.h") > 100);
    assert(CountStatusNames("lib/ddk/nt/status_errors.h") > 300);
    assert(CountStatusNames("lib/ddk/nt/status_errors2.h") > 250);
    assert(strcmp(KdStatusName(STATUS_CANCELLED), "STATUS_CANCELLED") == 0);
    assert(strcmp(KdStatusName(STATUS_WAIT_0), "STATUS_SUCCESS") == 0);
    assert(KdStatusName((NTSTATUS)0xC0FFEE00) == NULL);
}

int main(void)
{
    TestEditing();
    TestUtf8();
    TestHistory();
    TestLongLine();
    TestFuzzKeys();
    TestSplitting();
    TestStatusNames();
    printf("ok\n");
    return 0;
}
