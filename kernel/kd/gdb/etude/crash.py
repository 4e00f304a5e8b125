"""error, analyze, dbgprint: what went wrong."""

import gdb

from .command import NtError, command, number, usage, write
from .cpu import describe_irql
from .memory import c_string, read, structure, variable
from .module import Namer, find_module, find_symbol, modules
from .processor import prcb, prcbs, thread_of
from .secondary import records
from .stack import format_stack, load_trap_frame, stack_of, walk_stack
from .status import bugcodes, statuses
from .threads import image_of, name_of_thread

RULE = "*" * 79
NO_VECTOR = 0xFFFFFFFFFFFFFFFF  # of a frame that KeBugCheckEx made
# Bugchecks whose second parameter is where an exception happened, or whose first is the exception.
EXCEPTION_FIRST = (0x1E, 0x7E, 0x8E)


def win32_text(value):
    """Windows' text for an error number, from the kernel's table of those that services meet; or None. The table is read
    from the kernel's file: the machine may have none yet."""
    with gdb.with_parameter("trust-readonly-sections", True):
        table = variable("ErrorTexts")
        for index in range(table.type.range()[1] + 1):
            if int(table[index]["Error"]) == value:
                return c_string(table[index]["Text"])
    return None


@command("error", "VALUE [1]", machine=False)
def error(arguments):
    """The name of an NTSTATUS or Win32 error; with 1 it is an NTSTATUS whatever it looks like."""
    if not 1 <= len(arguments) <= 2 or arguments[1:] not in ([], ["1"]):
        raise usage()
    value = number(arguments[0]) & 0xFFFFFFFF
    only_status = len(arguments) == 2
    status, win32 = statuses().get(value), None if only_status else win32_text(value)
    if win32:
        write(f"Error code: (Win32) {value:#x} ({value}) - {win32}")
    if status:
        write(f"Error code: (NTSTATUS) {value:#x} ({value - (value >> 31 << 32)}) - {status}")
    if not win32 and not status:
        severity = ("success", "information", "warning", "error")[value >> 30]
        raise NtError(f"{value:#x} has no name here; as an NTSTATUS it is {'an' if severity[0] in 'ie' else 'a'} {severity}")


@command("dbgprint", "[BYTES]")
def dbgprint(arguments):
    """What the kernel and drivers have printed, from the ring in memory; the last BYTES of it."""
    if len(arguments) > 1:
        raise usage()
    ring, following = variable("KdpRing"), int(variable("KdpRingNext"))
    size = ring.type.sizeof
    data = read(ring.address, size)
    text = data[:following] if following <= size else data[following % size :] + data[: following % size]
    if arguments:
        text = text[-number(arguments[0]) :]
    write("".join(chr(each) if each in (9, 10) or 32 <= each < 127 else "." for each in text).rstrip("\n"))


class Crash:
    """A bugcheck: what was said, and by which processor."""

    def __init__(self):
        data = variable("KiBugCheckData")
        self.code = int(data[0])
        if self.code == 0:
            raise NtError("no bugcheck has happened; nt running -t and nt stacks show what the machine does")
        self.parameters = [int(data[1 + index]) for index in range(4)]
        self.prcb = prcb(int(variable("KiBugCheckOwner")) - 1)
        self.frame = self.prcb["FrozenFrame"]
        self.registers = load_trap_frame(int(self.frame))

    @property
    def name(self):
        return bugcodes().get(self.code, "a code of the caller's own")

    @property
    def trapped(self):
        return int(self.frame["Vector"]) & NO_VECTOR != NO_VECTOR

    def meanings(self):
        """What the kernel's table says about the parameters; None for those it says nothing of."""
        try:
            table = variable("KiBugParameters")
            for index in range(table.type.range()[1] + 1):
                if int(table[index]["Code"]) == self.code:
                    texts = [table[index]["Meaning"][each] for each in range(4)]
                    return [c_string(text) if int(text) else None for text in texts]
        except (gdb.error, NtError):
            pass
        return [None] * 4

    def stack(self):
        return list(walk_stack(self.registers))

    def culprit(self, frames):
        """(address, module, called) to blame: the innermost driver that is on the stack, or that the parameters point into; else
        where it happened. called: the address is one that a call returns to. What the kernel itself has found is taken as it is."""
        among = modules()
        found = variable("KiBugCheckCulprit")
        if int(found["Address"]):
            return int(found["Address"]), find_module(int(found["Address"]), among), bool(found["Called"])
        for index, (_, pc) in enumerate(frames):
            module = find_module(pc, among)
            if module is None or module.name != "nt":
                return pc, module, index > 0 or not self.trapped
        for each in self.parameters:
            module = find_module(each, among)
            if module is not None and module.name != "nt":
                return each, module, False
        return self.registers["rip"], find_module(self.registers["rip"], among), not self.trapped


