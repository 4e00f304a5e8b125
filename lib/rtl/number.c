/*
 * number.c - numbers in UNICODE_STRINGs. Pure; drivers may count on PASSIVE_LEVEL only.
 */
#include <ntddk.h>

/* Value of a digit of any base up to 16; 16 when it is none. */
static ULONG DigitValue(WCHAR Character)
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

/* The base that a prefix 0x, 0o or 0b stands for; 0 when there is none. */
static ULONG PrefixBase(PCWCH Text, PCWCH End)
{
    if (End - Text < 2 || Text[0] != '0') {
        return 0;
    }
    return Text[1] == 'x' ? 16 : Text[1] == 'o' ? 8 : Text[1] == 'b' ? 2 : 0;
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    PCWCH Text = String->Buffer, End = Text + String->Length / sizeof(WCHAR);
    BOOLEAN Negative = FALSE;
    ULONG Result = 0;

    if (Base != 0 && !IsBase(Base)) {
        return STATUS_INVALID_PARAMETER;
    }
    while (Text != End && *Text <= ' ') {
        Text++;
    }
    if (Text != End && (*Text == '-' || *Text == '+')) {
        Negative = *Text++ == '-';
    }
    if (Base == 0) {
        Base = PrefixBase(Text, End);
        Text += Base != 0 ? 2 : 0;
        Base = Base != 0 ? Base : 10;
    }
    for (; Text != End && DigitValue(*Text) < Base; Text++) {
        Result = Result * Base + DigitValue(*Text);
    }
    *Value = Negative ? 0 - Result : Result;
    return STATUS_SUCCESS;
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
