/*
 * debugport.c - COM2 as the debugger's line.
 *
 * A byte that comes has to be noticed whatever the processors do: spinning at DISPATCH_LEVEL, or at
 * HIGH_LEVEL with interrupts off. So the UART's interrupt is no interrupt but an NMI: the I/O APIC
 * can deliver a line as one. It costs nothing until a byte comes; polling from the clock would cost
 * a port read, a microsecond, each tick, and would miss what stops the clock.
 */
#include "halp.h"
#include "uart.h"

#define DEBUGGER_BASE 0x2F8
#define DEBUGGER_ISA_LINE 3

/* A far end that is an emulator's socket may not be read for seconds, when its host is busy. */
#define DEBUGGER_POLL_LIMIT (100 * UART_POLL_LIMIT)

static BOOLEAN HalpDebuggerPortOpen;
static BOOLEAN HalpDebuggerBreak;
static BOOLEAN HalpDebuggerStuck; /* the last wait ran out of patience */
static ULONG HalpDebuggerFifo;    /* i  bytes that go out at a time: see HalpQueryUartFifo */
static ULONG HalpDebuggerRoom;    /* bytes that it takes now; who owns the debugger owns it, too */

BOOLEAN HalpIsDebuggerLine(ULONG Line)
{
    return HalpDebuggerPortOpen && Line == DEBUGGER_ISA_LINE;
}

BOOLEAN HalOpenDebuggerPort(void)
{
    if (!HalpDetectUart(DEBUGGER_BASE)) {
        return FALSE;
    }
    HalpSetUpUart(DEBUGGER_BASE, UART_MODEM_DTR_RTS | UART_MODEM_OUT2);
    HalpDebuggerFifo = HalpQueryUartFifo(DEBUGGER_BASE);
    HalpDebuggerPortOpen =
        HalpRouteNmi(&HalpPlatform.IsaLine[DEBUGGER_ISA_LINE], HalpPlatform.Cpu[0].ApicId);
    return HalpDebuggerPortOpen;
}

void HalListenDebuggerPort(BOOLEAN Listen)
{
    HalpOut8(DEBUGGER_BASE + UartInterruptEnable, Listen ? UART_RECEIVE_INTERRUPT : 0);
}

/* A break comes as a byte of 0, with a mark that is gone once the status has been read. */
BOOLEAN HalReadDebuggerByte(PUCHAR Byte)
{
    UCHAR Status = HalpIn8(DEBUGGER_BASE + UartStatus);

    HalpDebuggerBreak |= (Status & UART_STATUS_BREAK) != 0;
    if ((Status & UART_STATUS_DATA) == 0) {
        return FALSE;
    }
    *Byte = HalpIn8(DEBUGGER_BASE + UartData);
    return TRUE;
}

BOOLEAN HalTakeDebuggerBreak(void)
{
    BOOLEAN Seen = HalpDebuggerBreak;

    HalpDebuggerBreak = FALSE;
    return Seen;
}

/* A FIFO that is empty has room for more than one, and to ask costs as much as to write. */
void HalWriteDebuggerByte(UCHAR Byte)
{
    ULONG Limit = HalpDebuggerStuck ? 1 : DEBUGGER_POLL_LIMIT;

    for (ULONG i = 0; i < Limit && HalpDebuggerRoom == 0; i++) {
        UCHAR Status = HalpIn8(DEBUGGER_BASE + UartStatus);

        HalpDebuggerBreak |= (Status & UART_STATUS_BREAK) != 0;
        if (Status & UART_STATUS_EMPTY) {
            HalpDebuggerRoom = HalpDebuggerFifo;
        } else {
            YieldProcessor();
        }
    }
    HalpDebuggerStuck = HalpDebuggerRoom == 0;
    if (!HalpDebuggerStuck) {
        HalpDebuggerRoom -= 1;
        HalpOut8(DEBUGGER_BASE + UartData, Byte);
    }
}
