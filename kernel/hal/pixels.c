/*
 * pixels.c - letters on a screen of pixels, white on blue.
 *
 * Pixels are written only, never read: the memory may be a slow device's, mapped write-combining.
 */
#include "pixels.h"

#define BLUE_PART 0xA8 /* of 255: what a text screen shows as blue */

/* A colour's part of a pixel. Level: 0 to 255. */
static ULONG HalpColourPart(ULONG Level, ULONG Shift, ULONG Bits)
{
    ULONG Value = Bits <= 8 ? Level >> (8 - Bits) : Level * ((1u << Bits) - 1) / 0xFF;

    return Value << Shift;
}

static BOOLEAN HalpIsColourInPixel(ULONG Shift, ULONG Bits, ULONG BitsPerPixel)
{
    return Bits >= 1 && Bits <= 16 && Shift + Bits <= BitsPerPixel;
}

BOOLEAN HalpDescribeSurface(const LOADER_FRAMEBUFFER *Screen, PHALP_SURFACE Surface)
{
    ULONG Depth = Screen->BitsPerPixel;

    if (Screen->Type != LoaderFramebufferRgb || (Depth != 16 && Depth != 24 && Depth != 32) ||
        Screen->Width < HALP_CELL_WIDTH || Screen->Height < HALP_CELL_HEIGHT ||
        Screen->Pitch / (Depth / 8) < Screen->Width ||
        !HalpIsColourInPixel(Screen->RedShift, Screen->RedBits, Depth) ||
        !HalpIsColourInPixel(Screen->GreenShift, Screen->GreenBits, Depth) ||
        !HalpIsColourInPixel(Screen->BlueShift, Screen->BlueBits, Depth)) {
        return FALSE;
    }
    Surface->Pitch = Screen->Pitch;
    Surface->Width = Screen->Width;
    Surface->Height = Screen->Height;
    Surface->BytesPerPixel = Depth / 8;
    Surface->Paper = HalpColourPart(BLUE_PART, Screen->BlueShift, Screen->BlueBits);
    Surface->Ink = HalpColourPart(0xFF, Screen->RedShift, Screen->RedBits) |
                   HalpColourPart(0xFF, Screen->GreenShift, Screen->GreenBits) |
                   HalpColourPart(0xFF, Screen->BlueShift, Screen->BlueBits);
    return TRUE;
}

/* Byte by byte: a line may begin at any address. */
static void HalpSetPixel(const HALP_SURFACE *Surface, ULONG X, ULONG Y, ULONG Pixel)
{
    volatile UCHAR *Memory =
        Surface->Memory + (SIZE_T)Y * Surface->Pitch + (SIZE_T)X * Surface->BytesPerPixel;

    for (ULONG i = 0; i < Surface->BytesPerPixel; i++) {
        Memory[i] = (UCHAR)(Pixel >> 8 * i);
    }
}

void HalpDrawLetter(const HALP_SURFACE *Surface, ULONG Column, ULONG Row, UCHAR Byte)
{
    ULONG Letter = (ULONG)Byte - HALP_FONT_FIRST;

    if (Column >= Surface->Width / HALP_CELL_WIDTH || Row >= Surface->Height / HALP_CELL_HEIGHT) {
        return;
    }
    if (Letter >= HALP_FONT_LETTERS) {
        Letter = '?' - HALP_FONT_FIRST;
    }
    for (ULONG y = 0; y < HALP_CELL_HEIGHT; y++) {
        ULONG Line = y - HALP_FONT_TOP; /* wraps above the letter */
        ULONG Bits = Line < HALP_FONT_ROWS ? HalpFont[Letter][Line] : 0;

        for (ULONG x = 0; x < HALP_CELL_WIDTH; x++) {
            HalpSetPixel(Surface, Column * HALP_CELL_WIDTH + x, Row * HALP_CELL_HEIGHT + y,
                         Bits & (0x80u >> x) ? Surface->Ink : Surface->Paper);
        }
    }
}

void HalpClearSurface(const HALP_SURFACE *Surface)
{
    for (ULONG y = 0; y < Surface->Height; y++) {
        for (ULONG x = 0; x < Surface->Width; x++) {
            HalpSetPixel(Surface, x, y, Surface->Paper);
        }
    }
}
