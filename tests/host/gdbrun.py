"""gdb as a person has it: with the kernel's symbols and commands, and a machine or a dump in front of it.

    with machine(smp=2) as (console, stub):             # at its prompt; gdb may come to `stub`
        answers = ask(f"target remote {stub}", ["nt vm", "nt irp 0"])   # in batch mode
        with session(stub) as gdb:                      # command by command, with the machine running in between
            gdb.run("nt bu booster!BoosterWrite")
"""

import contextlib
import subprocess
import tempfile
from pathlib import Path

import pexpect

import qemu
import shell

MARK = "--- gdbrun ---"
PROMPT = "(nt-gdb) "


@contextlib.contextmanager
def machine(by="qemu", **settings):
    """A machine at its prompt, and where gdb finds a stub: that of QEMU, or that of the kernel on COM2 ("com2")."""
    with tempfile.TemporaryDirectory(prefix="etude-gdb-") as folder:
        stub = Path(folder) / "gdb"
        if by == "qemu":
            settings["qemu_extra"] = ("-chardev", f"socket,id=gdb,path={stub},server=on,wait=off", "-gdb", "chardev:gdb")
        else:
            settings["debug_port"] = str(stub)
        with shell.boot(**settings) as console:
            yield console, stub


@contextlib.contextmanager
def session(stub, timeout=qemu.PATIENCE):
    """gdb at its prompt, in front of a machine that it has stopped; `type` a command to it."""
    command = gdb_arguments([f"target remote {stub}"], batch=False)
    child = pexpect.spawn(command[0], command[1:], timeout=timeout, encoding="utf-8", cwd=qemu.ROOT, dimensions=(24, 500))
    child.delaybeforesend = None
    try:
        yield Session(child)
    finally:
        qemu.end(child)


class Session:
    """A person at gdb's prompt."""

    def __init__(self, child):
        self.child = child
        self.answer()

    def answer(self):
        """What gdb says up to its next prompt."""
        self.child.expect_exact(PROMPT)
        return shell.COLOURS.sub("", self.child.before).replace("\r", "").strip()

    def type(self, command):
        self.child.sendline(command)
        self.child.expect_exact(command)

    def run(self, command):
        """What gdb says to a command that ends."""
        self.type(command)
        return self.answer()

    def let_go(self, command="continue"):
        """The machine runs; until it stops, gdb says nothing, and then `answer` has it."""
        self.type(command)
        self.child.expect_exact("Continuing.")


def gdb_arguments(script, batch, symbol_folders=()):
    setup = "set pagination off", "set width 0", "set style enabled off", f"set prompt {PROMPT}"
    arguments = qemu.gdb_command(*setup, *script, symbol_folders=symbol_folders)
    arguments[1:2] = ["-q", "-nx"] + ["-batch"] * batch
    return arguments


def ask(target, commands, timeout=qemu.PATIENCE, symbol_folders=()):
    """What gdb says to each command, errors included, once it has done `target`. A command may be several, a list."""
    script = [target]
    for each in (*commands, ()):
        script += [rf"echo \n{MARK}\n"] + ([each] if isinstance(each, str) else list(each))
    arguments = gdb_arguments(script, batch=True, symbol_folders=symbol_folders)
    process = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=timeout, cwd=qemu.ROOT)
    answers = process.stdout.split(f"{MARK}\n")
    assert len(answers) == len(commands) + 2, process.stdout
    return [each.rstrip("\n") for each in answers[1:-1]]
