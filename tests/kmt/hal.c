/*
 * Promises: every ISA line has a vector of its own whose high nibble is its IRQL, and nonsense has
 * none; a connected line interrupts at that IRQL, edge after edge, and a disconnected one does not;
 * time never goes back, on whichever processors it is read, and agrees with other clocks; a stall
 * is never short; the speaker refuses what its timer cannot make; ports of 16 and 32 bits are read
 * and written whole.
 */
#include "kmt.h"

#define PIT_HERTZ 1193182
#define TICKS_PER_SECOND 1000
#define TICKS_WANTED 300

/*** Vectors ***/

static ULONG Vector(INTERFACE_TYPE Bus, ULONG Number, ULONG Line, KIRQL *Irql)
{
    KAFFINITY Affinity;
    ULONG Result = HalGetInterruptVector(Bus, Number, Line, Line, Irql, &Affinity);

    if ((Result == 0) != (Affinity == 0) || (Affinity & ~KeQueryActiveProcessors()) != 0) {
        return MAXULONG;
    }
    return Result;
}

static VOID TestVectors(VOID)
{
    ULONG Seen[256] = {0};
    LONG Wrong = 0, Levels = 0, LastLevel = 0;
    KIRQL Irql;

    for (ULONG Line = 0; Line < 16; Line++) {
        ULONG First = Vector(Isa, 0, Line, &Irql);
        if (First < 0x30 || First > 0xCF || Irql != First >> 4 ||
            Vector(Isa, 0, Line, &Irql) != First) {
            Wrong++;
        } else if (Line != 2) {
            Seen[First]++;
        }
    }
    KMT_EQUAL(Wrong, 0, "each ISA line has a device vector, the same each time, at its IRQL");
    for (ULONG i = 0; i < 256; i++) {
        Wrong += Seen[i] > 1;
        Levels += Seen[i] && (LONG)(i >> 4) != LastLevel;
        LastLevel = Seen[i] ? (LONG)(i >> 4) : LastLevel;
    }
    KMT_EQUAL(Wrong, 0, "no two lines share a vector");
    KMT_CHECK(Levels >= 8, "the lines are spread over device IRQLs");
    KMT_EQUAL(Vector(Isa, 0, 2, &Irql), Vector(Isa, 0, 9, &Irql), "line 2 is line 9");
    KMT_EQUAL(Vector(Isa, 0, 16, &Irql), 0, "there is no ISA line 16");
    KMT_EQUAL(Vector(Isa, 1, 4, &Irql), 0, "there is no second ISA bus");
    KMT_EQUAL(Vector(PCIBus, 0, 10, &Irql), Vector(Isa, 0, 10, &Irql),
              "a PCI function's line is the ISA line that its register names");
    KMT_EQUAL(Vector(PCIBus, 0, 0, &Irql), 0, "0 there means none");
    KMT_EQUAL(Vector(PCIBus, 0, 255, &Irql), 0, "as does 255");
    KMT_EQUAL(Vector(PCIBus, 255, 10, &Irql), 0, "and a bus has to exist");
}

/*** Interrupts: channel 0 of the timer, on line 0 (which the firmware wires elsewhere) ***/

typedef struct _TICKS {
    volatile LONG Count;
    volatile LONG WrongIrql;
    KIRQL Irql;
    KEVENT Enough;
    KDPC Dpc;
} TICKS;
static TICKS Ticks;

static VOID NTAPI TickDpc(PKDPC Dpc, PVOID Context, PVOID A, PVOID B)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(A);
    UNREFERENCED_PARAMETER(B);
    KeSetEvent(&Ticks.Enough, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN NTAPI TickIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    Ticks.WrongIrql += KeGetCurrentIrql() != Ticks.Irql;
    if (++Ticks.Count == TICKS_WANTED) {
        KeInsertQueueDpc(&Ticks.Dpc, NULL, NULL);
    }
    return TRUE;
}

/* Hertz 0 stops the channel: a mode without a count does nothing. */
static VOID ProgramTimer(ULONG Hertz)
{
    WRITE_PORT_UCHAR((PUCHAR)0x43, Hertz ? 0x34 : 0x30);
    if (Hertz != 0) {
        WRITE_PORT_UCHAR((PUCHAR)0x40, (UCHAR)(PIT_HERTZ / Hertz));
        WRITE_PORT_UCHAR((PUCHAR)0x40, (UCHAR)((PIT_HERTZ / Hertz) >> 8));
    }
}

