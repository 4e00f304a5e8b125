/*
 * screen.c - the report of a crash on the screen, white on blue, where the loader left a text screen.
 *
 * The screen is the machine's until a bugcheck; then everything printed goes to it as well. It does not scroll: what
 * comes first is the most telling. When it is full, the last line shows what is printed last. One
 * processor is left by then, so there are no locks.
 */
#include "halp.h"
#include "mm.h"

#define SCREEN_WHITE_ON_BLUE 0x1F00

static volatile USHORT *HalpCells;             /* NULL: there is no such screen */
static ULONG HalpColumns, HalpRows, HalpPitch; /* pitch in cells */
static ULONG HalpColumn, HalpRow;
static BOOLEAN HalpScreenShown;

void HalInitializeScreen(PLOADER_BLOCK LoaderBlock)
{
    const LOADER_FRAMEBUFFER *Screen = &LoaderBlock->Framebuffer;
    PHYSICAL_ADDRESS Base = {.QuadPart = (LONGLONG)Screen->Base};

    if (Screen->Type != LoaderFramebufferText || Screen->Width == 0 || Screen->Height == 0 ||
        Screen->Pitch < Screen->Width * sizeof(USHORT)) {
        return;
    }
    HalpCells = MmMapIoSpace(Base, (SIZE_T)Screen->Pitch * Screen->Height, MmNonCached);
    HalpColumns = Screen->Width;
    HalpRows = Screen->Height;
    HalpPitch = Screen->Pitch / sizeof(USHORT);
}

static void HalpClearRow(ULONG Row)
{
    for (ULONG i = 0; i < HalpColumns; i++) {
        HalpCells[Row * HalpPitch + i] = SCREEN_WHITE_ON_BLUE | ' ';
    }
}

void HalShowCrashScreen(void)
{
    if (HalpCells == NULL || HalpScreenShown) {
        return;
    }
    for (ULONG i = 0; i < HalpRows; i++) {
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
        HalpCells[HalpRow * HalpPitch + HalpColumn++] = SCREEN_WHITE_ON_BLUE | Byte;
    }
}
