"""Modules: lm, ln, and breakpoints in drivers that may not be loaded yet."""

import fnmatch

import gdb

from .command import NOT_YET, NtError, command, number, usage, write
from .memory import c_string, kernel_file, variable
from .module import Namer, find_symbol, module_of, modules
from .symbols import SYMBOLS, symbols_of


def ticked(address):
    """An address as WinDbg splits it: fffff800`00000000."""
    text = f"{address:016x}"
    return f"{text[:8]}`{text[8:]}"


def describe_symbols(module):
    if module.name == "nt":
        return f"(symbols)     {kernel_file().filename}"
    loaded = symbols_of(module)
    if loaded is None or loaded.path is None:
        return f"(no symbols)  {loaded.why if loaded else ''}".rstrip()
    return f"(symbols)     {loaded.path}"


def slot_of(module):
    """The kernel's LDRP_SLOT of a module."""
    table = variable("LdrpSlots")
    for index in range(table.type.range()[1] + 1):
        if module_of(table[index]) == module:
            return table[index]
    raise NtError(f"{module.name} has gone")


def show_details(module):
    entry = slot_of(module)["Entry"]
    write(f"    Image path: {c_string(slot_of(module)['Path'])}")
    write(f"    Entry point: {ticked(int(entry['EntryPoint']) & 0xFFFFFFFFFFFFFFFF)}   Load count: {int(entry['LoadCount'])}")
    write(f"    Timestamp: {int(entry['TimeDateStamp']):08X}   CheckSum: {int(entry['CheckSum']):08X}")
    write(f"    ImageSize: {module.size:08X}")


def unloaded():
    """(base, end, name) of modules that have gone, the newest first."""
    ring, count = variable("LdrpUnloaded"), int(variable("LdrpUnloadedCount"))
    size = ring.type.range()[1] + 1
    for index in range(min(count, size)):
        each = ring[(count - 1 - index) % size]
        base = int(each["Base"]) & 0xFFFFFFFFFFFFFFFF
        if base:
            yield base, base + int(each["Size"]), c_string(each["Name"])


@command("lm", "[v] [m PATTERN]", windbg="lm")
def lm(arguments):
    """Modules in memory and where their symbols come from, then those that have been unloaded.

    v shows details; m only modules whose name matches, * and ? allowed. WinDbg's lmvm NAME is `nt lm vm NAME`."""
    flags, patterns = arguments[:], []
    if flags and flags[-1] not in ("v", "m", "vm"):
        patterns = [flags.pop()]
    if set(flags) - {"v", "m", "vm"} or bool(patterns) != any("m" in each for each in flags):
        raise usage()
    pattern = patterns[0].lower() if patterns else "*"
    found = sorted(modules(), key=lambda each: each.base)
    if not found:
        raise NtError(NOT_YET)
    write(f"{'start':17}   {'end':17}   module name")
    for each in found:
        if fnmatch.fnmatch(each.stem.lower(), pattern) or fnmatch.fnmatch(each.name.lower(), pattern):
            write(f"{ticked(each.base)}   {ticked(each.end)}   {each.stem:16} {describe_symbols(each)}".rstrip())
            if any("v" in flag for flag in flags):
                show_details(each)
    gone = [each for each in unloaded() if fnmatch.fnmatch(each[2].lower(), pattern + ("" if pattern == "*" else "*"))]
    if gone:
        write("\nUnloaded modules:")
        for base, end, name in gone:
            write(f"{ticked(base)}   {ticked(end)}   {name}")


@command("ln", "ADDRESS", windbg="ln")
def ln(arguments):
    """The symbol nearest to an address, with its line of source."""
    if len(arguments) != 1:
        raise usage()
    address = number(arguments[0])
    write(f"({ticked(address)})   {Namer()(address)}")
    line = gdb.find_pc_line(address)
    if line.symtab is not None and find_symbol(address):
        write(f"{line.symtab.filename}:{line.line}")


def find_function(objfile, name):
    symbol = objfile.lookup_global_symbol(name) or objfile.lookup_static_symbol(name)
    if symbol is None or not symbol.is_function:
        return None
    return symbol


def function_of_file(path, image, name):
    """A function's symbol in a driver's file that no driver has been loaded from: gdb reads it where it was linked to run."""
    gdb.execute(f"add-symbol-file '{path}' -o 0", to_string=True)
    try:
        symbol = find_function(gdb.lookup_objfile(str(path)), name)
        return (symbol.symtab.filename, symbol.linkage_name) if symbol else None
    finally:
        gdb.execute(f"remove-symbol-file -a {image.base + image.code:#x}", to_string=True)


def module_named(name):
    """A loaded module, or None."""
    if gdb.selected_thread() is None:
        return None
    try:
        return next((each for each in modules() if name.lower() in (each.stem.lower(), each.name.lower())), None)
    except (NtError, gdb.error):
        return None  # the kernel has not come so far


def function_in(module_name, name):
    """(source file, function) for module!name in a driver."""
    module = module_named(module_name)
    loaded = symbols_of(module) if module else None
    if loaded and loaded.path:
        symbol = find_function(gdb.lookup_objfile(str(loaded.path)), name)
        return (symbol.symtab.filename, symbol.linkage_name) if symbol else None
    path, image = SYMBOLS.find(module_name if "." in module_name else f"{module_name}.sys")
    return function_of_file(path, image, name)


@command("bu", "MODULE!FUNCTION", windbg="bu", machine=False)
def bu(arguments):
    """A breakpoint on a function of a driver, whether the driver is loaded or not.

    The function is looked up in the driver's file at once, so a wrong name is told at once; the breakpoint takes effect whenever
    the driver is in memory. It is an ordinary breakpoint of gdb's: `info breakpoints`, `condition`, `commands` and `delete` know it."""
    if len(arguments) != 1 or arguments[0].count("!") != 1:
        raise usage()
    module, name = arguments[0].split("!")
    if module.lower() == "nt":
        gdb.Breakpoint(function=name)  # routines in assembly have no source file
        return
    try:
        found = function_in(module, name)
    except NtError as error:
        raise NtError(f"{module}: {error}") from None
    if found is None:
        raise NtError(f"{module} has no function {name}")
    gdb.Breakpoint(source=found[0], function=found[1])
