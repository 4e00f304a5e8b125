"""Threads in words: what `process`, `thread`, `running`, `ready` and `stacks` have in common."""

import functools

import gdb

from .command import NtError
from .memory import address_of, c_string, kernel_type, offset_of, structure, variable, walk, walk_list
from .stack import format_stack, stack_of

STATES = ("INITIALIZED", "READY", "RUNNING", "STANDBY", "TERMINATED", "WAIT", "TRANSITION", "DEFERREDREADY")
WAITING = STATES.index("WAIT")
OBJECTS = {
    0: "NotificationEvent",
    1: "SynchronizationEvent",
    2: "Mutant",
    3: "ProcessObject",
    4: "QueueObject",
    5: "Semaphore",
    6: "Thread",
    7: "Gate",
    8: "NotificationTimer",
    9: "SynchronizationTimer",
}
TICK_MS = 15.625


@functools.cache
def wait_reasons():
    return {each.enumval: each.name for each in kernel_type("KWAIT_REASON").fields()}


def processes():
    """Every process that has not ended; the idle threads' own is not among them."""
    head = variable("PspActiveProcesses")
    if int(head["Flink"]) == 0:
        raise NtError("the kernel has not come so far: there is no process")
    return list(walk(head, "KPROCESS", "ActiveProcessLinks"))


def image_of(process):
    return c_string(process["ImageFileName"]) or ("Idle" if int(process["UniqueProcessId"]) == 0 else "")


def threads_of(process):
    return walk(process["ThreadListHead"], "KTHREAD", "ProcessThreadEntry")


def all_threads():
    for process in processes():
        yield from threads_of(process)


def cid(thread):
    client = thread["Cid"]
    return f"{int(client['UniqueProcess']):04x}.{int(client['UniqueThread']):04x}"


def state_of(thread):
    state = int(thread["State"])
    return STATES[state] if state < len(STATES) else f"state {state}"


def state_line(thread):
    """ "WAIT: (Executive) KernelMode Non-Alertable", "RUNNING on processor 1"."""
    state = state_of(thread)
    if state == "WAIT":
        reason = wait_reasons().get(int(thread["WaitReason"]), "?")
        mode = "UserMode" if int(thread["WaitMode"]) else "KernelMode"
        return f"WAIT: ({reason}) {mode} {'Alertable' if int(thread['Alertable']) else 'Non-Alertable'}"
    if state in ("RUNNING", "STANDBY", "READY"):
        return f"{state} on processor {int(thread['NextProcessor']):x}"
    return state


def object_line(address, namer):
    """What a thread waits for: "ffffe00000021000  Semaphore Limit 0x1"."""
    header = structure(address, "DISPATCHER_HEADER")
    kind = OBJECTS.get(int(header["Type"]) & 0x7F, f"object of type {int(header['Type'])}")
    if kind == "Semaphore":
        kind += f" Limit {int(structure(address, 'KSEMAPHORE')['Limit']):#x}"
    if kind == "Mutant":
        kind += f" - owning thread {int(structure(address, 'KMUTANT')['OwnerThread']):x}"
    name = namer(address)
    return f"{address:016x}  {kind}" + (f"  {name}" if "!" in name else "")


def wait_lines(thread, namer):
    """A line for each object of a wait in progress, and its timeout."""
    if int(thread["State"]) != WAITING:
        return []
    lines = []
    blocks = int(thread["WaitBlockList"])
    for index in range(min(int(thread["WaitBlockCount"]), 64) if blocks else 0):
        lines.append(object_line(int(thread["WaitBlockList"][index]["Object"]), namer))
    if int(thread["WaitTimerActive"]):
        due = int(thread["Timer"]["DueTime"]["QuadPart"])
        lines.append(f"{address_of(thread['Timer']):016x}  timeout {format_left(due)}")
    return lines


def interrupt_time():
    """Now, in 100 ns since the start."""
    low, high = (int(gdb.parse_and_eval(f"*(unsigned int *){at:#x}")) for at in (0xFFFFF78000000008, 0xFFFFF7800000000C))
    return high << 32 | low


def format_left(due):
    """When something comes, seen from now."""
    left = (due - interrupt_time()) / 10_000_000
    return f"in {left:.3f} s" if left >= 0 else f"due for {-left:.3f} s"


def format_ticks(ticks):
    seconds = ticks * TICK_MS / 1000
    return f"{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:{seconds % 60:06.3f}"


def thread_at(address):
    """The KTHREAD at an address that somebody typed."""
    thread = structure(address, "KTHREAD")
    if int(thread["Header"]["Type"]) & 0x7F != 6:
        raise NtError(f"there is no thread at {address:016x}")
    return thread


def head_line(thread):
    return f"THREAD {address_of(thread):016x}  Cid {cid(thread)}  {state_line(thread)}"


def describe_thread(thread, namer, stack=True):
    """The lines of `thread`."""
    lines = [head_line(thread)]
    lines += [f"    {each}" for each in wait_lines(thread, namer)]
    irps = list(walk_list(thread["IrpList"], 1000)) if int(thread["IrpList"]["Flink"]) else []
    if irps:
        lines += ["IRP List:"] + [f"    {each - offset_of('IRP', 'ThreadListEntry'):016x}" for each in irps]
    process = thread["Process"]
    lines += [
        f"Owning Process            {int(process):016x}       Image:         {image_of(process)}",
        f"Attached Process          {attached(thread)}",
        f"Context Switch Count      {int(thread['ContextSwitches']):<10} IdealProcessor: {int(thread['IdealProcessor'])}",
        f"KernelTime                {format_ticks(int(thread['KernelTime']))}",
        f"Start Address {namer(thread['StartAddress'])} ({int(thread['StartAddress']) & 0xFFFFFFFFFFFFFFFF:016x})" + name_of_thread(thread),
        f"Stack Base {int(thread['StackBase']):016x} Limit {int(thread['StackLimit']):016x} Current {int(thread['KernelStack']):016x}",
        f"Priority {int(thread['Priority'])}  BasePriority {int(thread['BasePriority'])}  Affinity {int(thread['Affinity']):x}"
        f"  KernelApcDisable {int(thread['KernelApcDisable'])}  SpecialApcDisable {int(thread['SpecialApcDisable'])}",
    ]
    if int(thread["SuspendCount"]):
        lines.append(f"SuspendCount {int(thread['SuspendCount'])}")
    if stack:
        lines += stack_lines(thread, namer)
    return lines


def name_of_thread(thread):
    name = c_string(thread["Name"])
    return f"  {name}" if name else ""


def attached(thread):
    process = int(thread["ApcState"]["Process"])
    if process in (0, int(thread["Process"])):
        return "N/A"
    return f"{process:016x}       Image:         {image_of(structure(process, 'KPROCESS'))}"


def stack_lines(thread, namer):
    if state_of(thread) in ("INITIALIZED", "TERMINATED"):
        return ["No stack: the thread is not running yet or any more"]
    return format_stack(stack_of(thread), namer)
