"""Names of numbers and flags, from the headers that define them for drivers: nobody keeps two lists. Needs no gdb."""

import functools
import re
from pathlib import Path

DDK = Path(__file__).resolve().parents[4] / "lib/ddk"
DEFINE = re.compile(r"^#define (\w+) \(?(0x[0-9A-Fa-f]+|[0-9]+)[UuLl]*\)?(?: *(?:/[*/].*)?)$", re.MULTILINE)


@functools.cache
def defines(header):
    """The plain numbers that lib/ddk/HEADER defines, in its order: name -> value."""
    text = (DDK / header).read_text()
    return {name: int(value, 0) for name, value in DEFINE.findall(text)}


@functools.cache
def names(header, pattern):
    """value -> the first name there that matches the whole pattern."""
    found = {}
    for name, value in defines(header).items():
        if re.fullmatch(pattern, name):
            found.setdefault(value, name)
    return found


def name_in(value, header, pattern, otherwise="N/A"):
    """The name of one number."""
    return names(header, pattern).get(int(value), otherwise)


def flags(value, header, pattern):
    """ "DO_BUFFERED_IO DO_DEVICE_HAS_NAME"; bits without a name are told as a number; "" for 0."""
    rest, words = int(value), []
    for bits, name in sorted(names(header, pattern).items()):
        if bits and rest & bits == bits:
            words.append(name)
            rest &= ~bits
    return " ".join(words + ([f"{rest:#x}"] if rest else []))


TYPES = "nt/io_types.h"


def major_name(value):
    """ "IRP_MJ_WRITE"."""
    return name_in(value, TYPES, r"IRP_MJ_(?!MAXIMUM|SCSI)\w+", "IRP_MJ_?")


def minor_name(major, value):
    """The name of a minor function, where the headers have one; else "N/A"."""
    if major_name(major) == "IRP_MJ_DIRECTORY_CONTROL":
        return name_in(value, "nt/io_file_types.h", r"IRP_MN_\w+")
    return "N/A"


def irp_flags(value):
    return flags(value, TYPES, r"IRP_(?!MJ_)\w+")


def device_flags(value):
    return flags(value, TYPES, r"DO_\w+")


def characteristics(value):
    return flags(value, TYPES, r"FILE_(?!\w*ALIGNMENT)\w+")


def file_flags(value):
    return flags(value, TYPES, r"FO_\w+")


def driver_flags(value):
    return flags(value, TYPES, r"DRVO_\w+")


def mdl_flags(value):
    return flags(value, "nt/mm_mdl.h", r"MDL_\w+")


def device_type(value):
    """ "FILE_DEVICE_UNKNOWN", or None."""
    return name_in(value, "nt/io_codes.h", r"FILE_DEVICE_\w+", None)
