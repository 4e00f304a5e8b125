"""Damaged driver images: each header field, table and length spoiled in turn.

Each case says what the loader must do: REFUSE what cannot be loaded as the driver it claims to be, LOAD what differs only where
nobody looks, and for the few that Windows itself treats one way or another depending on its version, EITHER: any answer
but a crash.
"""

import struct
from dataclasses import dataclass

import pe
from pe import Builder, Image, relocation_block

REFUSE, LOAD, EITHER = "refuse", "load", "either"
TEXT, RDATA, DATA, RELOC = range(4)
TOP = 0xFFFFFFFF
DIR64, ABSOLUTE = 10, 0


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    verdict: str


def image(**how):
    return Image(Builder(**how).build())


def spoiled(structure, field, values, verdict, label=None):
    """One case for each value of a field."""
    for value in values:
        shown = "/".join(f"{each:x}" for each in value) if isinstance(value, tuple) else f"{value:x}"
        yield Case(f"{label or field}={shown}", image().set(structure, field, value).bytes(), verdict)


def dos_header():
    size = len(image().data)
    yield from spoiled("dos", "e_magic", [0, 0x4D5A, 0x5A4C, 0xFFFF], REFUSE)
    yield from spoiled("dos", "e_cblp", [0xFFFF], LOAD)
    yield from spoiled("dos", "e_lfarlc", [0xFFFF], LOAD)
    wrong = [0, 1, 4, 60, 0x7F, 0x81, 0x84, 0x3FC, size - 0x100, size - 4, size - 1, size, 0x7FFFFFFF, 0x80000000, TOP - 3, TOP]
    yield from spoiled("dos", "e_lfanew", wrong, REFUSE)
    moved = image()
    nt, end = moved.nt, moved.sections_at + 4 * pe.SECTION_SIZE
    for shift, verdict in ((1, REFUSE), (2, REFUSE), (8, LOAD)):
        data = bytearray(moved.data)
        data[nt + shift : end + shift] = moved.data[nt:end]
        struct.pack_into("<I", data, 60, nt + shift)
        yield Case(f"headers moved by {shift}", bytes(data), verdict)
    at_end = moved.bytes().ljust(pe.align(size, 4), b"\0")
    for kept in (4, 24, 0x80, 0x108):
        cut = Image(at_end + bytes(at_end[nt : nt + kept])).set("dos", "e_lfanew", len(at_end))
        yield Case(f"headers at the end, {kept:x} bytes of them", cut.bytes(), REFUSE)


def file_header():
    for signature in (b"NE\0\0", b"LE\0\0", b"PE\0\1", b"\0\0\0\0", b"ZM\0\0"):
        data = image().data
        data[0x80:0x84] = signature
        yield Case(f"signature {signature!r}", bytes(data), REFUSE)
    yield from spoiled("file", "Machine", [0, 0x14C, 0xAA64, 0x8665, 0xFFFF], REFUSE)
    yield from spoiled("file", "NumberOfSections", [0, 5, 97, 0x8000, 0xFFFF], REFUSE)
    yield from spoiled("file", "TimeDateStamp", [TOP], LOAD)
    yield from spoiled("file", "PointerToSymbolTable", [TOP], LOAD)
    yield from spoiled("file", "NumberOfSymbols", [TOP], LOAD)
    yield from spoiled("file", "SizeOfOptionalHeader", [0, 8, 0x60, 0x70, 0xE8, 0xF8, 0x118, 0x7FFF, 0xFFFF], REFUSE)
    yield from spoiled("file", "Characteristics", [0, 0x20, 0x23], REFUSE, "file Characteristics")
    yield from spoiled("file", "Characteristics", [0x2022, 0x022E], LOAD, "file Characteristics")


