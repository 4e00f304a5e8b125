/*
 * pciclass.c - names of PCI classes, for people; from the PCI Code and ID Assignment Specification.
 */
#include "halpci.h"

typedef struct _HALP_PCI_CLASS {
    UCHAR BaseClass, SubClass;
    const char *Name;
} HALP_PCI_CLASS;

/* Subclass FFh: any of the class that does not stand before it. */
#define ANY 0xFF
static const HALP_PCI_CLASS HalpPciClasses[] = {
    {0x00, 0x01, "VGA-compatible device"},
    {0x00, ANY, "device without a class"},
    {0x01, 0x00, "SCSI controller"},
    {0x01, 0x01, "IDE controller"},
    {0x01, 0x02, "floppy disk controller"},
    {0x01, 0x04, "RAID controller"},
    {0x01, 0x06, "SATA controller"},
    {0x01, 0x07, "SAS controller"},
    {0x01, 0x08, "NVM controller"},
    {0x01, ANY, "storage controller"},
    {0x02, 0x00, "Ethernet controller"},
    {0x02, ANY, "network controller"},
    {0x03, 0x00, "VGA display controller"},
    {0x03, ANY, "display controller"},
    {0x04, 0x03, "audio device"},
    {0x04, ANY, "multimedia device"},
    {0x05, 0x00, "RAM"},
    {0x05, ANY, "memory controller"},
    {0x06, 0x00, "host bridge"},
    {0x06, 0x01, "ISA bridge"},
    {0x06, 0x04, "PCI bridge"},
    {0x06, 0x07, "CardBus bridge"},
    {0x06, ANY, "bridge"},
    {0x07, 0x00, "serial controller"},
    {0x07, 0x01, "parallel controller"},
    {0x07, ANY, "communication controller"},
    {0x08, 0x00, "interrupt controller"},
    {0x08, 0x03, "real-time clock"},
    {0x08, 0x05, "SD host controller"},
    {0x08, ANY, "system peripheral"},
    {0x09, ANY, "input device controller"},
    {0x0A, ANY, "docking station"},
    {0x0B, ANY, "processor"},
    {0x0C, 0x03, "USB controller"},
    {0x0C, 0x05, "SMBus controller"},
    {0x0C, ANY, "serial bus controller"},
    {0x0D, ANY, "wireless controller"},
    {0x0E, ANY, "intelligent controller"},
    {0x0F, ANY, "satellite controller"},
    {0x10, ANY, "encryption controller"},
    {0x11, ANY, "signal processing controller"},
    {0x12, ANY, "processing accelerator"},
    {0x13, ANY, "instrumentation"},
};

/* The first entry that fits: those with a subclass stand before their class's last one. */
const char *HalPciClassName(UCHAR BaseClass, UCHAR SubClass)
{
    for (ULONG i = 0; i < ARRAYSIZE(HalpPciClasses); i++) {
        if (HalpPciClasses[i].BaseClass == BaseClass &&
            (HalpPciClasses[i].SubClass == SubClass || HalpPciClasses[i].SubClass == ANY)) {
            return HalpPciClasses[i].Name;
        }
    }
    return "unknown device";
}
