"""The stacks that the debug kernel keeps with `stacktraces=1` (kernel/ex/stacktrace.c): who allocated and freed a block of pool,
who opened and closed a handle."""

import fnmatch
import struct

from .command import NtError, command, number, usage, write
from .memory import address_of, kernel_file, kernel_type, offset_of, read, variable
from .module import Namer
from .object import KERNEL_HANDLE_BITS, MASK64, process_of
from .poolpage import tag_text

AT_ONCE = 1024  # records that are read by one request
LINE = "--------------------------------------"


def records(address, name, first, count):
    """Those from number `first` on of an array of structures, as bytes."""
    size = kernel_type(name).sizeof
    for start in range(first, first + count, AT_ONCE):
        data = read(address + start * size, size * min(AT_ONCE, first + count - start))
        for at in range(0, len(data), size):
            yield data[at : at + size]


class Fields:
    """Numbers in such a record, by the names of its fields."""

    SIZES = {1: "B", 4: "I", 8: "Q"}

    def __init__(self, name, sizes):
        self.places = {field: (offset_of(name, field), "<" + self.SIZES[size]) for field, size in sizes.items()}

    def __call__(self, record, field):
        offset, form = self.places[field]
        return struct.unpack_from(form, record, offset)[0]


class Stacks:
    """EX_STACKs inside records: (process, thread, frames)."""

    def __init__(self):
        self.fields = Fields("EX_STACK", {"Process": 4, "Thread": 4, "Count": 4})
        self.frames = offset_of("EX_STACK", "Frames")
        self.limit = (kernel_type("EX_STACK").sizeof - self.frames) // 8

    def __call__(self, record, offset):
        record = record[offset:]
        count = min(self.fields(record, "Count"), self.limit)
        return (self.fields(record, "Process"), self.fields(record, "Thread"), struct.unpack_from(f"<{count}Q", record, self.frames))


def check_traces():
    if kernel_file().lookup_static_symbol("ExpTracesOn") is None:
        raise NtError("only the debug kernel keeps stacks: make DEBUG=1, and stacktraces=1 on its command line")
    if not int(variable("ExpTracesOn")):
        raise NtError("no stacks are kept: start with stacktraces=1")


class Blocks:
    """The blocks of pool whose stacks are known."""

    FIELDS = {"Address": 8, "Size": 8, "Number": 8, "Tag": 4, "Freed": 1}

    def __init__(self):
        self.table, self.fields, self.stack = variable("ExpTracedBlocks"), Fields("EX_BLOCK", self.FIELDS), Stacks()
        self.allocation, self.free = (offset_of("EX_BLOCK", name) for name in ("Allocation", "Free"))

    def __iter__(self):
        used = min(int(self.table["Used"]), int(self.table["Capacity"]))
        return records(address_of(self.table["Blocks"]), "EX_BLOCK", 0, used)

    def around(self, address):
        """The block that an address was in last, its header included; or None."""
        header, found = kernel_type("POOL_HEADER").sizeof, None
        for each in self:
            start, size = self.fields(each, "Address") - header, header + max(self.fields(each, "Size"), 1)
            if 0 <= address - start < size and (found is None or self.fields(each, "Number") > self.fields(found, "Number")):
                found = each
        return found

    def groups(self, pattern):
        """[tag, count, bytes, frames] of blocks in use that were allocated in the same way, those of most bytes first."""
        found = {}
        for each in self:
            tag = tag_text(self.fields(each, "Tag"))
            if self.fields(each, "Freed") or not fnmatch.fnmatchcase(tag, pattern.ljust(4) if "*" not in pattern else pattern):
                continue
            frames = self.stack(each, self.allocation)[2]
            group = found.setdefault((tag, frames), [0, 0])
            group[0] += 1
            group[1] += self.fields(each, "Size")
        return sorted(((tag, count, size, frames) for (tag, frames), (count, size) in found.items()), key=lambda each: -each[2])


