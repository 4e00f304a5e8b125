/*
 * rtttl.h - reading tunes in RTTTL, the ring-tone text format, into notes for the melody player.
 */
#ifndef _RTTTL_H_
#define _RTTTL_H_

#include <ntdef.h>
#include <kmelody.h>

typedef struct _RTTTL_RESULT {
    ULONG NoteCount;    /* entries of the array that were filled */
    ULONG Milliseconds; /* length of the whole tune */
    ULONG Column;       /* of what is wrong: 1 is the text's first character */
    const char *Reason; /* what is wrong, for people, without a full stop */
    const char *Name;   /* the tune's name, in the text, not terminated */
    ULONG NameLength;
} RTTTL_RESULT, *PRTTTL_RESULT;

/*
 * Reads Length characters at Text, which need not be terminated, into at most Capacity notes. A
 * rest lengthens the silence behind the note before it, or becomes a note of 0 Hz at the beginning.
 * FALSE: not a tune; Result says where and why. Pure: no allocation, no floating point, any IRQL.
 */
BOOLEAN RtttlParse(const char *Text, SIZE_T Length, PMELODY_NOTE Notes, ULONG Capacity,
                   PRTTTL_RESULT Result);

#endif
