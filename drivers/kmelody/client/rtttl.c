/*
 * rtttl.c - the RTTTL reader.
 *
 *     tune      name : settings : note , note , ...
 *     settings  [d=DURATION] [, o=OCTAVE] [, b=BEATS]       4, 6 and 63 unless set
 *     note      [DURATION] letter [#] [.] [OCTAVE] [.]      letters a to h and p; h is b, p a rest
 *
 * DURATION is 1, 2, 4, 8, 16 or 32: a fraction of a whole note, of which BEATS are four quarters a
 * minute; a dot adds half. OCTAVE is 1 to 8, with a4 = 440 Hz, in equal temperament. Blanks may
 * stand anywhere, upper and lower case are the same.
 *
 * Time is counted in 64ths of a whole note, all durations being whole numbers of them, and turned
 * into milliseconds as a position in the tune. A note lasts from its position to the next one's,
 * so that rounding never adds up.
 */
#include "rtttl.h"

#define RTTTL_DURATION 4
#define RTTTL_OCTAVE 6
#define RTTTL_BEATS 63
#define RTTTL_MAXIMUM_BEATS 999
#define RTTTL_MAXIMUM_OCTAVE 8
#define RTTTL_MINIMUM_HERTZ 37 /* the Beep device's */

#define RTTTL_UNITS_PER_WHOLE 64
/* A whole note is four beats of 60,000 / BEATS ms. */
#define RTTTL_BEAT_MS_PER_UNIT (4 * 60000 / RTTTL_UNITS_PER_WHOLE)

typedef struct _RTTTL_READER {
    const char *Text;
    SIZE_T Length;
    SIZE_T Offset;
    PRTTTL_RESULT Result;
    PMELODY_NOTE Notes;
    ULONG Capacity;
    ULONG Duration, Octave, Beats; /* settings */
    ULONG64 Position;              /* units from the beginning */
} RTTTL_READER, *PRTTTL_READER;

/* Notes what is wrong and where; answers FALSE for the caller to pass on. */
static BOOLEAN RtttlFail(PRTTTL_READER Reader, SIZE_T Offset, const char *Reason)
{
    Reader->Result->Column = (ULONG)Offset + 1;
    Reader->Result->Reason = Reason;
    return FALSE;
}

static BOOLEAN RtttlIsBlank(char Character)
{
    return Character == ' ' || Character == '\t' || Character == '\r' || Character == '\n';
}

/* The next character that is not blank, in lower case; 0 at the end. Offset moves to it. */
static char RtttlPeek(PRTTTL_READER Reader)
{
    char Character;

    while (Reader->Offset < Reader->Length && RtttlIsBlank(Reader->Text[Reader->Offset])) {
        Reader->Offset++;
    }
    if (Reader->Offset == Reader->Length) {
        return 0;
    }
    Character = Reader->Text[Reader->Offset];
    return Character >= 'A' && Character <= 'Z' ? (char)(Character | 0x20) : Character;
}

/* Goes over Wanted, if it is next. */
static BOOLEAN RtttlAccept(PRTTTL_READER Reader, char Wanted)
{
    if (RtttlPeek(Reader) != Wanted) {
        return FALSE;
    }
    Reader->Offset++;
    return TRUE;
}

/* Reads a number; 0 when there is none, and a large one when it has too many digits. */
static ULONG RtttlNumber(PRTTTL_READER Reader)
{
    ULONG Value = 0;
    char Digit;

    while ((Digit = RtttlPeek(Reader)) >= '0' && Digit <= '9') {
        Value = Value > 99999 ? Value : Value * 10 + (ULONG)(Digit - '0');
        Reader->Offset++;
    }
    return Value;
}

/* Powers of two up to 32. */
static BOOLEAN RtttlIsDuration(ULONG Value)
{
    return Value != 0 && Value <= 32 && (Value & (Value - 1)) == 0;
}

/* Reads everything up to and with the first colon. */
static BOOLEAN RtttlReadName(PRTTTL_READER Reader)
{
    SIZE_T Start;

    RtttlPeek(Reader);
    Start = Reader->Offset;
    while (Reader->Offset < Reader->Length && Reader->Text[Reader->Offset] != ':') {
        Reader->Offset++;
    }
    if (Reader->Offset == Reader->Length) {
        return RtttlFail(Reader, Reader->Offset, "a colon is missing behind the tune's name");
    }
    Reader->Result->Name = Reader->Text + Start;
    Reader->Result->NameLength = (ULONG)(Reader->Offset - Start);
    Reader->Offset++;
    return TRUE;
}

