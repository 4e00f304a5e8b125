"""The processors, through the kernel's table of them: what GS holds depends on the stub, and a dump may not have it."""

import contextlib

import gdb

from .command import BEFORE, NtError, number
from .memory import address_of, offset_of, read, structure, variable


SEEN = []  # what prcbs() has read since the command began: over a serial line once is enough


def prcbs():
    """Every processor's KPRCB, in the order of their numbers."""
    if SEEN:
        return list(SEEN)
    block = variable("KiProcessorBlock")
    block.fetch_lazy()
    addresses = [int(block[index]) for index in range(block.type.range()[1] + 1)]
    found = [structure(each, "KPRCB") for each in addresses if each]
    if not found:
        raise NtError("the kernel has not come so far: no processor is initialised")
    SEEN.extend(found)
    return found


BEFORE.append(SEEN.clear)
gdb.events.cont.connect(lambda event: SEEN.clear())


def prcb(index):
    """The KPRCB of one processor."""
    for each in prcbs():
        if int(each["Number"]) == index:
            return each
    raise NtError(f"there is no processor {index}")


def pcr_of(each):
    """The KPCR around a KPRCB."""
    return structure(address_of(each["Processor"]["Pcr"]), "KPCR")


def stacks_of(each):
    """(low, high) of the stacks that a processor may be running on: its thread's, and those of NMI, machine check and double
    fault."""
    thread = int(each["CurrentThread"]) & 0xFFFFFFFFFFFFFFFF
    if thread:
        base, limit = (offset_of("KTHREAD", name) for name in ("StackBase", "StackLimit"))
        data = read(thread + min(base, limit), abs(base - limit) + 8)  # they are neighbours
        first, last = int.from_bytes(data[:8], "little"), int.from_bytes(data[-8:], "little")
        yield min(first, last), max(first, last)
    exceptional = each["Processor"]["IstStack"]
    low = address_of(exceptional)
    yield low, low + exceptional.type.sizeof


def number_of_thread(thread):
    """Which processor a thread of gdb's is. It runs on one of that processor's stacks; before there are any, the stub's
    numbering has to do."""
    with selected(thread):
        rsp = int(gdb.parse_and_eval("(unsigned long)$rsp"))
    # Most stubs number them as the kernel does.
    for each in sorted(prcbs(), key=lambda each: int(each["Number"]) != thread.num - 1):
        # <=: an empty stack's pointer stands at its end.
        if any(low < rsp <= high for low, high in stacks_of(each)):
            return int(each["Number"])
    return thread.num - 1


def current_number():
    """The processor that is selected in gdb."""
    return number_of_thread(gdb.selected_thread())


def thread_of(index):
    """gdb's thread for a processor, or None."""
    for each in gdb.selected_inferior().threads():
        if number_of_thread(each) == index:
            return each
    return None


@contextlib.contextmanager
def selected(thread):
    """Another of gdb's threads for a while; the frame selected before comes back too."""
    before = gdb.selected_thread()
    frame = gdb.selected_frame() if before.num == thread.num else None
    try:
        if before.num != thread.num:
            thread.switch()
        yield
    finally:
        if before.num != thread.num:
            before.switch()
        elif frame is not None and frame.is_valid():
            frame.select()


def processor_argument(arguments):
    """The KPRCB that a command's only argument, a processor's number, means: the selected one without it."""
    return prcb(number(arguments[0])) if arguments else prcb(current_number())
