"""How pool memory is laid out (kernel/ex/pool.h, mm/poolpages.c), read without locks and with nothing believed: which block an
address lies in, and all blocks there are."""

import struct
from dataclasses import dataclass

from .memory import address_of, read, try_read, variable, walk
from .paging import FRAME, PAGEABLE, PFN_DATABASE, PRESENT, PageTables

PAGE = 4096
KINDS = ("Nonpaged", "Paged", "Executable")
REGIONS = {0xFFFFE00000000000 >> 39: 0, 0xFFFFA00000000000 >> 39: 1, 0xFFFFE08000000000 >> 39: 2}  # mm.h
HEADER = struct.Struct("<BBBBIII")  # POOL_HEADER
FIRST, UNIT = 48, 16  # pool.h: EX_SLAB_FIRST, EX_POOL_UNIT
STATES = {0x00: "Free", 0x04: "Allocated", 0x0C: "Allocated, quota charged", 0x80: "End"}
IN_USE = (0x04, 0x0C)
END = 0x80
FREED_PAGE = 0x800  # mm/guarded.c: MI_PTE_FREED
RUN_LIMIT = 1 << 18  # pages, 1 GB: how far back a run's first page is looked for
CLASS_PAGES = 31  # EX_CLASS_PAGES
CALLER_GONE = 0xFFFF000000000000  # poolowner.c: EX_CALLER_GONE


def tag_text(tag):
    return "".join(chr(each) if 32 <= each < 127 else "." for each in (tag & 0x7FFFFFFF).to_bytes(4, "little"))


def pool_kind(address):
    """Index into KINDS, or None for what is no address of a pool."""
    return REGIONS.get(address >> 39)


@dataclass
class Block:
    """A piece of a pool page, or a run of whole pages."""

    address: int  # of the caller's bytes
    size: int  # bytes there is room for
    tag: int
    state: str  # one of STATES, or what is wrong
    used: bool
    owner: int  # index into ExpOwners
    header: int = 0  # where its header is; 0: it has none
    previous: int = 0  # bytes of the one before it, header included

    def holds(self, address):
        return (self.header or self.address) <= address < self.address + self.size


@dataclass
class Damage:
    """Where a slab does not look as it was made."""

    address: int
    text: str


class Owners:
    """Who has allocated: ExpOwners. Items: (tag, kind, class, caller, allocations, frees, bytes), None for a free one. A walk reads the
    table at once; a single item only itself, since a serial line takes seconds for the whole."""

    RECORD = struct.Struct("<qqqQIiQ16x")  # EX_POOL_OWNER, 64 bytes

    def __init__(self):
        table = variable("ExpOwners")
        self.address, self.size = address_of(table), table.type.sizeof
        sizes = variable("ExpClassBytes")
        self.classes = [int(sizes[index]) for index in range(sizes.type.range()[1] + 1)]

    def __len__(self):
        return self.size // self.RECORD.size

    def __iter__(self):
        return map(self.decode, self.RECORD.iter_unpack(read(self.address, self.size)))

    def __getitem__(self, index):
        return self.decode(self.RECORD.unpack(read(self.address + index * self.RECORD.size, self.RECORD.size)))

    def decode(self, record):
        allocations, frees, large, key, tag, _, _ = record
        if key == 0:
            return None
        number = ~key >> 48 & 0x7F
        kind, size_class = number >> 5, number & 31
        size = large if size_class == CLASS_PAGES else 0
        if size_class < len(self.classes):
            size = (allocations - frees) * self.classes[size_class]
        return tag, kind, size_class, key | 0xFFFF << 48, allocations, frees, size

    def caller(self, index):
        """The address that the pools returned to, or None when its module is gone or nobody knows."""
        found = self[index] if index < len(self) else None
        return None if found is None or found[3] == CALLER_GONE else found[3]


