"""Build driver images (PE32+) and change single fields of them.

The image made here is the smallest real driver: it imports by name, needs relocating, has an unload routine, and does nothing.
Because it does nothing, no damage to it can make it misbehave by itself: whatever goes wrong is the loader's doing.
"""

import struct
from dataclasses import dataclass, field

FILE_ALIGNMENT, PAGE = 0x200, 0x1000
HEADERS_SIZE, NT_HEADERS = 0x400, 0x80
IMAGE_BASE = 0x140000000
READ, WRITE, EXECUTE, DISCARDABLE = 0x40000000, 0x80000000, 0x20000000, 0x02000000
CODE, DATA = 0x20, 0x40
DRIVER_UNLOAD_OFFSET = 0x68

EXPORT, IMPORT, RESOURCE, EXCEPTION, SECURITY, BASERELOC, DEBUG = range(7)
TLS, LOAD_CONFIG, BOUND_IMPORT, IAT, DELAY_IMPORT, COM = 9, 10, 11, 12, 13, 14

# Field -> (offset in its structure, struct format). Structures: the DOS header at 0, the file header at NT headers + 4, the
# optional header 20 bytes later, then the section table.
DOS = {"e_magic": (0, "H"), "e_cblp": (2, "H"), "e_cparhdr": (8, "H"), "e_lfarlc": (24, "H"), "e_lfanew": (60, "I")}
FILE = {
    "Machine": (0, "H"),
    "NumberOfSections": (2, "H"),
    "TimeDateStamp": (4, "I"),
    "PointerToSymbolTable": (8, "I"),
    "NumberOfSymbols": (12, "I"),
    "SizeOfOptionalHeader": (16, "H"),
    "Characteristics": (18, "H"),
}
OPTIONAL = {
    "Magic": (0, "H"),
    "MajorLinkerVersion": (2, "B"),
    "SizeOfCode": (4, "I"),
    "SizeOfInitializedData": (8, "I"),
    "AddressOfEntryPoint": (16, "I"),
    "BaseOfCode": (20, "I"),
    "ImageBase": (24, "Q"),
    "SectionAlignment": (32, "I"),
    "FileAlignment": (36, "I"),
    "MajorOperatingSystemVersion": (40, "H"),
    "MajorImageVersion": (44, "H"),
    "MajorSubsystemVersion": (48, "H"),
    "Win32VersionValue": (52, "I"),
    "SizeOfImage": (56, "I"),
    "SizeOfHeaders": (60, "I"),
    "CheckSum": (64, "I"),
    "Subsystem": (68, "H"),
    "DllCharacteristics": (70, "H"),
    "SizeOfStackReserve": (72, "Q"),
    "SizeOfHeapCommit": (96, "Q"),
    "LoaderFlags": (104, "I"),
    "NumberOfRvaAndSizes": (108, "I"),
}
SECTION = {
    "Name": (0, "8s"),
    "VirtualSize": (8, "I"),
    "VirtualAddress": (12, "I"),
    "SizeOfRawData": (16, "I"),
    "PointerToRawData": (20, "I"),
    "PointerToRelocations": (24, "I"),
    "NumberOfRelocations": (32, "H"),
    "Characteristics": (36, "I"),
}
OPTIONAL_SIZE, SECTION_SIZE = 0xF0, 40


