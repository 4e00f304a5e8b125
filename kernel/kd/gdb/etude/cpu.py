"""pcr, prcb, irql, idt, dpcs, timer: what belongs to a processor."""

import gdb

from .command import NtError, command, number, usage, write
from .memory import address_of, kernel_type, structure, variable, walk, walk_list
from .module import Namer, unsigned
from .processor import pcr_of, prcb, prcbs, processor_argument, selected, thread_of
from .threads import format_left, interrupt_time

LEVELS = {
    0: "LOW_LEVEL",
    1: "APC_LEVEL",
    2: "DISPATCH_LEVEL",
    13: "CLOCK_LEVEL",
    14: "IPI_LEVEL",
    15: "HIGH_LEVEL",
}
THREADED_DPC = 24
NO_WAKE = 0xFFFF  # KTIMER.Processor
PERIOD_IN_100NS = 1


def level_name(irql):
    return LEVELS.get(irql, f"device level {irql}")


def irql_of(each):
    """A processor's IRQL: what the stub says of CR8, or what the frame holds in which a crash stopped it. None: not known."""
    frame = each["FrozenFrame"]
    if int(frame):
        return int(frame["PreviousIrql"])
    thread = thread_of(int(each["Number"]))
    if thread is None:
        return None
    with selected(thread):
        try:
            value = gdb.newest_frame().read_register("cr8")
            return None if value.is_optimized_out else int(value) & 15
        except (ValueError, gdb.error):
            return None


def describe_irql(each):
    irql = irql_of(each)
    return "not known: the stub has no cr8" if irql is None else f"{irql} ({level_name(irql)})"


def at_most_one(arguments):
    if len(arguments) > 1:
        raise usage()


@command("irql", "[CPU]")
def irql(arguments):
    """The interrupt request level of a processor, the selected one unless given."""
    at_most_one(arguments)
    each = processor_argument(arguments)
    crashed = " when it crashed" if int(each["FrozenFrame"]) else ""
    write(f"Debugger saved IRQL for processor {int(each['Number']):#x}{crashed} -- {describe_irql(each)}")


@command("pcr", "[CPU]")
def pcr(arguments):
    """The processor control region, to which GS points."""
    at_most_one(arguments)
    each = processor_argument(arguments)
    block = pcr_of(each)
    write(f"KPCR for Processor {int(each['Number'])} at {address_of(block):016x}:")
    rows = [
        ("SelfPcr", f"{unsigned(block['Self']):016x}"),
        ("Prcb", f"{unsigned(block['CurrentPrcb']):016x}"),
        ("Irql", describe_irql(each)),
        ("IDT", f"{address_of(variable('KiIdt')):016x}"),
        ("GDT", f"{address_of(each['Processor']['Gdt']):016x}"),
        ("TSS", f"{address_of(each['Processor']['Tss']):016x}"),
        ("CurrentThread", f"{unsigned(each['CurrentThread']):016x}"),
        ("NextThread", f"{unsigned(each['NextThread']):016x}"),
        ("IdleThread", f"{unsigned(each['IdleThread']):016x}"),
    ]
    for name, value in rows:
        write(f"    {name:>16}: {value}")
    for line in dpc_lines(each, Namer()) or ["none"]:
        write(f"    {'DpcQueue':>16}: {line}")


@command("prcb", "[CPU]")
def show_prcb(arguments):
    """The processor control block: threads, counts and times of a processor."""
    at_most_one(arguments)
    each = processor_argument(arguments)
    write(f"PRCB for Processor {int(each['Number'])} at {address_of(each):016x}:")
    write(f"Current IRQL -- {describe_irql(each)}")
    names = [f"{label} {unsigned(each[f'{label}Thread']):016x}" for label in ("Current", "Next", "Idle")]
    write(f"Threads--  {'  '.join(names)}")
    write(f"Processor Index {int(each['Number'])}  ApicId {int(each['ApicId']):x}  SetMember {int(each['SetMember']):x}")
    write(
        f"Interrupt Count -- {int(each['InterruptCount']):08x}  clock {int(each['ClockCount']):08x}  IPI {int(each['IpiCount']):08x}"
        f"  spurious {int(each['SpuriousCount']):08x}"
    )
    write(f"Times -- Dpc {int(each['DpcTicks']):08x}  Kernel {int(each['KernelTicks']):08x}  Idle {int(each['IdleTicks']):08x} ticks")
    queue = each["Dpc"]
    write(
        f"DPCs -- queued {int(queue['Depth'])}, ever {int(queue['Count'])}, per tick {int(queue['Rate'])};"
        f" {'retiring them now' if int(each['DpcActive']) else 'not active'}"
    )
    write(f"Context switches -- {int(each['ContextSwitches'])}; ready threads -- {int(each['ReadyCount'])}")


def dpc_lines(each, namer):
    """A processor's DPCs: running, queued, threaded."""
    lines = []
    for kind, queue in (("Normal", each["Dpc"]), ("Threaded", each["Processor"]["DpcThread"]["Queue"])):
        if int(queue["Running"]):
            lines.append(f"{kind:<8} : {unsigned(queue['Running']):#018x}  {namer(queue['Routine'])}  (running)")
        if int(queue["ListHead"]["Flink"]):
            for dpc in walk(queue["ListHead"], "KDPC", "DpcListEntry"):
                lines.append(f"{kind:<8} : {address_of(dpc):#018x}  {namer(dpc['DeferredRoutine'])}")
    return lines


