/* The first serial port, polled, for those who have nothing else to say why Etude cannot start: the
 * kernel's first code, and the UEFI loader without its firmware. And the end of QEMU. */
#ifndef ETUDE_BOOT_SERIAL_H
#define ETUDE_BOOT_SERIAL_H

#include <stdint.h>

#define BL_COM1 0x3F8
#define BL_LINE_STATUS 5
#define BL_TRANSMITTER_EMPTY 0x20
#define BL_POLL_LIMIT 1000000 /* a port that is not there must not keep anybody */

/* Ends QEMU with status 37, as a bugcheck does; without the device a write changes nothing. */
#define BL_DEBUG_EXIT_PORT 0xF4
#define BL_DEBUG_EXIT_VALUE 0x12

static inline void BlOut(uint16_t Port, uint8_t Value)
{
    __asm__ volatile("outb %0, %1" : : "a"(Value), "Nd"(Port));
}

static inline uint8_t BlIn(uint16_t Port)
{
    uint8_t Value;

    __asm__ volatile("inb %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

static inline void BlPutSerial(char Character)
{
    for (int i = 0; i < BL_POLL_LIMIT && !(BlIn(BL_COM1 + BL_LINE_STATUS) & BL_TRANSMITTER_EMPTY);
         i++) {
        __asm__ volatile("pause");
    }
    BlOut(BL_COM1, (uint8_t)Character);
}

#endif
