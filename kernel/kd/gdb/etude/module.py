"""The kernel's module table, and names for addresses: "beep!BeepStartIo+0x1c"."""

import re
from dataclasses import dataclass

import gdb

from .command import NtError
from .memory import c_string, variable, walk


@dataclass(frozen=True)
class Module:
    """An image in memory."""

    name: str  # "beep.sys"; the kernel's is "nt"
    base: int
    size: int

    @property
    def stem(self):
        return self.name.rsplit(".", 1)[0]

    @property
    def end(self):
        return self.base + self.size


def unsigned(value):
    return int(value) & 0xFFFFFFFFFFFFFFFF


def module_of(slot):
    """The Module in a slot of the kernel's table; None when the slot is empty."""
    module = slot["Module"]
    module.fetch_lazy()
    base = unsigned(module["Base"])
    return Module(c_string(module["Name"]), base, int(module["Size"])) if base else None


def modules():
    """Modules in memory, the kernel first. The list is short to read over a serial line; when it is just being changed, or
    damaged, the table has the same at every moment."""
    try:
        found = [module_of(each) for each in walk(variable("PsLoadedModuleList"), "LDRP_SLOT", "Entry.InLoadOrderLinks", fetch=False)]
    except (NtError, gdb.MemoryError):
        table = variable("LdrpSlots")
        found = [module_of(table[index]) for index in range(table.type.range()[1] + 1)]
    return [each for each in found if each is not None]


def find_module(address, among=None):
    """The module that address lies in, or None."""
    for each in modules() if among is None else among:
        if each.base <= address < each.end:
            return each
    return None


SYMBOL = re.compile(r"(?P<name>\S+)(?: \+ (?P<offset>\d+))? in section (?P<section>\S+)(?: of (?P<file>.*))?")


def find_symbol(address):
    """(name, offset) of the symbol before address, from whatever symbols gdb has; or None."""
    match = SYMBOL.match(gdb.execute(f"info symbol {address:#x}", to_string=True))
    return (match["name"], int(match["offset"] or 0)) if match else None


NAMERS = []  # asked for a module's address when gdb has no symbol: (module, address) -> (name, offset) or None


class Namer:
    """Names addresses; keeps the module table for as long as it lives, which should be one command."""

    def __init__(self):
        try:
            self.modules = modules()
        except gdb.error:  # too early
            self.modules = []

    def __call__(self, address):
        """As the kernel's LdrFormatAddress: "nt!KeSetEvent+0x12", "beep+0x1000" without symbols, else the bare number."""
        address = unsigned(address)
        module = find_module(address, self.modules)
        if module is None:
            return f"{address:016x}"
        symbol = find_symbol(address)
        for ask in NAMERS if symbol is None else ():
            symbol = symbol or ask(module, address)
        return self.format(module, address, symbol)

    def caller(self, address):
        """The name of what a routine returns to: a call may be the last instruction of its caller."""
        address = unsigned(address)
        module, symbol = find_module(address, self.modules), find_symbol(address)
        before = find_symbol(address - 1) if symbol is None or symbol[1] == 0 else None
        if module is None or before is None:
            return self(address)
        return self.format(module, address, (before[0], before[1] + 1))

    def format(self, module, address, symbol):
        if symbol is None:
            return f"{module.stem}+{address - module.base:#x}"
        name, offset = symbol
        return f"{module.stem}!{name}" + (f"+{offset:#x}" if offset else "")


def name_of(address):
    """One name; for many, make a Namer."""
    return Namer()(address)
