/*
 * line.c - the line editor.
 *
 * Keys are those of a shell: arrows, Home, End, Delete, Ctrl-A E B F H D U K W L P N C and Tab.
 * Text is UTF-8 and the cursor moves by whole characters, each taken to be one column wide.
 *
 * The width of the terminal is not known, so nothing may depend on where it wraps: a line that does
 * not fit into KDP_COLUMNS scrolls sideways in its row, and is written out in full once when it is
 * finished. A character typed at the end of a line that fits is simply echoed; every other change
 * redraws the row, once for all bytes that arrive together, so that pasting is no slower than
 * reading.
 *
 * Pure: what it sees are bytes and what it does is calling Write and Complete.
 */
#include "line.h"

/* Ctrl and a letter send the letter's code less 40h: Ctrl-A is 1. */
#define CONTROL(Letter) ((Letter)-0x40)
#define KEY_BACKSPACE 0x7F
#define KEY_ESCAPE 0x1B

/* EscapeState */
#define NO_ESCAPE 0
#define AFTER_ESCAPE 1 /* ESC */
#define IN_SEQUENCE 2  /* ESC [ or ESC O, then digits and semicolons */

static void WriteText(PKDP_LINE Line, const CHAR *Text)
{
    Line->Write(Line->Context, Text, strlen(Text));
}

/* In UTF-8 the bytes of a character after its first are 10xxxxxx, and no first byte is. */
static BOOLEAN IsContinuation(CHAR Byte)
{
    return (Byte & 0xC0) == 0x80;
}

/* Start of the character before or after a position. */
static ULONG PreviousCharacter(PKDP_LINE Line, ULONG Position)
{
    while (Position != 0 && IsContinuation(Line->Text[--Position])) {
    }
    return Position;
}

static ULONG NextCharacter(PKDP_LINE Line, ULONG Position)
{
    if (Position == Line->Length) {
        return Position;
    }
    do {
        Position++;
    } while (IsContinuation(Line->Text[Position]));
    return Position;
}

static ULONG CountColumns(PKDP_LINE Line, ULONG Start, ULONG End)
{
    ULONG Columns = 0;

    for (; Start != End; Start++) {
        Columns += !IsContinuation(Line->Text[Start]);
    }
    return Columns;
}

/* Columns beside the prompt; one is left for the cursor behind the last character. */
static ULONG WindowColumns(PKDP_LINE Line)
{
    return KDP_COLUMNS - 1 - (ULONG)strlen(Line->Prompt);
}

/* Moves the window so that the cursor is inside; by half its width, so that it moves seldom. */
static void PlaceWindow(PKDP_LINE Line)
{
    ULONG Columns = WindowColumns(Line);

    if (CountColumns(Line, 0, Line->Length) <= Columns) {
        Line->Window = 0;
    }
    /* What stood at the window's start may have been edited since it was shown. */
    while (Line->Window != 0 && IsContinuation(Line->Text[Line->Window])) {
        Line->Window--;
    }
    while (Line->Window > Line->Cursor) {
        for (ULONG i = 0; i < Columns / 2; i++) {
            Line->Window = PreviousCharacter(Line, Line->Window);
        }
    }
    while (CountColumns(Line, Line->Window, Line->Cursor) > Columns) {
        for (ULONG i = 0; i < Columns / 2; i++) {
            Line->Window = NextCharacter(Line, Line->Window);
        }
    }
}

