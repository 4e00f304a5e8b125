/* sc.h - private to the files of the command `sc`. */
#ifndef ETUDE_SC_H
#define ETUDE_SC_H

#include "console.h"
#include "service.h"

/* "[SC] What FAILED 1060:", an empty line, the text, an empty line. */
NTSTATUS KdpScFailure(PKD_CONSOLE Console, const char *What, ULONG Error);
/* UTF-8, as typed, to UTF-16; FALSE when it is too long. */
BOOLEAN KdpScWiden(const CHAR *Text, WCHAR *Wide, ULONG Chars);
/* create and config: Argv is the whole command line. */
NTSTATUS KdpScCreate(PKD_CONSOLE Console, int Argc, char **Argv);
NTSTATUS KdpScChange(PKD_CONSOLE Console, int Argc, char **Argv);
/* qc */
NTSTATUS KdpScShowConfig(PKD_CONSOLE Console, PCWSTR Name, PCM_KEY Key);

#endif