def align(value, to):
    return -(-value // to) * to


class Image:
    """The bytes of an image, with access to header fields by name. Built for images whose headers are sound."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.nt = struct.unpack_from("<I", data, 60)[0]
        self.optional = self.nt + 24
        self.sections_at = self.optional + struct.unpack_from("<H", data, self.nt + 20)[0]

    def where(self, structure, name):
        if structure == "dos":
            return DOS[name]
        if structure == "file":
            return self.nt + 4 + FILE[name][0], FILE[name][1]
        if structure == "optional":
            return self.optional + OPTIONAL[name][0], OPTIONAL[name][1]
        if structure == "directory":
            return self.optional + 112 + 8 * name, "II"
        number = structure  # of a section
        return self.sections_at + SECTION_SIZE * number + SECTION[name][0], SECTION[name][1]

    def get(self, structure, name):
        offset, code = self.where(structure, name)
        values = struct.unpack_from("<" + code, self.data, offset)
        return values if len(values) > 1 else values[0]

    def set(self, structure, name, value):
        offset, code = self.where(structure, name)
        struct.pack_into("<" + code, self.data, offset, *(value if isinstance(value, tuple) else (value,)))
        return self

    def section_count(self):
        return self.get("file", "NumberOfSections")

    def file_offset(self, rva):
        """Where the byte that will be at an address of the image stands in the file."""
        for number in range(self.section_count()):
            start, size = self.get(number, "VirtualAddress"), self.get(number, "SizeOfRawData")
            if start <= rva < start + size:
                return rva - start + self.get(number, "PointerToRawData")
        raise ValueError(f"{rva:#x} is not in the file")

    def poke(self, rva, code, *values):
        struct.pack_into("<" + code, self.data, self.file_offset(rva), *values)
        return self

    def peek(self, rva, code):
        values = struct.unpack_from("<" + code, self.data, self.file_offset(rva))
        return values if len(values) > 1 else values[0]

    def bytes(self):
        return bytes(self.data)


@dataclass
class Section:
    name: bytes
    content: bytes
    flags: int
    address: int = 0


def driver_code(status):
    """DriverEntry, which sets DriverUnload and returns a status, and the unload routine behind it."""
    entry = b"\x48\x8d\x05" + struct.pack("<i", 10)  # lea rax, [rip + 10]: the unload routine
    entry += b"\x48\x89\x41" + bytes([DRIVER_UNLOAD_OFFSET])  # mov [rcx + 68h], rax
    entry += b"\xb8" + struct.pack("<I", status)  # mov eax, status
    return entry + b"\xc3\xc3"  # ret; ret


@dataclass
class Builder:
    """What a driver image is made of. Change what should differ, then build."""

    imports: list = field(default_factory=lambda: [("ntoskrnl.exe", ["KeSetEvent", "IofCompleteRequest"])])
    relocations: bytes = None  # of the .reloc section; None: one for the pointer in .data
    status: int = 0  # what DriverEntry returns
    data: bytes = None  # of the .data section; None: one pointer to the image's own code
    extra: bytes = b""  # placed behind the import tables in .rdata
    code_padding: int = 0

    def import_tables(self, address):
        """Descriptors, then lookup tables, address tables and names. Returns the bytes and the size of the descriptors."""
        descriptors = 20 * (len(self.imports) + 1)
        slots = sum(len(names) + 1 for _, names in self.imports)
        lookup, thunks, texts_at = descriptors, descriptors + 8 * slots, descriptors + 16 * slots
        lookup, thunks, texts_at = (align(each, 8) for each in (lookup, thunks + 4, texts_at + 8))
        heads, table, texts = b"", b"", b""
        for library, names in self.imports:
            done = len(table)
            for name in names:
                if isinstance(name, int):  # an entry as it is: an ordinal, or nonsense
                    table += struct.pack("<Q", name)
                    continue
                table += struct.pack("<Q", address + texts_at + len(texts))
                texts += struct.pack("<H", 0) + name.encode() + b"\0" * (2 - len(name) % 2)
            table += bytes(8)
            library_at = address + texts_at + len(texts)
            texts += library.encode() + b"\0" * (2 - len(library) % 2)
            heads += struct.pack("<IIIII", address + lookup + done, 0, 0, library_at, address + thunks + done)
        block = bytearray(texts_at) + texts
        block[: len(heads)] = heads
        block[lookup : lookup + len(table)] = table
        block[thunks : thunks + len(table)] = table
        return bytes(block), descriptors

    def sections(self):
        text = Section(b".text", driver_code(self.status) + b"\xcc" * self.code_padding, CODE | READ | EXECUTE, PAGE)
        rdata_at = text.address + align(len(text.content), PAGE)
        tables, self.descriptors_size = self.import_tables(rdata_at)
        rdata = Section(b".rdata", tables + self.extra, DATA | READ, rdata_at)
        data_at = rdata_at + align(len(rdata.content), PAGE)
        content = self.data if self.data is not None else struct.pack("<QQ", IMAGE_BASE + PAGE, 0)
        data = Section(b".data", content, DATA | READ | WRITE, data_at)
        reloc_at = data_at + align(len(content), PAGE)
        relocations = self.relocations if self.relocations is not None else relocation_block(data_at, [(10, 0)])
        return [text, rdata, data, Section(b".reloc", relocations, DATA | READ | DISCARDABLE, reloc_at)]

    def build(self):
        """The bytes of the image."""
        sections = self.sections()
        end = sections[-1].address + align(max(len(sections[-1].content), 1), PAGE)
        table, body = b"", b""
        for each in sections:
            raw = align(len(each.content), FILE_ALIGNMENT)
            pointer = HEADERS_SIZE + len(body) if raw else 0
            sizes = (max(len(each.content), 1), each.address, raw, pointer)
            table += struct.pack("<8sIIIIIIHHI", each.name, *sizes, 0, 0, 0, 0, each.flags)
            body += each.content.ljust(raw, b"\0")
        dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", NT_HEADERS)
        head = dos.ljust(NT_HEADERS, b"\0") + b"PE\0\0"
        head += struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, OPTIONAL_SIZE, 0x22)
        optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, FILE_ALIGNMENT, FILE_ALIGNMENT, 0, PAGE, PAGE)
        optional += struct.pack("<QIIHHHHHH", IMAGE_BASE, PAGE, FILE_ALIGNMENT, 10, 0, 0, 0, 10, 0)
        optional += struct.pack("<IIIIHH", 0, end, HEADERS_SIZE, 0, 1, 0x160)
        optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
        directories = [(0, 0)] * 16
        directories[IMPORT] = (sections[1].address, self.descriptors_size)
        if sections[3].content:
            directories[BASERELOC] = (sections[3].address, len(sections[3].content))
        optional += b"".join(struct.pack("<II", *each) for each in directories)
        return (head + optional + table).ljust(HEADERS_SIZE, b"\0") + body


def relocation_block(page, entries, size=None):
    """One block of base relocations: (type, offset) pairs; size overrides the length it claims."""
    words = b"".join(struct.pack("<H", kind << 12 | offset) for kind, offset in entries)
    words += bytes(-len(words) % 4)
    return struct.pack("<II", page, len(words) + 8 if size is None else size) + words
