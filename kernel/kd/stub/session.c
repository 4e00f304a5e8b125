/*
 * session.c - the debugger's stub: a conversation with gdb while the machine stands.
 *
 * gdb asks, the stub answers; only the answer to "go on" is late: it is the reason of the next
 * stop. So a session lasts from a stop to the next "go on", and what outlives it is little:
 * KdpSession, the breakpoints, and whether somebody is there at all (KdDebuggerNotPresent). Each
 * layer forgives: a damaged packet is asked for again, an unknown one is answered with nothing, as
 * the protocol wants, and a request that faults, on damaged data for instance, with an error.
 *
 * Somebody is there from the first good packet until it detaches. A stop for bytes that turn out to
 * be noise ends by itself.
 */
#include "stub.h"
#include "hal.h"

#define SIGNAL_INTERRUPT 2
#define SIGNAL_TRAP 5
#define SIGNAL_ABORT 6

KDP_SESSION KdpSession;
static void *KdpRecovery[5]; /* of __builtin_setjmp */

/*** Going on ***/

static void GoOn(BOOLEAN Step, ULONG Processor)
{
    KdpSession.Finished = TRUE;
    KdpSession.Resume = (KD_RESUME){.Step = Step, .Processor = Processor};
}

void KdpEndSession(void)
{
    KdpRemoveAllBreakpoints();
    KdpSession.NoAcks = FALSE;
    KdpSession.KnowsSwbreak = FALSE;
    KdpSession.WantsOutput = FALSE;
    KdpSetPresent(FALSE);
}

/* c, s, and C, S with a signal, which means nothing here; all may name an address to go on at. */
static void Resume(const CHAR *At, BOOLEAN Step, BOOLEAN Signal)
{
    PKD_PROCESSOR Processor = KiQueryStopped(KdpSession.StepChosen);
    ULONG64 Address;

    if (Processor == NULL) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_NO_THREAD);
        return;
    }
    if (Signal && (!KdpTakeNumber(&At, &Address) || (*At != 0 && !KdpTakeCharacter(&At, ';')))) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    if (KdpTakeNumber(&At, &Address)) {
        Processor->Frame->Rip = Address;
    }
    GoOn(Step, KdpSession.StepChosen);
}

/* vCont;s:2;c - a step is one processor's, and while it lasts nobody else runs, whatever else is
 * asked for: the first action that steps decides. */
static void ContinueThreads(const CHAR *At)
{
    ULONG Stepping = MAXULONG;

    while (KdpTakeCharacter(&At, ';')) {
        CHAR Action = *At++;
        ULONG Processor = KdpSession.Stop.Processor;
        ULONG64 Signal;

        if (Action == 0 || strchr("cCsS", Action) == NULL ||
            ((Action == 'C' || Action == 'S') && !KdpTakeNumber(&At, &Signal)) ||
            (KdpTakeCharacter(&At, ':') && !KdpTakeThread(&At, Processor, &Processor))) {
            KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
            return;
        }
        if ((Action == 's' || Action == 'S') && Stepping == MAXULONG) {
            Stepping = Processor;
        }
    }
    GoOn(Stepping != MAXULONG, Stepping);
}

static void Detach(void)
{
    KdpAddText(&KdpSession.Reply, "OK");
    KdpSendReply();
    KdpEndSession();
    GoOn(FALSE, 0);
}

/*** Why it stands ***/

void KdpAddStopReply(void)
{
    KDP_REPLY *Reply = &KdpSession.Reply;
    const KD_STOP *Stop = &KdpSession.Stop;
    PKD_PROCESSOR Processor = KiQueryStopped(Stop->Processor);
    UCHAR Signal = Stop->Reason == KdStopBreakIn    ? SIGNAL_INTERRUPT
                   : Stop->Reason == KdStopBugCheck ? SIGNAL_ABORT
                                                    : SIGNAL_TRAP;

    KdpAddText(Reply, "T");
    KdpAddBytes(Reply, &Signal, 1);
    KdpAddText(Reply, "thread:");
    KdpAddNumber(Reply, KdpThreadOf(Stop->Processor));
    KdpAddText(Reply, ";");
    if (Stop->Reason == KdStopBreakpoint && KdpSession.KnowsSwbreak) {
        KdpAddText(Reply, "swbreak:;");
    } else if (Stop->Reason == KdStopHardware) {
        KdpAddHardwareReason((ULONG)Stop->Address);
    }
    if (Processor != NULL) {
        KdpAddExpedited(Processor, 6); /* rbp, rsp, rip: what gdb asks for next */
        KdpAddExpedited(Processor, 7);
        KdpAddExpedited(Processor, 16);
    }
}

/*** Requests ***/

BOOLEAN KdpTakeThread(const CHAR **At, ULONG Any, ULONG *Processor)
{
    ULONG64 Thread;

    if (KdpTakeWord(At, "-1")) {
        *Processor = Any;
        return TRUE;
    }
    if (!KdpTakeNumber(At, &Thread)) {
        return FALSE;
    }
    *Processor = Thread == 0 ? Any : (ULONG)Thread - 1;
    return Thread <= KI_MAX_PROCESSORS && KiQueryStopped(*Processor) != NULL;
}

