/*
 * pooltag.c - pool tags as text: how one is shown, and which ones a pattern means. Pure.
 */
#include "pool.h"

#define EX_TAG_CHARS 4

/* The bit that protects a tag is no part of its text. */
void ExpFormatTag(ULONG Tag, char Text[5])
{
    for (ULONG i = 0; i < EX_TAG_CHARS; i++) {
        UCHAR Byte = (UCHAR)((Tag & ~EX_TAG_PROTECTED) >> (8 * i));

        Text[i] = Byte >= ' ' && Byte < 0x7F ? (char)Byte : '.';
    }
    Text[EX_TAG_CHARS] = 0;
}

/* A star stands for any letters, a question mark for one. Fold: in any case. */
static BOOLEAN ExpMatchText(const char *Text, const char *Pattern, BOOLEAN Fold)
{
    for (; *Pattern != '*'; Text++, Pattern++) {
        if (*Pattern == 0) {
            /* "Irp" means the tag "Irp ", as people write it. */
            while (*Text == ' ') {
                Text++;
            }
            return (BOOLEAN)(*Text == 0);
        }
        if (*Text == 0 || (*Pattern != '?' && *Pattern != *Text &&
                           (!Fold || tolower(*Pattern) != tolower(*Text)))) {
            return FALSE;
        }
    }
    do {
        if (ExpMatchText(Text, Pattern + 1, Fold)) {
            return TRUE;
        }
    } while (*Text++ != 0);
    return FALSE;
}

BOOLEAN ExpMatchTag(ULONG Tag, const char *Pattern)
{
    char Text[EX_TAG_CHARS + 1];

    ExpFormatTag(Tag, Text);
    return ExpMatchText(Text, Pattern, FALSE);
}

BOOLEAN ExpMatchName(const char *Name, const char *Pattern)
{
    return ExpMatchText(Name, Pattern, TRUE);
}
