"""Memory that has been read once is not asked for again while the machine stands: gdb keeps it, if it is told that it may.

A command that walks lists reads the same types, names and tables again and again; over a serial line each time takes its time. gdb
forgets all of it when the machine goes on. Devices, whose registers change by themselves, are not to be looked at through the
kernel's stub anyway; under QEMU's `maintenance flush dcache` makes gdb ask again.
"""

import gdb

KERNEL_HALF = 0xFFFF800000000000
LINE = 512  # bytes that are asked for at a time: not long for a line of 115200 baud, not short for an emulator that answers at once

gdb.execute("set mem inaccessible-by-default off", to_string=True)
gdb.execute(f"set dcache line-size {LINE}", to_string=True)
gdb.execute(f"mem {KERNEL_HALF:#x} 0 rw cache", to_string=True)

# What it writes gdb keeps right itself, but only where it was written: the same page is also in the direct map.
gdb.events.memory_changed.connect(lambda event: gdb.execute("maintenance flush dcache", to_string=True))
