"""Pool memory: the block that an address lies in, and use by tag."""

import fnmatch

from .command import NtError, command, number, usage, write
from .module import Namer, find_module
from .poolpage import CALLER_GONE, KINDS, Damage, Owners, Pool, pool_kind, sort_of, tag_text


def block_line(block, marked):
    where = block.header or block.address
    size = block.size + (block.address - where)
    return (
        f"{'*' if marked else ' '}{where:016x} size: {size:5x} previous size: {block.previous:4x}"
        f"  ({block.state})  {tag_text(block.tag) if block.used else '....'}"
    )


def show_owner(pool, block, names):
    caller = pool.owners.caller(block.owner)
    text = names(caller) if caller else "a module that is gone, or unknown"
    write(f"\t\tPooltag {tag_text(block.tag)}, allocated by {text}")


def show_contents(pool, block):
    data = pool.tables.read(block.address, min(block.size, 64))
    for at in range(0, len(data or b""), 16):
        piece = data[at : at + 16]
        text = "".join(chr(each) if 32 <= each < 127 else "." for each in piece)
        write(f"    {block.address + at:016x}  {piece.hex(' '):47}  {text}")


def slab_page(pool, base, address, flags, names):
    """The blocks on one page. WinDbg's flags: 1 shows contents, 2 only the block asked for."""
    for each in pool.slab(base):
        if isinstance(each, Damage):
            write(f"*{each.address:016x} {each.text}")
            break
        marked = each.holds(address)
        if not marked and flags & 0x80000002:
            continue
        write(block_line(each, marked))
        if marked and each.used:
            show_owner(pool, each, names)
        if flags & 1:
            show_contents(pool, each)


def whole_pages(pool, run, flags, names):
    base, pages, tag, owner = run
    write(f"*{base:016x} : large page allocation, tag is {tag_text(tag)}, size is {pages * 4096:#x} bytes")
    block = pool.block_of(base)
    show_owner(pool, block, names)
    if flags & 1:
        show_contents(pool, block)


@command("pool", "ADDRESS [FLAGS]")
def pool(arguments):
    """The pool page of an address: its blocks with sizes and tags, and who allocated the block that the address lies in (*).

    FLAGS: 1 shows the beginning of each block's contents, 2 only the block asked for. A block whose header was overwritten is
    told, with the check that the header should have. Freed blocks that a processor keeps for itself count as free; those
    on a lookaside list are allocated, as they are to the pools."""
    if not 1 <= len(arguments) <= 2:
        raise usage()
    address = number(arguments[0])
    flags = number(arguments[1]) if len(arguments) > 1 else 0
    kind = pool_kind(address)
    if kind is None:
        raise NtError(f"{address:016x} is no address of a pool")
    now, names = Pool(), Namer()
    sort = sort_of(address)
    write(f"Pool page {address:016x} is {KINDS[kind]} {sort + ' ' if sort else ''}pool")
    if sort:
        block = now.special_block(address) if sort == "special" else now.secure_block(address)
        if block is None or isinstance(block, Damage):
            raise NtError(f"{address & ~0xFFF:016x} {block.text if block else 'is in no block'}")
        write(block_line(block, block.holds(address)))
        show_owner(now, block, names)
        return
    run = now.find_run(address)
    if run is None:
        raise NtError(f"{address:016x} is in no pool page that is in use")
    if run[2]:
        whole_pages(now, run, flags, names)
    else:
        slab_page(now, run[0], address, flags, names)


def rows_by_tag(pattern):
    """tag -> {kind: [allocations, frees, bytes]}, and tag -> the modules that allocate under it."""
    names, rows, modules = Namer(), {}, {}
    for each in Owners():
        if each is None or each[4] == 0:
            continue
        tag, kind, _, caller, allocations, frees, size = each
        text = tag_text(tag)
        if pattern and not fnmatch.fnmatchcase(text.rstrip(), pattern):
            continue
        # Executable memory is non-paged, too.
        row = rows.setdefault(text, {0: [0, 0, 0], 1: [0, 0, 0]})[kind & 1]
        for index, figure in enumerate((allocations, frees, size)):
            row[index] += figure
        modules.setdefault(text, set())
        if caller != CALLER_GONE:
            module = find_module(caller, names.modules)
            modules[text].add(module.stem if module else "?")
    return rows, modules


def sort_key(flags):
    """2: by bytes of non-paged pool, 4: of paged pool, most first; else by tag."""
    kind = 0 if flags & 2 else 1 if flags & 4 else None
    return (lambda item: (-item[1][kind][2], item[0])) if kind is not None else (lambda item: item[0])


@command("poolused", "[FLAGS [TAG]]")
def poolused(arguments):
    """Pool use by tag: allocations that are not freed yet and their bytes, and whose they are.

    FLAGS: 1 shows all allocations and frees, too; 2 sorts by non-paged bytes, 4 by paged bytes. TAG may have * and ?.
    What is counted are whole blocks, as in the console's `pool`."""
    if len(arguments) > 2:
        raise usage()
    flags = number(arguments[0]) if arguments else 0
    rows, modules = rows_by_tag(arguments[1] if len(arguments) > 1 else None)
    order = "NonPaged Pool Consumed" if flags & 2 else "Paged Pool Consumed" if flags & 4 else "Tag"
    write(f"Sorting by {order}\n")
    parts = ("Allocs", "Frees", "Diff", "Used") if flags & 1 else ("Allocs", "Used")
    width = 12 * len(parts)
    write(f"{'':5}{'NonPaged':>{width}}{'Paged':>{width}}")
    write(f"{'Tag':5}" + "".join(f"{part:>12}" for part in parts * 2) + "  Module")
    total = [0] * (2 * len(parts))
    for text, kinds in sorted(rows.items(), key=sort_key(flags)):
        figures = []
        for allocations, frees, size in (kinds[0], kinds[1]):
            figures += [allocations, frees, allocations - frees, size] if flags & 1 else [allocations - frees, size]
        if not any(figures):
            continue
        total = [a + b for a, b in zip(total, figures)]
        write(f"{text:5}" + "".join(f"{each:12}" for each in figures) + "  " + ", ".join(sorted(modules[text])))
    write(f"{'TOTAL':5}" + "".join(f"{each:12}" for each in total))
