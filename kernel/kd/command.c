/*
 * command.c - running of commands. They register by KD_COMMAND in the files whose data they show;
 * the linker gathers them between __kdcmd_start and __kdcmd_end, in no useful order.
 */
#include "ke.h"
#include "console.h"
#include "words.h"

/* The linker lays the entries end to end, as they are aligned in their own files; that is an array
 * only if the alignment leaves no gaps. */
C_ASSERT(sizeof(KD_COMMAND_ENTRY) == 40);

/* Some sixty commands, looked up once a line: no order needed. */
static const KD_COMMAND_ENTRY *FindCommand(const CHAR *Name)
{
    for (const KD_COMMAND_ENTRY *Entry = __kdcmd_start; Entry != __kdcmd_end; Entry++) {
        if (_stricmp(Entry->Name, Name) == 0) {
            return Entry;
        }
    }
    return NULL;
}

/* Runs the command in Console->Text; FALSE when it failed. A failure is named once: by the command
 * itself, which knows more, or else here by its status. */
static BOOLEAN RunCommand(PKD_CONSOLE Console)
{
    NTSTATUS Status;
    const char *Text;
    int Count;

    /* Splitting is destructive, and the raw text has to outlive it. */
    memcpy(Console->Split, Console->Text, strlen(Console->Text) + 1);
    Count = KdpSplitWords(Console->Split, Console->Words, KDP_MAXIMUM_WORDS);
    Console->Words[Count] = NULL;
    if (Count == 0) {
        return TRUE;
    }
    Console->Command = FindCommand(Console->Words[0]);
    if (Console->Command == NULL) {
        KdConsolePrint(Console, "%s: no such command; `help` lists them\n", Console->Words[0]);
        return FALSE;
    }
    if (Console->Sink != NULL && (Console->Command->Flags & KD_ANYTIME) == 0) {
        KdConsolePrint(
            Console,
            "%s needs the machine to run: it takes locks, or waits. `continue` and use the "
            "console; gdb's own commands (`nt help`) need neither\n",
            Console->Command->Name);
        return FALSE;
    }
    Console->RawArguments = KdpSkipWord(Console->Text);
    Console->RawArguments = KdpSkipBlanks(Console->RawArguments);
    Console->Reported = FALSE;
    Status = Console->Command->Routine(Console, Count, Console->Words);
    if (!NT_SUCCESS(Status) && !Console->Reported) {
        Text = KdStatusName(Status);
        KdConsolePrint(Console, "%s: 0x%08X%s%s\n", Console->Command->Name, Status,
                       Text == NULL ? "" : " ", Text == NULL ? "" : Text);
    }
    return NT_SUCCESS(Status);
}

void KdpRunLine(PKD_CONSOLE Console, const CHAR *Line)
{
    const CHAR *Command;
    SIZE_T Length;

    while (KdpTakeCommand(&Line, &Command, &Length)) {
        if (Length == 0) {
            continue;
        }
        if (Length >= sizeof(Console->Text)) {
            KdConsolePrint(Console, "%.20s...: longer than %u bytes\n", Command,
                           (ULONG)sizeof(Console->Text) - 1);
            Console->Failures++;
            continue;
        }
        memcpy(Console->Text, Command, Length);
        Console->Text[Length] = 0;
        if (Console->Script) {
            KdConsolePrint(Console, KDP_PROMPT "%s\n", Console->Text);
        }
        Console->Failures += !RunCommand(Console);
    }
}

const char *KdConsoleRawArguments(PKD_CONSOLE Console)
{
    return Console->RawArguments;
}

NTSTATUS KdConsoleReported(PKD_CONSOLE Console, NTSTATUS Status)
{
    Console->Reported = TRUE;
    return Status;
}

NTSTATUS KdConsoleUsage(PKD_CONSOLE Console)
{
    KdConsolePrint(Console, "usage: %s %s\n", Console->Command->Name, Console->Command->Arguments);
    return KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
}

BOOLEAN KdConsoleTakeAddress(PKD_CONSOLE Console, const char *Text, ULONG64 *Address)
{
    if (KdParseHexadecimal(Text, Address)) {
        return TRUE;
    }
    KdConsolePrint(Console,
                   "%s: %s is no address; one is a hexadecimal number, like FFFFF78000000000\n",
                   Console->Command->Name, Text);
    KdConsoleReported(Console, STATUS_INVALID_PARAMETER);
    return FALSE;
}

/* The first command by name that comes after Last and has all Flags; NULL: the first of all, or
 * none left. */
static const KD_COMMAND_ENTRY *NextByName(const KD_COMMAND_ENTRY *Last, ULONG64 Flags)
{
    const KD_COMMAND_ENTRY *Next = NULL;

    for (const KD_COMMAND_ENTRY *Entry = __kdcmd_start; Entry != __kdcmd_end; Entry++) {
        if ((Entry->Flags & Flags) == Flags &&
            (Last == NULL || strcmp(Entry->Name, Last->Name) > 0) &&
            (Next == NULL || strcmp(Entry->Name, Next->Name) < 0)) {
            Next = Entry;
        }
    }
    return Next;
}

/* The width of the column with name and arguments: that of the longest which is not exceptional. */
#define HELP_COLUMN 34

/* Sorting by looking for the next one each time: no memory, and nobody waits for it. */
static NTSTATUS HelpCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    ULONG64 Flags = Console->Sink != NULL ? KD_ANYTIME : 0;
    const KD_COMMAND_ENTRY *Entry;

    if (Argc > 2) {
        return KdConsoleUsage(Console);
    }
    if (Argc == 2) {
        Entry = FindCommand(Argv[1]);
        if (Entry == NULL) {
            KdConsolePrint(Console, "%s: no such command\n", Argv[1]);
            return KdConsoleReported(Console, STATUS_NOT_FOUND);
        }
        KdConsolePrint(Console, "%s %s\n    %s\n", Entry->Name, Entry->Arguments, Entry->Help);
        return STATUS_SUCCESS;
    }
    for (Entry = NextByName(NULL, Flags); Entry != NULL; Entry = NextByName(Entry, Flags)) {
        ULONG Width = (ULONG)(strlen(Entry->Name) + 1 + strlen(Entry->Arguments));
        KdConsolePrint(Console, "%s %s%*s  %s\n", Entry->Name, Entry->Arguments,
                       Width < HELP_COLUMN ? (LONG)(HELP_COLUMN - Width) : 0, "", Entry->Help);
    }
    KdConsolePrint(Console, "Several commands on a line are separated by ';'.%s\n",
                   Console->Sink == NULL
                       ? " Tab completes."
                       : "\nset dbgprint on|off: gdb shows what is printed while the machine runs"
                         "\nreboot: restart the machine at once"
                         "\nThe console's other commands need the machine to run: they take locks, "
                         "or wait. See gdb's `nt help`.");
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("help", "[COMMAND]", "list the commands, or explain one", HelpCommand);

/* As typed, quotes and all, like cmd's. */
static NTSTATUS EchoCommand(PKD_CONSOLE Console, int Argc, char **Argv)
{
    UNREFERENCED_PARAMETER(Argc);
    UNREFERENCED_PARAMETER(Argv);
    KdConsolePrint(Console, "%s\n", KdConsoleRawArguments(Console));
    return STATUS_SUCCESS;
}
KD_COMMAND_ANYTIME("echo", "TEXT", "print a text", EchoCommand);