void KdpRedrawLine(PKDP_LINE Line)
{
    ULONG End, Columns;
    CHAR Move[16] = "\x1B[00C"; /* "so many columns to the right" */

    /* The byte that comes last finds Stale and draws once for all. */
    Line->Stale = Line->MoreFollow;
    if (Line->Stale) {
        return;
    }
    PlaceWindow(Line);
    End = Line->Window;
    for (Columns = WindowColumns(Line); Columns != 0 && End != Line->Length; Columns--) {
        End = NextCharacter(Line, End);
    }
    WriteText(Line, "\r");
    WriteText(Line, Line->Prompt);
    Line->Write(Line->Context, Line->Text + Line->Window, End - Line->Window);
    WriteText(Line, "\x1B[K"); /* what the row showed beyond the new end */
    if (Line->Cursor != End) {
        Columns = (ULONG)strlen(Line->Prompt) + CountColumns(Line, Line->Window, Line->Cursor);
        Move[2] = (CHAR)('0' + Columns / 10);
        Move[3] = (CHAR)('0' + Columns % 10);
        WriteText(Line, "\r");
        WriteText(Line, Move);
    }
}

void KdpInsertText(PKDP_LINE Line, const CHAR *Text, ULONG Length)
{
    BOOLEAN AtEnd = Line->Cursor == Line->Length;

    if (Line->Length + Length >= sizeof(Line->Text)) {
        WriteText(Line, "\a");
        return;
    }
    memmove(Line->Text + Line->Cursor + Length, Line->Text + Line->Cursor,
            Line->Length - Line->Cursor + 1);
    memcpy(Line->Text + Line->Cursor, Text, Length);
    Line->Length += Length;
    Line->Cursor += Length;
    if (AtEnd && !Line->Stale && CountColumns(Line, 0, Line->Length) <= WindowColumns(Line)) {
        Line->Write(Line->Context, Text, Length);
    } else {
        KdpRedrawLine(Line);
    }
}

/* Takes [Start, End) out of the line and leaves the cursor there. */
static void EraseText(PKDP_LINE Line, ULONG Start, ULONG End)
{
    memmove(Line->Text + Start, Line->Text + End, Line->Length - End + 1);
    Line->Length -= End - Start;
    Line->Cursor = Start;
    if (Start != End) {
        KdpRedrawLine(Line);
    }
}

void KdpEraseBefore(PKDP_LINE Line, ULONG Count)
{
    EraseText(Line, Line->Cursor - Count, Line->Cursor);
}

static void MoveCursor(PKDP_LINE Line, ULONG Position)
{
    if (Position != Line->Cursor) {
        Line->Cursor = Position;
        KdpRedrawLine(Line);
    }
}

/* Start of the word before the cursor, with the blanks after it. */
static ULONG PreviousWord(PKDP_LINE Line)
{
    ULONG Position = Line->Cursor;

    while (Position != 0 && Line->Text[Position - 1] == ' ') {
        Position--;
    }
    while (Position != 0 && Line->Text[Position - 1] != ' ') {
        Position--;
    }
    return Position;
}

static void SetText(PKDP_LINE Line, const CHAR *Text)
{
    Line->Length = Line->Cursor = (ULONG)strlen(Text);
    memcpy(Line->Text, Text, Line->Length + 1);
    KdpRedrawLine(Line);
}

/* One line further back in the history; the unfinished line is kept. */
static void ShowOlder(PKDP_LINE Line)
{
    ULONG Position = Line->HistoryPosition;

    if (Position == 0) {
        return;
    }
    if (Position == Line->HistoryLength) {
        memcpy(Line->Unfinished, Line->Text, Line->Length + 1);
    }
    Position--; /* the terminator of the line before */
    while (Position != 0 && Line->History[Position - 1] != 0) {
        Position--;
    }
    Line->HistoryPosition = Position;
    SetText(Line, Line->History + Position);
}

static void ShowNewer(PKDP_LINE Line)
{
    const CHAR *Shown = Line->History + Line->HistoryPosition;

    if (Line->HistoryPosition == Line->HistoryLength) {
        return;
    }
    Line->HistoryPosition += (ULONG)strlen(Shown) + 1;
    SetText(Line, Line->HistoryPosition == Line->HistoryLength
                      ? Line->Unfinished
                      : Line->History + Line->HistoryPosition);
}