def optional_header():
    end = image().get("optional", "SizeOfImage")
    yield from spoiled("optional", "Magic", [0, 0x107, 0x10B, 0x20C, 0xFFFF], REFUSE)
    for field in ("MajorLinkerVersion", "MajorOperatingSystemVersion", "MajorImageVersion"):
        yield from spoiled("optional", field, [0xFF], LOAD)
    unused = "SizeOfCode SizeOfInitializedData BaseOfCode Win32VersionValue SizeOfStackReserve SizeOfHeapCommit LoaderFlags"
    for field in unused.split():
        yield from spoiled("optional", field, [TOP], LOAD)
    yield from spoiled("optional", "MajorSubsystemVersion", [0xFF], EITHER)
    # At 0; in the headers; in data that may not be executed; past the end; far past it.
    nowhere = [0, 0x10, 0x2000, 0x3000, end - 1, end, 0x7FFFFFFF, 0x80001000, TOP]
    yield from spoiled("optional", "AddressOfEntryPoint", nowhere, REFUSE)
    yield from spoiled("optional", "ImageBase", [1, 0x140001000, 0xFFFFFFFFFFFFFFFF], REFUSE)
    yield from spoiled("optional", "ImageBase", [0x10000, 0xFFFFF80000000000, 0xFFFFFFFFFFFF0000], LOAD)
    yield from spoiled("optional", "SectionAlignment", [0, 1, 0x200, 0x800, 0x1800, 0x2000, 0x80000000, TOP], REFUSE)
    yield from spoiled("optional", "FileAlignment", [0, 3, 0x300, 0x2000, 0x80000000, TOP], REFUSE)
    yield from spoiled("optional", "FileAlignment", [0x400], EITHER)
    yield from spoiled("optional", "SizeOfImage", [0, 1, 0x1000, end - 0x1000, 0x80000000, 0xFFFFF000, TOP], REFUSE)
    yield from spoiled("optional", "SizeOfImage", [end - 1, end + 0x1000], EITHER)
    yield from spoiled("optional", "SizeOfHeaders", [0, 0x40, 0x100, 0x1001, 0x2000, 0x7FFFFFFF, TOP], REFUSE)
    yield from spoiled("optional", "SizeOfHeaders", [0x3FF], EITHER)
    yield from spoiled("optional", "CheckSum", [1, TOP], REFUSE)
    yield from spoiled("optional", "Subsystem", [0, 2, 3, 10, 0xFFFF], REFUSE)
    yield from spoiled("optional", "DllCharacteristics", [0, 0x2160], LOAD)
    # Without imports and relocations this driver runs as before: nothing tells that it had some.
    yield from spoiled("optional", "NumberOfRvaAndSizes", [0, 1, 2, 5, 6, 15], LOAD)
    yield from spoiled("optional", "NumberOfRvaAndSizes", [17, 0x1000, TOP], EITHER)


def directories():
    end = image().get("optional", "SizeOfImage")
    outside = [(start, 0x28) for start in (end, end - 4, 0x7FFFF000, 0xFFFFFFF0)]
    outside += [(TOP, TOP), (0x2000, 0x7FFFFFFF), (0x2000, TOP - 0x1FFF)]
    for number, name in ((pe.IMPORT, "import"), (pe.BASERELOC, "relocation"), (pe.EXCEPTION, "exception")):
        yield from spoiled("directory", number, outside, REFUSE, f"{name} directory")
    yield from spoiled("directory", pe.BASERELOC, [(0, 0)], LOAD, "relocation directory")
    yield from spoiled("directory", pe.IMPORT, [(0, 0)], LOAD, "import directory")
    others = {"export": 0, "resource": 2, "security": 4, "debug": 6, "TLS": 9, "load config": 10, "bound import": 11}
    for name, number in (others | {"IAT": 12, "delay import": 13, "COM": 14, "reserved": 15}).items():
        yield from spoiled("directory", number, [(end - 4, 0x28), (0xFFFFFFF0, 0x28), (TOP, TOP)], REFUSE, f"{name} directory")


