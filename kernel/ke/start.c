/*
 * The kernel's start, as a table of contents.
 *
 * Phase 0 runs on the boot processor with interrupts off, at PASSIVE_LEVEL, on the loader's stack;
 * nothing in it may wait. It ends as the first processor's idle thread. Phase 1 is the first system
 * thread: it may do everything a driver may.
 */
#include <ntddk.h>
#include <loader.h>
#include "cm.h"
#include "debugger.h"
#include "ex.h"
#include "hal.h"
#include "io.h"
#include "kd.h"
#include "ldr.h"
#include "mm.h"
#include "ob.h"
#include "dispatch.h"
#include "processor.h"
#include "ps.h"

PLOADER_BLOCK KeLoaderBlock;
static KPROCESS
    KiIdleProcess; /* home of the idle threads; all of them live in the system's tables */

static void KiPrintMachine(void)
{
    ULONG64 Hertz;
    const char *Counter = HalQueryCounterName(&Hertz);
    MM_STATISTICS Memory;

    MmQueryStatistics(&Memory);
    KdPrintf(
        "%u of %u processors, %llu MB of memory (%llu MB free), time from the %s at %llu.%03llu "
        "MHz\n",
        KeNumberProcessors, HalQueryProcessorCount(), Memory.TotalPages >> (20 - PAGE_SHIFT),
        Memory.FreePages >> (20 - PAGE_SHIFT), Counter, Hertz / 1000000, Hertz / 1000 % 1000);
}

/* From the loader's reading of the TSC in the entry code, so its work is in it, too. */
static void KiPrintUptime(void)
{
    ULONG64 Tenths = KiQueryUptimeTenthsMs();
    KdPrintf("Etude is up: %llu.%llu ms since the kernel's first instruction\n", Tenths / 10,
             Tenths % 10);
}

static KSTART_ROUTINE KiPhase1;
static VOID NTAPI KiPhase1(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    /* Processors before threads and queues: these are made one for each, or sized by their number.
     * Work queues before drivers: a DriverEntry is called by a worker. */
    KeStartAllProcessors(); /* the other processors idle, ready for work */
    KiPrintMachine();
    KiStartWatchdog();  /* processors that get stuck */
    KiStartDebugging(); /* the debug kernel's checks and schedules */
    KiInitializeStarvationHelp();
    KiStartDpcThreads();
    ExInitSystem();  /* work queues and their threads */
    IoInitSystem();  /* \Device, \Driver, \??: I/O objects and IRPs */
    CmInitSystem();  /* the registry, from the boot disk */
    KdLoadFilter();  /* which debug output it wants */
    LdrInitSystem(); /* services of Start 0 and 1: the drivers run */
    KdFindCrashDisk();
    KiPrintUptime();
    KdStartConsole(); /* a prompt, on a thread of its own */
}

/* On the idle thread's own stack. The first interrupt taken in the loop switches to phase 1. */
static DECLSPEC_NORETURN void KiBecomeIdleThread(void *StackBase)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    KiInitializeIdleThread(Prcb, &Prcb->Processor->IdleThread, &KiIdleProcess, StackBase,
                           (PUCHAR)StackBase - KERNEL_STACK_SIZE);
    /* From here on there is a current thread, which mutexes need as their owner. */
    ObInitSystem();         /* object types and the root directory */
    PsInitSystem(KiPhase1); /* the System process, and phase 1 as its first thread */
    KiProgramClock(Prcb);
    KiIdleLoop();
}

/* Each step uses only what stands above it. A way to print comes first and exceptions second, so
 * that whatever fails after them can say so. The boot disk precedes the pools, because it needs
 * none and brings the symbols that a crash in them is read by. The HAL maps controllers and
 * firmware tables, so it has to wait for mm; nothing before it may want the time. */
void KiSystemStartup(PLOADER_BLOCK LoaderBlock)
{
    PVOID StackBase;

    KeLoaderBlock = LoaderBlock;
    HalInitializeDebugPort();                      /* messages reach the serial line */
    KiInitializeProcessor(&KiBootProcessor, 0, 0); /* exceptions are reported */
    KeNumberProcessors = 1;
    KdInitSystem(LoaderBlock); /* output is kept in a ring, too */
    KdPrintf("\nEtude, a kernel with the Windows NT driver model. Loaded by %s.\n",
             LoaderBlock->LoaderName);
    KiCheckCommandLine();
    MmInitSystem(LoaderBlock);          /* pages, page tables, address space */
    LdrInitializeBootDisk(LoaderBlock); /* files, and symbols for a crash */
    ExInitializePools();                /* memory allocation */
    HalInitializeSystem(LoaderBlock);   /* ACPI, interrupt controllers, time */
    KiBootProcessor.Pcr.Prcb.ApicId = HalCurrentApicId();
    KiBootProcessor.Pcr.Prcb.Started = TRUE;
    KeActiveProcessors = 1;
    KiInitializeClock(); /* the time that drivers read */
    KeInitializeProcess(&KiIdleProcess, 0, ~(KAFFINITY)0, MmQuerySystemDirectoryBase());
    StackBase = MmCreateKernelStack();
    if (StackBase == NULL) {
        KeBugCheckEx(PHASE0_INITIALIZATION_FAILED, 0, 0, 0, 0);
    }
    KdStartDebugger(); /* gdb on COM2, if the command line asks; `break` waits for it */
    KiRunOnStack(StackBase, KiBecomeIdleThread);
}

/* The idle thread of another processor starts here, see mpstart.c. */
PKPROCESS KiQueryIdleProcess(void)
{
    return &KiIdleProcess;
}