/* H: for registers (g) or for going on (c). */
static void ChooseThread(const CHAR *At)
{
    CHAR Purpose = *At;
    ULONG Processor;

    if (Purpose == 0 || (At++, !KdpTakeThread(&At, KdpSession.Stop.Processor, &Processor))) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_NO_THREAD);
        return;
    }
    *(Purpose == 'g' ? &KdpSession.Chosen : &KdpSession.StepChosen) = Processor;
    KdpAddText(&KdpSession.Reply, "OK");
}

/* v: those with a word for a name; the empty answer says that one is unknown. */
static void HandleWord(const CHAR *At)
{
    if (strcmp(At, "Cont?") == 0) {
        KdpAddText(&KdpSession.Reply, "vCont;c;C;s;S");
    } else if (KdpTakeWord(&At, "Cont") && *At == ';') {
        ContinueThreads(At);
    } else if (KdpTakeWord(&At, "Kill")) {
        HalReboot();
    }
}

static void HandleRegisters(CHAR Letter, const CHAR *At)
{
    PKD_PROCESSOR Processor = KiQueryStopped(KdpSession.Chosen);

    if (Processor == NULL) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_NO_THREAD);
        return;
    }
    switch (Letter) {
    case 'g':
        KdpReadRegisters(Processor);
        break;
    case 'G':
        KdpWriteRegisters(Processor, At);
        break;
    case 'p':
        KdpReadRegister(Processor, At);
        break;
    default:
        KdpWriteRegister(Processor, At);
    }
}

static void IsThreadAlive(const CHAR *At)
{
    ULONG Processor;

    KdpAddText(&KdpSession.Reply,
               KdpTakeThread(&At, MAXULONG, &Processor) ? "OK" : KDP_ERROR_NO_THREAD);
}

static void HandlePacket(void)
{
    CHAR *Text = KdpSession.Packet.Data;

    switch (Text[0]) {
    case '?':
        KdpAddStopReply();
        break;
    case 'g':
    case 'G':
    case 'p':
    case 'P':
        HandleRegisters(Text[0], Text + 1);
        break;
    case 'm':
        KdpReadMemory(Text + 1);
        break;
    case 'M':
        KdpWriteMemory(Text + 1);
        break;
    case 'X':
        KdpWriteBinary(Text + 1, KdpSession.Packet.Length - 1);
        break;
    case 'Z':
        KdpSetBreakpoint(Text + 1);
        break;
    case 'z':
        KdpClearBreakpoint(Text + 1);
        break;
    case 'c':
    case 'C':
        Resume(Text + 1, FALSE, Text[0] == 'C');
        break;
    case 's':
    case 'S':
        Resume(Text + 1, TRUE, Text[0] == 'S');
        break;
    case 'H':
        ChooseThread(Text + 1);
        break;
    case 'T':
        IsThreadAlive(Text + 1);
        break;
    case 'D':
        Detach();
        break;
    case 'k':
        HalReboot();
    case 'q':
    case 'Q':
        KdpQuery(Text);
        break;
    case 'v':
        HandleWord(Text + 1);
        break;
    }
}

/* Comes back a second time, with an error for an answer, when the request has faulted. */
static __attribute__((noinline)) void HandleGuarded(void)
{
    KdpBeginReply(&KdpSession.Reply);
    if (__builtin_setjmp(KdpRecovery) == 0) {
        HandlePacket();
        return;
    }
    KdpSession.Finished = FALSE;
    KdpBeginReply(&KdpSession.Reply);
    KdpAddText(&KdpSession.Reply, KDP_ERROR_ADDRESS);
}

void KdAbandonRequest(void)
{
    __builtin_longjmp(KdpRecovery, 1);
}

/* A gdb that does not know swbreak takes the breakpoint's byte off the address by itself. */
static void BeginStop(const KD_STOP *Stop)
{
    KdpSession.Stop = *Stop;
    KdpSession.Chosen = KdpSession.StepChosen = Stop->Processor;
    KdpSession.Finished = FALSE;
    if (Stop->Reason == KdStopBreakpoint && !KdpSession.KnowsSwbreak) {
        KiQueryStopped(Stop->Processor)->Frame->Rip += 1;
    }
    /* Somebody who begins to ask does not wait for an answer to an older question. */
    KdpSession.Unsure = Stop->Reason == KdStopBreakIn &&
                        (KdDebuggerNotPresent || KdpSession.Packet.Place == KdpInBody);
    if (!KdDebuggerNotPresent && !KdpSession.Unsure) {
        KdpBeginReply(&KdpSession.Reply);
        KdpAddStopReply();
        KdpSendReply();
    }
}

void KdServeDebugger(const KD_STOP *Stop, PKD_RESUME Resume)
{
    HalListenDebuggerPort(FALSE);
    KdLiftBreakpoints();
    BeginStop(Stop);
    KdpSession.Resume = (KD_RESUME){.Step = FALSE};
    while (!KdpSession.Finished && KdpReceivePacket()) {
        KdpSession.Unsure = FALSE;
        KdpSetPresent(TRUE);
        HandleGuarded();
        if (!KdpSession.Finished) {
            KdpSendReply();
        }
    }
    *Resume = KdpSession.Resume;
    HalTakeDebuggerBreak(); /* one that came meanwhile is no wish about the machine that runs */
    KdpNoteActivity();
    KdInsertBreakpoints();
}
