"""How gdb prints the types that drivers and the kernel have most: `print *Irp`, `info locals`, `finish`.

A printer says in a line what a value is; structures keep their fields below it. What is damaged is said, never raised: a
printer may run while gdb shows a frame.
"""

import functools

import gdb

from .command import NtError
from .header import irp_flags, major_name, mdl_flags
from .memory import address_of, try_read, walk_list
from .printer import printer
from .status import status_name

MASK64 = (1 << 64) - 1
LIST_SHOWN = 250  # entries that are counted; a list in a structure that is printed may be long


def unsigned(value):
    return int(value) & MASK64


class Line:
    """A printer for what one line says, which function makes; fields: whether they follow below."""

    def __init__(self, value, function, fields):
        self.value, self.function = value, function
        if fields:
            self.children = self.fields

    def to_string(self):
        try:
            return self.function(self.value)
        except (gdb.error, NtError, ValueError) as error:
            return f"<{error}>"

    def fields(self):
        return named_fields(self.value)


def named_fields(value):
    """(name, value) of each field; those of an unnamed part are its parent's, as in C."""
    for field in value.type.strip_typedefs().fields():
        if field.name:
            yield field.name, value[field]
        else:
            yield from named_fields(value[field])


def line(*names, fields=False):
    """Registers a function from a value to its line."""

    def register(function):
        printer(*names)(functools.partial(Line, function=function, fields=fields))
        return function

    return register


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def counted_string(value, unit, encoding, prefix):
    length, room, buffer = int(value["Length"]), int(value["MaximumLength"]), unsigned(value["Buffer"])
    if length % unit:
        return f"<damaged: a length of {length}, which is odd>"
    if length > room:
        return f"<damaged: a length of {length} in a buffer of {room}>"
    data = try_read(buffer, length) if length else b""
    if data is None:
        return f"<{length} bytes at {buffer:#x} that cannot be read>"
    return prefix + quoted("".join(each if each.isprintable() else "." for each in data.decode(encoding, "replace")))


@line("_UNICODE_STRING")
def unicode_string(value):
    return counted_string(value, 2, "utf-16-le", "L")


@line("_STRING", "ANSI_STRING", "_ANSI_STRING")
def ansi_string(value):
    return counted_string(value, 1, "latin-1", "")


@line("_LIST_ENTRY")
def list_entry(value):
    forward, back = unsigned(value["Flink"]), unsigned(value["Blink"])
    text = f"[ {forward:#x} - {back:#x} ]"
    if value.address is None:
        return text
    here = address_of(value)
    if forward == back == 0:
        return text + " never initialised, or cleared"
    if forward == here and back == here:
        return text + " empty"
    count = 0
    try:
        for count, _ in enumerate(walk_list(here, LIST_SHOWN), 1):
            if count == LIST_SHOWN:
                return text + f" {count} others or more"
    except (NtError, gdb.error):
        return text + f" damaged after {count} entries"
    return text + f" {count} other{'s' if count != 1 else ''}"


@line("NTSTATUS")
def ntstatus(value):
    number = int(value) & 0xFFFFFFFF
    return f"{number:#x} {status_name(number) or ''}".rstrip()


@line("_LARGE_INTEGER")
def large_integer(value):
    number = int(value["QuadPart"])
    return f"{number} ({number & MASK64:#x})"


@line("_ULARGE_INTEGER")
def ularge_integer(value):
    number = unsigned(value["QuadPart"])
    return f"{number} ({number:#x})"


@line("_GUID")
def guid(value):
    tail = bytes(int(value["Data4"][index]) & 255 for index in range(8))
    first = f"{int(value['Data1']) & 0xFFFFFFFF:08x}-{int(value['Data2']) & 0xFFFF:04x}-{int(value['Data3']) & 0xFFFF:04x}"
    return f"{{{first}-{tail[:2].hex()}-{tail[2:].hex()}}}"


DISPATCHER = {  # KOBJECTS: what it is, and what SignalState means
    0: "NotificationEvent",
    1: "SynchronizationEvent",
    2: "Mutant",
    3: "Process",
    4: "Queue",
    5: "Semaphore",
    6: "Thread",
    7: "Gate",
    8: "NotificationTimer",
    9: "SynchronizationTimer",
}


def waiters(head):
    start = address_of(head)
    try:
        return sum(1 for _ in walk_list(start, LIST_SHOWN))
    except (NtError, gdb.error):
        return None


@line("_DISPATCHER_HEADER")
def dispatcher_header(value):
    kind, state = int(value["Type"]) & 0x7F, int(value["SignalState"])
    name = DISPATCHER.get(kind, f"type {kind}, no dispatcher object")
    signal = {4: f"{state} items", 5: f"count {state}"}.get(kind, "signaled" if state > 0 else "not signaled")
    if value.address is None:
        return f"{name}, {signal}"
    count = waiters(value["WaitListHead"])
    return f"{name}, {signal}, " + ("its wait list is damaged" if count is None else f"{count} waiting")


def location_of(irp):
    """The current stack location of an IRP's value, or None."""
    index, count = int(irp["CurrentLocation"]), int(irp["StackCount"])
    if not 1 <= index <= count:
        return None
    return irp["Tail"]["Overlay"]["CurrentStackLocation"].dereference()


@line("_IRP", fields=True)
def irp(value):
    if int(value["Type"]) != 6:
        return f"<no IRP: type {int(value['Type'])}{', it has been freed' if int(value['Type']) == 0 else ''}>"
    index, count = int(value["CurrentLocation"]), int(value["StackCount"])
    stack = location_of(value)
    if stack is None:
        return f"<{'completed' if index == count + 2 else 'in nobody' + chr(39) + 's hands'}, {count} locations>"
    flags = irp_flags(value["Flags"])
    words = [major_name(stack["MajorFunction"]), f"location {index} of {count}"]
    words += [flags] if flags else []
    words += ["cancelled"] if int(value["Cancel"]) else []
    return f"<{', '.join(words)}>"


@line("_IO_STACK_LOCATION", fields=True)
def io_stack_location(value):
    return f"<{major_name(value['MajorFunction'])}>"


@line("_MDL", fields=True)
def mdl(value):
    start, size, offset = unsigned(value["StartVa"]), int(value["ByteCount"]), int(value["ByteOffset"])
    pages = (offset + size + 4095) // 4096
    text = f"{size:#x} bytes at {start + offset:#x}, {pages} page{'s' if pages != 1 else ''}, {mdl_flags(value['MdlFlags'])}"
    data = try_read(address_of(value) + value.type.sizeof, 8 * min(pages, 16)) if value.address is not None else None
    if data and int(value["MdlFlags"]) & 0x16:  # locked, of non-paged pool, or a part of one that is
        frames = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
        text += ", pfn " + " ".join(f"{each:x}" for each in frames) + (" ..." if pages > 16 else "")
    return f"<{text}>"
