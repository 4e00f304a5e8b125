/* kmtrtc.h - an interrupt for tests of what service routines may not do: the battery-backed clock's
 * periodic one, ISA line 8, 1024 times a second. */
#ifndef _KMTRTC_H_
#define _KMTRTC_H_

#include "kmt.h"

#define RTC_LINE 8
#define RTC_INDEX ((PUCHAR)(ULONG_PTR)0x70)
#define RTC_DATA ((PUCHAR)(ULONG_PTR)0x71)
#define RTC_B 0x0B
#define RTC_C 0x0C /* reading it lets the next interrupt come */
#define RTC_B_PERIODIC 0x40

static inline UCHAR KmtReadRtc(UCHAR Register)
{
    WRITE_PORT_UCHAR(RTC_INDEX, Register);
    return READ_PORT_UCHAR(RTC_DATA);
}

/* Connects Routine, lets the interrupts come, and gives them all the time that they need. */
static inline VOID KmtServeRtc(PKSERVICE_ROUTINE Routine)
{
    PKINTERRUPT Interrupt;
    KAFFINITY Affinity;
    KIRQL Irql;
    ULONG Vector = HalGetInterruptVector(Isa, 0, RTC_LINE, RTC_LINE, &Irql, &Affinity);
    UCHAR B;

    IoConnectInterrupt(&Interrupt, Routine, NULL, NULL, Vector, Irql, Irql, Latched, FALSE,
                       Affinity, FALSE);
    B = KmtReadRtc(RTC_B);
    WRITE_PORT_UCHAR(RTC_INDEX, RTC_B);
    WRITE_PORT_UCHAR(RTC_DATA, B | RTC_B_PERIODIC);
    KmtReadRtc(RTC_C);
    KmtSleep(60000);
}

#endif
