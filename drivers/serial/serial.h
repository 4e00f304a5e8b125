/*
 * serial.h - private to the driver: its extension, the UART's registers, and the queues of IRPs.
 */
#ifndef _SERIAL_H_
#define _SERIAL_H_

#include <ntddk.h>

#define SERIAL_DEVICE_NAME L"\\Device\\Serial0"
#define SERIAL_LINK_NAME L"\\??\\COM1"

/* COM1, where PCs have had it since 1981. */
#define SERIAL_PORT 0x3F8
#define SERIAL_IRQ 4

/* The 16550's registers, by offset. */
#define UART_DATA 0 /* read: received byte; write: byte to send */
#define UART_INTERRUPT_ENABLE 1
#define UART_INTERRUPT_ID 2 /* read */
#define UART_FIFO_CONTROL 2 /* write */
#define UART_MODEM_CONTROL 4
#define UART_LINE_STATUS 5
#define UART_MODEM_STATUS 6
#define UART_SCRATCH 7

#define UART_ENABLE_RECEIVE 0x01
#define UART_ENABLE_TRANSMIT 0x02
#define UART_ENABLE_LINE_STATUS 0x04
#define UART_ID_NONE 0x01 /* set: no interrupt is pending */
#define UART_FIFO_ENABLE 0x01
#define UART_MODEM_DTR 0x01
#define UART_MODEM_RTS 0x02
#define UART_MODEM_INTERRUPTS 0x08 /* OUT2: on a PC it connects the interrupt line */
#define UART_STATUS_DATA 0x01
#define UART_STATUS_OVERRUN 0x02
#define UART_STATUS_BREAK 0x10 /* the line was held at 0 for longer than a byte */
#define UART_STATUS_FIFO_EMPTY 0x20

/*
 * The transmit FIFO holds 16 bytes. The kernel's debug output shares the port, polled, a byte at a
 * time when the FIFO is empty; leaving it one place means that such a byte always fits, whatever
 * this driver is doing on another processor.
 */
#define SERIAL_BURST 15

#define SERIAL_RING_SIZE 8192 /* a power of two */

/* IRPs in the order they came, each of which can be cancelled at any time. */
typedef struct _SERIAL_QUEUE {
    LIST_ENTRY Irps; /* by Tail.Overlay.ListEntry */
} SERIAL_QUEUE, *PSERIAL_QUEUE;

/*
 * Lock legend: q QueueLock   r the interrupt's spin lock, which the ISR runs under   i fixed
 * after DriverEntry. QueueLock is taken before the interrupt's.
 */
typedef struct _SERIAL_EXTENSION {
    PDEVICE_OBJECT DeviceObject; /* i */
    PKINTERRUPT Interrupt;       /* i */
    KSPIN_LOCK QueueLock;
    SERIAL_QUEUE Reads;   /* q */
    SERIAL_QUEUE Writes;  /* q  the first one is being sent */
    BOOLEAN Transmitting; /* q  interrupts of the transmitter are on, and the timer */
    KTIMER Timer;         /* looks after a transmitter whose interrupt got lost */
    KDPC TimerDpc;

    UCHAR Ring[SERIAL_RING_SIZE]; /* r  received, not yet read */
    ULONG RingHead;               /* r  total bytes put in */
    ULONG RingTail;               /* r  total bytes taken out */
    ULONG Overruns;               /* r  bytes lost, here or in the UART */
} SERIAL_EXTENSION, *PSERIAL_EXTENSION;

/* port.c */
BOOLEAN SerialIsPresent(void);
/* Connects the interrupt and turns the receiver on; and the reverse. PASSIVE_LEVEL. */
NTSTATUS SerialStartPort(PSERIAL_EXTENSION Extension);
void SerialStopPort(PSERIAL_EXTENSION Extension);
/* Does all that can be done now for the queued reads and writes, and completes those that are
 * done. IRQL <= DISPATCH_LEVEL, no locks held. */
void SerialServe(PSERIAL_EXTENSION Extension);

/* queue.c: with QueueLock held, unless said. */
void SerialInitializeQueue(PSERIAL_QUEUE Queue);
/* Adds an IRP that is marked pending. FALSE: it has been cancelled, and is the caller's again. */
BOOLEAN SerialInsertIrp(PSERIAL_QUEUE Queue, PIRP Irp);
/* The first IRP, which stays in the queue; NULL when it is empty. */
PIRP SerialFirstIrp(PSERIAL_QUEUE Queue);
/* Removes Irp. FALSE: it is being cancelled, and must not be completed here. */
BOOLEAN SerialRemoveIrp(PIRP Irp);
/* Removes the IRPs of FileObject and adds them to the list Removed. */
void SerialRemoveFileIrps(PSERIAL_QUEUE Queue, PFILE_OBJECT FileObject, PLIST_ENTRY Removed);
/* Completes a list of IRPs whose IoStatus has been set. No locks held. */
void SerialCompleteIrps(PLIST_ENTRY List);

#endif
