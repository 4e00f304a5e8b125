/*
 * ntddbeep.h - the interface of the speaker, \Device\Beep (book ch. 8). Public: other drivers and
 * clients include it.
 */
#ifndef _NTDDBEEP_
#define _NTDDBEEP_

#include <wdm.h>

#define DD_BEEP_DEVICE_NAME "\\Device\\Beep"
#define DD_BEEP_DEVICE_NAME_U L"\\Device\\Beep"

/*
 * Starts a tone, or stops the one that sounds. Input: BEEP_SET_PARAMETERS; no output. The request
 * ends when the tone has begun, not when it ends; a tone that still sounds is replaced. Closing the
 * handle that a tone was asked for by ends it. STATUS_INVALID_PARAMETER: the buffer is too small or
 * the frequency out of range.
 */
#define IOCTL_BEEP_SET CTL_CODE(FILE_DEVICE_BEEP, 0, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _BEEP_SET_PARAMETERS {
    ULONG Frequency; /* hertz: 0 stops, else BEEP_FREQUENCY_MINIMUM to BEEP_FREQUENCY_MAXIMUM */
    ULONG Duration;  /* milliseconds; MAXULONG: until stopped */
} BEEP_SET_PARAMETERS, *PBEEP_SET_PARAMETERS;

#define BEEP_FREQUENCY_MINIMUM 0x25
#define BEEP_FREQUENCY_MAXIMUM 0x7FFF

#endif
