/*
 * Promise: DllInitialize of what a driver imports may load a driver whose DriverEntry loads
 * another, although the loader is busy with the importer; one that imports from there, and so would
 * come first, is refused.
 * IMPORTS: expload
 */
#include "modules/exports.h"
#include "kmt.h"

static VOID KmtRun(VOID)
{
    NTSTATUS Loaded, Again, Circle;
    LoadAnswers(&Loaded, &Again, &Circle);
    KMT_EQUAL(Loaded, STATUS_SUCCESS, "a driver that loads a driver");
    KMT_EQUAL(Again, STATUS_IMAGE_ALREADY_LOADED, "which is there, too");
    KMT_EQUAL(Circle, STATUS_IMAGE_ALREADY_LOADED, "the importer itself is on its way");
}