def section_table():
    end = image().get("optional", "SizeOfImage")
    size = len(image().data)
    for number, name in enumerate(("text", "rdata", "data", "reloc")):
        own = image().get(number, "VirtualAddress")
        wrong = [0x2001, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, TOP]
        yield from spoiled(number, "VirtualSize", wrong, REFUSE, f"{name} VirtualSize")
        wrong = {0, 0x200, own + 1, own + 0x200, own - 0x1000, own + 0x1000, end, 0x7FFFF000, 0xFFFFF000, TOP}
        yield from spoiled(number, "VirtualAddress", sorted(wrong), REFUSE, f"{name} VirtualAddress")
        wrong = [size, 0x7FFFFE00, 0xFFFFFE00, TOP]
        yield from spoiled(number, "SizeOfRawData", wrong, REFUSE, f"{name} SizeOfRawData")
        yield from spoiled(number, "PointerToRawData", [0x200, size - 0x100, *wrong], REFUSE, f"{name} PointerToRawData")
        yield from spoiled(number, "PointerToRelocations", [TOP], LOAD, f"{name} PointerToRelocations")
        yield from spoiled(number, "NumberOfRelocations", [0xFFFF], LOAD, f"{name} NumberOfRelocations")
        yield Case(f"{name} without a readable name", image().set(number, "Name", b"\xff" * 8).bytes(), LOAD)
        odd = image().get(number, "PointerToRawData") + 1
        yield from spoiled(number, "PointerToRawData", [odd], EITHER, f"{name} PointerToRawData")
        writable_code = pe.CODE | pe.READ | pe.WRITE | pe.EXECUTE
        yield from spoiled(number, "Characteristics", [writable_code], REFUSE, f"{name} Characteristics")
    yield from spoiled(TEXT, "Characteristics", [pe.CODE | pe.READ, 0], REFUSE, "text Characteristics")
    swapped = image()
    for field in pe.SECTION:
        first, second = swapped.get(RDATA, field), swapped.get(DATA, field)
        swapped.set(RDATA, field, second).set(DATA, field, first)
    yield Case("sections out of order", swapped.bytes(), REFUSE)
    yield from spoiled(DATA, "SizeOfRawData", [0], LOAD, "data SizeOfRawData")
    yield from spoiled(DATA, "VirtualSize", [0], EITHER, "data VirtualSize")
    long = image(data=struct.pack("<Q", pe.IMAGE_BASE).ljust(0x3000, b"x"))
    yield Case("section longer than its page in the file", long.bytes(), LOAD)


def import_tables():
    """Spoiled descriptors, and tables that end nowhere. The descriptors stand at the start of .rdata."""
    end = image().get("optional", "SizeOfImage")
    at, lookup_field, name_field, thunk_field = 0x2000, 0, 12, 16
    for label, field in (("lookup table", lookup_field), ("library name", name_field), ("address table", thunk_field)):
        for value in (end, end - 1, 0x7FFFFFFF, 0xFFFFFFF8, TOP):
            yield Case(f"import {label} at {value:x}", image().poke(at + field, "I", value).bytes(), REFUSE)
    yield Case("import without lookup table", image().poke(at + lookup_field, "I", 0).bytes(), LOAD)
    yield Case("import without library name", image().poke(at + name_field, "I", 0).bytes(), LOAD)  # ends the table
    yield Case("import without address table", image().poke(at + thunk_field, "I", 0).bytes(), REFUSE)
    known = ["KeSetEvent"]
    for library in ("nosuch.sys", "ntoskrnl", "..\\ntoskrnl.exe", "kernel32.dll", "ntoskrnl.exe" + "x" * 200, "\x01\x7f%s%n"):
        yield Case(f"import from {library[:24]!r}", image(imports=[(library, known)]).bytes(), REFUSE)
    yield Case("import from NTOSKRNL.EXE", image(imports=[("NTOSKRNL.EXE", known)]).bytes(), LOAD)
    both = image(imports=[("hal.dll", ["HalMakeBeep"]), ("ntoskrnl.exe", known)])
    yield Case("import from hal.dll and ntoskrnl.exe", both.bytes(), LOAD)
    yield Case("import nothing from ntoskrnl.exe", image(imports=[("ntoskrnl.exe", [])]).bytes(), LOAD)
    names = ["", "NoSuchRoutine", "kesetevent", "KeSetEvent ", "KeSetEvent\x01", "K" * 3000, "%s%n%s%n"]
    ordinals = [1 << 63 | 1, 1 << 63, 1 << 63 | 0xFFFF, (1 << 64) - 1]
    for name in [*names, *ordinals, 1 << 62 | 0x2000, 1 << 31 | 0x2000, end - 1, end, 0x7FFFFFFF]:
        label = repr(name[:16]) if isinstance(name, str) else f"{name:x}"
        yield Case(f"import of {label}", image(imports=[("ntoskrnl.exe", ["KeSetEvent", name])]).bytes(), REFUSE)
    missing = [f"NoSuchRoutine{number}" for number in range(3000)]
    yield Case("import of 3000 missing names", image(imports=[("ntoskrnl.exe", missing)]).bytes(), REFUSE)
    yield Case("import of one name 3000 times", image(imports=[("ntoskrnl.exe", known * 3000)]).bytes(), LOAD)
    yield Case("import from 300 libraries", image(imports=[(f"lib{n}.sys", known) for n in range(300)]).bytes(), REFUSE)
    yield from endless_imports()


