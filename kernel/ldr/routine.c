/*
 * routine.c - what drivers ask the loader for: exports of other modules.
 */
#include <ntifs.h>
#include <ke.h>
#include "ldrp.h"

PVOID NTAPI RtlFindExportedRoutineByName(PVOID ImageBase, PCSTR RoutineName)
{
    PLDRP_SLOT Slot;

    KI_ASSERT_IRQL_MAX(DISPATCH_LEVEL);
    for (ULONG i = 0; (Slot = LdrpQuerySlot(i)) != NULL; i++) {
        if (Slot->Module.Base != NULL && Slot->Module.Base == ImageBase) {
            return i == 0 ? LdrFindExport(RoutineName) : LdrpFindSlotExport(Slot, RoutineName);
        }
    }
    return NULL;
}
