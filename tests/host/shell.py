"""Type at Etude's console as a person would, over the emulated serial port.

    with shell.boot(smp=2) as console:
        text = console.run("cpus")

run returns what the command printed. A bugcheck, the end of QEMU or silence raises Lost, with the last of what was seen.
"""

import contextlib
import os
import re
import time

import pexpect

import qemu

STOP = "*** STOP"  # how a bugcheck begins
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Lost(AssertionError):
    """The console no longer answers."""


class Console:
    """The prompt of a running machine."""

    def __init__(self, child):
        self.child = child
        self.child.delaybeforesend = None
        self.text = ""  # everything seen

    def wait(self, *texts, timeout=-1):
        """Read until one of the texts appears; its index. The text before it is returned too."""
        try:
            index = self.child.expect_exact([STOP, *texts], timeout=timeout)
        except (pexpect.EOF, pexpect.TIMEOUT) as lost:
            self.text += self.child.before or ""
            raise Lost(f"{type(lost).__name__} while waiting for {texts}; last seen:\n{self.text[-3000:]}") from None
        before = COLOURS.sub("", self.child.before.replace("\r", ""))
        self.text += before + self.child.after
        if index == 0:
            raise Lost(f"bugcheck; last seen:\n{self.text[-2000:]}{self.rest()}")
        return index - 1, before

    def rest(self, seconds=3):
        """What still comes until there is silence."""
        with contextlib.suppress(pexpect.EOF, pexpect.TIMEOUT):
            self.child.expect(r"\Zx", timeout=seconds)
        return self.child.before or ""

    def prompt(self, timeout=-1):
        return self.wait(qemu.PROMPT, timeout=timeout)[1]

    def type(self, line):
        """Send a line and read its echo."""
        self.child.send(line + "\r")
        self.wait("\n")

    def run(self, line, timeout=-1):
        """Run a command; its output, without the echo of the command and without the next prompt."""
        self.type(line)
        return self.prompt(timeout)

    def feed(self, data):
        """Send any bytes, in any number, and forget what comes back. `catch_up` comes next.

        What comes back is read along the way, or the terminal between here and QEMU would fill up.
        """
        for start in range(0, len(data), 16):
            os.write(self.child.child_fd, data[start : start + 16])
            with contextlib.suppress(pexpect.EOF, pexpect.TIMEOUT):
                while True:
                    self.text += self.child.read_nonblocking(65536, timeout=0)

    def catch_up(self):
        """Return when all that was fed has been dealt with, at the prompt; the line must be empty. Prompts and lines of any kind may
        have come of it, and silence tells nothing: so this waits for words that come of nothing else."""
        self.child.send("echo caught up\r")
        self.wait("\ncaught up\r")
        self.prompt()

    def ends(self, timeout=-1):
        """Wait for QEMU to end; its exit status."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout)
        except pexpect.TIMEOUT:
            raise Lost(f"QEMU has not ended; last seen:\n{self.child.before[-2000:]}") from None
        self.child.wait()  # its terminal is closed a moment before it has ended
        self.child.close()
        return self.child.exitstatus


def eventually(look, otherwise):
    """What `look` gives once it is something: what another thread or processor does is done some time."""
    deadline = time.monotonic() + qemu.PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def boot(timeout=qemu.PATIENCE, **settings):
    """A machine at its prompt; see qemu.Machine for the settings. It is switched off on leaving."""
    with qemu.console(timeout=timeout, **settings) as child:
        console = Console(child)
        console.banner = console.prompt()
        yield console