def endless_imports():
    """Strings and tables that run up to the last byte of the image without an end."""
    full = relocation_block(0x3000, [(DIR64, 0)] + [(ABSOLUTE, 0)] * 2041 + [(ABSOLUTE, 0)] * 2)
    base = image(relocations=full.ljust(0x1000, b"\0")[:0x1000])
    last = base.get(RELOC, "VirtualAddress") + 0x1000
    base.set("directory", pe.BASERELOC, (last - 0x1000, 12)).poke(last - 0x1000, "IIHH", 0x3000, 12, DIR64 << 12, 0)
    at = 0x2000

    def with_tail(tail):
        copy = Image(base.data)
        copy.data[copy.file_offset(last - len(tail)) : copy.file_offset(last - 1) + 1] = tail
        return copy

    yield Case("a last page that is full", with_tail(b"x" * 16).bytes(), LOAD)
    yield Case("import library name without end", with_tail(b"ntoskrnl.exe").poke(at + 12, "I", last - 12).bytes(), REFUSE)
    name = with_tail(b"\0\0KeSetEvent")
    yield Case("import name without end", name.poke(name.peek(at, "I"), "Q", last - 12).bytes(), REFUSE)
    hint = with_tail(b"\0")
    yield Case("import name that is half a hint", hint.poke(hint.peek(at, "I"), "Q", last - 1).bytes(), REFUSE)
    entry = struct.pack("<Q", base.peek(base.peek(at, "I"), "Q"))
    yield Case("import lookup table without end", with_tail(entry * 4).poke(at, "I", last - 32).bytes(), REFUSE)
    yield Case("import address table without room", with_tail(entry).poke(at + 16, "I", last - 8).bytes(), REFUSE)
    descriptor = bytes(base.data[base.file_offset(at) : base.file_offset(at) + 20])
    endless = with_tail(descriptor * 3).set("directory", pe.IMPORT, (last - 60, 60))
    yield Case("import descriptors without end", endless.bytes(), EITHER)


def relocations():
    good = (DIR64, 0)

    def case(label, table, verdict):
        return Case(f"relocation {label}", image(relocations=table).bytes(), verdict)

    for size in (0, 1, 4, 7, 9, 14, 0x1000, 0x7FFFFFFF, 0xFFFFFFF8, TOP):
        yield case(f"block of {size:x} bytes", relocation_block(0x3000, [good, (ABSOLUTE, 0)], size=size), REFUSE)
    for page in (0x5000, 0x7FFFF000, 0x80003000, 0xFFFFF000, TOP):
        yield case(f"block at {page:x}", relocation_block(page, [good]), REFUSE)
    yield case("in the headers", relocation_block(0, [(DIR64, 0x80)]), EITHER)
    yield case("block not at a page", relocation_block(0x2FF8, [(DIR64, 8)]), EITHER)
    for kind in (1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15):
        yield case(f"of type {kind}", relocation_block(0x3000, [(kind, 0), (0, 0)]), REFUSE)
    yield case("of type 3", relocation_block(0x3000, [(3, 0), (0, 0)]), EITHER)
    yield case("over the end of the image", relocation_block(0x4000, [(DIR64, 0xFFC)]), REFUSE)
    yield case("over the end of a section", relocation_block(0x1000, [(DIR64, 0xFFC)]), EITHER)
    yield case("block after a good one that ends early", relocation_block(0x3000, [good]) + struct.pack("<I", 0x3000), REFUSE)
    blocks = relocation_block(0x3000, [good]) + relocation_block(0x3000, [(ABSOLUTE, 0)] * 4) * 200
    yield case("blocks, two hundred", blocks, LOAD)
    wide = struct.pack("<Q", pe.IMAGE_BASE).ljust(0x2000, b"\0")
    builder = Builder(data=wide, relocations=relocation_block(0x3000, [(DIR64, 0xFFC), good]))
    yield Case("relocation across two pages", builder.build(), LOAD)


