/*
 * symbols.c - binary search in the symbol text itself, so that nothing has to be built or
 * allocated.
 *
 * The search halves a range of bytes that always starts at a line's start; a middle is moved
 * back to the start of its line. Text that is not sorted or not well formed gives a wrong or no
 * answer, but is never read beyond its end.
 */
#include "symbols.h"

#define SYM_DIGITS 16 /* of the address that begins a line; with its zeros lines sort as text */

/* Only lower case: the build writes no other. */
static int SymDigit(CHAR Character)
{
    if (Character >= '0' && Character <= '9') {
        return Character - '0';
    }
    return Character >= 'a' && Character <= 'f' ? Character - 'a' + 10 : -1;
}

/* Offset of the line's end, or of the text's when the last line lacks one. */
static SIZE_T SymLineEnd(const CHAR *Text, SIZE_T Size, SIZE_T Offset)
{
    while (Offset < Size && Text[Offset] != '\n') {
        Offset++;
    }
    return Offset;
}

/* Reads the line [Start, End). */
static BOOLEAN SymReadLine(const CHAR *Text, SIZE_T Start, SIZE_T End, PSYM_ENTRY Entry)
{
    if (End - Start < SYM_DIGITS + 2 || Text[Start + SYM_DIGITS] != ' ') {
        return FALSE;
    }
    Entry->Value = 0;
    for (SIZE_T i = 0; i < SYM_DIGITS; i++) {
        int Digit = SymDigit(Text[Start + i]);
        if (Digit < 0) {
            return FALSE;
        }
        Entry->Value = Entry->Value << 4 | (ULONG64)Digit;
    }
    Entry->Name = Text + Start + SYM_DIGITS + 1;
    Entry->NameLength = (ULONG)(End - Start - SYM_DIGITS - 1);
    return TRUE;
}

BOOLEAN SymFind(const CHAR *Text, SIZE_T Size, ULONG64 Value, PSYM_ENTRY Entry)
{
    SIZE_T Low = 0, High = Size; /* lines that start in [Low, High) are still candidates */
    BOOLEAN Found = FALSE;

    while (Low < High) {
        SIZE_T Start = Low + (High - Low) / 2, End;
        SYM_ENTRY Line;

        while (Start > Low && Text[Start - 1] != '\n') {
            Start--;
        }
        End = SymLineEnd(Text, Size, Start);
        if (!SymReadLine(Text, Start, End, &Line)) {
            return FALSE;
        }
        /* Of several names for one address, the last one in the file wins. */
        if (Line.Value <= Value) {
            *Entry = Line;
            Found = TRUE;
            Low = End + 1;
        } else {
            High = Start;
        }
    }
    return Found;
}
