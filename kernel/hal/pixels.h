/* pixels.h - letters on a screen of pixels. Pure; no library beyond the compiler's, no memory but
 * the screen's. */
#ifndef _HAL_PIXELS_
#define _HAL_PIXELS_

#include "loader.h"

#define HALP_CELL_WIDTH 8
#define HALP_CELL_HEIGHT 16

/* Printable ASCII. The first of a letter's rows is the cell's HALP_FONT_TOP. */
#define HALP_FONT_FIRST ' '
#define HALP_FONT_LETTERS 95
#define HALP_FONT_ROWS 12
#define HALP_FONT_TOP 2

extern const UCHAR HalpFont[HALP_FONT_LETTERS][HALP_FONT_ROWS];

typedef struct _HALP_SURFACE {
    volatile UCHAR *Memory;
    ULONG Pitch; /* bytes */
    ULONG Width, Height;
    ULONG BytesPerPixel;
    ULONG Paper, Ink; /* as pixels */
} HALP_SURFACE, *PHALP_SURFACE;

/* All of the surface but Memory. FALSE: not pixels of 16, 24 or 32 bits, no room for a letter, or
 * lines that overlap. */
BOOLEAN HalpDescribeSurface(const LOADER_FRAMEBUFFER *Screen, PHALP_SURFACE Surface);

/* One letter with the paper around it; what is not printable becomes '?'. Outside the surface
 * nothing is written. */
void HalpDrawLetter(const HALP_SURFACE *Surface, ULONG Column, ULONG Row, UCHAR Byte);

/* All of it paper, the margins that hold no letter too. */
void HalpClearSurface(const HALP_SURFACE *Surface);

#endif
