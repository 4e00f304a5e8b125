"""Stacks: of threads that do not run, walked here, and of processors, for which gdb is taught what it does not know itself.

Three kinds of frames. The kernel's routines keep RBP as a frame pointer. Drivers' are undone by their images' unwind data
(pdata.py). What an interrupt, an exception or KeBugCheckEx found is in a KTRAP_FRAME to which the RBP of the assembly below
points.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

from . import pdata
from .command import NtError
from .memory import read, read_u64, structure
from .module import Namer, find_module, modules
from .processor import prcbs, selected, thread_of
from .symbols import find_loaded

LIMIT = 64  # frames
SWAP_FRAME = 10 * 16 + 8  # bytes that KiSwapContext saves before the pushed registers (swap.asm)
PUSHED = ("r15", "r14", "r13", "r12", "rbp", "rbx", "rip")
TRAP_REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{n}" for n in range(8, 16)), "rip", "rsp")


def symbol_address(name):
    return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))


class Kernel:
    """Where the kernel's code lies; computed once for a kernel."""

    def __init__(self):
        self.text = range(symbol_address("KiTextStart"), symbol_address("KiTextEnd"))
        self.traps = [range(symbol_address("KiTrapEntryStart"), symbol_address("KiTrapEntryEnd"))]
        # Their RBP points to a trap frame as well once they have called C.
        for name in ("KeBugCheckEx", "KeRaiseStatus"):
            start = symbol_address(name)
            self.traps.append(range(start + 0x40, start + 0x100))


kernels = {}


def kernel():
    name = gdb.current_progspace().filename
    if name not in kernels:
        kernels[name] = Kernel()
    return kernels[name]


def load_trap_frame(address):
    """Registers that a KTRAP_FRAME holds."""
    frame = structure(address, "KTRAP_FRAME")
    return {name: int(frame[name.capitalize()]) for name in TRAP_REGISTERS}


def step(registers, among):
    """From a routine to its caller, in place; among: the modules. False: the stack ends here."""
    rip, known = registers["rip"], kernel()
    if any(rip in each for each in known.traps):
        registers.update(load_trap_frame(registers["rbp"]))
    elif rip in known.text:
        rbp = registers.get("rbp", 0)
        if rbp == 0:
            return False
        registers["rsp"], registers["rip"], registers["rbp"] = rbp + 16, read_u64(rbp + 8), read_u64(rbp)
    else:
        module = find_module(rip, among)
        if module is not None:
            pdata.step(registers, module.base)
        else:  # a call to nowhere: its return address is on top
            registers["rip"] = pdata.pop(registers)
            if find_module(registers["rip"], among) is None:
                return False
    return registers["rip"] != 0


def walk_stack(registers, limit=LIMIT):
    """(stack pointer, program counter) of each routine, from the innermost one."""
    among, registers = modules(), dict(registers)
    for _ in range(limit):
        yield registers["rsp"], registers["rip"]
        try:
            if not step(registers, among):
                return
        except (gdb.MemoryError, ValueError, KeyError):
            return


def saved_registers(thread):
    """Where a thread that does not run goes on, as KiSwapContext left it."""
    at = int(thread["KernelStack"]) + SWAP_FRAME
    words = [int.from_bytes(read(at + 8 * n, 8), "little") for n in range(len(PUSHED))]
    return dict(zip(PUSHED, words), rsp=at + 8 * len(PUSHED))


def processor_of(thread):
    """Number of the processor that a thread runs on; None: on none."""
    for each in prcbs():
        if int(each["CurrentThread"]) == int(thread.address):
            return int(each["Number"])
    return None


def gdb_stack(limit=LIMIT):
    """(stack pointer, program counter) of the frames of gdb's selected thread."""
    frame = gdb.newest_frame()
    while frame is not None and limit and frame.pc():
        if frame.type() != gdb.INLINE_FRAME:
            yield int(frame.read_register("rsp")) & 0xFFFFFFFFFFFFFFFF, frame.pc()
            limit -= 1
        frame = frame.older()


def stack_of(thread, limit=LIMIT):
    """(stack pointer, program counter) of a KTHREAD's routines, whether it runs or not."""
    number = processor_of(thread)
    if number is None:
        return list(walk_stack(saved_registers(thread), limit))
    which = thread_of(number)
    if which is None:
        raise NtError(f"no thread of gdb's is processor {number}")
    with selected(which):
        return list(gdb_stack(limit))


def format_stack(frames, namer=None, called=False):
    """Lines as of WinDbg's k: Child-SP, the address that a routine returns to, the routine. called: the innermost one made a call
    itself, of KeBugCheckEx; where it stands is what that would return to."""
    namer = namer or Namer()
    lines = ["Child-SP          RetAddr           Call Site"]
    following = [pc for _, pc in frames[1:]] + [0]
    for index, ((sp, pc), back) in enumerate(zip(frames, following)):
        lines.append(f"{sp:016x}  {back:016x}  {namer.caller(pc) if index or called else namer(pc)}")
    return lines


class FrameId:
    """What gdb tells frames apart by."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class NtUnwinder(Unwinder):
    """Frames that gdb cannot unwind alone: drivers' and those below an interrupt."""

    def __init__(self):
        super().__init__("etude")

    def __call__(self, pending):
        try:
            return self.unwind(pending)
        except (gdb.error, NtError, ValueError, KeyError):
            return None  # gdb's own guess is as good

    def unwind(self, pending):
        pc = int(pending.read_register("rip")) & 0xFFFFFFFFFFFFFFFF
        known = kernel()
        trap = any(pc in each for each in known.traps)
        if not trap and (pc in known.text or pc < 1 << 63):
            return None
        registers = {"rip": pc}
        for name in pdata.REGISTERS:
            try:
                registers[name] = int(pending.read_register(name)) & 0xFFFFFFFFFFFFFFFF
            except (gdb.error, ValueError):
                pass
        start = registers["rbp"] if trap else pc
        if trap:
            registers.update(load_trap_frame(registers["rbp"]))
        else:
            module = find_loaded(pc) or find_module(pc)
            if module is None:
                return None
            entry = pdata.find_entry(module.base, pc - module.base)
            start = module.base + entry[0] if entry else pc
            pdata.step(registers, module.base)
        info = pending.create_unwind_info(FrameId(gdb.Value(registers["rsp"]), gdb.Value(start)))
        kind = gdb.lookup_type("unsigned long")
        for name, value in registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


class EndFilter:
    """Leaves out of backtraces what lies behind a thread's first routine, whose return address is 0."""

    name, priority, enabled = "etude-end", 100, True

    def filter(self, frames):
        return (each for each in frames if each.inferior_frame().pc() != 0)


gdb.frame_filters[EndFilter.name] = EndFilter()
register_unwinder(None, NtUnwinder(), replace=True)
