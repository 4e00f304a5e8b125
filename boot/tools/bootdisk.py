"""Write the boot disk: a cpio archive in newc format, the same bytes for the same contents.

usage: bootdisk.py OUTPUT LIST

LIST is a file of words NAME=FILE. Only names, sizes and contents are recorded; owners, times and inode numbers are zero, apart from
the file type.
"""

import sys
from pathlib import Path

TRAILER = "TRAILER!!!"
REGULAR_FILE = 0o100444


def member(name, data, mode=REGULAR_FILE):
    """One archive member: header, name and data, the last two padded to four bytes."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return pad(header) + pad(data)


def pad(data):
    return data + bytes(-len(data) % 4)


def archive(members):
    """A whole archive of (name, data) pairs, in the order given."""
    return b"".join(member(name, data) for name, data in members) + member(TRAILER, b"", mode=0)


def extend(disk, members):
    """The archive with more members. They come first, so one of a name that exists already replaces that."""
    more = archive(members)
    return more[: more.rindex(member(TRAILER, b"", mode=0))] + disk


def main():
    pairs = [argument.split("=", 1) for argument in Path(sys.argv[2]).read_text().split()]
    Path(sys.argv[1]).write_bytes(archive((name, Path(file).read_bytes()) for name, file in sorted(pairs)))


if __name__ == "__main__":
    main()
