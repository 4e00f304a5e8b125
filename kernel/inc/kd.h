/* kd.h - kernel output and the console. */
#ifndef _KD_PRIVATE_H_
#define _KD_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/* Polled output through the debug port and the ring, one caller at a time, any IRQL. */
void KdPrintString(const char *Text, SIZE_T Length);
/* Formats (see lib/rtl) to the debug port: the kernel's own messages. Any IRQL. At most 512 bytes. */
ULONG KdPrintf(const char *Format, ...);
/* After a bugcheck: output without taking locks that a frozen processor may hold. */
void KdEnterCrashMode(void);

/* --- console --- */
typedef struct _KD_CONSOLE *PKD_CONSOLE;
typedef NTSTATUS KD_COMMAND_ROUTINE(PKD_CONSOLE Console, int Argc, char **Argv);
typedef struct _KD_COMMAND_ENTRY {
    const char *Name;      /* "threads" */
    const char *Arguments; /* "HZ MS" or "" */
    const char *Help;      /* one line */
    KD_COMMAND_ROUTINE *Routine;
    ULONG64 Reserved;      /* the linker set is an array of 40-byte entries */
} KD_COMMAND_ENTRY, *PKD_COMMAND_ENTRY;

/* Registers a command, from the file that owns the data it shows. A failing status prints "name: 0xC000... text" and makes `exec` fail. */
#define KD_COMMAND(Name, Arguments, Help, Routine)                                                 \
    static const KD_COMMAND_ENTRY KdCommand_##Routine                                              \
        __attribute__((used, aligned(8), section(".kdcmd"))) = {Name, Arguments, Help, Routine, 0}

/* Formatted output of a command, to the console (through the serial driver). PASSIVE_LEVEL. */
void KdConsolePrint(PKD_CONSOLE Console, const char *Format, ...);
/* Text of the console line after the command's name, unsplit (for `melody play NAME:d=4...`). */
const char *KdConsoleRawArguments(PKD_CONSOLE Console);
/* Prints "usage: name ARGUMENTS" and answers STATUS_INVALID_PARAMETER. */
NTSTATUS KdConsoleUsage(PKD_CONSOLE Console);
/* Name of a status for people: "STATUS_INVALID_PARAMETER", or NULL. */
const char *KdStatusName(NTSTATUS Status);
/* Parses an unsigned decimal or 0x number that fills the whole string. */
BOOLEAN KdParseNumber(const char *Text, ULONG64 *Value);

void KdInitSystem(PLOADER_BLOCK LoaderBlock);
/* Opens \\??\\COM1 and runs the prompt on a system thread. Phase 1's last step. */
void KdStartConsole(void);

/* Formatter shared by DbgPrint, KdPrintf and tests (lib/rtl/format.c): Windows' printf set. Returns bytes that the
 * whole text needs, without the terminator; writes at most Size, always terminated when Size > 0. */
SIZE_T RtlFormatString(char *Buffer, SIZE_T Size, const char *Format, NT_VA_LIST Arguments);

#endif
