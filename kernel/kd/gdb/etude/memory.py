"""Reading the kernel's variables, structures and lists.

Names are looked up in the kernel's own symbols, whatever frame is selected: drivers have types of the same names, and some
of them only half declared.
"""

import struct

import gdb

from .command import NtError

READ_LIMIT = 1 << 24  # bytes at once
LIST_LIMIT = 100000  # entries, more than any list has


def kernel_file():
    """The kernel's objfile."""
    name = gdb.current_progspace().filename
    if name is None:
        raise NtError("no kernel symbols")
    return gdb.lookup_objfile(name)


def kernel_block():
    """A place inside the kernel's symbols, for lookups."""
    symbol = kernel_file().lookup_global_symbol("KiSystemStartup")
    if symbol is None:
        raise NtError("the symbols are not those of Etude's kernel")
    return symbol.symtab.static_block()


def kernel_type(name):
    """A type by its name: "KTHREAD", "struct _KTHREAD", "ULONG". Compilers leave out the typedef of a structure that is only used
    through pointers, so its tag is tried, too."""
    block = kernel_block()
    for each in (name, f"struct _{name}", f"union _{name}"):
        try:
            return gdb.lookup_type(each, block)
        except gdb.error:
            pass
    raise NtError(f"the kernel's symbols have no type {name}")


def variable(name, file=None):
    """A variable of the kernel, static ones too; file, "pool.c", tells which of several."""
    if file is not None:
        return gdb.parse_and_eval(f"'{file}'::{name}")
    objfile = kernel_file()
    symbol = objfile.lookup_global_symbol(name) or objfile.lookup_static_symbol(name)
    if symbol is None:
        raise NtError(f"the kernel's symbols have no variable {name}")
    return symbol.value()


def constant(name):
    """An enumerator of the kernel."""
    symbol = gdb.lookup_symbol(name, kernel_block())[0]
    if symbol is None:
        raise NtError(f"the kernel's symbols have no constant {name}")
    return int(symbol.value())


def address_of(value):
    """Where a structure lies, or what a pointer or a number holds, as an int without sign."""
    if isinstance(value, int):
        return value & 0xFFFFFFFFFFFFFFFF
    kind = value.type.strip_typedefs().code
    return int(value if kind in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT) else value.address) & 0xFFFFFFFFFFFFFFFF


def structure(address, name, fetch=True):
    """The structure of type name ("KTHREAD") at address, an int or a pointer's value. Reads it at once unless it is huge: a
    stub answers one long request sooner than many short ones. Without fetch each field is read when it is looked at."""
    kind = kernel_type(name) if isinstance(name, str) else name
    value = gdb.Value(int(address) & 0xFFFFFFFFFFFFFFFF).cast(kind.pointer()).dereference()
    if fetch and kind.sizeof <= 4096:
        value.fetch_lazy()
    return value


def offset_of(name, field):
    """Bytes from the start of a type to its field, "Header.WaitListHead" included."""
    kind, offset = kernel_type(name) if isinstance(name, str) else name, 0
    for part in field.split("."):
        found = find_field(kind, part)
        if found is None:
            raise NtError(f"{name} has no field {field}")
        offset, kind = offset + found[0], found[1]
    return offset


def find_field(kind, name):
    """(offset in bytes, type) of a field, which may stand in an unnamed structure or union; or None."""
    for each in kind.strip_typedefs().fields():
        if each.name == name:
            return each.bitpos // 8, each.type
        inner = find_field(each.type, name) if not each.name else None
        if inner is not None:
            return each.bitpos // 8 + inner[0], inner[1]
    return None


def container_of(address, name, field):
    """CONTAINING_RECORD."""
    return structure(int(address) - offset_of(name, field), name)


def is_readable(address, size=1):
    return try_read(address, size) is not None


def read_mapped(address, size):
    """Bytes that the processor could read; gdb.MemoryError when they are not there."""
    if not 0 <= size <= READ_LIMIT:  # a number that was damaged
        raise gdb.MemoryError(f"Cannot read {size} bytes at {int(address):#x}")
    return bytes(gdb.selected_inferior().read_memory(int(address) & 0xFFFFFFFFFFFFFFFF, size))


def read(address, size):
    """Bytes, also of pageable memory that has vanished in the debug kernel (mm/pageable.c); gdb.MemoryError when there are none."""
    try:
        return read_mapped(address, size)
    except gdb.MemoryError:
        data = read_vanished(int(address) & 0xFFFFFFFFFFFFFFFF, size)
        if data is None:
            raise
        return data


def read_vanished(address, size):
    """The same through the page tables, where the kernel is one whose pages vanish; None: they are not there either."""
    from .paging import PageTables, is_canonical  # which is built on this file

    if kernel_file().lookup_global_symbol("MiHidePage") is None or not is_canonical(address):
        return None
    try:
        return PageTables().read(address, size)
    except gdb.MemoryError:  # no tables yet
        return None


def try_read(address, size):
    """Bytes, or None."""
    try:
        return read(address, size)
    except (gdb.MemoryError, gdb.error):
        return None


def read_u8(address):
    return read(address, 1)[0]


def read_u16(address):
    return struct.unpack("<H", read(address, 2))[0]


def read_u32(address):
    return struct.unpack("<I", read(address, 4))[0]


def read_u64(address):
    return struct.unpack("<Q", read(address, 8))[0]


def c_string(value, limit=256):
    """Text up to a zero: of a char array's value, or at an address."""
    if isinstance(value, gdb.Value) and value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
        data = read(value.address, min(limit, value.type.strip_typedefs().sizeof))
    else:
        data, at = b"", address_of(value)
        # In pieces that cross no page.
        while len(data) < limit and b"\0" not in data and (piece := try_read(at + len(data), 16 - (at + len(data)) % 16)):
            data += piece
        data = data[:limit]
    return printable(data.split(b"\0")[0].decode("latin-1"))


def unicode_string(value):
    """The text of a UNICODE_STRING's value, "" for an empty one; never fails."""
    length, buffer = int(value["Length"]), int(value["Buffer"])
    data = try_read(buffer, length) if length else b""
    return "<unreadable>" if data is None else printable(data.decode("utf-16-le", errors="replace"))


def printable(text):
    return "".join(each if each.isprintable() else "." for each in text)


def walk_list(head, limit=LIST_LIMIT):
    """Addresses of a list's entries, in order. head: a LIST_ENTRY's value or address. A list that does not come back to its
    head is an error, after the entries that were good."""
    start = address_of(head)
    previous, entry = start, read_u64(start)
    for _ in range(limit):
        if entry == start:
            return
        links = try_read(entry, 16)  # at once: a stub takes its time for each
        if links is None or int.from_bytes(links[8:], "little") != previous:
            raise NtError(f"the list at {start:#x} is broken at {entry:#x}, after {previous:#x}")
        yield entry
        previous, entry = entry, int.from_bytes(links[:8], "little")
    raise NtError(f"the list at {start:#x} does not end")


def walk(head, name, field, limit=LIST_LIMIT, fetch=True):
    """The structures of type name that are linked by field into the list at head."""
    offset = offset_of(name, field)
    for entry in walk_list(head, limit):
        yield structure(entry - offset, name, fetch)