class Pool:
    """The pools at one moment: to be made for one command."""

    def __init__(self):
        self.tables = PageTables()
        self.cookie = int(variable("ExpPoolCookie"))
        self.database = {}
        self.owners = Owners()

    def entry(self, page):
        """The leaf entry of a page, 0 for none."""
        level, _, entry = self.tables.walk(page)[-1]
        return entry if level == 0 else 0

    def run_at(self, page):
        """(pages, tag, owner) of the run that begins at page, from the page database; None: none does."""
        entry = self.entry(page)
        if not entry & (PRESENT | PAGEABLE):
            return None
        at = PFN_DATABASE + 16 * ((entry & FRAME) >> 12)
        if at & ~0xFFF not in self.database:
            self.database[at & ~0xFFF] = try_read(at & ~0xFFF, PAGE)
        data = self.database[at & ~0xFFF]
        if data is None:
            return None
        tag, pages, state, _, owner = struct.unpack_from("<IIBBH", data, at & 0xFFF)
        return (pages, tag, owner) if pages and state & 15 == 2 else None

    def find_run(self, address):
        """(base, pages, tag, owner) of the run that address lies in, or None."""
        page = address & ~0xFFF
        for base in range(page, page - RUN_LIMIT * PAGE, -PAGE):
            if not self.entry(base) & (PRESENT | PAGEABLE):
                return None
            run = self.run_at(base)
            if run:
                return (base, *run) if page < base + run[0] * PAGE else None
        return None

    def slab(self, base):
        """Blocks of a slab's page, in order; a Damage ends it early."""
        data = self.tables.read(base, PAGE)
        if data is None:
            yield Damage(base, "the page cannot be read")
            return
        at, previous = FIRST, 0
        while at + HEADER.size <= PAGE:
            before, index, units, state, tag, check, owner = HEADER.unpack_from(data, at)
            expected = self.cookie ^ (base + at & 0xFFFFFFFF) ^ (before | index << 8 | units << 16)
            if check != expected:
                yield Damage(base + at, f"damaged header: its check is {check:08x} and should be {expected:08x}")
                return
            if units == 0:
                if state != END:
                    yield Damage(base + at, f"damaged header: the end of the page has type {state:02x}")
                return
            used = state in IN_USE
            text = STATES.get(state, f"damaged: type {state:02x}")
            where = base + at
            yield Block(where + 16, units * UNIT - 16, tag, text, used, owner // 64, where, previous)
            previous, at = units * UNIT, at + units * UNIT

    def block_of(self, address):
        """The block that address lies in, a Damage, or None."""
        run = self.find_run(address)
        if run is None:
            return None
        base, pages, tag, owner = run
        if tag:
            return Block(base, pages * PAGE, tag, "Allocated", True, owner)
        for each in self.slab(base):
            if isinstance(each, Damage) or each.holds(address):
                return each
        return None

    def pages_of(self, window):
        """Pages of a window of addresses that are in use, by its bit map (mm/window.c)."""
        limit, at, base = int(window["Limit"]), int(window["Used"]), int(window["Base"])
        bits = self.tables.read(at, (limit + 7) // 8) or b""
        for index, byte in enumerate(bits):
            for bit in range(8):
                if byte >> bit & 1:
                    yield base + (8 * index + bit) * PAGE

    def runs(self, kind):
        """Every run of a kind of pool: (base, pages, tag, owner); a slab's tag is 0."""
        for page in self.pages_of(variable("MiPoolWindows")[kind]):
            run = self.run_at(page)
            if run:
                yield (page, *run)

    def blocks(self, kind):
        """Every block in use of a kind of pool, special pool included; damaged slabs are cut short."""
        for base, pages, tag, owner in self.runs(kind):
            if tag:
                yield Block(base, pages * PAGE, tag, "Allocated", True, owner)
            else:
                yield from (each for each in self.slab(base) if isinstance(each, Block) and each.used)
        if kind < 2:
            for page in self.pages_of(variable("MiGuardedWindows")[kind]):
                special = self.special_block(page)
                if isinstance(special, Block):
                    yield special

    def special_block(self, address):
        """The block of special pool on address's page (ex/poolspecial.c); a Damage tells why there is none; None: no such page."""
        page = address & ~0xFFF
        entry = self.entry(page)
        if not entry & (PRESENT | PAGEABLE):
            if entry & FREED_PAGE:
                return Damage(page, "freed: whoever touches it faults")
            return Damage(page, "unmapped, so that overruns fault: the block is on the page before, or behind") if entry else None
        data = self.tables.read(page, PAGE)
        if data is None:
            return Damage(page, "its page cannot be read")
        for at in (0, PAGE - 16):
            words = struct.unpack_from("<4I", data, at)
            check = ~self.cookie & 0xFFFFFFFF ^ (page + at & 0xFFFFFFFF) ^ words[0] ^ words[1] * 3 ^ words[2] * 5
            if check & 0xFFFFFFFF == words[3]:
                size, start = words[1] & 0xFFFF, words[1] >> 16
                return Block(page + start, size, words[0], "Allocated, special pool", True, words[2])
        return Damage(page, "damaged: neither end of the page has a header that is whole")

    def secure_block(self, address):
        """The block of a secure pool that address lies in (ex/poolsecure.c), or None."""
        for pool in walk(variable("ExpSecurePools"), "EX_SECURE_POOL", "Link"):
            for each in walk(pool["Blocks"], "EX_SECURE_BLOCK", "Link"):
                base = address_of(each["Base"])
                owner = (address_of(each["Owner"]) - address_of(variable("ExpOwners"))) // Owners.RECORD.size
                block = Block(base, int(each["Size"]), int(each["Tag"]), "Allocated, secure pool", True, owner)
                if block.holds(address):
                    return block
        return None


def is_in(window, address):
    """Whether a window of addresses (mm/window.c) has address."""
    return 0 <= address - int(window["Base"]) < int(window["MaximumPages"]) * PAGE


def sort_of(address):
    """ "special", "secure" or "": which part of the pools' addresses it is in."""
    guarded = variable("MiGuardedWindows")
    if is_in(guarded[0], address) or is_in(guarded[1], address):
        return "special"
    return "secure" if is_in(variable("MiSecureWindow"), address) else ""
