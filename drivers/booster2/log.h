/* log.h - messages with a level, as chapter 5 makes them. */
#ifndef _LOG_H_
#define _LOG_H_

#include <ntddk.h>

/* The levels of DbgPrintEx, and one beyond those that have names. */
typedef enum _LOG_LEVEL {
    LogLevelError = DPFLTR_ERROR_LEVEL,
    LogLevelWarning = DPFLTR_WARNING_LEVEL,
    LogLevelInformation = DPFLTR_INFO_LEVEL,
    LogLevelVerbose = 4
} LOG_LEVEL;

/* Prints "booster2: " and the text if the filter lets it through. Any IRQL. */
ULONG Log(LOG_LEVEL Level, PCSTR Format, ...);

#endif
