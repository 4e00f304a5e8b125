/*
 * uart.c - polled output on COM1, for the kernel's own messages.
 *
 * Works from the first instruction on and at any IRQL: nothing is owned but the transmitter, for
 * one byte at a time. The line is set up once, before any driver; interrupts (IER, MCR.OUT2) are
 * left for the serial driver. A port that is missing, or whose far end does not take bytes, costs
 * one time limit, not one per byte.
 */
#include "halp.h"

#define UART_BASE 0x3F8
#define UART_DIVISOR_115200 1

enum {
    UartData,
    UartInterruptEnable,
    UartFifo,
    UartLine,
    UartModem,
    UartStatus,
    UartScratch = 7
};

#define UART_LINE_8N1 0x03
#define UART_LINE_DIVISOR 0x80 /* the first two registers are the divisor */
#define UART_FIFO_ENABLE_CLEAR 0x07
#define UART_MODEM_DTR_RTS 0x03
#define UART_STATUS_EMPTY 0x20 /* FIFO */
#define UART_STATUS_SENT 0x40  /* FIFO and shift register */

/* 16 bytes take 1.4 ms at 115200 baud; a port read takes about 1 us on a PC. */
#define UART_POLL_LIMIT 100000

static BOOLEAN HalpUartPresent;
static volatile BOOLEAN HalpUartStuck; /* the last wait ran out of patience */

/* The scratch register does nothing but keep its value; where nothing answers, reads give FFh. */
static BOOLEAN HalpDetectUart(void)
{
    static const UCHAR Patterns[] = {0x5A, 0xA5};

    for (ULONG i = 0; i < ARRAYSIZE(Patterns); i++) {
        HalpOut8(UART_BASE + UartScratch, Patterns[i]);
        if (HalpIn8(UART_BASE + UartScratch) != Patterns[i]) {
            return FALSE;
        }
    }
    return TRUE;
}

void HalInitializeDebugPort(void)
{
    HalpUartPresent = HalpDetectUart();
    if (!HalpUartPresent) {
        return;
    }
    HalpOut8(UART_BASE + UartLine, UART_LINE_DIVISOR | UART_LINE_8N1);
    HalpOut8(UART_BASE + UartData, UART_DIVISOR_115200);
    HalpOut8(UART_BASE + UartInterruptEnable, 0); /* the divisor's high byte here */
    HalpOut8(UART_BASE + UartLine, UART_LINE_8N1);
    HalpOut8(UART_BASE + UartFifo, UART_FIFO_ENABLE_CLEAR);
    HalpOut8(UART_BASE + UartModem, UART_MODEM_DTR_RTS);
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
