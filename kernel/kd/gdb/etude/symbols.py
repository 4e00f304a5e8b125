"""Drivers' symbols: loaded when a driver is, before its first instruction, and gone with it.

The kernel calls LdrpTellDebugger, which does nothing, when a module has entered its table or left it; a breakpoint that stops
nobody stands there. What gdb has is then made equal to the table. The same happens when gdb meets a machine that runs already,
or a dump: at the first stop, or before the first `nt` command.

A driver's file is looked for in the symbol path: the folders of the kernel's build, and what `nt sympath` adds. It is NAME.dbg, or
the .sys itself when it carries DWARF, and must be of the same build as what is in memory.
"""

import bisect
from dataclasses import dataclass
from pathlib import Path

import gdb

from . import image
from .command import BEFORE, NtError, command, usage, write
from .memory import is_readable, kernel_file, try_read
from .module import NAMERS, modules

HOOK = "LdrpTellDebugger"
BUILD_FOLDERS = ("drivers", "tests", "bench")
SAMPLES = ("KiSystemStartup", "KeBugCheckEx", "LdrFindModule")  # code that tells builds apart
SAMPLE_SIZE = 64
HEADERS = 0x400  # bytes that hold a driver's headers


@dataclass
class Loaded:
    """What gdb knows of a module in the target."""

    module: object
    path: Path = None  # of the symbols, None: there are none
    names: list = None  # (relative address, name), sorted, of what the image's own table names
    code: int = 0  # an address by which gdb finds them again
    why: str = ""  # there are none


class Hook(gdb.Breakpoint):
    """Stops nobody."""

    def __init__(self, symbols, kind):
        super().__init__(HOOK, type=kind, internal=True)
        self.silent = True
        self.symbols = symbols

    def stop(self):
        self.symbols.update()
        return False


class Symbols:
    """Which symbols gdb has, and for what."""

    def __init__(self):
        self.extra = []
        self.loaded = {}  # base -> Loaded
        self.connection = None  # what `loaded` was last compared with
        self.compared = False  # the kernel in memory with that of the symbols
        self.hook = None

    def folders(self):
        build = Path(kernel_file().filename).parent
        return self.extra + [build / each for each in BUILD_FOLDERS]

    def candidates(self, name):
        """Files that may hold the symbols of a module, "beep.sys"."""
        for folder in self.folders():
            stem = name.rsplit(".", 1)[0]
            yield from (path for path in (folder / f"{stem}.dbg", folder / name) if path.is_file())

    def find(self, name, memory=None):
        """(path, Image) of a module's symbols. memory: the Image that is loaded, when that can be read; NtError: none fits."""
        why = "no file with symbols in the symbol path"
        for path in self.candidates(name):
            data = path.read_bytes()
            if not image.has_debug_information(data):
                continue
            found = image.parse(data)
            if memory is None or found.same_build(memory):
                return path, found
            why = f"{path} is of another build"
        raise NtError(why)

    def load(self, module):
        """Give gdb the symbols of a module that is in memory."""
        each = Loaded(module)
        self.loaded[module.base] = each
        headers = try_read(module.base, HEADERS)
        try:
            each.path, found = self.find(module.name, image.parse(headers) if headers else None)
        except NtError as error:
            each.why = str(error)
            return
        each.code = module.base + found.code
        each.names = image.symbols(each.path.read_bytes())
        gdb.execute(f"add-symbol-file '{each.path}' -o {module.base - found.base:#x}", to_string=True)

    def unload(self, base):
        each = self.loaded.pop(base)
        if each.path:
            gdb.execute(f"remove-symbol-file -a {each.code:#x}", to_string=True)

    def update(self):
        """Make gdb's symbols those of the modules in memory."""
        try:
            present = {each.base: each for each in modules()[1:]}
        except (gdb.error, NtError):
            present = {}  # the machine has not come so far
        for base in list(self.loaded):
            if present.get(base) != self.loaded[base].module:
                self.unload(base)
        for base, module in present.items():
            if base not in self.loaded:
                self.load(module)

    def meet(self):
        """Once for each machine or dump that gdb is connected with: learn what is there, and watch it."""
        inferior = gdb.selected_inferior()
        if inferior.connection is None or kernel_is_absent():
            return
        if not self.compared:
            self.compare()
        if inferior.connection == self.connection:
            return
        self.connection = inferior.connection
        self.update()
        if inferior.connection.type != "core" and self.hook is None:
            # Before the kernel's pages are mapped only the processor itself can watch an address.
            address = int(gdb.parse_and_eval(f"(unsigned long)&{HOOK}"))
            self.hook = Hook(self, gdb.BP_BREAKPOINT if is_readable(address) else gdb.BP_HARDWARE_BREAKPOINT)

    def forget(self):
        """The connection has ended. Nothing else is touched: what it had cannot be asked any more."""
        self.connection, self.compared = None, False

    def compare(self):
        """Warn when the kernel in memory, as soon as there is one, is another build than gdb's symbols are for."""
        same = is_same_kernel()
        self.compared = same is not None
        if same is False:
            write(f"warning: the kernel in memory is not {kernel_file().filename}: what symbols say is wrong")