/* The newest line in the history, or "". */
static const CHAR *NewestLine(PKDP_LINE Line)
{
    ULONG Position = Line->HistoryLength == 0 ? 0 : Line->HistoryLength - 1;

    while (Position != 0 && Line->History[Position - 1] != 0) {
        Position--;
    }
    return Line->HistoryLength == 0 ? "" : Line->History + Position;
}

/* A line that was just given again is not kept twice. The oldest lines make room: the history is
 * one run of terminated strings, and moving 4 KB once a line costs nothing. */
static void AddToHistory(PKDP_LINE Line)
{
    ULONG Size = Line->Length + 1;

    if (Line->Length == 0 || strcmp(NewestLine(Line), Line->Text) == 0) {
        return;
    }
    while (Line->HistoryLength + Size > sizeof(Line->History)) {
        ULONG Oldest = (ULONG)strlen(Line->History) + 1;
        Line->HistoryLength -= Oldest;
        memmove(Line->History, Line->History + Oldest, Line->HistoryLength);
    }
    memcpy(Line->History + Line->HistoryLength, Line->Text, Size);
    Line->HistoryLength += Size;
}

/* Shows a line that had to scroll in full, once, for the log and for copying. */
static KDP_LINE_RESULT FinishLine(PKDP_LINE Line)
{
    Line->MoreFollow = FALSE;
    if (CountColumns(Line, 0, Line->Length) > WindowColumns(Line)) {
        WriteText(Line, "\r");
        WriteText(Line, Line->Prompt);
        WriteText(Line, Line->Text);
        WriteText(Line, "\x1B[K");
    } else if (Line->Stale) {
        KdpRedrawLine(Line);
    }
    WriteText(Line, "\r\n");
    AddToHistory(Line);
    return KdpLineDone;
}

static void ClearScreen(PKDP_LINE Line)
{
    WriteText(Line, "\x1B[H\x1B[2J");
    KdpRedrawLine(Line);
}

/* Keys that are one control character, apart from those that end the line. */
static void InputControl(PKDP_LINE Line, UCHAR Byte)
{
    switch (Byte) {
    case CONTROL('A'):
        MoveCursor(Line, 0);
        break;
    case CONTROL('E'):
        MoveCursor(Line, Line->Length);
        break;
    case CONTROL('B'):
        MoveCursor(Line, PreviousCharacter(Line, Line->Cursor));
        break;
    case CONTROL('F'):
        MoveCursor(Line, NextCharacter(Line, Line->Cursor));
        break;
    case CONTROL('H'):
    case KEY_BACKSPACE:
        EraseText(Line, PreviousCharacter(Line, Line->Cursor), Line->Cursor);
        break;
    case CONTROL('D'):
        EraseText(Line, Line->Cursor, NextCharacter(Line, Line->Cursor));
        break;
    case CONTROL('U'):
        EraseText(Line, 0, Line->Cursor);
        break;
    case CONTROL('K'):
        EraseText(Line, Line->Cursor, Line->Length);
        break;
    case CONTROL('W'):
        EraseText(Line, PreviousWord(Line), Line->Cursor);
        break;
    case CONTROL('L'):
        ClearScreen(Line);
        break;
    case CONTROL('P'):
        ShowOlder(Line);
        break;
    case CONTROL('N'):
        ShowNewer(Line);
        break;
    case CONTROL('I'):
        Line->MoreFollow = FALSE;
        Line->Complete(Line->Context, Line);
        break;
    }
}

/* The control character that does what an escape sequence asks for; 0 for an unknown one. Home and
 * End have three spellings among terminals: H and F, 1~ and 4~, 7~ and 8~. */