/* One setting. A wrong value is reported where it stands, not where the setting begins. */
static BOOLEAN RtttlReadSetting(PRTTTL_READER Reader)
{
    char Letter = RtttlPeek(Reader);
    SIZE_T Start = Reader->Offset;
    ULONG Value;

    if (Letter != 'd' && Letter != 'o' && Letter != 'b') {
        return RtttlFail(Reader, Start, "a setting is d=, o= or b=");
    }
    Reader->Offset++;
    if (!RtttlAccept(Reader, '=')) {
        return RtttlFail(Reader, Reader->Offset, "an equals sign is missing");
    }
    RtttlPeek(Reader);
    Start = Reader->Offset;
    Value = RtttlNumber(Reader);
    if (Letter == 'd' && !RtttlIsDuration(Value)) {
        return RtttlFail(Reader, Start, "a duration is 1, 2, 4, 8, 16 or 32");
    }
    if (Letter == 'o' && (Value < 1 || Value > RTTTL_MAXIMUM_OCTAVE)) {
        return RtttlFail(Reader, Start, "an octave is 1 to 8");
    }
    if (Letter == 'b' && (Value < 1 || Value > RTTTL_MAXIMUM_BEATS)) {
        return RtttlFail(Reader, Start, "beats per minute are 1 to 999");
    }
    *(Letter == 'd' ? &Reader->Duration : Letter == 'o' ? &Reader->Octave : &Reader->Beats) = Value;
    return TRUE;
}

/* Reads the settings with the colon behind them. Commas too many do no harm here. */
static BOOLEAN RtttlReadSettings(PRTTTL_READER Reader)
{
    while (!RtttlAccept(Reader, ':')) {
        if (RtttlPeek(Reader) == 0) {
            return RtttlFail(Reader, Reader->Offset, "a colon is missing behind the settings");
        }
        if (RtttlAccept(Reader, ',')) {
            continue;
        }
        if (!RtttlReadSetting(Reader)) {
            return FALSE;
        }
        if (RtttlPeek(Reader) != ',' && RtttlPeek(Reader) != ':' && RtttlPeek(Reader) != 0) {
            return RtttlFail(Reader, Reader->Offset, "a comma or a colon is missing");
        }
    }
    return TRUE;
}

/* Hertz of a letter in an octave, to the nearest whole number. */
static ULONG RtttlHertz(char Letter, BOOLEAN Sharp, ULONG Octave)
{
    /* Micro-hertz of c8, c#8 ... b8, which halve from octave to octave. */
    static const ULONG64 Octave8[] = {4186009045, 4434922096, 4698636287, 4978031740,
                                      5274040911, 5587651703, 5919910763, 6271926976,
                                      6644875161, 7040000000, 7458620184, 7902132820};
    static const UCHAR Semitones[] = {9, 11, 0, 2, 4, 5, 7, 11}; /* of a to h */
    ULONG Semitone = Semitones[Letter - 'a'] + (Sharp ? 1U : 0);
    ULONG64 MicroHertz = Octave8[Semitone % 12] << Semitone / 12; /* b# is the next octave's c */
    ULONG64 Divisor = 1000000ULL << (RTTTL_MAXIMUM_OCTAVE - Octave);

    return (ULONG)((MicroHertz + Divisor / 2) / Divisor);
}

/* When a position of the tune is reached, to the nearest millisecond. */
static ULONG64 RtttlMilliseconds(PRTTTL_READER Reader, ULONG64 Position)
{
    return (Position * RTTTL_BEAT_MS_PER_UNIT + Reader->Beats / 2) / Reader->Beats;
}

