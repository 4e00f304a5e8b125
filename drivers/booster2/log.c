/*
 * log.c - messages that the debug filter lets through or not.
 *
 * They belong to DPFLTR_IHVDRIVER_ID, the component of drivers that are not part of the system.
 * Only errors are seen at first; its number is 77, and `dbgkflt 77 0x1F` shows all levels. A
 * message that is not let through costs a comparison, so there is no need to leave it out of a
 * release build.
 */
#include "log.h"

ULONG Log(LOG_LEVEL Level, PCSTR Format, ...)
{
    va_list Arguments;
    ULONG Status;

    va_start(Arguments, Format);
    Status = vDbgPrintExWithPrefix("booster2: ", DPFLTR_IHVDRIVER_ID, Level, Format, Arguments);
    va_end(Arguments);
    return Status;
}
