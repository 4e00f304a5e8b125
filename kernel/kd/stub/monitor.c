/*
 * monitor.c - gdb's `monitor` runs a console command while the machine stands.
 *
 * Only those that their files declare by KD_COMMAND_ANYTIME: they take no lock, which a processor that
 * stands still may hold, allocate nothing, and wait for nobody. Others could be run by letting the machine
 * go on for a moment, but what its user is looking at would then be gone: they are refused, and the console
 * is a `continue` away. `monitor reboot` is the debugger's own: the console's writes the registry first.
 *
 * A command's text goes out as it is made, in packets of their own that gdb prints.
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
    memset(&Console, 0, sizeof(Console));
    Console.Sink = SendText;
    KdpRunLine(&Console, Line);
    KdpBeginReply(&KdpSession.Reply);
    KdpAddText(&KdpSession.Reply, "OK");
}