static UCHAR TranslateSequence(UCHAR Final, ULONG Number)
{
    switch (Final) {
    case 'A':
        return CONTROL('P');
    case 'B':
        return CONTROL('N');
    case 'C':
        return CONTROL('F');
    case 'D':
        return CONTROL('B');
    case 'H':
        return CONTROL('A');
    case 'F':
        return CONTROL('E');
    case '~':
        return Number == 1 || Number == 7   ? CONTROL('A')
               : Number == 4 || Number == 8 ? CONTROL('E')
               : Number == 3                ? CONTROL('D')
                                            : 0;
    }
    return 0;
}

/* A byte of an escape sequence. Unknown sequences are read to their end and ignored. */
static void InputEscape(PKDP_LINE Line, UCHAR Byte)
{
    if (Line->EscapeState == AFTER_ESCAPE) {
        Line->EscapeState = Byte == '[' || Byte == 'O' ? IN_SEQUENCE : NO_ESCAPE;
        Line->EscapeNumber = 0;
    } else if (Byte >= '0' && Byte <= '9') {
        Line->EscapeNumber = (Line->EscapeNumber * 10 + (Byte - '0')) % 1000;
    } else if (Byte >= 0x40) {
        Line->EscapeState = NO_ESCAPE;
        InputControl(Line, TranslateSequence(Byte, Line->EscapeNumber));
    } else if (Byte < ' ') {
        Line->EscapeState = NO_ESCAPE; /* no such byte belongs to a sequence */
    }
}

/* Bytes of the character that a byte begins; 0 when it begins none. C0h, C1h and F5h up would begin
 * only what has a shorter form or lies beyond Unicode. */
static ULONG CharacterLength(UCHAR Lead)
{
    return Lead < 0x80   ? 1
           : Lead < 0xC2 ? 0
           : Lead < 0xE0 ? 2
           : Lead < 0xF0 ? 3
           : Lead < 0xF5 ? 4
                         : 0;
}

/* Text arrives by bytes and is put in by characters; bytes that make none are dropped. */
static void InputText(PKDP_LINE Line, UCHAR Byte)
{
    if (!IsContinuation((CHAR)Byte)) {
        Line->PartialLength = 0;
    } else if (Line->PartialLength == 0) {
        return;
    }
    Line->Partial[Line->PartialLength++] = (CHAR)Byte;
    if (CharacterLength((UCHAR)Line->Partial[0]) == 0) {
        Line->PartialLength = 0;
    } else if (CharacterLength((UCHAR)Line->Partial[0]) == Line->PartialLength) {
        KdpInsertText(Line, Line->Partial, Line->PartialLength);
        Line->PartialLength = 0;
    }
}

KDP_LINE_RESULT KdpInputByte(PKDP_LINE Line, UCHAR Byte, BOOLEAN MoreFollow)
{
    BOOLEAN AfterReturn = Line->AfterReturn;

    Line->MoreFollow = MoreFollow;
    Line->AfterReturn = Byte == '\r';
    if (Byte == CONTROL('C')) {
        WriteText(Line, "^C\r\n");
        return KdpLineAbandoned;
    }
    if (Byte == '\r' || (Byte == '\n' && !AfterReturn)) {
        return FinishLine(Line);
    }
    if (Line->EscapeState != NO_ESCAPE) {
        InputEscape(Line, Byte);
    } else if (Byte == KEY_ESCAPE) {
        Line->EscapeState = AFTER_ESCAPE;
    } else if (Byte < ' ' || Byte == KEY_BACKSPACE) {
        InputControl(Line, Byte);
    } else {
        InputText(Line, Byte);
    }
    if (Line->Stale && !Line->MoreFollow) {
        KdpRedrawLine(Line);
    }
    return KdpLineGoesOn;
}

void KdpBeginLine(PKDP_LINE Line)
{
    Line->Text[0] = 0;
    Line->Length = Line->Cursor = Line->Window = 0;
    Line->PartialLength = 0;
    Line->EscapeState = NO_ESCAPE;
    Line->MoreFollow = Line->Stale = FALSE;
    Line->HistoryPosition = Line->HistoryLength;
    WriteText(Line, Line->Prompt);
}
