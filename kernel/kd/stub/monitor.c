/*
 * monitor.c - gdb's `monitor` runs a console command while the machine stands.
 *
 * Only those that their files declare by KD_COMMAND_ANYTIME: they take no lock, which a processor
 * that stands still may hold, allocate nothing, and wait for nobody. Others could be run by letting
 * the machine go on for a moment, but what its user is looking at would then be gone: they are
 * refused, and the console is a `continue` away. Two are the debugger's own: `monitor reboot`, as
 * the console's writes the registry first, and `monitor set dbgprint on`, which makes gdb print
 * what drivers and the kernel print.
 *
 * A command's text goes out as it is made, in packets of their own that gdb prints. Those of a
 * machine that runs go out in the same way, within print.c's lock, so their order is that on the
 * console; whoever sends one owns the debugger meanwhile, so that no stop comes in between.
 */
#include "stub.h"
#include "hal.h"
#include "../console.h"

static KD_CONSOLE Console; /* large; one stop at a time needs one */

static void SendText(const CHAR *Text, SIZE_T Length)
{
    while (Length != 0) {
        SIZE_T Part = min(Length, (SIZE_T)KDP_PACKET_SIZE / 2 - 1);

        KdpBeginReply(&KdpSession.Reply);
        KdpAddText(&KdpSession.Reply, "O");
        KdpAddBytes(&KdpSession.Reply, Text, Part);
        KdpSendReply();
        Text += Part;
        Length -= Part;
    }
}

void KdShowDebugger(const CHAR *Text, SIZE_T Length)
{
    if (KdpSession.WantsOutput && KiOwnDebugger()) {
        SendText(Text, Length);
        KiDisownDebugger();
    }
}

/* "set dbgprint on", or off. FALSE: something else. */
static BOOLEAN SetOutput(const CHAR *Line)
{
    if (!KdpTakeWord(&Line, "set dbgprint ") ||
        (strcmp(Line, "on") != 0 && strcmp(Line, "off") != 0)) {
        return FALSE;
    }
    KdpSession.WantsOutput = strcmp(Line, "on") == 0;
    return TRUE;
}

void KdpMonitor(const CHAR *At)
{
    static CHAR Line[KDP_LINE_SIZE];
    SIZE_T Length = strlen(At) / 2;

    if (Length >= sizeof(Line) || strlen(At) % 2 != 0 || !KdpTakeBytes(&At, Line, Length)) {
        KdpAddText(&KdpSession.Reply, KDP_ERROR_REQUEST);
        return;
    }
    Line[Length] = 0;
    if (strcmp(Line, "reboot") == 0) {
        HalReboot();
    }
    if (!SetOutput(Line)) {
        memset(&Console, 0, sizeof(Console));
        Console.Sink = SendText;
        KdpRunLine(&Console, Line);
    }
    KdpBeginReply(&KdpSession.Reply);
    KdpAddText(&KdpSession.Reply, "OK");
}
