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

#define NOISE_LIMIT_100NS (2000 * 10000ULL) /* gdb's own patience with an answer is 2 s */
#define STRAY_LIMIT_CYCLES 4000000000LL     /* about a second */
#define POLL_PAUSES 32
#define FIRST_REQUEST "qSupported"
#define SIGNAL_INTERRUPT 2
#define SIGNAL_TRAP 5
#define SIGNAL_ABORT 6

KDP_SESSION KdpSession;
static void *KdpRecovery[5]; /* of __builtin_setjmp */
static ULONG64 LastActivity; /* when the line was last read, in the TSC's time */

/*** The line ***/

/* Memory is full of zeros, and a line is slow. */
void KdpSendReply(void)
{
    KDP_REPLY *Reply = &KdpSession.Reply;
    UCHAR Sum = 0;
    ULONG Taken;

    HalWriteDebuggerByte('$');
    for (ULONG At = 0; At < Reply->Length; At += Taken) {
        CHAR Run[3];
        ULONG Count = KdpTakeRun(Reply->Data + At, Reply->Length - At, Run, &Taken);

        for (ULONG i = 0; i < Count; i++) {
            HalWriteDebuggerByte((UCHAR)Run[i]);
            Sum += (UCHAR)Run[i];
        }
    }
    HalWriteDebuggerByte('#');
    HalWriteDebuggerByte((UCHAR) "0123456789abcdef"[Sum >> 4]);
    HalWriteDebuggerByte((UCHAR) "0123456789abcdef"[Sum & 0xF]);
}

static void Acknowledge(CHAR Answer)
{
    if (!KdpSession.NoAcks) {
        HalWriteDebuggerByte((UCHAR)Answer);
    }
}

/* Once acknowledgements are over only a gdb that has just been started sends one: it wants them
 * again. */
static void NoteAcknowledgement(void)
{
    if (KdpSession.NoAcks && !KdpSession.LastAckDue) {
        KdpSession.NoAcks = FALSE;
    }
    KdpSession.LastAckDue = FALSE;
}

/* A byte takes 87 us at least. Who asked all the time would keep the bus, or an emulator's lock,
 * from others. */
static void WaitALittle(void)
{
    for (ULONG i = 0; i < POLL_PAUSES; i++) {
        YieldProcessor();
    }
}

/* The next good packet; FALSE: for a long time there was none, and nobody is known to be there.
 * Damage is answered at once, with no time limit: gdb sends the packet again by itself. */
static BOOLEAN ReceivePacket(void)
{
    ULONG64 Deadline = HalQueryCounter100ns() + NOISE_LIMIT_100NS;
    UCHAR Byte;

    for (;;) {
        if (!HalReadDebuggerByte(&Byte)) {
            if (KdpSession.Unsure && HalQueryCounter100ns() > Deadline) {
                return FALSE;
            }
            WaitALittle();
            continue;
        }
        switch (KdpReceiveByte(&KdpSession.Packet, Byte)) {
        case KdpPacketDone:
            if (strncmp(KdpSession.Packet.Data, FIRST_REQUEST, sizeof(FIRST_REQUEST) - 1) == 0) {
                KdpSession.NoAcks = FALSE; /* another gdb, or the same one anew */
            }
            Acknowledge('+');
            return TRUE;
        case KdpPacketTooLong:
        case KdpPacketDamaged:
            Acknowledge('-');
            break;
        case KdpAcknowledged:
            NoteAcknowledgement();
            break;
        case KdpRefused:
            if (!KdDebuggerNotPresent && !KdpSession.NoAcks) {
                KdpSendReply();
            }
            break;
        default:
            break;
        }
    }
}

/* A byte while the machine runs: Ctrl-C, or the beginning of a packet. A break is gdb's Ctrl-C, too
 * (`set remote interrupt-sequence BREAK`), or, without gdb, the key that stops a machine which
 * hangs. The bytes of one NMI may have been read already, as part of a session that has just
 * ended.
 *
 * An NMI comes while the machine runs, in the middle of anything: what it could run into a
 * breakpoint in is not called, nor what takes a lock, as reading the system's time may. */
BOOLEAN KdPollDebugger(PBOOLEAN Ours, KD_STOP_REASON *Reason)
{
    UCHAR Byte;

    while (HalReadDebuggerByte(&Byte)) {
        KDP_EVENT Event = KdpReceiveByte(&KdpSession.Packet, Byte);

        LastActivity = __rdtsc();
        if (Event == KdpAcknowledged) {
            NoteAcknowledgement();
        }
        if (HalTakeDebuggerBreak()) {
            *Reason = KdDebuggerNotPresent ? KdStopCrash : KdStopBreakIn;
            return TRUE;
        }
        if (Event == KdpBreakIn || KdpSession.Packet.Place == KdpInBody) {
            *Reason = KdStopBreakIn;
            return TRUE;
        }
    }
    *Ours =
        KeGetCurrentPrcb()->Number == 0 && (LONG64)(__rdtsc() - LastActivity) < STRAY_LIMIT_CYCLES;
    return FALSE;
}

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

/* Off and on again: the NMI comes from an edge. */
void KdListen(void)
{
    if (KdIsDebuggerPossible()) {
        HalListenDebuggerPort(FALSE);
        HalListenDebuggerPort(TRUE);
    }
}

void KdServeDebugger(const KD_STOP *Stop, PKD_RESUME Resume)
{
    HalListenDebuggerPort(FALSE);
    KdLiftBreakpoints();
    BeginStop(Stop);
    KdpSession.Resume = (KD_RESUME){.Step = FALSE};
    while (!KdpSession.Finished && ReceivePacket()) {
        KdpSession.Unsure = FALSE;
        KdpSetPresent(TRUE);
        HandleGuarded();
        if (!KdpSession.Finished) {
            KdpSendReply();
        }
    }
    *Resume = KdpSession.Resume;
    HalTakeDebuggerBreak(); /* one that came meanwhile is no wish about the machine that runs */
    LastActivity = __rdtsc();
    KdInsertBreakpoints();
}
