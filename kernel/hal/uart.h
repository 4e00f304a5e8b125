/* uart.h - registers of the PC's UART, for the kernel's two lines (uart.c, debugport.c). */
#ifndef _HALP_UART_H_
#define _HALP_UART_H_

enum {
    UartData,
    UartInterruptEnable,
    UartFifo, /* read: why it interrupts, and whether it has one */
    UartLine,
    UartModem,
    UartStatus,
    UartScratch = 7
};

#define UART_DIVISOR_115200 1
#define UART_RECEIVE_INTERRUPT 0x01
#define UART_LINE_8N1 0x03
#define UART_LINE_DIVISOR 0x80 /* the first two registers are the divisor */
#define UART_FIFO_ENABLE_CLEAR 0x07
#define UART_FIFO_WORKS 0xC0 /* both bits: one of them alone is a 16550's, which is broken */
#define UART_FIFO_BYTES 16
#define UART_MODEM_DTR_RTS 0x03
#define UART_MODEM_OUT2 0x08   /* connects the interrupt line */
#define UART_STATUS_DATA 0x01  /* a byte has come */
#define UART_STATUS_BREAK 0x10 /* the line was held at 0 for longer than a byte */
#define UART_STATUS_EMPTY 0x20 /* FIFO */
#define UART_STATUS_SENT 0x40  /* FIFO and shift register */

/* 16 bytes take 1.4 ms at 115200 baud; a port read takes about 1 us on a PC. */
#define UART_POLL_LIMIT 100000

/* uart.c: whether there is a UART at Base; sets it up: 115200 baud, 8N1, FIFOs on. */
BOOLEAN HalpDetectUart(USHORT Base);
void HalpSetUpUart(USHORT Base, UCHAR Modem);
/* Bytes that it takes when it is empty. */
ULONG HalpQueryUartFifo(USHORT Base);

#endif
