/* words.h - command lines into commands, commands into words. Pure. */
#ifndef ETUDE_WORDS_H
#define ETUDE_WORDS_H

#include <ntddk.h>

/* Takes the first command off *Text: up to a ';' outside quotes, without blanks around it. *Text
 * moves behind the ';'; *Length may be 0. FALSE at the end. */
BOOLEAN KdpTakeCommand(const CHAR **Text, const CHAR **Command, SIZE_T *Length);
/* Splits Text at blanks, in place, into at most Limit words; "..." keeps blanks and loses its
 * quotes. Returns the number of words. */
int KdpSplitWords(CHAR *Text, CHAR **Words, int Limit);
/* First character of Text that is no blank. */
const CHAR *KdpSkipBlanks(const CHAR *Text);
/* The first blank of Text, or its end. */
const CHAR *KdpSkipWord(const CHAR *Text);

#endif
