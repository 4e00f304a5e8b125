/*
 * status.c - names of status values, for people. Every value of ntstatus.h is here: the table is
 * made from the headers, so nobody has to keep two lists. Where two names share a value it is the
 * one that stands first there. Any IRQL.
 */
#include "kd.h"

#define STATUS_NAME(Status) {Status, #Status},

static const struct {
    NTSTATUS Status;
    const char *Name;
} StatusNames[] = {
#include <statusnames.h>
};

const char *KdStatusName(NTSTATUS Status)
{
    for (ULONG i = 0; i < ARRAYSIZE(StatusNames); i++) {
        if (StatusNames[i].Status == Status) {
            return StatusNames[i].Name;
        }
    }
    return NULL;
}
