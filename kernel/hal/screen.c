/*
 * screen.c - the report of a crash on the screen, white on blue, where the loader left a screen of
 * text or of pixels.
 *
 * The screen is the machine's until a bugcheck; then everything printed goes to it as well. It does
 * not scroll: what comes first is the most telling. When it is full, the last line shows what is
 * printed last. It is mapped at the start, so that a bugcheck needs no memory. One processor is
 * left by then, so there are no locks.
 */
#include "halp.h"
#include "mm.h"
#include "pixels.h"

#define SCREEN_WHITE_ON_BLUE 0x1F00

static volatile USHORT *HalpCells;             /* NULL: there is no screen of text */
static HALP_SURFACE HalpSurface;               /* Memory is NULL: there is none of pixels */
static ULONG HalpColumns, HalpRows, HalpPitch; /* pitch in cells, of text */
static ULONG HalpColumn, HalpRow;
static BOOLEAN HalpScreenShown;

void HalInitializeScreen(PLOADER_BLOCK LoaderBlock)
{
    const LOADER_FRAMEBUFFER *Screen = &LoaderBlock->Framebuffer;
    PHYSICAL_ADDRESS Base = {.QuadPart = (LONGLONG)Screen->Base};
    SIZE_T Bytes = (SIZE_T)Screen->Pitch * Screen->Height;

    if (HalpDescribeSurface(Screen, &HalpSurface)) {
        HalpSurface.Memory = MmMapIoSpace(Base, Bytes, MmWriteCombined);
        HalpColumns = Screen->Width / HALP_CELL_WIDTH;
        HalpRows = Screen->Height / HALP_CELL_HEIGHT;
        return;
    }
    if (Screen->Type != LoaderFramebufferText || Screen->Width == 0 || Screen->Height == 0 ||
        Screen->Pitch < Screen->Width * sizeof(USHORT)) {
        return;
    }
    HalpCells = MmMapIoSpace(Base, Bytes, MmNonCached);
    HalpColumns = Screen->Width;
    HalpRows = Screen->Height;
    HalpPitch = Screen->Pitch / sizeof(USHORT);
}

static void HalpPutCell(ULONG Column, ULONG Row, UCHAR Byte)
{
    if (HalpCells != NULL) {
        HalpCells[Row * HalpPitch + Column] = SCREEN_WHITE_ON_BLUE | Byte;
    } else {
        HalpDrawLetter(&HalpSurface, Column, Row, Byte);
    }
}

static void HalpClearRow(ULONG Row)
{
    for (ULONG i = 0; i < HalpColumns; i++) {
        HalpPutCell(i, Row, ' ');
    }
}

void HalShowCrashScreen(void)
{
    if ((HalpCells == NULL && HalpSurface.Memory == NULL) || HalpScreenShown) {
        return;
    }
    if (HalpSurface.Memory != NULL) {
        HalpClearSurface(&HalpSurface);
    }
    for (ULONG i = 0; HalpCells != NULL && i < HalpRows; i++) {
        HalpClearRow(i);
    }
    HalpColumn = HalpRow = 0;
    HalpScreenShown = TRUE;
}

/* The last row begins anew with each line. */
void HalPutScreenByte(UCHAR Byte)
{
    if (!HalpScreenShown) {
        return;
    }
    if (Byte == '\n' || HalpColumn == HalpColumns) {
        HalpRow += HalpRow < HalpRows - 1;
        HalpColumn = 0;
        if (Byte == '\n') {
            return;
        }
    }
    if (HalpColumn == 0) {
        HalpClearRow(HalpRow);
    }
    if (Byte >= ' ') {
        HalpPutCell(HalpColumn++, HalpRow, Byte);
    }
}
