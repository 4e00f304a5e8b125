/* ntddbeep.h - the interface of the Beep device, \Device\Beep (book ch. 8). */
#ifndef _NTDDBEEP_
#define _NTDDBEEP_

#define DD_BEEP_DEVICE_NAME "\\Device\\Beep"
#define DD_BEEP_DEVICE_NAME_U L"\\Device\\Beep"

/* Input: BEEP_SET_PARAMETERS. Frequency 0 stops the tone; Duration MAXULONG sounds until stopped. */
#define IOCTL_BEEP_SET CTL_CODE(FILE_DEVICE_BEEP, 0, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _BEEP_SET_PARAMETERS {
    ULONG Frequency; /* hertz: 0, or BEEP_FREQUENCY_MINIMUM to BEEP_FREQUENCY_MAXIMUM */
    ULONG Duration;  /* milliseconds */
} BEEP_SET_PARAMETERS, *PBEEP_SET_PARAMETERS;

#define BEEP_FREQUENCY_MINIMUM 0x25
#define BEEP_FREQUENCY_MAXIMUM 0x7FFF

#endif
