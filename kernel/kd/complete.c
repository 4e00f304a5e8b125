/*
 * complete.c - what Tab does: finishes the word before the cursor as far as it is certain, and
 * lists the possibilities when it is not.
 *
 * The first word of a command is completed from the commands, another from the boot disk's files as
 * c:\folder\file, one level of folders at a time.
 */
#include "ke.h"
#include "ldr.h"
#include "console.h"
#include "words.h"

#define WORD_SIZE 128 /* longer words are not completed */
#define DRIVE "c:\\"

typedef struct _KDP_COMPLETION {
    PKD_CONSOLE Console;
    CHAR Word[WORD_SIZE]; /* what is typed */
    SIZE_T Length;
    BOOLEAN List;           /* second round: print the possibilities */
    ULONG Count;            /* different possibilities */
    CHAR Common[WORD_SIZE]; /* how far they are the same */
    CHAR Last[WORD_SIZE];   /* the last one seen; files of a folder come together */
} KDP_COMPLETION, *PKDP_COMPLETION;

/* One possible word. Nothing is collected, as there is no telling how many there are: a first round
 * over all counts them and keeps what they have in common, a second one prints them if that is no
 * help. */
static void Consider(PKDP_COMPLETION Completion, const CHAR *Candidate)
{
    SIZE_T Same = 0;

    if (_strnicmp(Candidate, Completion->Word, Completion->Length) != 0 ||
        strcmp(Candidate, Completion->Last) == 0) {
        return;
    }
    strcpy_s(Completion->Last, WORD_SIZE, Candidate);
    if (Completion->List) {
        KdConsolePrint(Completion->Console, "%s  ", Candidate);
        return;
    }
    if (Completion->Count++ == 0) {
        strcpy_s(Completion->Common, WORD_SIZE, Candidate);
        return;
    }
    while (Completion->Common[Same] != 0 &&
           tolower(Completion->Common[Same]) == tolower(Candidate[Same])) {
        Same++;
    }
    Completion->Common[Same] = 0;
}

static void ConsiderCommands(PKDP_COMPLETION Completion)
{
    for (const KD_COMMAND_ENTRY *Entry = __kdcmd_start; Entry != __kdcmd_end; Entry++) {
        Consider(Completion, Entry->Name);
    }
}

/* LdrEnumerateFiles callback: the file, or the folder that comes next behind what is typed. */
static BOOLEAN ConsiderFile(const char *Name, SIZE_T Size, PVOID Context)
{
    PKDP_COMPLETION Completion = Context;
    CHAR Path[WORD_SIZE] = DRIVE;
    SIZE_T Length = strlen(DRIVE);

    UNREFERENCED_PARAMETER(Size);
    for (; *Name != 0 && Length < sizeof(Path) - 1; Name++) {
        Path[Length++] = *Name == '/' ? '\\' : *Name;
        if (*Name == '/' && Length > Completion->Length) {
            break;
        }
    }
    Path[Length] = 0;
    Consider(Completion, Path);
    return TRUE;
}

/* Where the word before the cursor begins; *First: it is the first of its command. */
static ULONG FindWord(PKDP_LINE Line, BOOLEAN *First)
{
    ULONG Start = 0;
    BOOLEAN InWord = FALSE;

    *First = TRUE;
    for (ULONG i = 0; i < Line->Cursor; i++) {
        CHAR Character = Line->Text[i];
        if (Character == ' ' || Character == ';') {
            *First = Character == ';' || (*First && !InWord);
            InWord = FALSE;
            Start = i + 1;
        } else {
            InWord = TRUE;
        }
    }
    return Start;
}

static void Gather(PKDP_COMPLETION Completion, BOOLEAN First)
{
    Completion->Last[0] = 0;
    if (First) {
        ConsiderCommands(Completion);
    } else {
        LdrEnumerateFiles(ConsiderFile, Completion);
    }
}

/* Puts the common part in place of the typed one, and a blank behind what is complete. */
static void ReplaceWord(PKDP_LINE Line, PKDP_COMPLETION Completion)
{
    ULONG Length = (ULONG)strlen(Completion->Common), Typed = (ULONG)Completion->Length;

    /* What was typed in another case, or with other slashes, is replaced. */
    if (memcmp(Line->Text + Line->Cursor - Typed, Completion->Common, Typed) != 0) {
        KdpEraseBefore(Line, Typed);
        Typed = 0;
    }
    KdpInsertText(Line, Completion->Common + Typed, Length - Typed);
    if (Completion->Count == 1 && Completion->Common[Length - 1] != '\\') {
        KdpInsertText(Line, " ", 1);
    }
}

void KdpCompleteLine(PVOID Context, PKDP_LINE Line)
{
    KDP_COMPLETION Completion = {.Console = Context};
    BOOLEAN First;
    ULONG Start = FindWord(Line, &First);

    Completion.Length = Line->Cursor - Start;
    if (Completion.Length >= WORD_SIZE) {
        return;
    }
    memcpy(Completion.Word, Line->Text + Start, Completion.Length);
    for (SIZE_T i = 0; i < Completion.Length; i++) {
        Completion.Word[i] = Completion.Word[i] == '/' ? '\\' : Completion.Word[i];
    }
    Gather(&Completion, First);
    if (Completion.Count == 1 || strlen(Completion.Common) > Completion.Length) {
        ReplaceWord(Line, &Completion);
    } else if (Completion.Count > 1) {
        Completion.List = TRUE;
        KdConsolePrint(Completion.Console, "\n");
        Gather(&Completion, First);
        KdConsolePrint(Completion.Console, "\n");
        KdpRedrawLine(Line);
    }
}
