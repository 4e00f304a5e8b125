"""Objects and handles."""

import fnmatch

from .command import NtError, command, number, usage, write
from .memory import address_of, is_readable, kernel_type, offset_of, read, read_u64, structure, unicode_string, variable
from .namespace import body_of, entries, header_of, header_size, is_object, lookup, name_of_object, type_name, type_of
from .poolpage import Pool

KERNEL_HANDLE_BITS = 0xFFFFFFFF80000000
OBJ_PROTECT_CLOSE, OBJ_INHERIT = 0x1, 0x2
ENTRY_USED = 0x1
LEAF_ENTRIES, POINTERS = 128, 256  # ex/handle.h
MASK64 = (1 << 64) - 1


def header_flags(header):
    words = [name for name in ("Permanent", "Exclusive") if int(header[name])]
    return ", ".join(words).lower() or "none"


def describe_event(body):
    event = structure(body, "KEVENT")
    kind = "notification" if int(event["Header"]["Type"]) == 0 else "synchronization"
    return f"{kind} event, {'signaled' if int(event['Header']['SignalState']) else 'not signaled'}"


def describe_semaphore(body):
    semaphore = structure(body, "KSEMAPHORE")
    return f"count {int(semaphore['Header']['SignalState'])}, limit {int(semaphore['Limit'])}"


def describe_mutant(body):
    mutant = structure(body, "KMUTANT")
    owner = int(mutant["OwnerThread"])
    return f"owned by thread {owner:016x}" if owner else "free"


def describe_link(body):
    return f"Target String is '{unicode_string(structure(body, 'OBJECT_SYMBOLIC_LINK')['Target'])}'"


def describe_process(body):
    return f"process {int(structure(body, 'EPROCESS')['UniqueProcessId']):x}"


def describe_thread(body):
    cid = structure(body, "KTHREAD")["Cid"]
    return f"thread {int(cid['UniqueProcess']):x}.{int(cid['UniqueThread']):x}"


DESCRIBE = {
    "Event": describe_event,
    "Semaphore": describe_semaphore,
    "Mutant": describe_mutant,
    "SymbolicLink": describe_link,
    "Process": describe_process,
    "Thread": describe_thread,
}


def show_header(body, indent=""):
    """What every object has."""
    kind, header = type_of(body), header_of(body)
    write(f"{indent}Object: {body:016x}  Type: ({address_of(kind):016x}) {unicode_string(kind['Name'])}")
    write(f"{indent}    ObjectHeader: {address_of(header):016x}")
    write(f"{indent}    HandleCount: {int(header['HandleCount'])}  PointerCount: {int(header['PointerCount'])}")
    name = name_of_object(body)
    if name:
        write(f"{indent}    Directory Object: {int(header['Directory']):016x}  Name: {name}")


def show_directory(body):
    write("\n    Hash Address          Type            Name")
    write("    ---- -------          ----            ----")
    for bucket, header in sorted(entries(body), key=lambda item: (item[0], unicode_string(item[1]["Name"]))):
        found = body_of(header)
        kind = type_name(found) if is_object(found) else "(damaged)"
        write(f"     {bucket:02}  {found:016x} {kind:15} {unicode_string(header['Name'])}")


def show_object(body):
    show_header(body)
    header, kind = header_of(body), type_name(body)
    write(f"    Flags: {header_flags(header)}")
    if int(header["ExclusiveProcess"]):
        write(f"    Open exclusively by process {int(header['ExclusiveProcess']):016x}")
    if kind in DESCRIBE:
        write(f"    {DESCRIBE[kind](body)}")
    if kind == "Directory":
        show_directory(body)


def show_all_of_type(name):
    """Every object of a type, found in the non-paged pool."""
    types = {unicode_string(header["Name"]).upper(): body_of(header) for _, header in entries(lookup("\\ObjectTypes"))}
    if name.upper() not in types:
        raise NtError(f"there is no object type {name}")
    kind = structure(types[name.upper()], "OBJECT_TYPE")
    tag, size = int(kind["PoolTag"]), header_size()
    write(f"Scanning the non-paged pool for objects of type {unicode_string(kind['Name'])}: {int(kind['ObjectCount'])} exist\n")
    count = 0
    for block in Pool().blocks(0):
        body = block.address + size
        if block.tag != tag or block.size <= size or int(header_of(body)["Type"]) != address_of(kind):
            continue
        count += 1
        write(f"Object: {body:016x}  HandleCount: {int(header_of(body)['HandleCount']):3}  Name: {name_of_object(body)}")
    write(f"\n{count} objects found")


