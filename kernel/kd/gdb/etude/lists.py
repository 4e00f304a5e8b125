"""Lists walked, and types laid out, for whatever a person asks."""

import gdb

from .command import NtError, command, number, usage, write
from .memory import is_readable, kernel_type, offset_of, structure, try_read, walk_list



def typed(name):
    """A type by any of its names, "IRP", "_IRP", "nt!_IRP"; the kernel's, else what the selected frame knows."""
    name = name.split("!")[-1]
    for each in (name, f"struct {name}", f"union {name}", f"enum {name}"):
        try:
            return kernel_type(each)
        except NtError:
            pass
        try:
            return gdb.lookup_type(each)
        except gdb.error:
            pass
    raise NtError(f"there is no type {name}")


def member(value, path):
    """value.a.b[2].c"""
    for part in path.split("."):
        name, *indexes = part.replace("]", "").split("[")
        value = value[name]
        for index in indexes:
            value = value[int(index, 0)]
    return value


def short(value):
    """A value on one line. Bytes are numbers here, and what is no more than a structure without a printer is named."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_INT and kind.sizeof == 1:
        return f"{int(value) & 255:#x}"
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) and gdb.default_visualizer(value) is None and kind.sizeof > 16:
        return str(value.type)
    return value.format_string(symbols=True, pretty_structs=False, max_elements=32)


def walk_once(head, limit):
    """Addresses of the entries of a list, with the reason when it is broken: (address, None), at last perhaps (None, text)."""
    try:
        for count, entry in enumerate(walk_list(head)):
            if count == limit:
                yield None, f"more than {limit} entries: the rest is not shown"
                return
            yield entry, None
    except NtError as error:
        yield None, str(error)
    except gdb.MemoryError:
        yield None, f"the list at {head:#x} is broken: it leads to memory that is not there"


@command("list", "HEAD [TYPE [FIELD [MEMBER...]]]", windbg="!list")
def show_list(arguments):
    """The entries of a list, each as a TYPE that is linked by FIELD; MEMBERs are what is shown of each.

    nt list PsLoadedModuleList KLDR_DATA_TABLE_ENTRY InLoadOrderLinks BaseDllName DllBase

    FIELD may be left out for the type's first LIST_ENTRY. A list that is broken is shown as far as it is whole, and then where it
    is not."""
    if not arguments:
        raise usage()
    head = number(arguments[0])
    if not is_readable(head, 16):
        raise NtError(f"there is no list at {head:016x}: the memory is not there")
    kind = typed(arguments[1]) if len(arguments) > 1 else None
    field = arguments[2] if len(arguments) > 2 else first_link(kind) if kind else None
    offset = offset_of(kind, field) if kind else 0
    problem, count = None, 0
    for entry, problem in walk_once(head, 10000):
        if problem:
            break
        count += 1
        if kind is None:
            write(f"{entry:016x}")
            continue
        each = structure(entry - offset, kind)
        members = arguments[3:]
        shown = "  ".join(f"{path}={short(member(each, path))}" for path in members) if members else short(each)
        write(f"{entry - offset:016x}  {shown}")
    if problem:
        raise NtError(problem)
    write(f"{count} entries" if count else "the list is empty")


def first_link(kind):
    for field in kind.strip_typedefs().fields():
        if field.type.strip_typedefs().tag == "_LIST_ENTRY":
            return field.name
    raise NtError(f"{kind} has no LIST_ENTRY: name the field")


@command("dl", "ADDRESS [COUNT [WORDS]]", windbg="dl")
def dl(arguments):
    """A list of any kind, word by word: each entry's address and its first WORDS words, 2 without it, at most COUNT entries.

    Follows the first word, whatever it is: lists with one link, too. Ends at the address it began with, at 0, and where memory is
    not there; WinDbg's dl does the same."""
    if not 1 <= len(arguments) <= 3:
        raise usage()
    start = number(arguments[0])
    limit = number(arguments[1]) if len(arguments) > 1 else 0x20
    words = number(arguments[2]) if len(arguments) > 2 else 2
    if not 1 <= words <= 64:
        raise NtError("WORDS is 1 to 40")
    at, seen = start, set()
    for _ in range(limit):
        data = try_read(at, 8 * words)
        if data is None:
            raise NtError(f"{at:016x} cannot be read")
        seen.add(at)
        values = [int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in range(words)]
        write(f"{at:016x}  " + " ".join(f"{each:016x}" for each in values))
        at = values[0]
        if at in (0, start):
            return
        if at in seen:
            raise NtError(f"the list goes in a circle that does not lead to its beginning, at {at:016x}")


# --- dt -------------------------------------------------------------------------------------------------------------------


def layout(kind, value, indent, depth, wanted):
    """The fields of a structure with their offsets, and what they hold if there is a value."""
    for field in kind.strip_typedefs().fields():
        inner = field.type.strip_typedefs()
        compound = inner.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
        if field.name is None:
            layout_unnamed(field, value, indent, depth, wanted)
            continue
        if wanted and field.name not in wanted:
            continue
        text = f" : {short(value[field])}" if value is not None else f" : {field.type}"
        bits = f" ({field.bitsize} bits from {field.bitpos % 8})" if field.bitsize else ""
        write(f"{indent}   +{field.bitpos // 8:#05x} {field.name:20}{bits}{text}")
        if compound and depth > 0:
            layout(inner, value[field] if value is not None else None, indent + "      ", depth - 1, ())


def layout_unnamed(field, value, indent, depth, wanted):
    """Fields of an unnamed part stand in their parent's line, with their own offsets there."""
    for each in field.type.strip_typedefs().fields():
        inner = value[field] if value is not None else None
        if each.name is None:
            layout_unnamed(each, inner, indent, depth, wanted)
        elif not wanted or each.name in wanted:
            text = f" : {short(inner[each])}" if inner is not None else f" : {each.type}"
            write(f"{indent}   +{(field.bitpos + each.bitpos) // 8:#05x} {each.name:20}{text}")


@command("dt", "TYPE [ADDRESS] [-r[DEPTH]] [FIELD...]", windbg="dt", machine=False)
def dt(arguments):
    """A structure: its fields with their offsets, and with an ADDRESS what is in them.

    -r shows structures within it, DEPTH deep. FIELDs choose."""
    if not arguments:
        raise usage()
    kind, rest, depth = typed(arguments[0]), arguments[1:], 0
    for each in [each for each in rest if each.startswith("-r")]:
        depth = int(each[2:] or 1)
        rest.remove(each)
    plain = kind.strip_typedefs()
    names = {field.name for field in plain.fields()} if plain.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) else set()
    address = number(rest.pop(0)) if rest and rest[0] not in names else None
    if address is not None and not is_readable(address, plain.sizeof):
        raise NtError(f"there is no {arguments[0]} at {address:016x}: the memory is not there")
    value = structure(address, kind) if address is not None else None
    if not names:
        write(f"{kind}, {plain.sizeof} bytes" + (f" : {short(value)}" if value is not None else ""))
        return
    write(f"{plain.tag or kind}, {plain.sizeof:#x} bytes")
    layout(plain, value, "", depth, rest)
