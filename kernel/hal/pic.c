/*
 * pic.c - the two 8259 interrupt controllers, only to silence them.
 *
 * Every input is masked for ever; the I/O APICs deliver instead. A masked 8259 may still raise a
 * spurious interrupt, as its input 7. Both chips therefore get the vector base F8h, which makes
 * that FFh, the vector whose handler returns without an end of interrupt.
 */
#include "halp.h"

enum {
    PicMaster = 0x20,
    PicSlave = 0xA0
}; /* command ports; data ports follow */

#define PIC_ICW1_START 0x11 /* edge, cascaded, four words follow */
#define PIC_ICW2_BASE (KI_VECTOR_SPURIOUS & ~7)
#define PIC_ICW3_MASTER 4 /* the slave is on input 2 */
#define PIC_ICW3_SLAVE 2
#define PIC_ICW4_8086 1
#define PIC_MASK_ALL 0xFF

void HalpMaskPics(void)
{
    HalpOut8(PicMaster + 1, PIC_MASK_ALL);
    HalpOut8(PicSlave + 1, PIC_MASK_ALL);
    HalpOut8(PicMaster, PIC_ICW1_START);
    HalpOut8(PicSlave, PIC_ICW1_START);
    HalpOut8(PicMaster + 1, PIC_ICW2_BASE);
    HalpOut8(PicSlave + 1, PIC_ICW2_BASE);
    HalpOut8(PicMaster + 1, PIC_ICW3_MASTER);
    HalpOut8(PicSlave + 1, PIC_ICW3_SLAVE);
    HalpOut8(PicMaster + 1, PIC_ICW4_8086);
    HalpOut8(PicSlave + 1, PIC_ICW4_8086);
    HalpOut8(PicMaster + 1, PIC_MASK_ALL);
    HalpOut8(PicSlave + 1, PIC_MASK_ALL);
}
