/* line.h - the console's line editor: bytes from a terminal in, edited lines out. */
#ifndef ETUDE_LINE_H
#define ETUDE_LINE_H

#include <ntddk.h>

#define KDP_LINE_SIZE 2048    /* bytes of a line with its terminator */
#define KDP_HISTORY_SIZE 4096 /* bytes of all lines in the history, each with its terminator */
#define KDP_COLUMNS 80        /* of the narrowest terminal that is served well */
#define KDP_CHARACTER_SIZE 4  /* bytes of the longest UTF-8 character */

typedef enum _KDP_LINE_RESULT {
    KdpLineGoesOn,
    KdpLineDone,     /* Text is complete; the terminal's cursor is on the next row */
    KdpLineAbandoned /* Ctrl-C; likewise */
} KDP_LINE_RESULT;

struct _KDP_LINE;
typedef void KDP_LINE_WRITE(PVOID Context, const CHAR *Text, SIZE_T Length);
typedef void KDP_LINE_COMPLETE(PVOID Context, struct _KDP_LINE *Line);

typedef struct _KDP_LINE {
    KDP_LINE_WRITE *Write;       /* to the terminal */
    KDP_LINE_COMPLETE *Complete; /* Tab was pressed: may edit the line by the routines below */
    PVOID Context;
    const CHAR *Prompt;

    CHAR Text[KDP_LINE_SIZE]; /* terminated, whole UTF-8 characters only */
    ULONG Length;
    ULONG Cursor; /* byte before which the cursor stands */
    ULONG Window; /* first byte shown, when the line is wider than the terminal */

    CHAR Partial[KDP_CHARACTER_SIZE]; /* a character that has not arrived whole */
    ULONG PartialLength;
    UCHAR EscapeState;
    ULONG EscapeNumber;
    BOOLEAN AfterReturn; /* a line feed now is the second half of CR LF */
    BOOLEAN MoreFollow; /* more bytes are there already: what they change is not shown one by one */
    BOOLEAN Stale;      /* the terminal does not show the line as it is */

    CHAR History[KDP_HISTORY_SIZE]; /* lines with terminators, oldest first */
    ULONG HistoryLength;
    ULONG HistoryPosition;          /* line shown; HistoryLength: the new one */
    CHAR Unfinished[KDP_LINE_SIZE]; /* the new line while an old one is shown */
} KDP_LINE, *PKDP_LINE;

/* Line is zeroed memory, with Write, Complete, Context and Prompt filled in. Prints the prompt and
 * begins a new line. */
void KdpBeginLine(PKDP_LINE Line);
/* One byte from the terminal; MoreFollow: others that arrived with it come next. After Done or
 * Abandoned, read Text and begin a new line. */
KDP_LINE_RESULT KdpInputByte(PKDP_LINE Line, UCHAR Byte, BOOLEAN MoreFollow);

/* For Complete: put text in at the cursor; take Count bytes before it away; show the line again
 * after something else was printed. */
void KdpInsertText(PKDP_LINE Line, const CHAR *Text, ULONG Length);
void KdpEraseBefore(PKDP_LINE Line, ULONG Count);
void KdpRedrawLine(PKDP_LINE Line);

#endif
