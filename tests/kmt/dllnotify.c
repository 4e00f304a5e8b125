/*
 * Promise: DllInitialize may register for device interfaces that are there already, and is told of
 * them at once, although the loader is busy because of it and a routine that is being called for
 * one of them wants to load a driver: that goes on afterwards.
 * IMPORTS: expnotify
 */
#include "modules/exports.h"
#include "kmt.h"

static VOID KmtRun(VOID)
{
    NTSTATUS Status;
    LONG Existing;
    NotifyAnswers(&Status, &Existing);
    KMT_EQUAL(Status, STATUS_SUCCESS, "a routine loads a driver");
    KMT_EQUAL(Existing, 1, "another is told of what is there meanwhile");
}
