"""A table of gdb's commands, typed at whatever there is to look at: a machine, through either stub, from its start, or a dump.

    answers = run("sc start booster; boost 12 17", ["break BoosterWrite", "continue", "nt thread"], smp=4, by="com2")
    assert "BoosterWrite" in answers["nt thread"]
    answers = look("core-file core", ["nt analyze"])

The machine of `run` stands still before its first instruction, as under `make debug`, or, when gdb comes over the serial line, where
the kernel begins to listen; the console commands run when gdb lets it go. gdb and QEMU talk over a socket in a folder of their own,
so any number of sessions may run at a time.

As a program it puts the table of gdb's commands into docs/debugging.md.
"""

import subprocess
import tempfile
import time
from pathlib import Path

import gdbrun
import qemu

WAITING = b"waiting for gdb"


def look(target, commands, timeout=qemu.PATIENCE, symbol_folders=()):
    """{command: what it printed}, once gdb has done `target`. Of one that is given again it is under "command #2"..."""
    answers, seen = {}, {}
    for command, text in zip(commands, gdbrun.ask(target, commands, timeout, symbol_folders)):
        seen[command] = seen.get(command, 0) + 1
        answers[command if seen[command] == 1 else f"{command} #{seen[command]}"] = text.strip("\n")
    return answers


def start(folder, by, machine):
    """(QEMU, where gdb finds a stub) of a machine that waits for gdb."""
    stub, log = Path(folder) / "gdb", Path(folder) / "serial.log"
    serial = ["-monitor", "none", "-serial", f"file:{log}"]
    if by == "qemu":
        return qemu.start_stopped(folder, stub, serial, machine, stdin=subprocess.DEVNULL), stub
    machine.debug_port, machine.cmdline = str(stub), f"break {machine.cmdline}"
    process = subprocess.Popen(qemu.qemu_command(machine, folder, serial), stdin=subprocess.DEVNULL)
    while process.poll() is None and not (log.exists() and WAITING in log.read_bytes()):
        time.sleep(0.02)
    return process, stub


def run(console_commands, commands, by="qemu", timeout=qemu.PATIENCE, symbol_folders=(), **settings):
    """Answers of gdb's commands, before a machine that runs the console's. by: "qemu", or "com2" for the kernel's own stub."""
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        process, stub = start(folder, by, qemu.Machine(commands=console_commands, **settings))
        try:
            return look(f"target remote {stub}", commands, timeout, symbol_folders)
        finally:
            process.kill()
            process.wait()


def table():
    """The rows of docs/debugging.md's table, as gdb's registry has them."""
    ask = "python import etude.command; print('\\n'.join(etude.command.table()))"
    return [row for row in look("echo", [ask])[ask].splitlines() if row.startswith("|")]


if __name__ == "__main__":
    document = qemu.ROOT / "docs/debugging.md"
    before, mark, after = document.read_text().rpartition("| WinDbg | gdb | |\n|---|---|---|\n")
    document.write_text(before + mark + "\n".join(table()) + after[after.index("\n\n") :])
