/*
 * regfile.c - parser of REGEDIT text files ("Windows Registry Editor Version 5.00"), in UTF-8.
 *
 *     [HKEY_LOCAL_MACHINE\SYSTEM\...]    [-key to delete]    ; comment
 *     "name"="text with \\ and \""       @="the default value"    "gone"=-
 *     "n"=dword:0000000a                 "b"=hex:01,02,\          hex(2): hex(7): hex(b): ...
 *       03
 *
 * One statement a line; only hex data goes on over lines. A mistake costs its own line: it is
 * reported and parsing goes on with the next. Values under a key that failed are skipped in
 * silence.
 *
 * Pure: all memory is the caller's scratch area, reset for each line, so the size of a line bounds
 * what it can need (2 bytes per character of text, and a terminator for name and data).
 */
#include "cm.h"
#include "regfile.h"

#define SIGNATURE "Windows Registry Editor Version 5.00"
#define END_OF_LINE (-1)

typedef enum _CMP_SECTION {
    NoSection,
    GoodSection,
    BadSection
} CMP_SECTION;

typedef struct _CMP_PARSER {
    const CHAR *Next;
    const CHAR *End;
    ULONG Line;
    ULONG Errors;
    CMP_SECTION Section;
    UCHAR *Scratch;
    UCHAR *Free; /* next free byte of the scratch area, even */
    const CM_REGFILE_SINK *Sink;
} CMP_PARSER, *PCMP_PARSER;

/* Answers FALSE, so that a routine can report and give up in one return. */
static BOOLEAN Fail(PCMP_PARSER Parser, const char *Text)
{
    Parser->Errors++;
    Parser->Sink->Error(Parser->Sink->Context, Parser->Line, Text);
    return FALSE;
}

/* The next character of this line, or END_OF_LINE. */
static LONG Peek(PCMP_PARSER Parser)
{
    if (Parser->Next == Parser->End || *Parser->Next == '\n' || *Parser->Next == '\r') {
        return END_OF_LINE;
    }
    return (UCHAR)*Parser->Next;
}

static void SkipBlanks(PCMP_PARSER Parser)
{
    while (Peek(Parser) == ' ' || Peek(Parser) == '\t') {
        Parser->Next++;
    }
}

/* Goes to the start of the next line, whether it ends with CR, LF or both. */
static void NextLine(PCMP_PARSER Parser)
{
    while (Peek(Parser) != END_OF_LINE) {
        Parser->Next++;
    }
    if (Parser->Next != Parser->End && *Parser->Next == '\r') {
        Parser->Next++;
    }
    if (Parser->Next != Parser->End && *Parser->Next == '\n') {
        Parser->Next++;
    }
    Parser->Line++;
}

/* Steps over Word, in any case, when the line goes on with it. */
static BOOLEAN Accept(PCMP_PARSER Parser, const char *Word)
{
    SIZE_T Length = strlen(Word);

    if ((SIZE_T)(Parser->End - Parser->Next) < Length ||
        _strnicmp(Parser->Next, Word, Length) != 0) {
        return FALSE;
    }
    Parser->Next += Length;
    return TRUE;
}

/* A hexadecimal number of 1 to Limit digits. The loop reads one digit too many on purpose: a longer
 * number is refused, not cut. */
static BOOLEAN ParseHex(PCMP_PARSER Parser, ULONG Limit, ULONG *Value)
{
    ULONG Digits;

    *Value = 0;
    for (Digits = 0; Digits <= Limit; Digits++) {
        LONG Character = tolower(Peek(Parser));
        if (Character >= '0' && Character <= '9') {
            *Value = *Value << 4 | (ULONG)(Character - '0');
        } else if (Character >= 'a' && Character <= 'f') {
            *Value = *Value << 4 | (ULONG)(Character - 'a' + 10);
        } else {
            break;
        }
        Parser->Next++;
    }
    return Digits >= 1 && Digits <= Limit;
}

/* Converts bytes of the file to UTF-16 in the scratch area, terminated. It cannot fail for its
 * contents: what is no character becomes U+FFFD (lib/rtl/utf.c). */
static BOOLEAN StoreText(PCMP_PARSER Parser, const CHAR *Text, SIZE_T Length,
                         PUNICODE_STRING Stored)
{
    ANSI_STRING Source = {(USHORT)Length, (USHORT)Length, (PCHAR)Text};

    if (Length >= UNICODE_STRING_MAX_CHARS) {
        return Fail(Parser, "text is too long");
    }
    Stored->Buffer = (PWCH)(PVOID)Parser->Free;
    Stored->Length = 0;
    Stored->MaximumLength = (USHORT)((Length + 1) * sizeof(WCHAR));
    RtlAnsiStringToUnicodeString(Stored, &Source, FALSE);
    Parser->Free += Stored->Length + sizeof(WCHAR);
    return TRUE;
}

