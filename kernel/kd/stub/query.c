/*
 * query.c - q and Q: what the stub can do, which threads there are, what they are called.
 *
 * A thread to gdb is a processor: what stands on it is what can be stepped and looked at in
 * registers. The system's own threads are in memory, for the commands of kernel/kd/gdb; so are
 * drivers, whose symbols those commands load.
 */
#include "stub.h"
#include "ldr.h"

#define NAME_SIZE 128

static NT_PRINTF(3, 4) SIZE_T NT_VARARGS Format(CHAR *Text, SIZE_T Size, const CHAR *As, ...)
{
    NT_VA_LIST Arguments;
    SIZE_T Length;

    nt_va_start(Arguments, As);
    Length = RtlFormatString(Text, Size, As, Arguments);
    nt_va_end(Arguments);
    return min(Length, Size - 1);
}

/* CPU 1 - thread "worker" IRQL 2 */
static void NameProcessor(ULONG Number, CHAR Name[NAME_SIZE])
{
    PKPRCB Prcb = KiProcessorBlock[Number];
    PKTHREAD Thread = Prcb->CurrentThread;
    CHAR What[80];

    if (Thread == NULL) {
        memcpy(What, "starting", sizeof("starting"));
    } else if (Thread == Prcb->IdleThread) {
        memcpy(What, "idle", sizeof("idle"));
    } else {
        CHAR Start[64];

        LdrFormatAddress((PVOID)Thread->StartAddress, Start, sizeof(Start));
        Format(What, sizeof(What), "thread \"%.*s\"",
               (int)(Thread->Name[0] != 0 ? sizeof(Thread->Name) : sizeof(Start)),
               Thread->Name[0] != 0 ? Thread->Name : Start);
    }
    Format(Name, NAME_SIZE, "CPU %u - %s IRQL %u%s", Number, What,
           (ULONG)KiQueryStopped(Number)->Cr8, Prcb->DpcActive ? ", in a DPC" : "");
}

/* "m1,2,3": the processors that stand still. One that does not answer is none of gdb's threads. */
static void AddThreads(PKDP_REPLY Reply)
{
    const CHAR *Before = "m";

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        if (KiQueryStopped(i) != NULL) {
            KdpAddText(Reply, Before);
            KdpAddNumber(Reply, KdpThreadOf(i));
            Before = ",";
        }
    }
}

static void AddThreadInfo(PKDP_REPLY Reply, const CHAR *At)
{
    CHAR Name[NAME_SIZE];
    ULONG Processor;

    if (!KdpTakeThread(&At, KdpSession.Stop.Processor, &Processor)) {
        KdpAddText(Reply, KDP_ERROR_NO_THREAD);
        return;
    }
    NameProcessor(Processor, Name);
    KdpAddBytes(Reply, Name, strlen(Name));
}

/* A part of Text, from offset,length: "l" before the last one, "m" before others. */
static void AddPart(PKDP_REPLY Reply, const CHAR *At, const CHAR *Text)
{
    ULONG64 Offset, Length;
    SIZE_T Whole = strlen(Text);

    if (!KdpTakeNumber(&At, &Offset) || !KdpTakeCharacter(&At, ',') ||
        !KdpTakeNumber(&At, &Length) || Offset > Whole) {
        KdpAddText(Reply, KDP_ERROR_REQUEST);
        return;
    }
    Length = min(Length, (ULONG64)KDP_PACKET_SIZE / 2 - 1); /* each may need an escape */
    KdpAddText(Reply, Length < Whole - Offset ? "m" : "l");
    KdpAddBinary(Reply, Text + Offset, min(Length, Whole - Offset));
}

