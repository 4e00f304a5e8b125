/* notmyfault.h - what the faulty driver can do wrong: the interface for its clients. */
#ifndef _NOTMYFAULT_H_
#define _NOTMYFAULT_H_

#define NOTMYFAULT_DEVICE_NAME L"\\Device\\NotMyFault"
#define NOTMYFAULT_SYMLINK_NAME L"\\??\\NotMyFault"

/* Every fault: its routine in the driver, its name for people, and what it does. */
/* clang-format off */
#define NOTMYFAULT_FAULTS(Fault) \
    Fault(PagedAtDispatch, "irql", "touches paged memory at DISPATCH_LEVEL") \
    Fault(Overrun, "overrun", "writes behind a pool block") \
    Fault(Underrun, "underrun", "writes before a pool block") \
    Fault(UseAfterFree, "useafterfree", "writes to freed memory") \
    Fault(DoubleFree, "doublefree", "frees a pool block twice") \
    Fault(StackOverflow, "stackoverflow", "calls itself for ever") \
    Fault(StackTrash, "stacktrash", "writes over its own return address") \
    Fault(NullPointer, "null", "reads through a null pointer") \
    Fault(WildPointer, "wild", "reads through a pointer to nowhere") \
    Fault(CodeOverwrite, "code", "writes over its own code") \
    Fault(LeakPaged, "leakpaged", "forgets 1 MB of paged pool") \
    Fault(LeakNonPaged, "leaknonpaged", "forgets 1 MB of non-paged pool") \
    Fault(Deadlock, "deadlock", "two processors, two spin locks, taken crosswise") \
    Fault(HangInDpc, "hangdpc", "a DPC that never ends") \
    Fault(HangAllInDpcs, "hangall", "the same on all processors at once") \
    Fault(HangAtHighLevel, "hanghigh", "all processors at HIGH_LEVEL for ever, with interrupts off") \
    Fault(HangWithIrp, "hangirp", "keeps a request for ever, and does not let it be cancelled") \
    Fault(ArmTimer, "timer", "leaves a timer armed when it is unloaded") \
    Fault(DivideByZero, "divide", "divides by zero") \
    Fault(WaitAtDispatch, "badirql", "waits at DISPATCH_LEVEL")
/* clang-format on */

enum {
#define NOTMYFAULT_NUMBER(Routine, Name, What) NotMyFault##Routine,
    NOTMYFAULT_FAULTS(NOTMYFAULT_NUMBER) NotMyFaultCount
#undef NOTMYFAULT_NUMBER
};

/* The control code of a fault; neither data in nor out. */
#define IOCTL_NOTMYFAULT(Number)                                                                   \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Number), METHOD_NEITHER, FILE_ANY_ACCESS)

#endif