/* Appends a note, or a rest when Hertz is 0, of so many units. */
static BOOLEAN RtttlEmit(PRTTTL_READER Reader, SIZE_T Start, ULONG Hertz, ULONG Units)
{
    PRTTTL_RESULT Result = Reader->Result;
    PMELODY_NOTE Last = Result->NoteCount > 0 ? &Reader->Notes[Result->NoteCount - 1] : NULL;
    ULONG64 From = RtttlMilliseconds(Reader, Reader->Position);
    ULONG64 To = RtttlMilliseconds(Reader, Reader->Position + Units);
    ULONG Ms = (ULONG)(To - From);

    Reader->Position += Units;
    Result->Milliseconds = (ULONG)To;
    if (Hertz == 0 && Last != NULL && Last->Delay + Ms <= MELODY_MAXIMUM_MS) {
        Last->Delay += Ms;
        return TRUE;
    }
    if (Result->NoteCount == Reader->Capacity) {
        return RtttlFail(Reader, Start, "the tune has too many notes");
    }
    Reader->Notes[Result->NoteCount++] = (MELODY_NOTE){Hertz, Ms, 0, 1};
    return TRUE;
}

/* Reads the dots and the octave, which come in either order. */
static BOOLEAN RtttlReadTail(PRTTTL_READER Reader, PBOOLEAN Dotted, PULONG Octave)
{
    SIZE_T Start;
    ULONG Value;

    *Dotted = RtttlAccept(Reader, '.');
    RtttlPeek(Reader);
    Start = Reader->Offset;
    Value = RtttlNumber(Reader);
    if (Reader->Offset != Start) {
        if (Value < 1 || Value > RTTTL_MAXIMUM_OCTAVE) {
            return RtttlFail(Reader, Start, "an octave is 1 to 8");
        }
        *Octave = Value;
    }
    if (RtttlPeek(Reader) == '.') {
        if (*Dotted) {
            return RtttlFail(Reader, Reader->Offset, "a note has one dot at most");
        }
        *Dotted = RtttlAccept(Reader, '.');
    }
    return TRUE;
}

/* A note or a rest, up to what must be a comma or the end. */
static BOOLEAN RtttlReadNote(PRTTTL_READER Reader)
{
    ULONG Duration = Reader->Duration, Octave = Reader->Octave, Hertz = 0, Units;
    BOOLEAN Dotted, Sharp;
    SIZE_T Start;
    char Letter = RtttlPeek(Reader);

    Start = Reader->Offset;
    if (Letter >= '0' && Letter <= '9') {
        Duration = RtttlNumber(Reader);
        if (!RtttlIsDuration(Duration)) {
            return RtttlFail(Reader, Start, "a duration is 1, 2, 4, 8, 16 or 32");
        }
        Letter = RtttlPeek(Reader);
    }
    if (Letter == 0 || Letter == ',') {
        return RtttlFail(Reader, Reader->Offset, "a note is missing");
    }
    if ((Letter < 'a' || Letter > 'h') && Letter != 'p') {
        return RtttlFail(Reader, Reader->Offset, "a note is a to h, or p for a rest");
    }
    Reader->Offset++;
    Sharp = Letter != 'p' && RtttlAccept(Reader, '#');
    if (!RtttlReadTail(Reader, &Dotted, &Octave)) {
        return FALSE;
    }
    if (Letter != 'p') {
        Hertz = RtttlHertz(Letter, Sharp, Octave);
        if (Hertz < RTTTL_MINIMUM_HERTZ) {
            return RtttlFail(Reader, Start, "the note is below 37 Hz, too low for the speaker");
        }
    }
    Units = RTTTL_UNITS_PER_WHOLE / Duration;
    return RtttlEmit(Reader, Start, Hertz, Dotted ? Units + Units / 2 : Units);
}

static BOOLEAN RtttlReadNotes(PRTTTL_READER Reader)
{
    do {
        if (!RtttlReadNote(Reader)) {
            return FALSE;
        }
    } while (RtttlAccept(Reader, ','));
    if (RtttlPeek(Reader) != 0) {
        return RtttlFail(Reader, Reader->Offset, "a comma is missing between notes");
    }
    return TRUE;
}

BOOLEAN RtttlParse(const char *Text, SIZE_T Length, PMELODY_NOTE Notes, ULONG Capacity,
                   PRTTTL_RESULT Result)
{
    RTTTL_READER Reader = {
        .Text = Text,
        .Length = Length,
        .Result = Result,
        .Notes = Notes,
        .Capacity = Capacity,
        .Duration = RTTTL_DURATION,
        .Octave = RTTTL_OCTAVE,
        .Beats = RTTTL_BEATS,
    };

    *Result = (RTTTL_RESULT){0};
    return RtttlReadName(&Reader) && RtttlReadSettings(&Reader) && RtttlReadNotes(&Reader);
}
