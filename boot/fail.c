/*
 * Saying why Etude cannot start, when nothing of the kernel can be used yet.
 *
 * The message goes to COM1, polled, where `make run` shows it, and to the top of the text screen.
 */
#include "boot.h"

#define TEXT_SCREEN ((volatile USHORT *)(LOADER_DIRECT_BASE + 0xB8000))
#define SCREEN_WIDTH 80
#define BRIGHT_WHITE_ON_RED 0x4F00

/* 115200 baud, 8 data bits, no parity, one stop bit, FIFOs on: {register, value} in the order in
 * which they are written. Bit 7 of register 3 turns registers 0 and 1 into the divisor for a
 * moment. */
static VOID BlOpenSerial(VOID)
{
    static const UCHAR Setup[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3}};

    for (ULONG i = 0; i < ARRAYSIZE(Setup); i++) {
        BlOut(BL_COM1 + Setup[i][0], Setup[i][1]);
    }
}

static VOID BlPutText(const CHAR *Text)
{
    static ULONG Column;

    for (; *Text != 0; Text++) {
        BlPutSerial(*Text);
        if (*Text >= ' ' && Column < SCREEN_WIDTH) {
            TEXT_SCREEN[Column++] = BRIGHT_WHITE_ON_RED | (UCHAR)*Text;
        }
    }
}

VOID BlFail(const CHAR *Message)
{
    BlOpenSerial();
    BlPutText("\r\netude: cannot start: ");
    BlPutText(Message);
    BlPutText("\r\n");
    BlOut(BL_DEBUG_EXIT_PORT, BL_DEBUG_EXIT_VALUE);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
