"""enumtag: what drivers have saved of themselves in a crash."""

from .command import NtError, command, usage, write
from .memory import c_string, read, variable
from .printers import guid

ROW = 16


def records():
    """(GUID, driver's name for itself, address, length) of each piece of data."""
    table, count = variable("KiSecondaryData"), int(variable("KiSecondaryCount"))
    for index in range(min(count, table.type.range()[1] + 1)):
        each = table[index]
        yield guid(each["Guid"]), c_string(each["Component"]), int(each["Data"]) & 0xFFFFFFFFFFFFFFFF, int(each["Length"])


def lines(data):
    for start in range(0, len(data), ROW):
        row = data[start : start + ROW]
        text = "".join(chr(each) if 32 <= each < 127 else "." for each in row)
        yield f"{row.hex(' '):{3 * ROW}} {text}"


@command("enumtag", windbg=".enumtag")
def enumtag(arguments):
    """The data that drivers' KbCallbackSecondaryDumpData routines have saved in a crash, each with its GUID."""
    if arguments:
        raise usage()
    found = list(records())
    if not found:
        raise NtError("no driver has saved anything")
    for identity, component, address, length in found:
        write(f"{identity} - {length:#x} bytes at {address:016x}, of {component}")
        for line in lines(read(address, length)):
            write(f"  {line}")
        write()
