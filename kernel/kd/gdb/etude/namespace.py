"""Objects: headers, types, names and the tree of names, as the object manager keeps them (kernel/ob/obp.h)."""

from .command import NUMBER, NtError, number
from .memory import (
    address_of,
    is_readable,
    kernel_type,
    structure,
    unicode_string,
    variable,
    walk,
)

LINK_LIMIT = 32  # OB_MAX_REPARSE
DEPTH_LIMIT = 64


def header_size():
    return (kernel_type("OBJECT_HEADER").sizeof + 15) & ~15


def header_of(body):
    """The OBJECT_HEADER of an object's address."""
    return structure(address_of(body) - header_size(), "OBJECT_HEADER")


def body_of(header):
    return address_of(header) + header_size()


def is_type(address):
    """Whether an object type is there: its own type is the type Type."""
    if not address or not is_readable(address - header_size(), header_size()):
        return False
    return int(header_of(address)["Type"]) == int(variable("ObpTypeType"))


def type_of(body):
    """The OBJECT_TYPE of what is said to be an object; NtError when it is none."""
    body = address_of(body)
    if not is_readable(body - header_size(), header_size()):
        raise NtError(f"there is no object at {body:016x}: the memory is not there")
    found = int(header_of(body)["Type"])
    if not is_type(found):
        raise NtError(f"there is no object at {body:016x}: nothing that looks like an object header is before it")
    return structure(found, "OBJECT_TYPE")


def type_name(body):
    return unicode_string(type_of(body)["Name"])


def is_object(body, name=None):
    """Whether an object, of the type called name if that is given, is at an address."""
    try:
        return name is None or type_name(body) == name
    except NtError:
        return False


def directory_name(header):
    """The full name of an object that has it from directories; "" for none."""
    root, text = int(variable("ObpRootDirectory")), ""
    if body_of(header) == root:
        return "\\"
    for _ in range(DEPTH_LIMIT):
        directory = int(header["Directory"])
        if not directory:
            break
        text = "\\" + unicode_string(header["Name"]) + text
        header = header_of(directory)
    return text if not text or body_of(header) == root else "..." + text


def key_name(body):
    """The full name of a key: its own, its parents', \\REGISTRY."""
    key, text = int(structure(body, "CMP_KEY_OBJECT")["Key"]), ""
    for _ in range(DEPTH_LIMIT):
        if not key or not is_readable(key):
            break
        each = structure(key, "CM_KEY")
        text = "\\" + unicode_string(each["Name"]) + text
        key = int(each["Parent"])
    return text


def file_name(body):
    """The full name of a file: its device's, with its own behind."""
    file = structure(body, "FILE_OBJECT")
    device = int(file["DeviceObject"])
    prefix = directory_name(header_of(device)) if is_object(device, "Device") else ""
    return prefix + unicode_string(file["FileName"])


def name_of_object(body):
    """The full name of any object, as ObQueryNameString gives it."""
    kind = type_name(body)
    own = {"File": file_name, "Key": key_name}.get(kind)
    return own(address_of(body)) if own else directory_name(header_of(body))


def short_name(body):
    """The last component, "" for none."""
    return unicode_string(header_of(body)["Name"])


def entries(directory):
    """(hash bucket, header) of what is in a directory, in the order in which it came."""
    for header in walk(structure(directory, "OBJECT_DIRECTORY")["Entries"], "OBJECT_HEADER", "EntryLink"):
        yield int(header["NameHash"]) % 37, header


def find_entry(directory, name):
    """The object that a directory has under a name, in any case; None for none."""
    for _, header in entries(directory):
        if unicode_string(header["Name"]).upper() == name.upper():
            return body_of(header)
    return None


def lookup(path):
    """The object at a path; a link that ends it is meant itself. NtError says what is not there."""
    links, rest, at = 0, [each for each in path.split("\\") if each], int(variable("ObpRootDirectory"))
    done = "\\"
    while rest:
        kind = type_name(at)
        if kind == "SymbolicLink":
            links += 1
            if links > LINK_LIMIT:
                raise NtError(f"{path}: more than {LINK_LIMIT} links on the way, perhaps a circle")
            target = unicode_string(structure(at, "OBJECT_SYMBOLIC_LINK")["Target"])
            rest = [each for each in target.split("\\") if each] + rest
            at, done = int(variable("ObpRootDirectory")), "\\"
            continue
        if kind != "Directory":
            raise NtError(f"{path}: {done} is no directory but a {kind}")
        name = rest.pop(0)
        found = find_entry(at, name)
        if found is None and done == "\\" and name == "??":
            found = int(variable("ObpGlobalDirectory"))
        if found is None:
            raise NtError(f"{path}: there is no {name} in {done}")
        at, done = found, done.rstrip("\\") + "\\" + name
    return at


def resolve(text, kind, *directories):
    """The address of an object that a person names: an address or expression, a path, or a name in one of the directories."""
    if text.startswith("\\"):
        found = lookup(text)
    elif NUMBER.match(text) and len(text.replace("`", "")) >= 8:
        found = number(text)
    else:
        found = None
        for each in directories:
            found = found or find_entry(lookup(each), text)
        if found is None:
            try:
                found = number(text)
            except NtError:
                raise NtError(f"{text} is neither in {' or '.join(directories)} nor an address") from None
    if kind and not is_object(found, kind):
        actual = f"a {type_name(found)}" if is_object(found) else "no object"
        raise NtError(f"there is no {kind} object at {found:016x}: it is {actual}")
    return found