static VOID TestInterrupts(VOID)
{
    PKINTERRUPT Interrupt;
    ULONGLONG Start, Elapsed;
    LONG Count;
    ULONG Line = Vector(Isa, 0, 0, &Ticks.Irql);
    NTSTATUS Status;

    KeInitializeEvent(&Ticks.Enough, NotificationEvent, FALSE);
    KeInitializeDpc(&Ticks.Dpc, TickDpc, NULL);
    Start = KmtNow(); /* the firmware's slow ticks count, too, until the timer is programmed */
    Status = IoConnectInterrupt(&Interrupt, TickIsr, NULL, NULL, Line, Ticks.Irql, Ticks.Irql,
                                Latched, FALSE, 1, FALSE);
    KMT_EQUAL(Status, STATUS_SUCCESS, "line 0 can be connected");
    if (!NT_SUCCESS(Status)) {
        return;
    }
    ProgramTimer(TICKS_PER_SECOND);
    Status = KmtWait(&Ticks.Enough, 20000);
    Elapsed = KmtNow() - Start;
    KMT_EQUAL(Status, STATUS_SUCCESS, "edge after edge interrupts");
    KMT_EQUAL(Ticks.WrongIrql, 0, "the service routine runs at the vector's IRQL");
    /* An emulator may let ticks fall out: only the fast side is exact, to what calibration is. */
    KMT_CHECK(Elapsed >= TICKS_WANTED * 10000ULL * 998 / 1000,
              "the timer's ticks take as long as the clock says");
    IoDisconnectInterrupt(Interrupt);
    Count = Ticks.Count;
    KmtSleep(50);
    KMT_EQUAL(Ticks.Count, Count, "after disconnecting no interrupt arrives");
    ProgramTimer(0);
}

/*** Time ***/

static volatile LONG64 Latest;
static volatile LONG StepsBack;
static volatile LONG StopReading;

