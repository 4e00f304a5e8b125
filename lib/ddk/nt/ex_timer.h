/*
 * nt/ex_timer.h - Ex timers, local time, setting the clock (book ch. 6). Times are in 100 ns.
 *
 * An Ex timer is allocated by the system and has a callback instead of a DPC. Callbacks of one
 * timer come one after the other, at DISPATCH_LEVEL. The timer may also be waited for: it is
 * signalled when it expires.
 */
#include <wdm.h>

#ifndef _NT_EX_TIMER_
#define _NT_EX_TIMER_

typedef struct _EX_TIMER *PEX_TIMER;
typedef VOID NTAPI EXT_CALLBACK(_In_ PEX_TIMER Timer, _In_opt_ PVOID Context);
typedef EXT_CALLBACK *PEXT_CALLBACK;
typedef VOID NTAPI EXT_DELETE_CALLBACK(_In_opt_ PVOID Context);
typedef EXT_DELETE_CALLBACK *PEXT_DELETE_CALLBACK;

/* Attributes of ExAllocateTimer. Every timer here is as precise as a high-resolution one. */
#define EX_TIMER_HIGH_RESOLUTION 4
#define EX_TIMER_NO_WAKE 8
#define EX_TIMER_NOTIFICATION (1UL << 31)
#define EX_TIMER_UNLIMITED_TOLERANCE ((LONGLONG)-1)

typedef struct _EXT_SET_PARAMETERS_V0 {
    ULONG Version;
    ULONG Reserved;
    LONGLONG NoWakeTolerance; /* how late a no-wake timer may be rather than wake a processor */
} EXT_SET_PARAMETERS, *PEXT_SET_PARAMETERS;

typedef struct _EXT_DELETE_PARAMETERS {
    ULONG Version;
    ULONG Reserved;
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
} EXT_DELETE_PARAMETERS, *PEXT_DELETE_PARAMETERS;

typedef PVOID PEXT_CANCEL_PARAMETERS;

C_ASSERT(sizeof(EXT_SET_PARAMETERS) == 16 && sizeof(EXT_DELETE_PARAMETERS) == 24);

/* The defaults: a no-wake timer never wakes a processor. Any IRQL. WDK:
 * ExInitializeSetTimerParameters. */
FORCEINLINE VOID ExInitializeSetTimerParameters(_Out_ PEXT_SET_PARAMETERS Parameters)
{
    Parameters->Version = 0;
    Parameters->Reserved = 0;
    Parameters->NoWakeTolerance = EX_TIMER_UNLIMITED_TOLERANCE;
}
/* No delete callback. Any IRQL. WDK: ExInitializeDeleteTimerParameters. */
FORCEINLINE VOID ExInitializeDeleteTimerParameters(_Out_ PEXT_DELETE_PARAMETERS Parameters)
{
    Parameters->Version = 0;
    Parameters->Reserved = 0;
    Parameters->DeleteCallback = NULL;
    Parameters->DeleteContext = NULL;
}

/* A timer, not set, whose Callback(Timer, CallbackContext), if any, is called each time it expires,
 * at DISPATCH_LEVEL. Attributes: EX_TIMER_NOTIFICATION, else a wait takes the signal;
 * EX_TIMER_HIGH_RESOLUTION; EX_TIMER_NO_WAKE: it expires at the first clock tick after it is due,
 * which wakes no processor that sleeps; not together with the one before. NULL: no memory, or wrong
 * attributes. The caller's until ExDeleteTimer. WDK: ExAllocateTimer; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI PEX_TIMER NTAPI ExAllocateTimer(_In_opt_ PEXT_CALLBACK Callback,
                                            _In_opt_ PVOID CallbackContext, _In_ ULONG Attributes);
/* Sets Timer anew for DueTime (negative: relative; else system time), and then every Period, unless
 * that is 0. Parameters: NULL for the defaults. TRUE: it was set already, and that is forgotten.
 * After ExDeleteTimer, as in a callback that still runs, nothing happens. WDK: ExSetTimer; book
 * ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExSetTimer(_In_ PEX_TIMER Timer, _In_ LONGLONG DueTime,
                                     _In_ LONGLONG Period, _In_opt_ PEXT_SET_PARAMETERS Parameters);
/* TRUE: Timer was set, and is not any more. FALSE: it was not; its callback may be about to run, or
 * running. Parameters: NULL. WDK: ExCancelTimer; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExCancelTimer(_In_ PEX_TIMER Timer,
                                        _In_opt_ PEXT_CANCEL_PARAMETERS Parameters);
/* Frees Timer, which the caller may not use any more, as soon as no callback runs or is about to.
 * Cancel: it does not expire again; else, if it is set, it expires once more first. Wait, only with
 * Cancel: returns after that, IRQL <= APC_LEVEL. Parameters->DeleteCallback, if any, is called with
 * DeleteContext when the timer is gone, at DISPATCH_LEVEL. TRUE: it was set, and cancelled. May be
 * called in the timer's own callback, without Wait. WDK: ExDeleteTimer; book ch. 6. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTKERNELAPI BOOLEAN NTAPI ExDeleteTimer(_In_ PEX_TIMER Timer, _In_ BOOLEAN Cancel,
                                        _In_ BOOLEAN Wait,
                                        _In_opt_ PEXT_DELETE_PARAMETERS Parameters);

/* Between UTC and the time of the system's time zone. Any IRQL. WDK: ExSystemTimeToLocalTime,
 * ExLocalTimeToSystemTime. */
NTKERNELAPI VOID NTAPI ExSystemTimeToLocalTime(_In_ PLARGE_INTEGER SystemTime,
                                               _Out_ PLARGE_INTEGER LocalTime);
NTKERNELAPI VOID NTAPI ExLocalTimeToSystemTime(_In_ PLARGE_INTEGER LocalTime,
                                               _Out_ PLARGE_INTEGER SystemTime);

/* Sets the system time; *OldTime receives the one before. Absolute timers and waits follow it. The
 * battery-backed clock is left alone. STATUS_INVALID_PARAMETER: not a time from 1601 to about
 * 30828. WDK (ntifs): ZwSetSystemTime. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSYSAPI NTSTATUS NTAPI ZwSetSystemTime(_In_ PLARGE_INTEGER NewTime,
                                        _Out_opt_ PLARGE_INTEGER OldTime);

#endif
