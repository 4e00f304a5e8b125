/*
 * words.c - splitting of what is typed. Backslashes are ordinary characters, since paths are full
 * of them; a quote that is not closed reaches to the end. Pure; any IRQL.
 */
#include "kd.h"
#include "words.h"

static BOOLEAN IsBlank(CHAR Character)
{
    return Character == ' ' || Character == '\t';
}

const CHAR *KdpSkipBlanks(const CHAR *Text)
{
    while (IsBlank(*Text)) {
        Text++;
    }
    return Text;
}

const CHAR *KdpSkipWord(const CHAR *Text)
{
    while (*Text != 0 && !IsBlank(*Text)) {
        Text++;
    }
    return Text;
}

BOOLEAN KdpTakeCommand(const CHAR **Text, const CHAR **Command, SIZE_T *Length)
{
    const CHAR *End = *Text;
    BOOLEAN Quoted = FALSE;

    if (**Text == 0) {
        return FALSE;
    }
    for (; *End != 0 && (*End != ';' || Quoted); End++) {
        Quoted ^= *End == '"';
    }
    *Command = KdpSkipBlanks(*Text);
    *Text = *End == ';' ? End + 1 : End;
    while (End > *Command && IsBlank(End[-1])) {
        End--;
    }
    *Length = End > *Command ? (SIZE_T)(End - *Command) : 0;
    return TRUE;
}

/* Ends the word that starts at Text, taking its quotes out; returns the text behind it. The zero
 * may take the place of the blank that ended the word, so that has to be looked at before. */
static CHAR *TakeWord(CHAR *Text)
{
    CHAR *To = Text;
    BOOLEAN Quoted = FALSE, More;

    for (; *Text != 0 && (Quoted || !IsBlank(*Text)); Text++) {
        if (*Text == '"') {
            Quoted = !Quoted;
        } else {
            *To++ = *Text;
        }
    }
    More = *Text != 0;
    *To = 0;
    return More ? Text + 1 : Text;
}

int KdpSplitWords(CHAR *Text, CHAR **Words, int Limit)
{
    int Count = 0;

    for (;;) {
        while (IsBlank(*Text)) {
            Text++;
        }
        if (*Text == 0 || Count == Limit) {
            return Count;
        }
        Words[Count++] = Text;
        Text = TakeWord(Text);
    }
}

BOOLEAN KdHasWord(const CHAR *Text, const CHAR *Word)
{
    SIZE_T Length = strlen(Word);

    for (Text = KdpSkipBlanks(Text); *Text != 0; Text = KdpSkipBlanks(Text)) {
        if (strncmp(Text, Word, Length) == 0 && (Text[Length] == 0 || IsBlank(Text[Length]))) {
            return TRUE;
        }
        Text = KdpSkipWord(Text);
    }
    return FALSE;
}

/* Value of a digit, or 16. */
static ULONG DigitValue(CHAR Character)
{
    if (Character >= '0' && Character <= '9') {
        return (ULONG)(Character - '0');
    }
    Character = (CHAR)tolower(Character);
    return Character >= 'a' && Character <= 'f' ? (ULONG)(Character - 'a') + 10 : 16;
}

static BOOLEAN HasHexPrefix(const char *Text)
{
    return Text[0] == '0' && (Text[1] == 'x' || Text[1] == 'X');
}

static BOOLEAN ParseDigits(const char *Text, ULONG Base, ULONG64 *Value)
{
    if (*Text == 0) {
        return FALSE;
    }
    for (*Value = 0; *Text != 0; Text++) {
        ULONG Digit = DigitValue(*Text);
        /* The second test is "*Value * Base + Digit would not fit", without doing it. */
        if (Digit >= Base || *Value > (~0ULL - Digit) / Base) {
            return FALSE;
        }
        *Value = *Value * Base + Digit;
    }
    return TRUE;
}

BOOLEAN KdParseNumber(const char *Text, ULONG64 *Value)
{
    return HasHexPrefix(Text) ? ParseDigits(Text + 2, 16, Value) : ParseDigits(Text, 10, Value);
}

BOOLEAN KdParseHexadecimal(const char *Text, ULONG64 *Value)
{
    return ParseDigits(HasHexPrefix(Text) ? Text + 2 : Text, 16, Value);
}