def show_registers(registers):
    names = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rip", "rsp", "rbp", *(f"r{n}" for n in range(8, 16)))
    for start in range(0, len(names), 3):
        write(" ".join(f"{each:>3}={registers[each]:016x}" for each in names[start : start + 3]))


def source_line(address):
    """Of the instruction there."""
    line = gdb.find_pc_line(address)
    return f"{line.symtab.filename}:{line.line}" if line.symtab is not None and find_symbol(address) else None


def show_heading(crash):
    for line in ("", RULE, f"*{'Bugcheck Analysis':^77}*", RULE, ""):
        write(line)
    write(f"{crash.name} ({crash.code:x})")
    write("Arguments:")
    namer = Namer()
    for index, (value, meaning) in enumerate(zip(crash.parameters, crash.meanings())):
        name = namer(value)
        parts = [f"Arg{index + 1}: {value:016x}"] + ([meaning] if meaning else []) + ([name] if "!" in name else [])
        write(", ".join(parts))


def show_details(crash, namer, frames):
    thread = crash.prcb["CurrentThread"].dereference()
    write("\nDebugging Details:\n------------------\n")
    write(f"{'TRAP_FRAME' if crash.trapped else 'CONTEXT'}:  {int(crash.frame):016x}")
    show_registers(crash.registers)
    rip = crash.registers["rip"]
    write(f"{namer(rip) if crash.trapped else namer.caller(rip)}:")
    try:
        write(gdb.execute(f"x/i {rip:#x}", to_string=True).rstrip().replace("=>", "  "))  # where gdb's own thread stands
    except gdb.error:
        write(f"   {rip:#x}:\tno code there")
    write(f"\nPROCESS_NAME:  {image_of(thread['Process'])}")
    write(f"THREAD:  {int(thread.address):016x}{name_of_thread(thread)}")
    write(f"CURRENT_IRQL:  {describe_irql(crash.prcb)}")
    write(f"PROCESSOR:  {int(crash.prcb['Number'])}")
    if crash.code in EXCEPTION_FIRST:
        write(f"EXCEPTION_CODE:  (NTSTATUS) {crash.parameters[0] & 0xFFFFFFFF:#x} - {statuses().get(crash.parameters[0] & 0xFFFFFFFF, '')}")
    if int(crash.prcb["Culprit"]):
        write(f"CULPRIT:  {c_string(crash.prcb['Culprit'])}")
    write("\nSTACK_TEXT:")
    for line in format_stack(frames, namer, called=not crash.trapped):
        write(line)
    for each in prcbs():
        if int(each["Number"]) != int(crash.prcb["Number"]):
            write(f"\nProcessor {int(each['Number'])}:")
            for line in other_stack(each, namer):
                write(line)


def show_secondary_data():
    found = list(records())
    if found:
        write("\nSECONDARY_DATA:  (nt enumtag shows it)")
    for identity, component, _, length in found:
        write(f"{identity} {length:#x} bytes, of {component}")


def other_stack(each, namer):
    frame = int(each["FrozenFrame"])
    if frame:
        called = int(each["FrozenFrame"]["Vector"]) & NO_VECTOR == NO_VECTOR
        return format_stack(list(walk_stack(load_trap_frame(frame), 8)), namer, called)
    return format_stack(stack_of(structure(each["CurrentThread"], "KTHREAD"), 8), namer)


@command("analyze", "[-v]")
def analyze(arguments):
    """The bugcheck explained: parameters, where it happened, who is to blame; -v with registers and the processors' stacks.

    The processor that crashed is selected afterwards, so that `backtrace` and the other commands mean it."""
    if arguments not in ([], ["-v"]):
        raise usage()
    crash, namer = Crash(), Namer()
    show_heading(crash)
    frames = crash.stack()
    if arguments:
        show_details(crash, namer, frames)
        show_secondary_data()
    address, module, called = crash.culprit(frames)
    name = namer.caller(address) if called else namer(address)
    write(f"\nSYMBOL_NAME:  {name}")
    line = source_line(address - called)
    if line:
        write(f"FAULTING_SOURCE_LINE:  {line}")
    write(f"MODULE_NAME: {module.stem if module else 'Unknown_Module'}")
    write(f"IMAGE_NAME:  {module.name if module else 'unknown'}")
    write(f"FAILURE_BUCKET_ID:  {crash.code:X}_{name.split('+')[0]}")
    stopped = thread_of(int(crash.prcb["Number"]))
    if stopped is not None:
        stopped.switch()
