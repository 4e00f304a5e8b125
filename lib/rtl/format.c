/*
 * format.c - printf formatting with Windows' conversions, for DbgPrint, the kernel's own messages,
 * the console, and the C run-time's sprintf and swprintf families.
 *
 *     % [- + space # 0] [width | *] [. precision | .*] [size] type
 *
 * size: hh h l w I32 L (32 bits or less), ll I64 I j z t (64 bits). type: d i u o x X p, c C s S,
 * Z (ANSI_STRING *, with w or l UNICODE_STRING *), %. As on Windows `l` is 32 bits, %p is 16
 * upper-case digits, C and S are wide, Z ignores the precision, and 0 pads text too. Wide text
 * comes out as UTF-8; width and precision of it count UTF-16 units. %n and floating point are not
 * supported: the argument is skipped and the conversion printed as it stands.
 *
 * Format and output are both narrow (UTF-8) or both wide (UTF-16). In a wide format c and s are
 * wide, C and S narrow: the capital one is always the other kind.
 *
 * Pure, no memory but the caller's, and time bounded by the text produced rather than by the widths
 * asked for: it runs at HIGH_LEVEL and on the crash screen.
 */
#include <ntddk.h>
#include "kd.h"
#include "rtlp.h"

/* Text goes to Buffer as long as there is room; Count goes on. Sizes are in characters. */
typedef struct _RTLP_OUTPUT {
    PVOID Buffer;
    SIZE_T Size;
    SIZE_T Count;
    BOOLEAN Wide;
} RTLP_OUTPUT;

/* What is left of the format. */
typedef struct _RTLP_SOURCE {
    const VOID *Text;
    BOOLEAN Wide;
} RTLP_SOURCE;

typedef enum _RTLP_SIZE {
    SizeDefault,
    SizeByte,
    SizeShort,
    SizeLong,
    SizeWide,
    Size64
} RTLP_SIZE;

/* One conversion, parsed. */
typedef struct _RTLP_CONVERSION {
    BOOLEAN Left, Plus, Space, Alternate, Zero;
    LONG Width;
    LONG Precision; /* -1: not given */
    RTLP_SIZE Size;
    CHAR Type;
} RTLP_CONVERSION;

/* Character number Index of the format; nobody looks beyond its terminator. */
static ULONG Peek(const RTLP_SOURCE *Source, SIZE_T Index)
{
    return Source->Wide ? ((PCWCH)Source->Text)[Index] : ((const UCHAR *)Source->Text)[Index];
}

static void Advance(RTLP_SOURCE *Source, SIZE_T Count)
{
    Source->Text = (const UCHAR *)Source->Text + (Source->Wide ? Count * sizeof(WCHAR) : Count);
}

/* Length characters of the output's own width. Count may pass Size: it says how much room all of
 * the text needs. */
static void AppendSame(RTLP_OUTPUT *Output, const VOID *Text, SIZE_T Length)
{
    SIZE_T Scale = Output->Wide ? sizeof(WCHAR) : 1;

    if (Output->Count < Output->Size) {
        memcpy((PUCHAR)Output->Buffer + Output->Count * Scale, Text,
               min(Length, Output->Size - Output->Count) * Scale);
    }
    Output->Count += Length;
}

/* Length characters of either width. */
static void Append(RTLP_OUTPUT *Output, const VOID *Text, SIZE_T Length, BOOLEAN Wide)
{
    const CHAR *Narrow = Text, *NarrowEnd = Narrow + Length;
    PCWCH Units = Text, UnitsEnd = Units + Length;
    CHAR Bytes[RTLP_UTF8_MAXIMUM];
    WCHAR Pair[2];

    if (Wide == Output->Wide) {
        AppendSame(Output, Text, Length);
    } else if (Wide) {
        while (Units != UnitsEnd) {
            ULONG Character = RtlpTakeUtf16(&Units, UnitsEnd);
            AppendSame(Output, Bytes, RtlpPutUtf8(Character, Bytes));
        }
    } else {
        while (Narrow != NarrowEnd) {
            ULONG Character = RtlpTakeUtf8(&Narrow, NarrowEnd);
            AppendSame(Output, Pair, RtlpPutUtf16(Character, Pair));
        }
    }
}

static void Fill(RTLP_OUTPUT *Output, CHAR Character, LONG64 Count)
{
    SIZE_T Room = Output->Count < Output->Size ? Output->Size - Output->Count : 0;

    if (Count <= 0) {
        return;
    }
    Room = min(Room, (SIZE_T)Count);
    if (Output->Wide) {
        for (SIZE_T i = 0; i < Room; i++) {
            ((PWCH)Output->Buffer)[Output->Count + i] = (WCHAR)Character;
        }
    } else if (Room != 0) {
        memset((PCHAR)Output->Buffer + Output->Count, Character, Room);
    }
    Output->Count += (SIZE_T)Count;
}

