"""Under `make debug` gdb stops where the kernel starts, and in a driver's DriverEntry, in the driver's own source."""

import subprocess
import sys
from pathlib import Path

DIALOGUE = r"""
break beep.c:DriverEntry
continue
info line
info symbol KeSetEvent
info symbol BeepStartIo
print DriverObject->Size == sizeof(DRIVER_OBJECT)
"""


def test_breakpoint_in_a_driver_that_is_not_loaded_yet():
    program = Path(__file__).with_name("qemu.py")
    process = subprocess.run([sys.executable, program, "debug"], input=DIALOGUE, capture_output=True, text=True, timeout=120)
    text = process.stdout
    assert "KiSystemStartup (" in text, text + process.stderr
    assert 'of "drivers/beep/beep.c"' in text, text + process.stderr
    assert "KeSetEvent in section .text of" in text and "BeepStartIo in section .text of" in text, text
    assert "$1 = 1" in text, text
