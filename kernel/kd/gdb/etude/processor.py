"""The processors, through the kernel's table of them: what GS holds depends on the stub, and a dump may not have it."""

import contextlib

import gdb

from .command import NtError, number
from .memory import address_of, structure, variable


def prcbs():
    """Every processor's KPRCB, in the order of their numbers."""
    block = variable("KiProcessorBlock")
    found = []
    for index in range(block.type.range()[1] + 1):
        address = int(block[index])
        if address:
            found.append(block[index].dereference())
    if not found:
        raise NtError("the kernel has not come so far: no processor is initialised")
    return found


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
    thread = each["CurrentThread"]
    if int(thread):
        yield int(thread["StackLimit"]), int(thread["StackBase"])
    exceptional = each["Processor"]["IstStack"]
    low = address_of(exceptional)
    yield low, low + exceptional.type.sizeof


def number_of_thread(thread):
    """Which processor a thread of gdb's is. It runs on one of that processor's stacks; before there are any, the stub's
    numbering has to do."""
    with selected(thread):
        rsp = int(gdb.parse_and_eval("(unsigned long)$rsp"))
    for each in prcbs():
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
