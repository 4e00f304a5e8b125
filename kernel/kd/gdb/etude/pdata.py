"""One step up the stack through a driver's routine, by its image's unwind data, read from memory.

Each routine that touches the stack has an entry in .pdata which lists what its prologue does; the list is undone here, last
action first. A routine without an entry is a leaf: its return address is on top. In an epilogue the rest of it is carried out
instead. Registers are a dict by name, "rip" included; those that are not known are missing.
"""

import bisect
import struct

from .memory import read, read_u32, read_u64, try_read

REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))
PUSH, ALLOCATE_LARGE, ALLOCATE_SMALL, SET_FRAME, SAVE, SAVE_FAR, MACHINE_FRAME = 0, 1, 2, 3, 4, 5, 10
SLOTS = {PUSH: 1, ALLOCATE_LARGE: 2, ALLOCATE_SMALL: 1, SET_FRAME: 1, SAVE: 2, SAVE_FAR: 3, 8: 2, 9: 3, MACHINE_FRAME: 1}
CHAINED = 4  # flag: the entry goes on in another
EXCEPTION_DIRECTORY = 0xA0  # from the PE signature: address and size of .pdata
DEEPEST_CHAIN = 8

tables = {}  # base -> (first bytes of the image, entries): read once for an image


def entries_of(base):
    """.pdata as a sorted list of (begin, end, unwind), relative addresses."""
    header = base + read_u32(base + 0x3C)
    identity = read(header, 0x60)  # an image loaded later at the same place has another
    if tables.get(base, (None,))[0] != identity:
        address, size = struct.unpack("<II", read(header + EXCEPTION_DIRECTORY, 8))
        data = read(base + address, size) if size else b""
        tables[base] = (identity, sorted(struct.iter_unpack("<III", data[: size // 12 * 12])))
    return tables[base][1]


def find_entry(base, rva):
    entries = entries_of(base)
    at = bisect.bisect_right(entries, (rva, 0xFFFFFFFF, 0xFFFFFFFF)) - 1
    return entries[at] if at >= 0 and rva < entries[at][1] else None


def pop(registers):
    value = read_u64(registers["rsp"])
    registers["rsp"] += 8
    return value


def undo_code(registers, operation, argument, slots, frame):
    """Undo one action of a prologue. True: it was an interrupt's frame, which tells everything."""
    if operation == PUSH:
        registers[REGISTERS[argument]] = pop(registers)
    elif operation == ALLOCATE_SMALL:
        registers["rsp"] += argument * 8 + 8
    elif operation == ALLOCATE_LARGE:
        registers["rsp"] += int.from_bytes(slots[:2], "little") * 8 if argument == 0 else int.from_bytes(slots[:4], "little")
    elif operation == SET_FRAME:
        registers["rsp"] = frame
    elif operation == SAVE:
        registers[REGISTERS[argument]] = read_u64(frame + int.from_bytes(slots[:2], "little") * 8)
    elif operation == SAVE_FAR:
        registers[REGISTERS[argument]] = read_u64(frame + int.from_bytes(slots[:4], "little"))
    elif operation == MACHINE_FRAME:
        at = registers["rsp"] + argument * 8
        registers["rip"], registers["rsp"] = read_u64(at), read_u64(at + 24)
        return True
    return False


def undo_entry(registers, at, offset):
    """Undo what an entry's prologue had done when offset bytes of the routine had run. (machine frame, next entry's address)."""
    flags, _, count, frame_byte = read(at, 4)
    codes = read(at + 4, (count + 1) // 2 * 4)
    frame = registers["rsp"]
    if frame_byte & 15:
        name = REGISTERS[frame_byte & 15]
        if name not in registers:
            raise ValueError(f"{name} is not known")
        frame = registers[name] - (frame_byte >> 4) * 16
    index = 0
    while index < count:
        when, operation = codes[index * 2], codes[index * 2 + 1]
        argument, operation = operation >> 4, operation & 15
        slots = SLOTS[operation] + (operation == ALLOCATE_LARGE and argument != 0)
        if when <= offset and undo_code(registers, operation, argument, codes[index * 2 + 2 :], frame):
            return True, None
        index += slots
    return False, at + 4 + len(codes) if flags >> 3 & CHAINED else None


def finish_epilogue(registers):
    """Carry out the rest of an epilogue, if that is where the routine is; False: it is not."""
    code = try_read(registers["rip"], 40) or b""
    after, at = dict(registers), 0
    if code[:3] == b"\x48\x83\xc4":
        after["rsp"] += code[3]
        at = 4
    elif code[:3] == b"\x48\x81\xc4":
        after["rsp"] += int.from_bytes(code[3:7], "little")
        at = 7
    while at < len(code):
        wide = code[at] == 0x41
        number = code[at + wide : at + wide + 1]
        if not number or not 0x58 <= number[0] <= 0x5F:
            break
        after[REGISTERS[(number[0] & 7) + 8 * wide]] = pop(after)
        at += 1 + wide
    if code[at : at + 1] not in (b"\xc3", b"\xc2") and code[at : at + 2] != b"\xf3\xc3":
        return False
    after["rip"] = pop(after)
    registers.update(after)
    return True


def step(registers, base):
    """From a routine of the image at base to its caller, in place. ValueError and gdb.MemoryError: the data make no sense."""
    rva = registers["rip"] - base
    entry = find_entry(base, rva)
    if entry is not None:
        if finish_epilogue(registers):
            return
        offset, at = rva - entry[0], base + entry[2]
        for _ in range(DEEPEST_CHAIN):
            machine, following = undo_entry(registers, at, offset)
            if machine:
                return
            if following is None:
                break
            at, offset = base + read_u32(following + 8), 0xFFFFFFFF  # the earlier pieces' prologues are complete
        else:
            raise ValueError("unwind entries in a circle")
    registers["rip"] = pop(registers)
