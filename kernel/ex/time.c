/*
 * The executive's share in time: local time, and the service that sets the clock. The time zone is
 * a field of the shared page, which nobody sets yet: local time is UTC.
 */
#include <ntddk.h>
#include "ke.h"

#define TIME_ZONE_BIAS (*(volatile LONG64 *)(KI_USER_SHARED_DATA + 0x20))
#define LATEST_TIME_HIGH 0x20000000 /* the upper half of what TIME_FIELDS can express */

VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    LocalTime->QuadPart = SystemTime->QuadPart - TIME_ZONE_BIAS;
}

VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    SystemTime->QuadPart = LocalTime->QuadPart + TIME_ZONE_BIAS;
}

NTSTATUS NTAPI ZwSetSystemTime(PLARGE_INTEGER NewTime, PLARGE_INTEGER OldTime)
{
    LONG64 Previous;

    KI_ASSERT_IRQL_MAX(PASSIVE_LEVEL);
    if (NewTime == NULL || NewTime->HighPart < 0 || NewTime->HighPart > LATEST_TIME_HIGH) {
        return STATUS_INVALID_PARAMETER;
    }
    Previous = KeSetSystemTime(NewTime->QuadPart);
    if (OldTime != NULL) {
        OldTime->QuadPart = Previous;
    }
    return STATUS_SUCCESS;
}