def show_frames(frames, names):
    for each in frames:
        write(f"  {names(each)}")


def show_block(blocks, block, names):
    freed = blocks.fields(block, "Freed")
    address, size, tag = (blocks.fields(block, name) for name in ("Address", "Size", "Tag"))
    write(f"pool block {address:016x}, {size} bytes, tag {tag_text(tag)}, {'freed' if freed else 'in use'}")
    for word, offset in (("allocated", blocks.allocation), ("freed", blocks.free))[: 1 + bool(freed)]:
        process, thread, frames = blocks.stack(block, offset)
        write(f"{word} by thread {process}.{thread}:")
        show_frames(frames, names)


@command("pooltrace", "[ADDRESS | TAG]", windbg="")
def pooltrace(arguments):
    """Who allocated and freed a block of pool; or who has the blocks of a tag that are in use, by stack.

    Of the debug kernel with stacktraces=1. TAG, of four letters at most, may have * and ?; an address that is as short begins
    with 0x or $. Without an argument: how many blocks and events are known."""
    if len(arguments) > 1:
        raise usage()
    check_traces()
    blocks, names = Blocks(), Namer()
    if not arguments:
        table = blocks.table
        live, used = int(table["Live"]), int(table["Used"])
        write(f"blocks in use {live}, freed {used - live}, room for {int(table['Capacity'])}, not recorded {int(table['Lost'])}")
        write(f"handle events {int(variable('ExpHandleEventCount'))}")
    elif len(arguments[0]) > 4 or arguments[0].startswith(("0x", "$")):
        block = blocks.around(number(arguments[0]))
        if block is None:
            raise NtError(f"{number(arguments[0]):016x} is in no block whose stacks are known")
        show_block(blocks, block, names)
    else:
        groups = blocks.groups(arguments[0])
        if not groups:
            raise NtError(f"no block in use has the tag {arguments[0]}, of those whose stacks are known")
        for tag, count, size, frames in groups:
            write(f"{tag}  {count} blocks, {size} bytes:")
            show_frames(frames, names)


@command("htrace", "HANDLE [PROCESS]")
def htrace(arguments):
    """Who opened and closed a handle, the latest first; HANDLE 0 means all.

    Of the debug kernel with stacktraces=1. PROCESS is an id or an address, 0 for System; a kernel handle is one of System's, with
    its high bits set."""
    if not 1 <= len(arguments) <= 2:
        raise usage()
    check_traces()
    wanted = number(arguments[0])
    own = wanted < KERNEL_HANDLE_BITS
    wanted = (wanted if own else wanted & ~KERNEL_HANDLE_BITS & MASK64) & ~3
    table = address_of(process_of(arguments[1] if own and len(arguments) > 1 else "")["ObjectTable"])
    fields, stack, names = Fields("EX_HANDLE_EVENT", {"Table": 8, "Handle": 8, "Opened": 1}), Stacks(), Namer()
    place = offset_of("EX_HANDLE_EVENT", "Stack")
    count, room = int(variable("ExpHandleEventCount")), int(variable("ExpHandleRoom"))
    kept = min(count, room)
    events = list(records(address_of(variable("ExpHandleEvents")), "EX_HANDLE_EVENT", 0, kept))
    shown = 0
    for at in range(count - 1, count - 1 - kept, -1):
        event = events[at % room]
        if fields(event, "Table") != table or (wanted and fields(event, "Handle") != wanted):
            continue
        shown += 1
        process, thread, frames = stack(event, place)
        write(f"{LINE}\nHandle = 0x{fields(event, 'Handle'):x} - {'OPEN' if fields(event, 'Opened') else 'CLOSE'}")
        write(f"Thread ID = 0x{thread:x}, Process ID = 0x{process:x}")
        show_frames(frames, names)
    write(f"{LINE}\nParsed 0x{kept:x} stack traces.\nDumped 0x{shown:x} stack traces.")
