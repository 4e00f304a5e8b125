/*
 * format.c - printf formatting with Windows' conversions, for DbgPrint, the kernel's own messages
 * and the console.
 *
 *     % [- + space # 0] [width | *] [. precision | .*] [size] type
 *
 * size: hh h l w I32 L (32 bits or less), ll I64 I j z t (64 bits). type: d i u o x X p, c C s S,
 * Z (ANSI_STRING *, with w or l UNICODE_STRING *), %. As on Windows `l` is 32 bits, %p is 16
 * upper-case digits, C and S are wide, Z ignores the precision, and 0 pads text too. Wide text
 * comes out as UTF-8; width and precision of it count UTF-16 units. %n and floating point are not
 * supported: the argument is skipped and the conversion printed as it stands.
 *
 * Pure, no memory but the caller's, and time bounded by the text produced rather than by the widths
 * asked for: it runs at HIGH_LEVEL and on the crash screen.
 */
#include <ntddk.h>
#include "kd.h"
#include "rtlp.h"

/* Text goes to Buffer as long as there is room before the terminator; Count goes on. */
typedef struct _RTLP_OUTPUT {
    CHAR *Buffer;
    SIZE_T Size;
    SIZE_T Count;
} RTLP_OUTPUT;

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

/* Count may pass Size: it says how much room all of the text needs. */
static void Append(RTLP_OUTPUT *Output, const CHAR *Text, SIZE_T Length)
{
    if (Output->Count < Output->Size) {
        memcpy(Output->Buffer + Output->Count, Text, min(Length, Output->Size - Output->Count));
    }
    Output->Count += Length;
}

static void Fill(RTLP_OUTPUT *Output, CHAR Character, LONG64 Count)
{
    if (Count <= 0) {
        return;
    }
    if (Output->Count < Output->Size) {
        memset(Output->Buffer + Output->Count, Character,
               min((SIZE_T)Count, Output->Size - Output->Count));
    }
    Output->Count += (SIZE_T)Count;
}

static const CHAR *ParseFlags(const CHAR *Text, RTLP_CONVERSION *Conversion)
{
    for (;; Text++) {
        switch (*Text) {
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
            return Text;
        }
    }
}

/* A decimal number, held at MAXLONG when it is larger; or the next argument for '*'. */
static const CHAR *ParseNumber(const CHAR *Text, LONG *Number, NT_VA_LIST *Arguments)
{
    if (*Text == '*') {
        *Number = nt_va_arg(*Arguments, LONG);
        return Text + 1;
    }
    for (*Number = 0; *Text >= '0' && *Text <= '9'; Text++) {
        *Number = *Number > (MAXLONG - 9) / 10 ? MAXLONG : *Number * 10 + (*Text - '0');
    }
    return Text;
}

/* "I" alone is the size of a pointer; "I3" and "I6" mean that too when nothing fitting follows. */
static const CHAR *ParseSize(const CHAR *Text, RTLP_SIZE *Size)
{
    switch (*Text) {
    case 'h':
        *Size = Text[1] == 'h' ? SizeByte : SizeShort;
        return Text + (Text[1] == 'h' ? 2 : 1);
    case 'l':
        *Size = Text[1] == 'l' ? Size64 : SizeLong;
        return Text + (Text[1] == 'l' ? 2 : 1);
    case 'w':
        *Size = SizeWide;
        return Text + 1;
    case 'I':
        *Size = Text[1] == '3' && Text[2] == '2' ? SizeDefault : Size64;
        if ((Text[1] == '3' && Text[2] == '2') || (Text[1] == '6' && Text[2] == '4')) {
            return Text + 3;
        }
        return Text + 1;
    case 'j':
    case 'z':
    case 't':
        *Size = Size64;
        return Text + 1;
    case 'L':
        return Text + 1;
    }
    return Text;
}

