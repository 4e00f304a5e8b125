/*
 * Promises: the Beep device sounds what it is asked for, for as long as it is asked; a new tone
 * replaces the old one with its own length; closing a handle ends the tone that was asked for by it
 * and no other; wrong requests are refused; requests from many threads at a time leave silence
 * behind.
 */
#include "kmt.h"
#include <ntddbeep.h>

#define THREADS 4
#define ROUNDS 300

static BOOLEAN Sounding(VOID)
{
    /* Port 61h: gate of timer 2, and the speaker behind it. */
    return (READ_PORT_UCHAR((PUCHAR)0x61) & 3) == 3;
}

static HANDLE Open(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DD_BEEP_DEVICE_NAME_U);
    OBJECT_ATTRIBUTES Attributes = RTL_CONSTANT_OBJECT_ATTRIBUTES(&Name, OBJ_KERNEL_HANDLE);
    IO_STATUS_BLOCK StatusBlock;
    HANDLE Handle = NULL;

    ZwOpenFile(&Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &StatusBlock, 0,
               FILE_SYNCHRONOUS_IO_NONALERT);
    return Handle;
}

static NTSTATUS Control(HANDLE Handle, ULONG Code, PVOID Input, ULONG Size)
{
    IO_STATUS_BLOCK StatusBlock;

    return ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &StatusBlock, Code, Input, Size, NULL,
                                 0);
}

static NTSTATUS Beep(HANDLE Handle, ULONG Hertz, ULONG Ms)
{
    BEEP_SET_PARAMETERS Parameters = {Hertz, Ms};

    return Control(Handle, IOCTL_BEEP_SET, &Parameters, sizeof(Parameters));
}

static VOID TestRefusals(HANDLE Handle)
{
    static const ULONG Wrong[] = {1, 36, 32768, 0x80000000, MAXULONG};
    BEEP_SET_PARAMETERS Parameters = {440, 10};
    LONG Refused = 0;

    for (ULONG i = 0; i < ARRAYSIZE(Wrong); i++) {
        Refused += Beep(Handle, Wrong[i], 10) == STATUS_INVALID_PARAMETER;
    }
    KMT_EQUAL(Refused, ARRAYSIZE(Wrong), "frequencies out of range are refused");
    Refused = 0;
    for (ULONG Size = 0; Size < sizeof(Parameters); Size++) {
        Refused += Control(Handle, IOCTL_BEEP_SET, &Parameters, Size) == STATUS_INVALID_PARAMETER;
    }
    KMT_EQUAL(Refused, sizeof(Parameters), "buffers that are too short are refused");
    KMT_EQUAL(Control(Handle, CTL_CODE(FILE_DEVICE_BEEP, 1, METHOD_BUFFERED, 0), NULL, 0),
              STATUS_INVALID_DEVICE_REQUEST, "there is no other request");
    KMT_CHECK(!Sounding(), "a refused request is not heard");
}

static BOOLEAN FallsSilent(VOID)
{
    ULONG Looks = 0;

    while (Sounding() && KmtLookAgain(&Looks)) {
    }
    return (BOOLEAN)!Sounding();
}

/* Tones that are heard here are too long for the host to hide them; of short ones it is the silence
 * that tells, and how soon after the request it can be. */
static VOID TestTones(HANDLE Handle)
{
    ULONGLONG Start, Length;
    BOOLEAN Silent;

    KMT_EQUAL(Beep(Handle, 440, 100000), STATUS_SUCCESS, "a tone begins");
    KMT_CHECK(Sounding(), "the request ends when it sounds");
    Start = KmtNow();
    Beep(Handle, 440, 100);
    Silent = FallsSilent();
    Length = KmtNow() - Start;
    KMT_CHECK(Silent && Length >= 99 * 10000, "it ends by itself, not too early");
    Beep(Handle, 440, 50);
    Beep(Handle, 880, 100000);
    KmtSleep(100);
    KMT_CHECK(Sounding(), "the second tone outlives the end of the first");
    Start = KmtNow();
    Beep(Handle, 440, 50);
    Beep(Handle, 880, 300);
    KMT_CHECK(FallsSilent() && KmtNow() - Start >= 299 * 10000, "and ends in its turn");
    Beep(Handle, 440, MAXULONG);
    KmtSleep(50);
    KMT_CHECK(Sounding(), "a tone without end goes on");
    Beep(Handle, 440, 20);
    KMT_CHECK(FallsSilent(), "a tone with an end replaces it");
    Beep(Handle, 440, MAXULONG);
    Beep(Handle, 0, 0);
    KMT_CHECK(!Sounding(), "0 Hz is silence");
}

static VOID TestOwners(HANDLE Handle)
{
    HANDLE Other = Open();

    Beep(Handle, 440, MAXULONG);
    ZwClose(Other);
    KMT_CHECK(Sounding(), "closing another handle does not end the tone");
    Other = Open();
    Beep(Other, 880, MAXULONG);
    ZwClose(Other);
    KMT_CHECK(!Sounding(), "closing the handle that asked for it does");
}

static volatile LONG Failures;

static VOID NTAPI Hammer(PVOID Context)
{
    ULONG Seed = (ULONG)(ULONG_PTR)Context;

    for (ULONG i = 0; i < ROUNDS; i++) {
        HANDLE Handle = Open();
        ULONG Hertz = KmtRandom(&Seed) % 4 == 0 ? 0 : 200 + KmtRandom(&Seed) % 2000;

        if (!NT_SUCCESS(Beep(Handle, Hertz, KmtRandom(&Seed) % 3))) {
            InterlockedIncrement(&Failures);
        }
        ZwClose(Handle);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID TestThreads(VOID)
{
    PETHREAD Threads[THREADS];

    for (ULONG_PTR i = 0; i < THREADS; i++) {
        Threads[i] = KmtStartThread(Hammer, (PVOID)(i + 1));
    }
    for (ULONG i = 0; i < THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_EQUAL(Failures, 0, "many threads at a time are served");
    KMT_CHECK(FallsSilent(), "and leave silence behind");
}

static VOID KmtRun(VOID)
{
    HANDLE Handle = Open();

    if (KMT_CHECK(Handle != NULL, "the device opens")) {
        TestRefusals(Handle);
        TestTones(Handle);
        TestOwners(Handle);
        ZwClose(Handle);
        TestThreads();
    }
}