@command("dpcs", "[CPU]")
def dpcs(arguments):
    """Deferred procedure calls that run or are queued, ordinary and threaded."""
    at_most_one(arguments)
    namer = Namer()
    write("CPU Type       KDPC                Function")
    for each in [prcb(number(arguments[0]))] if arguments else prcbs():
        for line in dpc_lines(each, namer):
            write(f"{int(each['Number']):2}: {line}")


def timers_of(wheel):
    """Timers of a wheel, in order of due times. Only slots that the summary marks are looked at."""
    found = []
    for level in range(wheel["SlotSummary"].type.range()[1] + 1):
        summary = unsigned(wheel["SlotSummary"][level])
        for slot in range(wheel["Slot"].type.target().range()[1] + 1):
            if summary >> slot & 1:
                found += walk(wheel["Slot"][level][slot], "KTIMER", "TimerListEntry")
    if int(wheel["Moving"]["Flink"]):
        found += walk(wheel["Moving"], "KTIMER", "TimerListEntry")
    return sorted(found, key=lambda each: int(each["DueTime"]["QuadPart"]))


def waiter_of(timer):
    """The thread whose wait's timeout a timer is, or None."""
    for block in walk(timer["Header"]["WaitListHead"], "KWAIT_BLOCK", "WaitListEntry", limit=64):
        if int(block["Thread"]) and address_of(block["Thread"]["Timer"]) == address_of(timer):
            return block["Thread"]
    return None


def timer_line(cpu, timer, namer):
    period = int(timer["Period"]) / (10000 if int(timer["TimerType"]) & PERIOD_IN_100NS else 1)
    dpc = timer["Dpc"]
    if int(dpc):
        what = f"{namer(dpc['DeferredRoutine'])} (DPC @ {unsigned(dpc):016x})"
    else:
        thread = waiter_of(timer)
        what = f"thread {unsigned(thread):016x}" if thread is not None else ""
    due = int(timer["DueTime"]["QuadPart"])
    kind = "P" if period else " "
    every = f"every {period:g} ms" if period else ""
    return f"{cpu:>3}  {address_of(timer):016x} {kind} {due:016x}  {format_left(due):<18} {every:<16} {what}".rstrip()


def timer_at(address):
    timer = structure(address, "KTIMER")
    if int(timer["Header"]["Type"]) & 0x7F not in (8, 9):
        raise NtError(f"there is no timer at {address:016x}")
    return timer


def show_timer(timer, namer):
    address = address_of(timer)
    if not int(timer["Header"]["Inserted"]):
        write(f"     {address:016x}  not armed; {'signalled' if int(timer['Header']['SignalState']) else 'not signalled'}")
        return
    cpu = int(timer["Processor"])
    write(timer_line("-" if cpu == NO_WAKE else cpu, timer, namer))


@command("timer", "[ADDRESS]")
def timer(arguments):
    """Timers that are armed, on which processor, when they are due and what they will do; or one timer.

    Those on processor - wake nobody: they expire at the first processor's next clock tick."""
    at_most_one(arguments)
    namer, chosen = Namer(), timer_at(number(arguments[0])) if arguments else None
    write(f"Interrupt time: {interrupt_time():016x}\n")
    write(f"CPU  {'Timer':16}   {'Due':16}  {'Fires':<18} {'Period':<16} DPC/thread")
    if chosen is not None:
        show_timer(chosen, namer)
        return
    for each in prcbs():
        for found in timers_of(each["TimerWheel"].dereference()):
            write(timer_line(int(each["Number"]), found, namer))
    wheel = variable("KiNoWakeWheel")
    if int(wheel["Moving"]["Flink"]):
        for found in timers_of(wheel):
            write(timer_line("-", found, namer))


def handler_of(gate):
    """Where a gate of the IDT leads."""
    return int(gate["OffsetHigh"]) << 32 | int(gate["OffsetMiddle"]) << 16 | int(gate["OffsetLow"])


def routine_of(interrupt):
    connection = interrupt["Connection"]
    return connection["ServiceRoutine"] if int(connection["ServiceRoutine"]) else connection["MessageRoutine"]


@command("idt", "[VECTOR] [-a]")
def idt(arguments):
    """Interrupt vectors with their service routines; -a shows every vector, exceptions too."""
    everything = "-a" in arguments
    chosen = [number(each) for each in arguments if each != "-a"]
    if len(chosen) > 1 or any(each > 255 for each in chosen):
        raise usage()
    namer, gates, vectors = Namer(), variable("KiIdt"), variable("KiVectors")
    write(f"Dumping IDT: {address_of(gates):016x}\n")
    size = kernel_type("KINTERRUPT").sizeof
    for vector in chosen or range(256):
        head = vectors[vector]["Chain"]
        chain = [structure(each - 8, "KINTERRUPT") for each in walk_list(head)] if int(head["Flink"]) and size else []
        if not chain and not everything and not chosen:
            continue
        write(f"{vector:02x}:\t{handler_of(gates[vector]):016x} {namer(handler_of(gates[vector]))}")
        for found in chain:
            connection = found["Connection"]
            write(
                f"\t    {namer(routine_of(found))} (KINTERRUPT {address_of(found):016x})  IRQL {int(connection['Irql'])}"
                f"  {'level' if int(connection['Mode']) == 0 else 'edge'}  claimed {int(found['ClaimedCount'])}"
                f"  not claimed {int(found['UnclaimedCount'])}"
            )
