/* console.h - what the files of the console share. */
#ifndef ETUDE_CONSOLE_H
#define ETUDE_CONSOLE_H

#include "kd.h"
#include "line.h"

#define KDP_PROMPT "etude> "
#define KDP_MAXIMUM_WORDS (KDP_LINE_SIZE / 2)
#define KDP_CONSOLE_TAG 'noCK' /* "KCon" in memory */

/* The one console. It belongs to its thread: nothing in it needs a lock. */
typedef struct _KD_CONSOLE {
    BOOLEAN Script;                                /* commands come from exec.txt */
    ULONG Failures;                                /* commands that have failed so far */
    void (*Sink)(const CHAR *Text, SIZE_T Length); /* not NULL: gdb's; takes all output */
    HANDLE Port; /* \??\COM1; NULL: output goes to the debug port */
    KDP_LINE Line;

    /* The command being run. */
    const KD_COMMAND_ENTRY *Command;
    BOOLEAN Reported;          /* the user knows already why it fails */
    CHAR Text[KDP_LINE_SIZE];  /* as typed */
    CHAR Split[KDP_LINE_SIZE]; /* Argv points in here */
    CHAR *Words[KDP_MAXIMUM_WORDS + 1];
    const CHAR *RawArguments; /* in Text */
} KD_CONSOLE;

/* The linker set of commands. */
extern const KD_COMMAND_ENTRY __kdcmd_start[], __kdcmd_end[];

/* Runs the commands of a line, one after another, and counts failures. Those of a script are
 * printed behind a prompt first. */
void KdpRunLine(PKD_CONSOLE Console, const CHAR *Line);
/* Runs the commands of the boot disk's exec.txt; that there is none counts as a failure. */
void KdpRunScript(PKD_CONSOLE Console);
/* KDP_LINE_COMPLETE of the console: command names, then files. */
KDP_LINE_COMPLETE KdpCompleteLine;

#endif