/* Takes the backslashes out of \\ and \" in place, after the conversion: in UTF-8 no byte of a
 * longer character looks like a backslash, so the string's end was found without it. */
static BOOLEAN RemoveEscapes(PCMP_PARSER Parser, PUNICODE_STRING String)
{
    ULONG Count = String->Length / sizeof(WCHAR), Kept = 0;

    for (ULONG i = 0; i < Count; i++) {
        if (String->Buffer[i] == '\\') {
            i++; /* never the last character: the closing quote would belong to it */
            if (String->Buffer[i] != '\\' && String->Buffer[i] != '"') {
                return Fail(Parser, "only \\\\ and \\\" may follow a backslash");
            }
        }
        String->Buffer[Kept++] = String->Buffer[i];
    }
    String->Buffer[Kept] = UNICODE_NULL;
    String->Length = (USHORT)(Kept * sizeof(WCHAR));
    return TRUE;
}

/* A string in quotes, the first of which is next. */
static BOOLEAN ParseString(PCMP_PARSER Parser, PUNICODE_STRING String)
{
    const CHAR *Start = ++Parser->Next;

    while (Peek(Parser) != '"') {
        if (Peek(Parser) == '\\') {
            Parser->Next++;
        }
        if (Peek(Parser) == END_OF_LINE) {
            return Fail(Parser, "string is not closed");
        }
        Parser->Next++;
    }
    Parser->Next++;
    return StoreText(Parser, Start, (SIZE_T)(Parser->Next - 1 - Start), String) &&
           RemoveEscapes(Parser, String);
}

/* Steps over a backslash that ends a line, and to what follows on the next. */
static BOOLEAN SkipContinuation(PCMP_PARSER Parser)
{
    Parser->Next++;
    SkipBlanks(Parser);
    if (Peek(Parser) != END_OF_LINE) {
        return Fail(Parser, "a backslash between bytes must end the line");
    }
    NextLine(Parser);
    SkipBlanks(Parser);
    return TRUE;
}

/* Bytes in hexadecimal with commas between them, over any number of lines, into the scratch
 * area. */
static BOOLEAN ParseBytes(PCMP_PARSER Parser, ULONG *Size)
{
    UCHAR *Start = Parser->Free;
    ULONG Byte;

    for (;;) {
        SkipBlanks(Parser);
        if (Peek(Parser) == '\\') {
            if (!SkipContinuation(Parser)) {
                return FALSE;
            }
            continue;
        }
        if (Peek(Parser) == END_OF_LINE || Peek(Parser) == ';') {
            break;
        }
        if (!ParseHex(Parser, 2, &Byte)) {
            return Fail(Parser, "expected a byte of two hexadecimal digits");
        }
        *Parser->Free++ = (UCHAR)Byte;
        SkipBlanks(Parser);
        if (!Accept(Parser, ",")) {
            break;
        }
    }
    *Size = (ULONG)(Parser->Free - Start);
    return TRUE;
}

/* What hex( ) puts before the bytes: the type, and the colon. */
static BOOLEAN ParseHexType(PCMP_PARSER Parser, ULONG *Type)
{
    *Type = REG_BINARY;
    if (Accept(Parser, "(") && (!ParseHex(Parser, 8, Type) || !Accept(Parser, ")"))) {
        return Fail(Parser, "expected a type in hexadecimal between the parentheses");
    }
    return Accept(Parser, ":") || Fail(Parser, "expected a colon after hex");
}

/* The right side of a value into the scratch area. */
static BOOLEAN ParseData(PCMP_PARSER Parser, ULONG *Type, const VOID **Data, ULONG *Size)
{
    UNICODE_STRING String;

    *Data = Parser->Free;
    if (Peek(Parser) == '"') {
        if (!ParseString(Parser, &String)) {
            return FALSE;
        }
        *Type = REG_SZ;
        *Size = String.Length + sizeof(WCHAR);
        return TRUE;
    }
    if (Accept(Parser, "dword:")) {
        *Type = REG_DWORD;
        *Size = sizeof(ULONG);
        return ParseHex(Parser, 8, (ULONG *)(PVOID)Parser->Free) ||
               Fail(Parser, "expected up to eight hexadecimal digits after dword:");
    }
    if (Accept(Parser, "hex")) {
        return ParseHexType(Parser, Type) && ParseBytes(Parser, Size);
    }
    return Fail(Parser, "expected \"text\", dword:, hex: or - after the equals sign");
}

