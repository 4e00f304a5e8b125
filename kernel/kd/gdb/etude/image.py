"""What the headers of a PE image say, read from a file or from the target's memory."""

import struct
from dataclasses import dataclass

PE_OFFSET = 0x3C
FILE_HEADER_SIZE = 20
SECTION_SIZE = 40
SYMBOL_SIZE = 18


@dataclass(frozen=True)
class Image:
    """The facts that place an image's symbols and tell one build of a driver from another."""

    base: int  # where it was linked to run
    entry: int  # relative address; 0: none
    sections: tuple  # (name, relative address, bytes) of what is loaded, debug information left out

    @property
    def code(self):
        """Relative address of the first section."""
        return self.sections[0][1] if self.sections else 0

    def same_build(self, other):
        return self.entry == other.entry and self.sections == other.sections


def parse(data):
    """The Image whose headers data starts with; None when that is no PE32+ image."""
    try:
        at = struct.unpack_from("<I", data, PE_OFFSET)[0]
        if data[:2] != b"MZ" or data[at : at + 4] != b"PE\0\0":
            return None
        count, optional_size = struct.unpack_from("<H", data, at + 6)[0], struct.unpack_from("<H", data, at + 20)[0]
        optional = at + 4 + FILE_HEADER_SIZE
        magic, entry = struct.unpack_from("<H", data, optional)[0], struct.unpack_from("<I", data, optional + 16)[0]
        base = struct.unpack_from("<Q", data, optional + 24)[0]
        if magic != 0x20B:
            return None
        table = [struct.unpack_from("<8sII", data, optional + optional_size + i * SECTION_SIZE) for i in range(count)]
    except struct.error:
        return None
    sections = [(name.rstrip(b"\0").decode("latin-1"), address, size) for name, size, address in table]
    # Names longer than eight bytes, as .debug_info is, are written as an offset: /123.
    return Image(base, entry, tuple(each for each in sections if not each[0].startswith(("/", ".debug"))))


def symbols(data):
    """(relative address, name), sorted, of the symbol table of a whole file: routines and variables."""
    header = struct.unpack_from("<I", data, PE_OFFSET)[0] + 4
    table, count = struct.unpack_from("<II", data, header + 8)
    sections, optional_size = struct.unpack_from("<H", data, header + 2)[0], struct.unpack_from("<H", data, header + 16)[0]
    first = header + FILE_HEADER_SIZE + optional_size
    starts = [struct.unpack_from("<I", data, first + n * SECTION_SIZE + 12)[0] for n in range(sections)]
    strings, found, index = table + count * SYMBOL_SIZE, [], 0
    while table and index < count:
        at = table + index * SYMBOL_SIZE
        value, section = struct.unpack_from("<Ih", data, at + 8)
        index += 1 + data[at + 17]  # with what belongs to it
        zero, offset = struct.unpack_from("<II", data, at)
        name = data[strings + offset : data.index(b"\0", strings + offset)] if zero == 0 else data[at : at + 8].rstrip(b"\0")
        if 0 < section <= sections and not name.startswith((b".", b"$", b"__imp_", b"??_C")):
            found.append((starts[section - 1] + value, name.decode("latin-1")))
    return sorted(found)


def has_debug_information(data):
    """Whether a file is an image with DWARF in it."""
    return parse(data) is not None and b".debug_info\0" in data
