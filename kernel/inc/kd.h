/* kd.h - kernel output and the console. */
#ifndef _KD_PRIVATE_H_
#define _KD_PRIVATE_H_

#include <ntddk.h>
#include <loader.h>

/* Longest text of one KdPrintf or DbgPrint call, in bytes, as on Windows. */
#define KD_PRINT_LIMIT 512

/*** Polled output (kd/print.c); any IRQL. ***/

/* Length bytes to the debug port ('\n' as CR LF) and into the ring of the last 64 KB, undisturbed
 * by other processors. */
void KdPrintString(const char *Text, SIZE_T Length);
/* The same for bulk that would push everything else out of the ring and off the screen. */
void KdPrintUnkept(const char *Text, SIZE_T Length);
/* The kernel's own messages, formatted by RtlFormatString and cut at KD_PRINT_LIMIT - 1 bytes.
 * Returns the bytes printed. */
NT_PRINTF(1, 2) ULONG KdPrintf(const char *Format, ...) NT_VARARGS;
struct _KI_ASSERTION;
/* Prefix, what did not hold, and where. */
void KdPrintAssertion(PCSTR Prefix, const struct _KI_ASSERTION *Assertion);
/* From now on output waits only briefly for a lock that a frozen processor may hold for ever. */
void KdEnterCrashMode(void);
/* Copies what the ring holds from byte number *Position on, at most Size bytes; moves *Position
 * behind it (and up to the oldest byte first). Returns the bytes copied; 0 at the end. */
SIZE_T KdReadRing(ULONG64 *Position, CHAR *Buffer, SIZE_T Size);

/*** Crash files (kd/crashdisk.c, kd/crashfile.c). ***/

/* Looks for a disk that is marked for crash files, and keeps it open. Once, when the disks' drivers
 * run. */
void KdFindCrashDisk(void);
/* Writes one to it, if there is one, and says so. Each started processor's FrozenFrame has its
 * registers; Owner's comes first. After a bugcheck: one processor runs, interrupts are off. */
void KdWriteCrashFile(ULONG Owner);

/*** Console. Everything below: PASSIVE_LEVEL, on the thread that runs the command. ***/

typedef struct _KD_CONSOLE *PKD_CONSOLE;
typedef NTSTATUS KD_COMMAND_ROUTINE(PKD_CONSOLE Console, int Argc, char **Argv);
typedef struct _KD_COMMAND_ENTRY {
    const char *Name;      /* "threads" */
    const char *Arguments; /* "HZ MS" or "" */
    const char *Help;      /* one line */
    KD_COMMAND_ROUTINE *Routine;
    ULONG64 Flags; /* KD_ANYTIME; 8 bytes: the linker set is an array of 40-byte entries */
} KD_COMMAND_ENTRY, *PKD_COMMAND_ENTRY;

/* Registers a command, from the file that owns the data it shows. Argv[0] is the command's name. A
 * status that is no success prints "name: text of the status" and makes `exec` fail. */
#define KD_COMMAND(Name, Arguments, Help, Routine)                                                 \
    KD_COMMAND_WITH_FLAGS(Name, Arguments, Help, Routine, 0)
/* The same for one that takes no lock, allocates nothing and waits for nothing, at any IRQL: gdb's
 * `monitor` runs it, too, while the machine stands. */
#define KD_COMMAND_ANYTIME(Name, Arguments, Help, Routine)                                         \
    KD_COMMAND_WITH_FLAGS(Name, Arguments, Help, Routine, KD_ANYTIME)
#define KD_ANYTIME 0x1
#define KD_COMMAND_WITH_FLAGS(Name, Arguments, Help, Routine, Flags)                               \
    static const KD_COMMAND_ENTRY KdCommand_##Routine                                              \
        __attribute__((used, aligned(8), section(".kdcmd"))) = {Name, Arguments, Help, Routine,    \
                                                                Flags}

/* Formatted output of a command to the console, '\n' as CR LF; any length. */
NT_PRINTF(2, 3) void KdConsolePrint(PKD_CONSOLE Console, const char *Format, ...) NT_VARARGS;
/* The same for text that is no format, and may hold any bytes. */
void KdConsoleWrite(PKD_CONSOLE Console, const char *Text, SIZE_T Length);
/* The console line after the command's name, as typed (for `melody play NAME:d=4...`). Valid while
 * the command runs. */
const char *KdConsoleRawArguments(PKD_CONSOLE Console);
/* Prints "usage: name ARGUMENTS"; returns STATUS_INVALID_PARAMETER for the command to return. */
NTSTATUS KdConsoleUsage(PKD_CONSOLE Console);
/* The command has told the user what went wrong: returns Status, which then prints nothing more but
 * still counts as a failure. */
NTSTATUS KdConsoleReported(PKD_CONSOLE Console, NTSTATUS Status);

/* For a command that switches the machine off: in a script the emulator ends here, with the exit
 * status of what was run so far; else returns. */
void KdConsoleEndScript(PKD_CONSOLE Console);

/* Name of a status for people: "STATUS_INVALID_PARAMETER", or NULL. Any IRQL. */
const char *KdStatusName(NTSTATUS Status);
/* Parses an unsigned decimal or 0x number that fills the whole string and fits; else FALSE. */
BOOLEAN KdParseNumber(const char *Text, ULONG64 *Value);
/* The same for a hexadecimal one, as addresses and handles are shown, with or without 0x. */
BOOLEAN KdParseHexadecimal(const char *Text, ULONG64 *Value);
/* The same for a command's argument; says what is wrong, for the command to return
 * STATUS_INVALID_PARAMETER as what is reported. */
BOOLEAN KdConsoleTakeAddress(PKD_CONSOLE Console, const char *Text, ULONG64 *Address);
/* Whether Text, split at blanks, has Word. */
BOOLEAN KdHasWord(const char *Text, const char *Word);

/* Sets the masks of debug output that the registry has values for, below
 * Control\Session Manager\Debug Print Filter. PASSIVE_LEVEL. */
void KdLoadFilter(void);
/* Levels that every component prints. Under Windows' name, for debuggers. */
extern volatile ULONG Kd_WIN2000_Mask;
/* Notes the loader block; output works before it. */
void KdInitSystem(PLOADER_BLOCK LoaderBlock);
/* Opens \??\COM1 and runs the prompt (or exec.txt) on a system thread. Phase 1's last step. */
void KdStartConsole(void);

/* Formatter behind everything that formats (lib/rtl/format.c, which lists the conversions). Format
 * and Buffer are UTF-16 when Wide, else UTF-8. Stores at most Size characters and no terminator;
 * returns the characters that the whole text needs. Any IRQL. */
SIZE_T RtlFormatText(PVOID Buffer, SIZE_T Size, BOOLEAN Wide, const VOID *Format,
                     NT_VA_LIST Arguments);
/* The form of it for DbgPrint, KdPrintf and KdConsolePrint. Writes at most Size bytes, always
 * terminated when Size > 0; returns the bytes that the whole text needs without the terminator. Any
 * IRQL. */
SIZE_T RtlFormatString(char *Buffer, SIZE_T Size, const char *Format, NT_VA_LIST Arguments);

#endif