def is_same_kernel():
    """Whether gdb's symbols are for the kernel in memory. None: there is none yet."""
    same = None
    for name in SAMPLES:
        address = int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
        there = try_read(address, SAMPLE_SIZE)
        with gdb.with_parameter("trust-readonly-sections", True):
            wanted = try_read(address, SAMPLE_SIZE)
        if there is not None:
            same = same is not False and there == wanted
    return same


def kernel_is_absent():
    """Whether gdb's symbols are not those of Etude's kernel."""
    try:
        return kernel_file().lookup_static_symbol(HOOK) is None
    except NtError:
        return True


SYMBOLS = Symbols()


def find_loaded(address):
    """The driver that an address lies in, by what is known already, without asking the target; or None."""
    found = (each.module for each in SYMBOLS.loaded.values())
    return next((each for each in found if each.base <= address < each.end), None)


def symbols_of(module):
    """The Loaded of a module, or None."""
    return SYMBOLS.loaded.get(module.base)


def find_in_image(module, address):
    """(name, offset) by the symbol table of a driver's image, which knows variables that gdb does not place: those behind what
    the file has of a section. None: there is none."""
    loaded = symbols_of(module)
    names = loaded.names if loaded else None
    at = bisect.bisect_right(names, (address - module.base, "\uffff")) - 1 if names else -1
    return (names[at][1], address - module.base - names[at][0]) if at >= 0 else None


NAMERS.append(find_in_image)


def meet_dump(event):
    """A dump never stops; gdb tells of its threads while it opens it. A machine's cannot be asked so early."""
    connection = event.inferior_thread.inferior.connection
    if connection is not None and connection.type == "core":
        SYMBOLS.meet()


BEFORE.append(SYMBOLS.meet)
gdb.events.stop.connect(lambda event: SYMBOLS.meet())
gdb.events.new_thread.connect(meet_dump)
gdb.events.before_prompt.connect(lambda: gdb.selected_thread() is not None and SYMBOLS.meet())
gdb.events.connection_removed.connect(lambda event: SYMBOLS.forget())


@command("sympath", "[+]FOLDER...", windbg=".sympath", machine=False)
def sympath(arguments):
    """Where drivers' symbols are looked for; with + another folder more, without one these instead.

    The folders of the kernel's build come last and always. `nt reload` looks again for what was not found."""
    if arguments:
        added = [Path(each.lstrip("+")).expanduser().resolve() for each in arguments]
        missing = [each for each in added if not each.is_dir()]
        if missing:
            raise NtError(f"{missing[0]} is not a folder")
        SYMBOLS.extra = added + (SYMBOLS.extra if arguments[0].startswith("+") else [])
    for each in SYMBOLS.folders():
        write(str(each))


@command("reload", windbg=".reload")
def reload(arguments):
    """Load all drivers' symbols again, as files and symbol path are now."""
    if arguments:
        raise usage()
    for base in list(SYMBOLS.loaded):
        SYMBOLS.unload(base)
    SYMBOLS.update()
    for each in SYMBOLS.loaded.values():
        write(f"{each.module.name:24} {each.path or each.why}")