/* Parses what follows a '%'; returns the text behind the conversion. Type is 0 at the end. */
static const CHAR *ParseConversion(const CHAR *Text, RTLP_CONVERSION *Conversion,
                                   NT_VA_LIST *Arguments)
{
    *Conversion = (RTLP_CONVERSION){.Precision = -1};
    Text = ParseFlags(Text, Conversion);
    Text = ParseNumber(Text, &Conversion->Width, Arguments);
    if (Conversion->Width < 0) {
        Conversion->Left = TRUE;
        Conversion->Width = Conversion->Width == -MAXLONG - 1 ? MAXLONG : -Conversion->Width;
    }
    if (*Text == '.') {
        Text = ParseNumber(Text + 1, &Conversion->Precision, Arguments);
        Conversion->Precision = max(Conversion->Precision, -1);
    }
    Text = ParseSize(Text, &Conversion->Size);
    Conversion->Type = *Text;
    return *Text == 0 ? Text : Text + 1;
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
    Append(Output, Prefix, strlen(Prefix));
    Fill(Output, '0', Zeros);
    Append(Output, Digits + Start, (SIZE_T)Length);
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

static void PutNarrow(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, const CHAR *Text,
                      SIZE_T Length)
{
    PadText(Output, Conversion, Length, TRUE);
    Append(Output, Text, Length);
    PadText(Output, Conversion, Length, FALSE);
}

static void PutWide(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, PCWCH Text,
                    SIZE_T Length)
{
    PCWCH End = Text + Length;
    CHAR Bytes[RTLP_UTF8_MAXIMUM];

    PadText(Output, Conversion, Length, TRUE);
    while (Text != End) {
        ULONG Character = RtlpTakeUtf16(&Text, End);
        Append(Output, Bytes, RtlpPutUtf8(Character, Bytes));
    }
    PadText(Output, Conversion, Length, FALSE);
}

/* Whether c, s or Z is of wide characters; C and S are the other kind unless a size says which. */
static BOOLEAN IsWide(const RTLP_CONVERSION *Conversion)
{
    if (Conversion->Size == SizeLong || Conversion->Size == SizeWide) {
        return TRUE;
    }
    if (Conversion->Size == SizeShort || Conversion->Size == SizeByte) {
        return FALSE;
    }
    return Conversion->Type == 'C' || Conversion->Type == 'S';
}

static void PutCharacter(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion,
                         NT_VA_LIST *Arguments)
{
    LONG Value = nt_va_arg(*Arguments, LONG);
    CHAR Narrow = (CHAR)Value;
    WCHAR Wide = (WCHAR)Value;

    if (IsWide(Conversion)) {
        PutWide(Output, Conversion, &Wide, 1);
    } else {
        PutNarrow(Output, Conversion, &Narrow, 1);
    }
}

static void PutString(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion, NT_VA_LIST *Arguments)
{
    const VOID *Text = nt_va_arg(*Arguments, PVOID);
    /* A text with a precision need not be terminated, so no more than that is looked at. */
    SIZE_T Limit = Conversion->Precision < 0 ? SIZE_MAX : (SIZE_T)Conversion->Precision;

    if (Text == NULL) {
        PutNarrow(Output, Conversion, "(null)", strnlen("(null)", Limit));
    } else if (IsWide(Conversion)) {
        PutWide(Output, Conversion, Text, wcsnlen(Text, Limit));
    } else {
        PutNarrow(Output, Conversion, Text, strnlen(Text, Limit));
    }
}

/* ANSI_STRING and UNICODE_STRING have one layout; Length is in bytes in both. */
static void PutCounted(RTLP_OUTPUT *Output, const RTLP_CONVERSION *Conversion,
                       NT_VA_LIST *Arguments)
{
    const STRING *String = nt_va_arg(*Arguments, PVOID);

    if (String == NULL || String->Buffer == NULL) {
        PutNarrow(Output, Conversion, "(null)", 6);
    } else if (IsWide(Conversion)) {
        PutWide(Output, Conversion, (PCWCH)(PVOID)String->Buffer, String->Length / sizeof(WCHAR));
    } else {
        PutNarrow(Output, Conversion, String->Buffer, String->Length);
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

SIZE_T RtlFormatString(char *Buffer, SIZE_T Size, const char *Format, NT_VA_LIST Arguments)
{
    RTLP_OUTPUT Output = {Buffer, Size == 0 ? 0 : Size - 1, 0};

    for (;;) {
        RTLP_CONVERSION Conversion;
        const CHAR *Start = Format;

        while (*Format != 0 && *Format != '%') {
            Format++;
        }
        Append(&Output, Start, (SIZE_T)(Format - Start));
        if (*Format == 0) {
            break;
        }
        Start = Format;
        if (Start[1] == '%') {
            Append(&Output, Start, 1);
            Format += 2;
            continue;
        }
        Format = ParseConversion(Format + 1, &Conversion, &Arguments);
        if (!PutConversion(&Output, &Conversion, &Arguments)) {
            if (TakesArgument(Conversion.Type)) {
                (void)nt_va_arg(Arguments, ULONG64);
            }
            Append(&Output, Start, (SIZE_T)(Format - Start));
        }
    }
    if (Size != 0) {
        Buffer[min(Output.Count, Output.Size)] = 0;
    }
    return Output.Count;
}
