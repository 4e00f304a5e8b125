"""Make the kernel's export table and the import libraries' definitions from the exports.lst files.

usage: exports.py OUTPUT-FOLDER exports.lst...

A line of a list is one export; '#' starts a comment:

    Name            a routine of ntoskrnl.exe
    Name DATA       a variable of ntoskrnl.exe
    Name HAL        a routine of hal.dll
    Alias = Name    the symbol Name of the kernel, exported as Alias (with or without DATA or HAL after it)

Writes exports.asm (the sorted table that kernel/inc/exporttable.h declares), ntoskrnl.def and hal.def. A name that the
kernel does not define fails when the kernel is linked, so no list can promise what does not exist.
"""

import re
import sys
from pathlib import Path

LINE = re.compile(r"(?:(?P<alias>\w+)\s*=\s*)?(?P<symbol>\w+)((?:\s+(?:DATA|HAL))*)$")


def read_list(path):
    """Yield (exported name, kernel symbol, flags, place) for each line of one list."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = LINE.match(text)
        if not match:
            sys.exit(f"{path}:{number}: not an export: {text}")
        symbol = match["symbol"]
        yield match["alias"] or symbol, symbol, set(match[3].split()), f"{path}:{number}"


def read_all(paths):
    """All exports by name, sorted as strcmp sorts, with a name that stands twice refused."""
    exports = {}
    for path in paths:
        for name, symbol, flags, place in read_list(Path(path)):
            if name in exports:
                sys.exit(f"{place}: {name} is exported already by {exports[name][2]}")
            exports[name] = (symbol, flags, place)
    return sorted(exports.items(), key=lambda item: item[0].encode())


def write_table(path, exports):
    out = ["; Generated from the exports.lst files. Layout: kernel/inc/exporttable.h.", "bits 64"]
    out += [f"extern ${symbol}" for symbol in sorted({entry[0] for _, entry in exports})]
    out += ["section .rodata align=8", "global LdrExportTable", "LdrExportTable:"]
    for number, (_, (symbol, flags, _)) in enumerate(exports):
        out.append(f"    dq name{number}, ${symbol}")
        out.append(f"    dd {int('HAL' in flags)}, {int('DATA' in flags)}")
    out += ["global LdrExportCount", f"LdrExportCount: dd {len(exports)}"]
    out += [f"name{number}: db '{name}', 0" for number, (name, _) in enumerate(exports)]
    path.write_text("\n".join(out) + "\n")


def write_definitions(path, library, exports):
    lines = [f"LIBRARY {library}", "EXPORTS"]
    # CONSTANT defines Name as well as __imp_Name: headers declare some variables without dllimport, as pointers to what is
    # exported, and then mean the slot of the import table itself.
    lines += [f"    {name}" + (" CONSTANT" if "DATA" in flags else "") for name, (_, flags, _) in exports]
    path.write_text("\n".join(lines) + "\n")


def main():
    folder, exports = Path(sys.argv[1]), read_all(sys.argv[2:])
    write_table(folder / "exports.asm", exports)
    write_definitions(folder / "ntoskrnl.def", "ntoskrnl.exe", [e for e in exports if "HAL" not in e[1][1]])
    write_definitions(folder / "hal.def", "hal.dll", [e for e in exports if "HAL" in e[1][1]])


main()
