/*
 * uart.c - polled output on COM1, for the kernel's own messages.
 *
 * Works from the first instruction on and at any IRQL: nothing is owned but the transmitter, for
 * one byte at a time. The line is set up once, before any driver; interrupts (IER, MCR.OUT2) are
 * left for the serial driver. A port that is missing, or whose far end does not take bytes, costs
 * one time limit, not one per byte.
 */
#include "halp.h"
#include "uart.h"

#define UART_BASE 0x3F8
static BOOLEAN HalpUartPresent;
static volatile BOOLEAN HalpUartStuck; /* the last wait ran out of patience */

/* The scratch register does nothing but keep its value; where nothing answers, reads give FFh. */
BOOLEAN HalpDetectUart(USHORT Base)
{
    static const UCHAR Patterns[] = {0x5A, 0xA5};

    for (ULONG i = 0; i < ARRAYSIZE(Patterns); i++) {
        HalpOut8(Base + UartScratch, Patterns[i]);
        if (HalpIn8(Base + UartScratch) != Patterns[i]) {
            return FALSE;
        }
    }
    return TRUE;
}

void HalpSetUpUart(USHORT Base, UCHAR Modem)
{
    HalpOut8(Base + UartLine, UART_LINE_DIVISOR | UART_LINE_8N1);
    HalpOut8(Base + UartData, UART_DIVISOR_115200);
    HalpOut8(Base + UartInterruptEnable, 0); /* the divisor's high byte here */
    HalpOut8(Base + UartLine, UART_LINE_8N1);
    HalpOut8(Base + UartFifo, UART_FIFO_ENABLE_CLEAR);
    HalpOut8(Base + UartModem, Modem);
}

ULONG HalpQueryUartFifo(USHORT Base)
{
    return (HalpIn8(Base + UartFifo) & UART_FIFO_WORKS) == UART_FIFO_WORKS ? UART_FIFO_BYTES : 1;
}

void HalInitializeDebugPort(void)
{
    HalpUartPresent = HalpDetectUart(UART_BASE);
    if (HalpUartPresent) {
        HalpSetUpUart(UART_BASE, UART_MODEM_DTR_RTS);
    }
}

static BOOLEAN HalpWaitUart(UCHAR Status, ULONG Limit)
{
    for (ULONG i = 0; i < Limit; i++) {
        if (HalpIn8(UART_BASE + UartStatus) & Status) {
            return TRUE;
        }
        YieldProcessor();
    }
    return FALSE;
}

/*
 * An empty FIFO has room for 16 bytes, and one is written: the serial driver, which may see it
 * empty at the same moment on another processor, writes 15 at most.
 */
void HalPutDebugByte(UCHAR Byte)
{
    if (!HalpUartPresent) {
        return;
    }
    HalpUartStuck = !HalpWaitUart(UART_STATUS_EMPTY, HalpUartStuck ? 1 : UART_POLL_LIMIT);
    if (!HalpUartStuck) {
        HalpOut8(UART_BASE + UartData, Byte);
    }
}

void HalpFlushDebugPort(void)
{
    if (HalpUartPresent && !HalpUartStuck) {
        HalpWaitUart(UART_STATUS_SENT, UART_POLL_LIMIT);
    }
}
