"""Etude in gdb: WinDbg's commands as `nt NAME`, for a machine that runs, one under a stub, and a dump.

Every module of this package is imported when gdb reads the kernel's symbols (build/kernel.elf-gdb.py does it), and registers
what it has: commands by `@command` (command.py), pretty printers by `@printer` (printer.py). A new file needs no list.

Rules for all of it: the target is read, never written or called into, so that the same code works on a dump; whatever it
reads may be broken, so lists are bounded and every failure ends in one line, not in a traceback.
"""

import importlib
import pkgutil


def load():
    """Register everything."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
