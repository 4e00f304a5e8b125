/*
 * number.c - numbers in UNICODE_STRINGs and terminated texts. Pure; drivers may count on
 * PASSIVE_LEVEL only.
 */
#include <ntddk.h>
#include "rtlp.h"

ULONG RtlpDigitValue(WCHAR Character)
{
    if (Character >= '0' && Character <= '9') {
        return (ULONG)(Character - '0');
    }
    Character = towlower(Character);
    return Character >= 'a' && Character <= 'f' ? (ULONG)(Character - 'a') + 10 : 16;
}

static BOOLEAN IsBase(ULONG Base)
{
    return Base == 2 || Base == 8 || Base == 10 || Base == 16;
}

/* A text of either width, read a character at a time. */
typedef struct _RTLP_NUMBER {
    const VOID *Text;
    SIZE_T Next, Count;
    BOOLEAN Wide;
} RTLP_NUMBER;

/* The character Ahead of the next one; 0 behind the end. */
static WCHAR Look(const RTLP_NUMBER *Number, SIZE_T Ahead)
{
    SIZE_T Index = Number->Next + Ahead;

    if (Index >= Number->Count) {
        return 0;
    }
    return Number->Wide ? ((PCWCH)Number->Text)[Index] : ((const UCHAR *)Number->Text)[Index];
}

/* The base that a prefix 0x, 0o or 0b stands for; 0 when there is none. */
static ULONG PrefixBase(const RTLP_NUMBER *Number)
{
    WCHAR Letter = Look(Number, 1);

    if (Look(Number, 0) != '0') {
        return 0;
    }
    return Letter == 'x' ? 16 : Letter == 'o' ? 8 : Letter == 'b' ? 2 : 0;
}

static NTSTATUS ReadNumber(RTLP_NUMBER Number, ULONG Base, PULONG Value)
{
    BOOLEAN Negative = FALSE;
    ULONG Result = 0;

    if (Base != 0 && !IsBase(Base)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* Everything up to the blank counts as one, control characters too; the end, which reads as 0,
     * does not. */
    while (Number.Next < Number.Count && Look(&Number, 0) <= ' ') {
        Number.Next++;
    }
    if (Look(&Number, 0) == '-' || Look(&Number, 0) == '+') {
        Negative = Look(&Number, 0) == '-';
        Number.Next++;
    }
    if (Base == 0) {
        Base = PrefixBase(&Number);
        Number.Next += Base != 0 ? 2 : 0;
        Base = Base != 0 ? Base : 10;
    }
    /* What is no digit ends the number without an error, and too large a number wraps, as on
     * Windows. */
    for (; RtlpDigitValue(Look(&Number, 0)) < Base; Number.Next++) {
        Result = Result * Base + RtlpDigitValue(Look(&Number, 0));
    }
    *Value = Negative ? 0 - Result : Result;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    RTLP_NUMBER Number = {String->Buffer, 0, String->Length / sizeof(WCHAR), TRUE};

    return ReadNumber(Number, Base, Value);
}

NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    RTLP_NUMBER Number = {String, 0, strlen(String), FALSE};

    return ReadNumber(Number, Base, Value);
}

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    WCHAR Digits[64]; /* of the longest, in base 2 */
    ULONG Start = ARRAYSIZE(Digits);
    SIZE_T Bytes;

    Base = Base == 0 ? 10 : Base;
    if (!IsBase(Base)) {
        return STATUS_INVALID_PARAMETER;
    }
    do {
        Digits[--Start] = L"0123456789ABCDEF"[Value % Base];
        Value /= Base;
    } while (Value != 0);
    Bytes = (ARRAYSIZE(Digits) - Start) * sizeof(WCHAR);
    /* The terminator has to fit, too, though Length does not count it. */
    if (Bytes + sizeof(WCHAR) > String->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    memcpy(String->Buffer, Digits + Start, Bytes);
    String->Length = (USHORT)Bytes;
    String->Buffer[Bytes / sizeof(WCHAR)] = UNICODE_NULL;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}
