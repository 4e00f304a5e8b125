/*
 * mcfg.c - from the firmware's MCFG table: where configuration space of PCI Express can be reached
 * as memory, 1 MB a bus. Of several ranges the one for segment 0 counts that begins with bus 0.
 */
#include "acpi.h"
#include <nt/crt.h>

typedef struct __attribute__((packed)) _MCFG_ENTRY {
    ULONG64 Base; /* physical, of bus 0 even when FirstBus is another */
    USHORT Segment;
    UCHAR FirstBus, LastBus;
    ULONG Reserved;
} MCFG_ENTRY;
#define MCFG_ENTRIES (sizeof(ACPI_HEADER) + 8)
#define MCFG_ALIGNMENT (1U << 20)

void HalpParseMcfg(const VOID *Table, SIZE_T Length, PHALP_PLATFORM Platform)
{
    const UCHAR *Bytes = Table;
    MCFG_ENTRY Entry;

    for (SIZE_T Offset = MCFG_ENTRIES; Offset + sizeof(Entry) <= Length; Offset += sizeof(Entry)) {
        memcpy(&Entry, Bytes + Offset, sizeof(Entry));
        if (Entry.Segment == 0 && Entry.FirstBus == 0 && Entry.Base != 0 &&
            Entry.Base % MCFG_ALIGNMENT == 0) {
            Platform->PciConfigBase = Entry.Base;
            Platform->PciConfigLastBus = Entry.LastBus;
            return;
        }
    }
}
