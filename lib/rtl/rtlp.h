/* rtlp.h - what the files of lib/rtl share: characters between UTF-16 and UTF-8. */
#ifndef ETUDE_RTLP_H
#define ETUDE_RTLP_H

#include <ntdef.h>

#define RTLP_STRING_TAG 'grtS'  /* "Strg" in memory: strings that routines allocate */
#define RTLP_REPLACEMENT 0xFFFD /* stands for anything that is not a character */
#define RTLP_UTF8_MAXIMUM 4     /* bytes of the longest character */

/* Takes one character off [*Text, End), which is not empty; advances *Text past it. A surrogate
 * without its partner is a replacement character. */
ULONG RtlpTakeUtf16(PCWCH *Text, PCWCH End);
/* The same for UTF-8: a replacement character for each byte that begins no valid, shortest
 * sequence. */
ULONG RtlpTakeUtf8(const CHAR **Text, const CHAR *End);
/* Writes a character as UTF-8 or UTF-16; returns how many bytes (1-4) or units (1-2) it takes. */
ULONG RtlpPutUtf8(ULONG Character, CHAR Bytes[RTLP_UTF8_MAXIMUM]);
ULONG RtlpPutUtf16(ULONG Character, WCHAR Units[2]);

/* Value of a digit of any base up to 16; 16 when it is none. */
ULONG RtlpDigitValue(WCHAR Character);

#endif