static void ParseFlags(RTLP_SOURCE *Source, RTLP_CONVERSION *Conversion)
{
    for (;; Advance(Source, 1)) {
        switch (Peek(Source, 0)) {
        case '-':
            Conversion->Left = TRUE;
            break;
        case '+':
            Conversion->Plus = TRUE;
            break;
        case ' ':
            Conversion->Space = TRUE;
            break;
        case '#':
            Conversion->Alternate = TRUE;
            break;
        case '0':
            Conversion->Zero = TRUE;
            break;
        default:
            return;
        }
    }
}

/* A decimal number, held at MAXLONG when it is larger; or the next argument for '*'. */
static LONG ParseNumber(RTLP_SOURCE *Source, NT_VA_LIST *Arguments)
{
    LONG Number = 0;

    if (Peek(Source, 0) == '*') {
        Advance(Source, 1);
        return nt_va_arg(*Arguments, LONG);
    }
    for (; Peek(Source, 0) >= '0' && Peek(Source, 0) <= '9'; Advance(Source, 1)) {
        LONG Digit = (LONG)(Peek(Source, 0) - '0');
        Number = Number > (MAXLONG - 9) / 10 ? MAXLONG : Number * 10 + Digit;
    }
    return Number;
}

/* How many characters the size has. "I" alone is the size of a pointer; "I3" and "I6" mean that too
 * when nothing fitting follows. */
static SIZE_T ParseSize(const RTLP_SOURCE *Source, RTLP_SIZE *Size)
{
    ULONG First = Peek(Source, 0), Second = First == 0 ? 0 : Peek(Source, 1);
    ULONG Third = Second == 0 ? 0 : Peek(Source, 2);

    switch (First) {
    case 'h':
        *Size = Second == 'h' ? SizeByte : SizeShort;
        return Second == 'h' ? 2 : 1;
    case 'l':
        *Size = Second == 'l' ? Size64 : SizeLong;
        return Second == 'l' ? 2 : 1;
    case 'w':
        *Size = SizeWide;
        return 1;
    case 'I':
        *Size = Second == '3' && Third == '2' ? SizeDefault : Size64;
        return (Second == '3' && Third == '2') || (Second == '6' && Third == '4') ? 3 : 1;
    case 'j':
    case 'z':
    case 't':
        *Size = Size64;
        return 1;
    case 'L':
        return 1;
    }
    return 0;
}

/* Parses what follows a '%' and steps behind it. Type is 0 at the end, and for what is no ASCII. */
static void ParseConversion(RTLP_SOURCE *Source, RTLP_CONVERSION *Conversion, NT_VA_LIST *Arguments)
{
    ULONG Type;

    *Conversion = (RTLP_CONVERSION){.Precision = -1};
    ParseFlags(Source, Conversion);
    Conversion->Width = ParseNumber(Source, Arguments);
    if (Conversion->Width < 0) {
        Conversion->Left = TRUE;
        Conversion->Width = Conversion->Width == -MAXLONG - 1 ? MAXLONG : -Conversion->Width;
    }
    if (Peek(Source, 0) == '.') {
        Advance(Source, 1);
        Conversion->Precision = ParseNumber(Source, Arguments);
        Conversion->Precision = max(Conversion->Precision, -1);
    }
    Advance(Source, ParseSize(Source, &Conversion->Size));
    Type = Peek(Source, 0);
    Conversion->Type = Type < 0x80 ? (CHAR)Type : 0;
    Advance(Source, Type != 0);
}

/* The argument, widened as its size and sign ask. Every argument occupies 8 bytes in the Windows
 * convention, of which the upper half of a 32-bit one may hold anything. */
static ULONG64 TakeInteger(const RTLP_CONVERSION *Conversion, BOOLEAN Signed, NT_VA_LIST *Arguments)
{
    ULONG Value;

    if (Conversion->Size == Size64) {
        return nt_va_arg(*Arguments, ULONG64);
    }
    Value = nt_va_arg(*Arguments, ULONG);
    switch (Conversion->Size) {
    case SizeByte:
        return Signed ? (ULONG64)(SCHAR)Value : (UCHAR)Value;
    case SizeShort:
        return Signed ? (ULONG64)(SHORT)Value : (USHORT)Value;
    default:
        return Signed ? (ULONG64)(LONG)Value : Value;
    }
}

