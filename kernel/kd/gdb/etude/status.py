"""Names of NTSTATUS values, Win32 errors and bugcheck codes, from the headers that define them for drivers."""

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
DDK = ROOT / "lib/ddk"


def constants(pattern, *files):
    """value -> the first name that the headers give it."""
    found = {}
    for file in files:
        for name, value in re.findall(pattern, file.read_text(), re.MULTILINE):
            found.setdefault(int(value, 16), name)
    return found


@functools.cache
def statuses():
    pattern = r"^#define (\w+) \(\(NTSTATUS\)(0x[0-9A-Fa-f]+)"
    return constants(pattern, DDK / "ntstatus.h", *sorted((DDK / "nt").glob("status_*.h")))


@functools.cache
def bugcodes():
    return constants(r"^#define (\w+) (0x[0-9A-Fa-f]+)", DDK / "bugcodes.h")


def status_name(value):
    """ "STATUS_PENDING", or None."""
    return statuses().get(int(value) & 0xFFFFFFFF)


def format_status(value):
    """ "0x00000103 STATUS_PENDING"."""
    value = int(value) & 0xFFFFFFFF
    return f"0x{value:08x} {statuses().get(value, '')}".rstrip()