@command("object", "PATH|ADDRESS|0 TYPE")
def show_object_command(arguments):
    """An object: its type, counts and name; what is in a directory, where a link leads; or all objects of a type.

    Links on the way are followed, one at the end is shown itself. The objects of a type are found by scanning the pool."""
    if len(arguments) == 2 and arguments[0] == "0":
        show_all_of_type(arguments[1])
        return
    if len(arguments) != 1:
        raise usage()
    show_object(lookup(arguments[0]) if arguments[0].startswith("\\") else number(arguments[0]))


# --- handles --------------------------------------------------------------------------------------------------------------


def handle_entries(table):
    """(handle, entry) of all handles of a table that are in use: the tree of kernel/ex/handle.c."""
    root, capacity = int(table["Root"]) & MASK64, int(table["Capacity"])
    size = kernel_type("HANDLE_TABLE_ENTRY").sizeof

    def leaves(block, level):
        if not is_readable(block):
            raise NtError(f"the handle table at {address_of(table):016x} is damaged: {block:016x} cannot be read")
        if level == 0:
            yield block
            return
        for index in range(POINTERS):
            lower = read_u64(block + 8 * index)
            if lower:
                yield from leaves(lower, level - 1)

    state = offset_of("HANDLE_TABLE_ENTRY", "State")
    for number, leaf in enumerate(leaves(root & ~3, root & 3)):
        data = read(leaf, size * LEAF_ENTRIES)  # at once: a stub takes its time for each
        for entry in range(LEAF_ENTRIES):
            index = number * LEAF_ENTRIES + entry
            if 0 < index < capacity and data[entry * size + state] & ENTRY_USED:
                yield index * 4, structure(leaf + size * entry, "HANDLE_TABLE_ENTRY")


def process_of(text):
    """A process by address or id; the System process for 0."""
    value = number(text) if text else 0
    if value in (0, MASK64):
        return variable("PsInitialSystemProcess").dereference()
    if value >= 1 << 47:
        if not is_object(value, "Process"):
            raise NtError(f"there is no process at {value:016x}")
        return structure(value, "KPROCESS")
    for found, entry in handle_entries(variable("PspCidTable").dereference()):
        if found == value and is_object(int(entry["Object"]), "Process"):
            return structure(int(entry["Object"]), "KPROCESS")
    raise NtError(f"there is no process {value:x}")


def show_handle(handle, entry, flags):
    body, attributes = int(entry["Object"]) & MASK64, int(entry["Attributes"])
    words = "".join(
        text for bit, text in ((OBJ_PROTECT_CLOSE, " (Protected)"), (OBJ_INHERIT, " (Inherit)")) if attributes & bit
    )
    write(f"{handle:04x}: Object: {body:016x}  GrantedAccess: {int(entry['GrantedAccess']):08x}{words}  Entry: {address_of(entry):016x}")
    if not flags & 2:
        return
    if not is_object(body):
        write("    damaged: there is no object at that address")
        return
    show_header(body)
    kind = type_name(body)
    if flags & 4 and kind in DESCRIBE:
        write(f"    {DESCRIBE[kind](body)}")
    write()


@command("handle", "[HANDLE [FLAGS [PROCESS [TYPE]]]]")
def handle(arguments):
    """The handles of a process, or one of them: rights, attributes, object.

    HANDLE 0 means all. A kernel handle is one of the System process, with its high bits set. FLAGS: 1 the entry, 2 the object, too
    (both without FLAGS), 4 its state. PROCESS is an id or an address, 0 for System. TYPE chooses, and may have * and ?."""
    if len(arguments) > 4:
        raise usage()
    arguments = list(arguments) + [""] * (4 - len(arguments))
    wanted = number(arguments[0]) if arguments[0] else 0
    flags = number(arguments[1]) if arguments[1] else 3
    if wanted >= KERNEL_HANDLE_BITS:
        wanted, arguments[2] = wanted & ~KERNEL_HANDLE_BITS & MASK64, ""
    process = process_of(arguments[2])
    table = process["ObjectTable"].dereference()
    name = bytes(int(process["ImageFileName"][i]) & 255 for i in range(16)).split(b"\0")[0].decode("latin-1")
    write(f"PROCESS {address_of(process):016x}  Cid: {int(process['UniqueProcessId']):04x}  Image: {name}")
    write(f"Handle table at {address_of(table):016x} with {int(table['Count'])} entries in use\n")
    found = 0
    for value, entry in handle_entries(table):
        if wanted and value != wanted & ~3:
            continue
        if arguments[3]:
            body = int(entry["Object"]) & MASK64
            if not is_object(body) or not fnmatch.fnmatch(type_name(body).upper(), arguments[3].upper()):
                continue
        found += 1
        show_handle(value, entry, flags)
    if wanted and not found:
        raise NtError(f"{wanted:x} is no handle of this process" + (f" of type {arguments[3]}" if arguments[3] else ""))
