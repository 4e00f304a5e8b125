"""Write an image's symbols as the sorted text that the kernel's debugger reads from the boot disk.

usage: symbols.py IMAGE OUTPUT

One line per symbol: sixteen hexadecimal digits, a blank, the name. For the kernel (ELF) the number is the virtual address,
for a driver (PE32+ with a COFF symbol table) it is the offset from the image's base.
"""

import struct
import subprocess
import sys
from pathlib import Path


def image_base(path):
    """What to subtract from addresses: 0 for ELF, the preferred base for PE32+."""
    data = path.read_bytes()
    if data[:2] != b"MZ":
        return 0
    (pe_offset,) = struct.unpack_from("<I", data, 0x3C)
    return struct.unpack_from("<Q", data, pe_offset + 24 + 24)[0]


def symbols(path):
    """(address, name) of each routine and variable, without compiler-made labels and import thunk pointers."""
    base = image_base(path)
    listing = subprocess.run(["llvm-nm", str(path)], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) != 3 or fields[1] not in "TtDdBbRr":
            continue
        address, name = int(fields[0], 16), fields[2]
        if address >= base and not name.startswith((".", "$", "__imp_", "__IMPORT", "__NULL_IMPORT", "??_C")):
            yield address - base, name


def main():
    found = sorted(set(symbols(Path(sys.argv[1]))))
    Path(sys.argv[2]).write_text("".join(f"{address:016x} {name}\n" for address, name in found))


main()
