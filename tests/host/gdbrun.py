"""gdb in batch mode, as a person has it: with the kernel's symbols and commands, and a machine or a dump in front of it.

    with machine(smp=2) as (console, stub):             # at its prompt; gdb may come to `stub`
        answers = ask(f"target remote {stub}", ["nt vm", "nt irp 0"])
"""

import contextlib
import subprocess
import tempfile
from pathlib import Path

import qemu
import shell

MARK = "--- gdbrun ---"


@contextlib.contextmanager
def machine(**settings):
    """A machine at its prompt, and the address of QEMU's stub for gdb."""
    with tempfile.TemporaryDirectory(prefix="etude-gdb-") as folder:
        stub = Path(folder) / "gdb"
        extra = ("-chardev", f"socket,id=gdb,path={stub},server=on,wait=off", "-gdb", "chardev:gdb")
        with shell.boot(qemu_extra=extra, **settings) as console:
            yield console, stub


def ask(target, commands, timeout=120):
    """What gdb says to each command, errors included, once it has done `target`. A command may be several, a list."""
    script = [target]
    for each in (*commands, ()):
        script += [rf"echo \n{MARK}\n"] + ([each] if isinstance(each, str) else list(each))
    arguments = qemu.gdb_command(*script)
    arguments[1:2] = ["-q", "-batch", "-nx"]
    process = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=timeout, cwd=qemu.ROOT)
    answers = process.stdout.split(f"{MARK}\n")
    assert len(answers) == len(commands) + 2, process.stdout
    return [each.rstrip("\n") for each in answers[1:-1]]