/* Prefix, zeros and digits within the width. Zero padding stands between prefix and digits. */
static void PutNumber(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, const CHAR *Prefix,
                      ULONG64 Value, ULONG Base)
{
    const CHAR *Alphabet = Conversion->Type == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    CHAR Digits[24]; /* 2^64 - 1 has 22 in octal */
    LONG Start = sizeof(Digits), Length;
    LONG64 Zeros, Padding;

    for (; Value != 0; Value /= Base) {
        Digits[--Start] = Alphabet[Value % Base];
    }
    Length = (LONG)sizeof(Digits) - Start;
    Zeros = (LONG64)(Conversion->Precision < 0 ? 1 : Conversion->Precision) - Length;
    if (Conversion->Type == 'o' && Conversion->Alternate) {
        /* The prefix of octal is one digit more, but not before a zero that is there already. */
        Zeros = max(Zeros, 1);
    }
    Zeros = max(Zeros, 0);
    Padding = Conversion->Width - (LONG64)strlen(Prefix) - Zeros - Length;
    if (Conversion->Zero && !Conversion->Left && Conversion->Precision < 0 && Padding > 0) {
        Zeros += Padding;
        Padding = 0;
    }
    Fill(Output, ' ', Conversion->Left ? 0 : Padding);
    Append(Output, Prefix, strlen(Prefix), FALSE);
    Fill(Output, '0', Zeros);
    Append(Output, Digits + Start, (SIZE_T)Length, FALSE);
    Fill(Output, ' ', Conversion->Left ? Padding : 0);
}

static void PutSigned(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, NT_VA_LIST *Arguments)
{
    LONG64 Value = (LONG64)TakeInteger(Conversion, TRUE, Arguments);
    const CHAR *Sign = Value < 0 ? "-" : Conversion->Plus ? "+" : Conversion->Space ? " " : "";

    /* Negated as unsigned: the most negative number has no positive counterpart. */
    PutNumber(Output, Conversion, Sign, Value < 0 ? 0 - (ULONG64)Value : (ULONG64)Value, 10);
}

static void PutUnsigned(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion,
                        NT_VA_LIST *Arguments)
{
    ULONG64 Value = TakeInteger(Conversion, FALSE, Arguments);
    const CHAR *Prefix = "";
    ULONG Base = Conversion->Type == 'u' ? 10 : Conversion->Type == 'o' ? 8 : 16;

    if (Base == 16 && Conversion->Alternate && Value != 0) {
        Prefix = Conversion->Type == 'x' ? "0x" : "0X";
    }
    PutNumber(Output, Conversion, Prefix, Value, Base);
}

/* All 16 digits, so that addresses line up; upper case, and no 0x unless asked. */
static void PutPointer(RTLP_OUTPUT *Output, RTLP_CONVERSION *Conversion, NT_VA_LIST *Arguments)
{
    Conversion->Size = Size64;
    Conversion->Type = 'X';
    Conversion->Precision = 2 * sizeof(PVOID);
    PutUnsigned(Output, Conversion, Arguments);
}

/* Padding on one side of a text of Length columns: the caller puts the text between the two. */
static void PadText(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, SIZE_T Length,
                    BOOLEAN Before)
{
    if (Before != Conversion->Left) {
        Fill(Output, Conversion->Zero && !Conversion->Left ? '0' : ' ',
             (LONG64)Conversion->Width - (LONG64)Length);
    }
}

static void PutText(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, const VOID *Text,
                    SIZE_T Length, BOOLEAN Wide)
{
    PadText(Output, Conversion, Length, TRUE);
    Append(Output, Text, Length, Wide);
    PadText(Output, Conversion, Length, FALSE);
}

/* Whether c, s or Z is of wide characters; C and S are the other kind unless a size says which. */
static BOOLEAN IsWide(const RTLP_CONVERSION *Conversion, BOOLEAN FormatIsWide)
{
    if (Conversion->Size == SizeLong || Conversion->Size == SizeWide) {
        return TRUE;
    }
    if (Conversion->Size == SizeShort || Conversion->Size == SizeByte) {
        return FALSE;
    }
    return (Conversion->Type == 'C' || Conversion->Type == 'S') != FormatIsWide;
}

static void PutCharacter(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion,
                         NT_VA_LIST *Arguments)
{
    LONG Value = nt_va_arg(*Arguments, LONG);
    CHAR Narrow = (CHAR)Value;
    WCHAR Wide = (WCHAR)Value;

    if (IsWide(Conversion, Output->Wide)) {
        PutText(Output, Conversion, &Wide, 1, TRUE);
    } else {
        PutText(Output, Conversion, &Narrow, 1, FALSE);
    }
}