/* Quotes, which stand around a thread's name, are to be written otherwise in an attribute. */
static void AddEscaped(CHAR *Text, SIZE_T Size, const CHAR *Name)
{
    SIZE_T Used = strlen(Text);

    for (; *Name != 0 && Used + sizeof("&quot;") < Size; Name++) {
        const CHAR *As = *Name == '"'   ? "&quot;"
                         : *Name == '<' ? "&lt;"
                         : *Name == '&' ? "&amp;"
                                        : NULL;

        if (As != NULL) {
            memcpy(Text + Used, As, strlen(As));
            Used += strlen(As);
        } else if (*Name >= ' ' && *Name <= '~') {
            Text[Used++] = *Name;
        }
    }
    Text[Used] = 0;
}

/* The whole document at each part: it does not change while the machine stands. */
static void AddThreadList(PKDP_REPLY Reply, const CHAR *At)
{
    static CHAR Text[KI_MAX_PROCESSORS * (NAME_SIZE + 80) + 64];
    SIZE_T Used = Format(Text, sizeof(Text), "<?xml version=\"1.0\"?><threads>");

    for (ULONG i = 0; i < KI_MAX_PROCESSORS; i++) {
        CHAR Name[NAME_SIZE];

        if (KiQueryStopped(i) != NULL) {
            NameProcessor(i, Name);
            Used += Format(Text + Used, sizeof(Text) - Used,
                           "<thread id=\"%x\" core=\"%u\" name=\"", KdpThreadOf(i), i);
            AddEscaped(Text + Used, NAME_SIZE + 40, Name);
            Used += strlen(Text + Used);
            Used += Format(Text + Used, sizeof(Text) - Used, "\"/>");
        }
    }
    Format(Text + Used, sizeof(Text) - Used, "</threads>");
    AddPart(Reply, At, Text);
}

/* A gdb that has just come; it may be another than the last one, which did not say good-bye. */
static void Greet(PKDP_REPLY Reply, const CHAR *At)
{
    KdpRemoveAllBreakpoints();
    KdpSession.WantsOutput = FALSE;
    KdpSession.KnowsSwbreak = strstr(At, "swbreak+") != NULL;
    KdpAddText(Reply, "PacketSize=");
    KdpAddNumber(Reply, KDP_PACKET_SIZE);
    KdpAddText(Reply, ";QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;swbreak+;"
                      "hwbreak+;vContSupported+");
}

static void AddCurrentThread(PKDP_REPLY Reply)
{
    KdpAddText(Reply, "QC");
    KdpAddNumber(Reply, KdpThreadOf(KdpSession.Chosen));
}

static void StopAcknowledging(PKDP_REPLY Reply)
{
    KdpSession.LastAckDue = !KdpSession.NoAcks;
    KdpSession.NoAcks = TRUE;
    KdpAddText(Reply, "OK");
}

void KdpQuery(const CHAR *At)
{
    PKDP_REPLY Reply = &KdpSession.Reply;

    if (KdpTakeWord(&At, "qSupported")) {
        Greet(Reply, At);
    } else if (KdpTakeWord(&At, "QStartNoAckMode")) {
        StopAcknowledging(Reply);
    } else if (KdpTakeWord(&At, "qfThreadInfo")) {
        AddThreads(Reply);
    } else if (KdpTakeWord(&At, "qsThreadInfo")) {
        KdpAddText(Reply, "l");
    } else if (KdpTakeWord(&At, "qThreadExtraInfo,")) {
        AddThreadInfo(Reply, At);
    } else if (KdpTakeWord(&At, "qXfer:threads:read::")) {
        AddThreadList(Reply, At);
    } else if (KdpTakeWord(&At, "qXfer:features:read:target.xml:")) {
        AddPart(Reply, At, KdpTargetDescription());
    } else if (KdpTakeWord(&At, "qAttached")) {
        KdpAddText(Reply, "1"); /* leave it running when gdb ends */
    } else if (KdpTakeWord(&At, "qSymbol::")) {
        KdpAddText(Reply, "OK"); /* no symbols are wanted */
    } else if (KdpTakeWord(&At, "qRcmd,")) {
        KdpMonitor(At);
    } else if (strcmp(At, "qC") == 0) {
        AddCurrentThread(Reply);
    }
}