/* Nothing but a comment may follow a statement. */
static BOOLEAN ExpectEnd(PCMP_PARSER Parser)
{
    SkipBlanks(Parser);
    return Peek(Parser) == END_OF_LINE || Peek(Parser) == ';' ||
           Fail(Parser, "unexpected text at the end of the line");
}

static void Report(PCMP_PARSER Parser, NTSTATUS Status, const char *Text)
{
    if (!NT_SUCCESS(Status)) {
        Fail(Parser, Text);
    }
}

static BOOLEAN ParseName(PCMP_PARSER Parser, PUNICODE_STRING Name)
{
    if (Accept(Parser, "@")) {
        return StoreText(Parser, "", 0, Name);
    }
    return ParseString(Parser, Name);
}

static void ParseValue(PCMP_PARSER Parser)
{
    UNICODE_STRING Name;
    const VOID *Data = NULL;
    ULONG Type = REG_NONE, Size = 0;
    BOOLEAN Delete;

    if (!ParseName(Parser, &Name)) {
        return;
    }
    SkipBlanks(Parser);
    if (!Accept(Parser, "=")) {
        Fail(Parser, "expected an equals sign after the name");
        return;
    }
    SkipBlanks(Parser);
    /* Aligned for the reader of the data, who gets a pointer into the scratch area. */
    Parser->Free = Parser->Scratch + ((Parser->Free - Parser->Scratch + 7) & ~7LL);
    Delete = Accept(Parser, "-");
    if ((!Delete && !ParseData(Parser, &Type, &Data, &Size)) || !ExpectEnd(Parser)) {
        return;
    }
    if (Parser->Section == NoSection) {
        Fail(Parser, "a value needs a key above it");
    } else if (Parser->Section == GoodSection) {
        Report(Parser,
               Parser->Sink->Value(Parser->Sink->Context, Name.Buffer, Type, Data, Size, Delete),
               "the value cannot be set");
    }
}

/* "[path]": a path may hold brackets itself, so the line's last one closes it. */
static void ParseKey(PCMP_PARSER Parser)
{
    const CHAR *Start, *Close = NULL;
    UNICODE_STRING Path;
    BOOLEAN Delete;
    NTSTATUS Status;

    Parser->Section = BadSection;
    Parser->Next++;
    Delete = Accept(Parser, "-");
    for (Start = Parser->Next; Peek(Parser) != END_OF_LINE; Parser->Next++) {
        if (Peek(Parser) == ']') {
            Close = Parser->Next;
        }
    }
    if (Close == NULL) {
        Fail(Parser, "a key needs a closing bracket");
        return;
    }
    if (!StoreText(Parser, Start, (SIZE_T)(Close - Start), &Path)) {
        return;
    }
    Parser->Next = Close + 1;
    if (!ExpectEnd(Parser)) {
        return;
    }
    Status = Parser->Sink->Key(Parser->Sink->Context, &Path, Delete);
    Report(Parser, Status, Delete ? "the key cannot be deleted" : "the key cannot be made");
    if (NT_SUCCESS(Status)) {
        Parser->Section = Delete ? NoSection : GoodSection;
    }
}

/* The statement at the start of a line, if there is one. */
static void ParseLine(PCMP_PARSER Parser)
{
    Parser->Free = Parser->Scratch;
    SkipBlanks(Parser);
    switch (Peek(Parser)) {
    case END_OF_LINE:
    case ';':
        break;
    case '[':
        ParseKey(Parser);
        break;
    case '"':
    case '@':
        ParseValue(Parser);
        break;
    default:
        Fail(Parser, "expected [key], \"name\"=value or a comment");
        break;
    }
}

SIZE_T CmpRegistryScratchSize(SIZE_T Size)
{
    return 2 * Size + 64; /* name and data of one line with terminators and alignment */
}

ULONG CmpParseRegistryFile(const char *Text, SIZE_T Size, PVOID Scratch,
                           const CM_REGFILE_SINK *Sink)
{
    CMP_PARSER Parser = {
        .Next = Text, .End = Text + Size, .Line = 1, .Scratch = Scratch, .Sink = Sink};

    Accept(&Parser, "\xEF\xBB\xBF"); /* the byte order mark that Windows' editors write */
    if (!Accept(&Parser, SIGNATURE) || !ExpectEnd(&Parser)) {
        Fail(&Parser, "the first line must be \"" SIGNATURE "\"");
    }
    for (NextLine(&Parser); Parser.Next != Parser.End; NextLine(&Parser)) {
        ParseLine(&Parser);
    }
    return Parser.Errors;
}