static void PutString(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, NT_VA_LIST *Arguments)
{
    const VOID *Text = nt_va_arg(*Arguments, PVOID);
    /* A text with a precision need not be terminated, so no more than that is looked at. */
    SIZE_T Limit = Conversion->Precision < 0 ? SIZE_MAX : (SIZE_T)Conversion->Precision;

    if (Text == NULL) {
        PutText(Output, Conversion, "(null)", strnlen("(null)", Limit), FALSE);
    } else if (IsWide(Conversion, Output->Wide)) {
        PutText(Output, Conversion, Text, wcsnlen(Text, Limit), TRUE);
    } else {
        PutText(Output, Conversion, Text, strnlen(Text, Limit), FALSE);
    }
}

/* ANSI_STRING and UNICODE_STRING have one layout; Length is in bytes in both. Z alone is an
 * ANSI_STRING in a wide format, too. */
static void PutCounted(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion,
                       NT_VA_LIST *Arguments)
{
    const STRING *String = nt_va_arg(*Arguments, PVOID);

    if (String == NULL || String->Buffer == NULL) {
        PutText(Output, Conversion, "(null)", 6, FALSE);
    } else if (IsWide(Conversion, FALSE)) {
        PutText(Output, Conversion, String->Buffer, String->Length / sizeof(WCHAR), TRUE);
    } else {
        PutText(Output, Conversion, String->Buffer, String->Length, FALSE);
    }
}

/* Puts one conversion; FALSE when there is no such type. */
static BOOLEAN PutConversion(RTLP_OUTPUT *Output, RTLP_CONVERSION *Conversion,
                             NT_VA_LIST *Arguments)
{
    switch (Conversion->Type) {
    case 'd':
    case 'i':
        PutSigned(Output, Conversion, Arguments);
        return TRUE;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        PutUnsigned(Output, Conversion, Arguments);
        return TRUE;
    case 'p':
        PutPointer(Output, Conversion, Arguments);
        return TRUE;
    case 'c':
    case 'C':
        PutCharacter(Output, Conversion, Arguments);
        return TRUE;
    case 's':
    case 'S':
        PutString(Output, Conversion, Arguments);
        return TRUE;
    case 'Z':
        PutCounted(Output, Conversion, Arguments);
        return TRUE;
    }
    return FALSE;
}

/* Types whose argument has to be stepped over although they are not supported. */
static BOOLEAN TakesArgument(CHAR Type)
{
    return Type != 0 && strchr("naAeEfFgG", Type) != NULL;
}

/* Characters from one place of the format to a later one. */
static SIZE_T Between(const RTLP_SOURCE *Start, const RTLP_SOURCE *End)
{
    SIZE_T Bytes = (SIZE_T)((const UCHAR *)End->Text - (const UCHAR *)Start->Text);
    return Start->Wide ? Bytes / sizeof(WCHAR) : Bytes;
}

SIZE_T RtlFormatText(PVOID Buffer, SIZE_T Size, BOOLEAN Wide, const VOID *Format,
                     NT_VA_LIST Arguments)
{
    RTLP_OUTPUT Output = {Buffer, Size, 0, Wide};
    RTLP_SOURCE Source = {Format, Wide};

    for (;;) {
        RTLP_CONVERSION Conversion;
        RTLP_SOURCE Start = Source;

        while (Peek(&Source, 0) != 0 && Peek(&Source, 0) != '%') {
            Advance(&Source, 1);
        }
        AppendSame(&Output, Start.Text, Between(&Start, &Source));
        if (Peek(&Source, 0) == 0) {
            return Output.Count;
        }
        Start = Source;
        Advance(&Source, 1);
        if (Peek(&Source, 0) == '%') {
            AppendSame(&Output, Start.Text, 1);
            Advance(&Source, 1);
            continue;
        }
        ParseConversion(&Source, &Conversion, &Arguments);
        if (!PutConversion(&Output, &Conversion, &Arguments)) {
            if (TakesArgument(Conversion.Type)) {
                (void)nt_va_arg(Arguments, ULONG64);
            }
            AppendSame(&Output, Start.Text, Between(&Start, &Source));
        }
    }
}

SIZE_T RtlFormatString(char *Buffer, SIZE_T Size, const char *Format, NT_VA_LIST Arguments)
{
    SIZE_T Count = RtlFormatText(Buffer, Size == 0 ? 0 : Size - 1, FALSE, Format, Arguments);

    if (Size != 0) {
        Buffer[min(Count, Size - 1)] = 0;
    }
    return Count;
}
