/*
 * utf.c - characters in UTF-16 and UTF-8.
 *
 * The kernel's "ANSI" code page is UTF-8, as it can be on Windows 10: what a boot disk's text files
 * and a terminal speak. Every input is accepted; what is no character becomes U+FFFD, so that a
 * conversion cannot fail for its contents. Pure; any IRQL.
 */
#include "rtlp.h"

#define HIGH_SURROGATE 0xD800
#define LOW_SURROGATE 0xDC00
#define SURROGATE_END 0xE000

ULONG RtlpTakeUtf16(PCWCH *Text, PCWCH End)
{
    ULONG Unit = *(*Text)++;

    if (Unit < HIGH_SURROGATE || Unit >= SURROGATE_END) {
        return Unit;
    }
    if (Unit < LOW_SURROGATE && *Text != End) {
        ULONG Low = **Text;
        if (Low >= LOW_SURROGATE && Low < SURROGATE_END) {
            (*Text)++;
            return 0x10000 + ((Unit - HIGH_SURROGATE) << 10) + (Low - LOW_SURROGATE);
        }
    }
    return RTLP_REPLACEMENT;
}

/* Bytes that follow Lead in its sequence, and the least character that needs that many: a smaller
 * one in so long a sequence is a disguise ("overlong") and refused. -1: not a lead byte. */
static LONG FollowingBytes(UCHAR Lead, ULONG *Least)
{
    if (Lead >= 0xC2 && Lead < 0xE0) {
        *Least = 0x80;
        return 1;
    }
    if (Lead >= 0xE0 && Lead < 0xF0) {
        *Least = 0x800;
        return 2;
    }
    if (Lead >= 0xF0 && Lead < 0xF5) {
        *Least = 0x10000;
        return 3;
    }
    return -1;
}

ULONG RtlpTakeUtf8(const CHAR **Text, const CHAR *End)
{
    const CHAR *Next = *Text;
    UCHAR Lead = (UCHAR)*Next++;
    ULONG Least, Character;
    LONG Following;

    /* Unless all of the sequence is good, only this byte is taken: the next may begin a
     * character. */
    *Text = Next;
    if (Lead < 0x80) {
        return Lead;
    }
    Following = FollowingBytes(Lead, &Least);
    if (Following < 0 || End - Next < Following) {
        return RTLP_REPLACEMENT;
    }
    Character = Lead & (0x3F >> Following);
    for (LONG i = 0; i < Following; i++) {
        if ((Next[i] & 0xC0) != 0x80) {
            return RTLP_REPLACEMENT;
        }
        Character = Character << 6 | (Next[i] & 0x3F);
    }
    if (Character < Least || Character > 0x10FFFF ||
        (Character >= HIGH_SURROGATE && Character < SURROGATE_END)) {
        return RTLP_REPLACEMENT;
    }
    *Text = Next + Following;
    return Character;
}

ULONG RtlpPutUtf8(ULONG Character, CHAR Bytes[RTLP_UTF8_MAXIMUM])
{
    ULONG Following = Character < 0x80 ? 0 : Character < 0x800 ? 1 : Character < 0x10000 ? 2 : 3;
    static const UCHAR LeadMark[] = {0x00, 0xC0, 0xE0, 0xF0};

    for (ULONG i = Following; i != 0; i--) {
        Bytes[i] = (CHAR)(0x80 | (Character & 0x3F));
        Character >>= 6;
    }
    Bytes[0] = (CHAR)(LeadMark[Following] | Character);
    return Following + 1;
}

ULONG RtlpPutUtf16(ULONG Character, WCHAR Units[2])
{
    if (Character < 0x10000) {
        Units[0] = (WCHAR)Character;
        return 1;
    }
    Units[0] = (WCHAR)(HIGH_SURROGATE + ((Character - 0x10000) >> 10));
    Units[1] = (WCHAR)(LOW_SURROGATE + ((Character - 0x10000) & 0x3FF));
    return 2;
}