/* Whoever reads after another has published must not be earlier. */
static VOID NTAPI ReadTime(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    do { /* once at least, however late this thread gets to run */
        LONG64 Seen = __atomic_load_n(&Latest, __ATOMIC_SEQ_CST);
        LONG64 Now = KeQueryPerformanceCounter(NULL).QuadPart;
        if (Now < Seen) {
            InterlockedIncrement(&StepsBack);
        }
        while (Now > Seen && !__atomic_compare_exchange_n(&Latest, &Seen, Now, FALSE,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        }
    } while (!StopReading);
}

static VOID TestTime(VOID)
{
    PETHREAD Threads[64];
    ULONG Count = KmtProcessors();
    LONG Short = 0;

    for (ULONG i = 0; i < Count; i++) {
        Threads[i] = KmtStartThread(ReadTime, NULL);
    }
    KmtSleep(200);
    StopReading = 1;
    for (ULONG i = 0; i < Count; i++) {
        KmtJoin(Threads[i]);
    }
    KMT_CHECK(Latest != 0, "processors read the time");
    KMT_EQUAL(StepsBack, 0, "time does not go back from one processor to the next");

    for (ULONG MicroSeconds = 0; MicroSeconds <= 200; MicroSeconds += 10) {
        LONG64 Start = KeQueryPerformanceCounter(NULL).QuadPart;
        KeStallExecutionProcessor(MicroSeconds);
        Short += KeQueryPerformanceCounter(NULL).QuadPart - Start < (LONG64)MicroSeconds * 10;
    }
    KMT_EQUAL(Short, 0, "a stall is never short");
}

/*** Speaker ***/

static VOID TestSpeaker(VOID)
{
    UCHAR Read[5], Written[2];
    LONG Closed = 0;
    KMT_CHECK(!HalMakeBeep(18), "18 Hz is below what the timer can divide down to");
    KMT_CHECK(HalMakeBeep(19), "19 Hz can be made");
    KMT_EQUAL(READ_PORT_UCHAR((PUCHAR)0x61) & 3, 3, "a tone opens the speaker");
    KMT_CHECK(!HalMakeBeep(1000000), "1 MHz cannot be made");
    READ_PORT_BUFFER_UCHAR((PUCHAR)0x61, Read, sizeof(Read));
    for (ULONG i = 0; i < sizeof(Read); i++) {
        Closed += (Read[i] & 3) != 3;
    }
    KMT_EQUAL(Closed, 0, "as each of several reads in one says");
    Written[0] = Read[0];
    Written[1] = (UCHAR)(Read[0] & ~3);
    WRITE_PORT_BUFFER_UCHAR((PUCHAR)0x61, Written, sizeof(Written));
    KMT_EQUAL(READ_PORT_UCHAR((PUCHAR)0x61) & 3, 0, "of several writes in one the last stands");
    KMT_CHECK(HalMakeBeep(0), "0 Hz can always be made");
    KMT_EQUAL(READ_PORT_UCHAR((PUCHAR)0x61) & 3, 0, "0 Hz closes the speaker");
}

/* Several threads at the speaker at once: afterwards it is closed, and the trace (which a host test
 * reads with the console's `tones`) has been written more often than it has room for. */
#define TONES_PER_THREAD 1500
#define TONE_THREADS 4

static VOID NTAPI PlayTones(PVOID Context)
{
    ULONG Base = 1000 * (ULONG)(ULONG_PTR)Context;

    for (ULONG i = 0; i < TONES_PER_THREAD; i++) {
        HalMakeBeep(i % 2 ? 0 : Base + i % 1000);
    }
}

static VOID TestSpeakerTogether(VOID)
{
    PETHREAD Threads[TONE_THREADS];

    for (ULONG i = 0; i < TONE_THREADS; i++) {
        Threads[i] = KmtStartThread(PlayTones, (PVOID)(ULONG_PTR)(i + 1));
    }
    for (ULONG i = 0; i < TONE_THREADS; i++) {
        KmtJoin(Threads[i]);
    }
    HalMakeBeep(0);
    KMT_EQUAL(READ_PORT_UCHAR((PUCHAR)0x61) & 3, 0, "many at once leave the speaker as the last");
}

/*** Ports ***/

#define PCI_ADDRESS ((PULONG)0xCF8)
#define PCI_DATA 0xCFC
#define PCI_ENABLE 0x80000000U
#define PCI_COMMAND 0x04

/* The pair of ports that leads to the configuration space: the one has 32 bits, the other as many
 * as one wants. Device 0:0.0 is there in every PC. Nobody else uses them while this processor takes
 * no interrupts. */
static VOID TestPorts(VOID)
{
    ULONG Address[2] = {PCI_ENABLE | 8, PCI_ENABLE}, Long[3] = {0, 0, 0};
    USHORT Word[3] = {0, 0, 0}, Command[2];
    KIRQL OldIrql;

    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    ULONG Before = READ_PORT_ULONG(PCI_ADDRESS);
    WRITE_PORT_ULONG(PCI_ADDRESS, PCI_ENABLE | 4);
    ULONG Selected = READ_PORT_ULONG(PCI_ADDRESS);
    WRITE_PORT_BUFFER_ULONG(PCI_ADDRESS, Address, ARRAYSIZE(Address));
    ULONG Last = READ_PORT_ULONG(PCI_ADDRESS), Id = READ_PORT_ULONG((PULONG)PCI_DATA);
    USHORT Low = READ_PORT_USHORT((PUSHORT)PCI_DATA);
    USHORT High = READ_PORT_USHORT((PUSHORT)(PCI_DATA + 2));
    READ_PORT_BUFFER_ULONG((PULONG)PCI_DATA, Long, ARRAYSIZE(Long));
    READ_PORT_BUFFER_USHORT((PUSHORT)PCI_DATA, Word, ARRAYSIZE(Word));
    WRITE_PORT_ULONG(PCI_ADDRESS, PCI_ENABLE | PCI_COMMAND);
    USHORT Was = READ_PORT_USHORT((PUSHORT)PCI_DATA);
    WRITE_PORT_USHORT((PUSHORT)PCI_DATA, Was ^ 0x100); /* SERR#, which nobody raises */
    USHORT Changed = READ_PORT_USHORT((PUSHORT)PCI_DATA);
    Command[0] = Changed;
    Command[1] = Was;
    WRITE_PORT_BUFFER_USHORT((PUSHORT)PCI_DATA, Command, ARRAYSIZE(Command));
    USHORT Back = READ_PORT_USHORT((PUSHORT)PCI_DATA);
    WRITE_PORT_ULONG(PCI_ADDRESS, Before);
    KeLowerIrql(OldIrql);

    KMT_EQUAL(Selected, PCI_ENABLE | 4, "a port of 32 bits has what was written");
    KMT_EQUAL(Last, PCI_ENABLE, "of several writes in one the last stands");
    KMT_CHECK(Low != 0xFFFF && Id == ((ULONG)High << 16 | Low), "two of 16 make one of 32 bits");
    KMT_CHECK(Long[0] == Id && Long[1] == Id && Long[2] == Id, "several reads of 32 bits in one");
    KMT_CHECK(Word[0] == Low && Word[1] == Low && Word[2] == Low, "and of 16");
    KMT_EQUAL(Changed, Was ^ 0x100, "a port of 16 bits has what was written");
    KMT_EQUAL(Back, Was, "and the last of several");
}

static VOID KmtRun(VOID)
{
    TestVectors();
    TestInterrupts();
    TestTime();
    TestSpeaker();
    TestSpeakerTogether();
    TestPorts();
}
