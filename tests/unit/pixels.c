/*
 * Proves that letters are drawn at every depth of pixels, exactly in their cell and in the screen's
 * colours, that nothing is written outside, and that screens which cannot be drawn on are refused.
 *
 * unit-sources: kernel/hal/pixels.c kernel/hal/font.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hal/pixels.h"

#define WIDTH 29 /* three letters and a margin */
#define HEIGHT 37
#define GAP 7 /* bytes between lines, which stay as they are */
#define UNTOUCHED 0x5A

static LOADER_FRAMEBUFFER Screen(ULONG Depth)
{
    LOADER_FRAMEBUFFER Screen = {.Type = LoaderFramebufferRgb, .Width = WIDTH, .Height = HEIGHT};

    Screen.BitsPerPixel = Depth;
    Screen.Pitch = WIDTH * Depth / 8 + GAP;
    Screen.RedBits = Screen.BlueBits = Depth == 16 ? 5 : 8;
    Screen.GreenBits = Depth == 16 ? 6 : 8;
    Screen.GreenShift = Screen.BlueBits;
    Screen.RedShift = Screen.GreenShift + Screen.GreenBits;
    return Screen;
}

static ULONG Pixel(const HALP_SURFACE *Surface, ULONG X, ULONG Y)
{
    ULONG Value = 0;

    memcpy(&Value, (void *)(Surface->Memory + Y * Surface->Pitch + X * Surface->BytesPerPixel),
           Surface->BytesPerPixel);
    return Value;
}

/* The letter at the cell (1, 1); all else is paper. */
static void CheckLetter(const HALP_SURFACE *Surface, UCHAR Byte)
{
    for (ULONG Y = 0; Y < HEIGHT; Y++) {
        for (ULONG X = 0; X < WIDTH; X++) {
            ULONG Line = Y - HALP_CELL_HEIGHT - HALP_FONT_TOP, Bit = X - HALP_CELL_WIDTH;
            BOOLEAN Ink = Line < HALP_FONT_ROWS && Bit < HALP_CELL_WIDTH &&
                          (HalpFont[Byte - ' '][Line] & 0x80 >> Bit) != 0;

            assert(Pixel(Surface, X, Y) == (Ink ? Surface->Ink : Surface->Paper));
        }
        for (ULONG i = Surface->Pitch - GAP; i < Surface->Pitch; i++) {
            assert(Surface->Memory[Y * Surface->Pitch + i] == UNTOUCHED);
        }
    }
}

/* The memory is as long as the screen: the sanitizer sees what is written behind it. */
static void TestDepth(ULONG Depth, ULONG Paper, ULONG Ink)
{
    LOADER_FRAMEBUFFER Loader = Screen(Depth);
    SIZE_T Bytes = Loader.Pitch * HEIGHT;
    HALP_SURFACE Surface;

    assert(HalpDescribeSurface(&Loader, &Surface));
    assert(Surface.Paper == Paper && Surface.Ink == Ink);
    Surface.Memory = malloc(Bytes);
    memset((void *)Surface.Memory, UNTOUCHED, Bytes);
    HalpClearSurface(&Surface);
    for (ULONG Byte = ' '; Byte <= '~'; Byte++) {
        HalpDrawLetter(&Surface, 1, 1, (UCHAR)Byte);
        CheckLetter(&Surface, (UCHAR)Byte);
    }
    HalpDrawLetter(&Surface, 3, 0, 'A'); /* in the margins */
    HalpDrawLetter(&Surface, 0, 2, 'A');
    HalpDrawLetter(&Surface, 0xFFFFFFFF, 0xFFFFFFFF, 'A');
    CheckLetter(&Surface, '~');
    HalpDrawLetter(&Surface, 1, 1, 0xFF);
    CheckLetter(&Surface, '?');
    HalpDrawLetter(&Surface, 1, 1, '\t');
    CheckLetter(&Surface, '?');
    free((void *)Surface.Memory);
}

#define REFUSED(Change)                                                                            \
    do {                                                                                           \
        LOADER_FRAMEBUFFER Loader = Screen(32);                                                    \
        HALP_SURFACE Surface;                                                                      \
        Loader.Change;                                                                             \
        assert(!HalpDescribeSurface(&Loader, &Surface));                                           \
    } while (0)

static void TestRefused(void)
{
    REFUSED(Type = LoaderFramebufferText);
    REFUSED(Type = LoaderFramebufferNone);
    REFUSED(BitsPerPixel = 8);
    REFUSED(BitsPerPixel = 15);
    REFUSED(BitsPerPixel = 64);
    REFUSED(Width = 7);
    REFUSED(Height = 15);
    REFUSED(Pitch = WIDTH * 4 - 1);
    REFUSED(RedBits = 0);
    REFUSED(RedShift = 25);
    REFUSED(GreenBits = 17);
    REFUSED(BlueShift = 255);
}

static void TestFont(void)
{
    for (ULONG i = 0; i < HALP_FONT_LETTERS; i++) {
        for (ULONG j = 0; j < i; j++) {
            assert(memcmp(HalpFont[i], HalpFont[j], HALP_FONT_ROWS) != 0);
        }
    }
}

int main(void)
{
    TestDepth(16, 0x15, 0xFFFF);
    TestDepth(24, 0xA8, 0xFFFFFF);
    TestDepth(32, 0xA8, 0xFFFFFF);
    TestRefused();
    TestFont();
    puts("pixels: ok");
    return 0;
}