def truncations():
    whole = image().bytes()
    # Around the ends of all headers and sections.
    lengths = {0, 1, 2, 59, 60, 63, 64, 0x7F, 0x80, 0x83, 0x84, 0x97, 0x98, 0xA8, 0xF0, 0x107, 0x108, 0x187, 0x188, 0x1B0}
    lengths |= {0x227, 0x228, 0x3FF, 0x400, 0x401, 0x5FF, 0x600, 0x7FF, 0x800, 0x9FF, 0xA00, 0xA01}
    lengths |= {len(whole) - 0x100, len(whole) - 1}
    for length in sorted(lengths):
        yield Case(f"cut to {length:x}", whole[:length], REFUSE)
    yield Case("with more at the end", whole + b"more" * 100, LOAD)


def strangers():
    """Files that are no drivers at all."""
    yield Case("zeros", bytes(5000), REFUSE)
    yield Case("ones", b"\xff" * 5000, REFUSE)
    yield Case("text", b"This is not a driver.\r\n" * 100, REFUSE)
    yield Case("DOS program", b"MZ".ljust(2000, b"\x90"), REFUSE)
    yield Case("ELF", b"\x7fELF\x02\x01\x01".ljust(4096, b"\0"), REFUSE)
    data = bytearray(image().data)
    for offset in range(0x84, 0x228, 4):  # every word of the headers, all ones
        copy = bytearray(data)
        copy[offset : offset + 4] = b"\xff" * 4
        yield Case(f"headers with ones at {offset:x}", bytes(copy), EITHER)


def driver_entry():
    yield Case("undamaged", image().bytes(), LOAD)
    for status in (0xC0000001, 0xC000009A, 0xC0000034):
        yield Case(f"DriverEntry answers {status:x}", image(status=status).bytes(), REFUSE)


def real_driver(data):
    """Damage to a real driver that no loader may let through, since its code would run."""
    sound = Image(data).set("optional", "CheckSum", 0)  # or it would give every damage away
    end, size = sound.get("optional", "SizeOfImage"), len(data)
    damages = [
        ("file", "Machine", 0x14C),
        ("file", "NumberOfSections", sound.section_count() + 1),
        ("optional", "Magic", 0x10B),
        ("optional", "AddressOfEntryPoint", end),
        ("optional", "SizeOfImage", end - 0x1000),
        ("optional", "Subsystem", 2),
        ("directory", pe.IMPORT, (end, 20)),
        ("directory", pe.BASERELOC, (end, 8)),
        (0, "VirtualAddress", 0),
        (0, "SizeOfRawData", size),
        (0, "Characteristics", pe.CODE | pe.READ | pe.WRITE | pe.EXECUTE),
        (sound.section_count() - 1, "PointerToRawData", size),
    ]
    for structure, field, value in damages:
        damaged = Image(sound.data).set(structure, field, value)
        yield Case(f"real driver, {structure} {field}={value}", damaged.bytes(), REFUSE)
    for length in range(size // 16, size, size // 16):
        yield Case(f"real driver cut to {length:x}", sound.bytes()[:length], REFUSE)


def cases(driver):
    """All cases; driver is the bytes of a real one. Names are unique."""
    parts = (driver_entry, dos_header, file_header, optional_header, directories, section_table, import_tables, relocations)
    return [case for part in (*parts, truncations, strangers) for case in part()] + list(real_driver(driver))
