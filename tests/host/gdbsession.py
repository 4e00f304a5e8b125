"""Real gdb in batch mode on a machine of its own: what each of its commands printed.

    answers = run("sc start booster; boost 12 17", ["break BoosterWrite", "continue", "nt thread"], smp=4)
    assert "BoosterWrite" in answers["nt thread"]

The machine stands still before its first instruction, as under `make debug`; the console commands run when gdb lets it go. gdb
and QEMU talk over a socket in a folder of their own, so any number of sessions may run at a time.

As a program it puts the table of gdb's commands into docs/debugging.md.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import qemu

MARK = ">>> "


def split(commands, output):
    """{command: what it printed}. A command that is given several times has a list's worth of text under "command #2"..."""
    answers, seen = {}, {}
    pieces = re.split(rf"^{MARK}(\d+)$", output, flags=re.MULTILINE)
    for number, text in zip(pieces[1::2], pieces[2::2]):
        command = commands[int(number)]
        seen[command] = seen.get(command, 0) + 1
        answers[command if seen[command] == 1 else f"{command} #{seen[command]}"] = text.strip("\n")
    return answers


def batch(setup, commands, timeout, symbol_folders=()):
    """gdb's answers. setup: commands whose answers nobody wants."""
    marked = [each for number, command in enumerate(commands) for each in (rf"echo \n{MARK}{number}\n", command)]
    arguments = qemu.gdb_command("set width 0", "set height 0", *setup, *marked, symbol_folders=symbol_folders)
    gdb = [arguments[0], "-batch", "-nx", *arguments[1:]]
    process = subprocess.run(gdb, cwd=qemu.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    return split(commands, process.stdout.decode(errors="replace"))


def run(console_commands, commands, timeout=120, symbol_folders=(), **settings):
    """Answers of gdb's commands, before a machine that runs the console's."""
    with tempfile.TemporaryDirectory(prefix="etude-") as folder:
        stub = Path(folder) / "gdb"
        machine = qemu.Machine(commands=console_commands, **settings)
        serial = ["-monitor", "none", "-serial", f"file:{folder}/serial.log"]
        process = qemu.start_stopped(folder, stub, serial, machine, stdin=subprocess.DEVNULL)
        try:
            return batch([f"target remote {stub}"], commands, timeout, symbol_folders)
        finally:
            process.kill()
            process.wait()


def table():
    """The rows of docs/debugging.md's table, as gdb's registry has them."""
    ask = "python import etude.command; print('\\n'.join(etude.command.table()))"
    return [row for row in batch([], [ask], timeout=60)[ask].splitlines() if row.startswith("|")]


if __name__ == "__main__":
    document = qemu.ROOT / "docs/debugging.md"
    before, mark, after = document.read_text().rpartition("| WinDbg | gdb | |\n|---|---|---|\n")
    document.write_text(before + mark + "\n".join(table()) + after[after.index("\n\n") :])
