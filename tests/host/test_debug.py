"""Under `make debug` gdb stops where the kernel starts, in a driver's DriverEntry, in the driver's own source, and at Ctrl-C.
The commands themselves are test_gdb.py's."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pexpect

import qemu

DIALOGUE = r"""
break beep.c:DriverEntry
continue
info line
info symbol KeSetEvent
info symbol BeepStartIo
print DriverObject->Size == sizeof(DRIVER_OBJECT)
"""


PROGRAM = Path(__file__).with_name("qemu.py")


def test_breakpoint_in_a_driver_that_is_not_loaded_yet():
    process = subprocess.run([sys.executable, PROGRAM, "debug"], input=DIALOGUE, capture_output=True, text=True, timeout=qemu.PATIENCE)
    text = process.stdout
    assert "KiSystemStartup (" in text, text + process.stderr
    assert 'of "drivers/beep/beep.c"' in text, text + process.stderr
    assert "KeSetEvent in section .text of" in text and "BeepStartIo in section .text of" in text, text
    assert "$1 = 1" in text, text


def test_a_person_at_the_prompt():
    """Ctrl-C stops a machine that waits for input, more than once; the same gdb looks at it, lets it go on and ends it."""
    environment = os.environ | {"TERM": "dumb"}
    child = pexpect.spawn(sys.executable, [str(PROGRAM), "debug"], timeout=qemu.PATIENCE, encoding="utf-8", dimensions=(50, 200), env=environment)

    def type_in(line, *answers):
        child.expect_exact("(gdb) ")
        child.sendline(line)
        for each in answers:
            child.expect_exact(each)

    def run_and_interrupt(prompts):
        """Ctrl-C is for a machine that runs: on the way there gdb or QEMU may lose it. One that runs answers an empty line."""
        type_in("continue", "Continuing.")
        console.write(b"\r")
        deadline = time.monotonic() + qemu.PATIENCE
        while log.read_bytes().count(qemu.PROMPT.encode()) < prompts and time.monotonic() < deadline:
            time.sleep(0.02)
        child.sendintr()
        child.expect_exact("SIGINT")

    child.expect(r"redirected to (\S+) ")
    console = open(child.match[1], "wb", buffering=0)
    log = qemu.BUILD / "debug.log"
    try:
        child.expect_exact("KiSystemStartup (")
        type_in("set pagination off")
        type_in("tbreak ConsoleThread", "Temporary breakpoint")
        type_in("continue", "ConsoleThread (")
        run_and_interrupt(1)
        run_and_interrupt(3)
        type_in("nt process 0 0", "Image: System")
        type_in("kill")
        type_in("quit")
        child.expect(pexpect.EOF)
    finally:
        console.close()
        qemu.end(child)
