"""Page tables, read through the kernel's map of all memory: how an address is translated, and what is in pages that a
processor would fault on."""

import struct

import gdb

from .command import command, number, usage, write
from .memory import kernel_type, read_mapped, variable

DIRECT_MAP = 0xFFFF800000000000  # mm.h: MM_DIRECT_MAP_BASE
PFN_DATABASE = 0xFFFFFA8000000000  # MM_PFN_DATABASE_BASE
# mi.h: MI_PTE_*, and what Intel's manual says of the others
PRESENT, WRITE, USER, WRITETHROUGH, CACHEDISABLE = 0x1, 0x2, 0x4, 0x8, 0x10
ACCESSED, DIRTY, LARGE, GLOBAL = 0x20, 0x40, 0x80, 0x100
GUARD, MAPPING, FIRST = 0x200, 0x400, 0x800
PAGEABLE, NO_EXECUTE = 1 << 52, 1 << 63
FRAME = 0x000FFFFFFFFFF000
LEVELS = ("PTE", "PDE", "PPE", "PXE")


def is_canonical(address):
    """Bits 47 to 63 are all alike."""
    return address >> 47 in (0, 0x1FFFF)


def top_table():
    """Address of the top-level table that the selected processor uses: its CR3 says it, where the stub tells; the kernel half is
    the same in all of them."""
    try:
        cr3 = int(gdb.parse_and_eval("$cr3").cast(gdb.lookup_type("unsigned long")))
        if cr3 & FRAME:
            return DIRECT_MAP + (cr3 & FRAME)
    except gdb.error:
        pass
    return int(variable("MiKernelPml4"))


class PageTables:
    """The tables, each read once: to be made for one command."""

    def __init__(self):
        self.top = top_table()
        self.tables = {}

    def entry(self, table, index):
        if table not in self.tables:
            self.tables[table] = struct.unpack("<512Q", read_mapped(table, 4096))
        return self.tables[table][index]

    def walk(self, address):
        """(level, where the entry is, entry) from the top, 3, down to the entry that maps address, or that ends the way."""
        table, steps = self.top, []
        for level in (3, 2, 1, 0):
            index = address >> (12 + 9 * level) & 511
            entry = self.entry(table, index)
            steps.append((level, table + 8 * index, entry))
            if not entry & PRESENT or (level in (1, 2) and entry & LARGE):
                break
            table = DIRECT_MAP + (entry & FRAME)
        return steps

    def physical(self, address):
        """The physical address, of a page that has vanished (mm/pageable.c), too; None when there is no page."""
        if not is_canonical(address):
            return None
        level, _, entry = self.walk(address)[-1]
        if not entry & PRESENT and not (level == 0 and entry & PAGEABLE):
            return None
        mask = (1 << 12 + 9 * level) - 1
        return entry & FRAME & ~mask | address & mask

    def read(self, address, size):
        """Bytes at address, page by page through the map of all memory; None when one of its pages is not there."""
        data = b""
        while len(data) < size:
            at = self.physical(address + len(data))
            if at is None:
                return None
            try:
                data += read_mapped(DIRECT_MAP + at, min(size - len(data), 4096 - at % 4096))
            except gdb.MemoryError:
                return None
        return data


def letters(entry, level):
    """As WinDbg shows an entry's bits: "---DA--KWEV". C is copy on write there, which does not exist here."""
    leaf = level == 0 or entry & LARGE
    return "".join(
        (
            "-",
            "G" if leaf and entry & GLOBAL else "-",
            "L" if level and entry & LARGE else "-",
            "D" if entry & DIRTY else "-",
            "A" if entry & ACCESSED else "-",
            "N" if entry & CACHEDISABLE else "-",
            "T" if entry & WRITETHROUGH else "-",
            "U" if entry & USER else "K",
            "W" if entry & WRITE else "R",
            "-" if entry & NO_EXECUTE else "E",
            "V" if entry & PRESENT else "-",
        )
    )


def describe(entry, level):
    """The second line of an entry: its page, bits and, where there are any, what they mean to Etude."""
    frame = (entry & FRAME) >> 12
    if entry & PRESENT:
        leaf = level == 0 or entry & LARGE
        words = [f"pfn {frame:x}", letters(entry, level)]
        words += ["write-combined"] if level == 0 and entry & LARGE else []
        words += ["a driver's mapping"] if leaf and level == 0 and entry & MAPPING else []
        return "  ".join(words)
    if level == 0 and entry & PAGEABLE:
        return f"pfn {frame:x}  not valid: paged out as far as a fault can tell, the page is there"
    if level == 0 and entry == GUARD:
        return "not valid: a guard page"
    return "not valid"


@command("pte", "ADDRESS")
def pte(arguments):
    """How an address is translated: the entry of each of the four levels.

    The letters are Global, Large, Dirty, Accessed, No cache, write Through, Kernel or User, Writable or Read-only,
    Executable, Valid. Entries are shown where the kernel's map of all memory has them."""
    if len(arguments) != 1:
        raise usage()
    address = number(arguments[0])
    write(f"VA {address:016x}")
    if not is_canonical(address):
        write("no address: bits 47 to 63 must be all alike")
        return
    tables = PageTables()
    for level, where, entry in tables.walk(address):
        write(f"{LEVELS[level]} at {where:016x} contains {entry:016x}  {describe(entry, level)}")
    physical = tables.physical(address)
    if physical is not None:
        write(f"physical address {physical:x}")


# --- vm -------------------------------------------------------------------------------------------------------------------


def page_line(title, pages):
    write(f"{title + ':':26}{pages:10} ({pages * 4:10} Kb)")


def in_use(use):
    kinds = variable("MiPagesInUse")
    names = {field.name: field.enumval for field in kernel_type("MI_PAGE_USE").fields()}
    return int(kinds[names[use]])


@command("vm")
def vm(arguments):
    """Physical memory and what it is used for, in pages.

    The same figures as the console's `vm`, and the pools' by kind."""
    if arguments:
        raise usage()
    pte_pages = int(variable("MiSystemPtes")["PagesInUse"])
    page_line("Physical Memory", int(variable("MiTotalPages")))
    page_line("Available Pages", int(variable("MiFreePages")))
    slabs, large = variable("ExpSlabPages"), variable("ExpLargePages")
    for kind, title in enumerate(("NonPagedPool Usage", "PagedPool Usage", "Executable Pool Usage")):
        page_line(title, int(slabs[kind]) + int(large[kind]))
    page_line("Pool Pages", in_use("MiUsePool") + in_use("MiUseSecure"))
    page_line("Driver Images", in_use("MiUseImage"))
    page_line("Driver Pages", in_use("MiUseDriver"))
    page_line("Kernel Stacks", in_use("MiUseStack"))
    write(f"{'  stacks kept for reuse:':26}{int(variable('MiFreeStackCount')):10}")
    page_line("Page Tables", in_use("MiUsePageTable") + in_use("MiUsePfnDatabase"))
    page_line("System PTEs in use", pte_pages)
    page_line("Locked by MDLs", int(variable("MiLockedPages")))
