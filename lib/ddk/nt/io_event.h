/* nt/io_event.h - named events that drivers share with each other and with applications (book
 * ch. 6). */
#include <wdm.h>

#ifndef _NT_IO_EVENT_
#define _NT_IO_EVENT_

/*
 * IoCreateNotificationEvent and IoCreateSynchronizationEvent open the event called EventName, or
 * make it, signalled, when there is none; an event that exists keeps its type and state.
 *   EventHandle  receives a kernel handle; the event stays until it is closed with ZwClose
 * The event itself, without a reference; NULL: the name leads nowhere or to no event, or memory is
 * exhausted. IRQL: PASSIVE_LEVEL. WDK; book ch. 6.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PKEVENT NTAPI IoCreateNotificationEvent(_In_ PUNICODE_STRING EventName,
                                                    _Out_ PHANDLE EventHandle);
_IRQL_requires_max_(PASSIVE_LEVEL)
NTKERNELAPI PKEVENT NTAPI IoCreateSynchronizationEvent(_In_ PUNICODE_STRING EventName,
                                                       _Out_ PHANDLE EventHandle);

#endif
