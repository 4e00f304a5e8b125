"""The sessions in docs/companion.md: run them, compare what the page shows with what comes, or write it anew.

Every chapter (a heading of two #) is one machine, the reference machine with two processors. What is typed after a bugcheck is typed
on a new one, and so is the session below a line "make run SMP=2 CMDLINE=...", and what comes behind it. Output is indented by four
spaces below its command. In it

    ...             stands for any lines, and stays where it is when the page is written anew
    digits          are compared as "some number", addresses too: they differ from run to run

usage: companion.py --update    runs every command and writes the page's output anew
"""

import bisect
import itertools
import re
import sys
from dataclasses import dataclass, field

import qemu

PAGE = qemu.ROOT / "docs/companion.md"
PROMPT = "    etude> "
MAKE = re.compile(r"    make run SMP=2 CMDLINE=(\S+)$")
NUMBER = re.compile(r"\b0x[0-9A-Fa-f]+\b|\b[0-9A-Fa-f]*\d[0-9A-Fa-f.]*\b|\b[0-9A-F]{8,}\b")


@dataclass
class Command:
    """A command as the page shows it."""

    text: str
    line: int  # in the page
    cmdline: str = ""  # what its machine is started with
    shown: list = field(default_factory=list)


def machines(lines):
    """The commands of the page, a list for each machine."""
    found, last, cmdline = [[]], None, ""
    for number, line in enumerate(lines):
        if line.startswith("## ") and found[-1]:
            found.append([])
        if make := MAKE.match(line):
            last, cmdline = None, make[1]  # up to the next prose
        elif line.startswith(PROMPT):
            last = Command(line[len(PROMPT) :].rstrip(), number, cmdline)
            found[-1].append(last)
        elif last and line.startswith("    "):
            last.shown.append(line[4:].rstrip())
        elif last and line.strip():
            last, cmdline = None, ""
        elif last and last.shown:
            last.shown.append("")
    return [commands for commands in found if commands]


def spins(commands):
    """Those that have processors wait for each other or for time, and what else belongs to them."""
    drivers = {found[1] for command in commands if (found := re.match(r"sc create (\w+) .*c:\\tests\\", command.text))}
    own = re.compile(rf"verifier /driver bug_|notmyfault hangdpc$|sc \w+ (?:{'|'.join(drivers or '-')})(?!\w)")
    return [command for command in commands if own.match(command.text)]


def run(commands):
    """What came after each command, as lists of lines. Instructions are counted, so that two processors do everything in the same order
    each time; only what spins, as test drivers do, has machines in real time, or it would take minutes."""
    outputs, crashes, slow = {}, [], spins(commands)
    for chosen, icount in (slow, False), ([command for command in commands if command not in slow], True):
        # What comes behind a test driver's crash has a new machine here, too.
        behind = {command.line: bisect.bisect(crashes, command.line) for command in chosen}
        for (cmdline, _), group in itertools.groupby(chosen, key=lambda each: (each.cmdline, behind[each.line])):
            left = list(group)
            while left:
                came, stopped = run_until_bugcheck(left, cmdline, icount)
                outputs |= zip([command.line for command in left], came)
                if stopped and not icount:
                    crashes.append(left[len(came) - 1].line)
                left = left[len(came) :]
    return [outputs[command.line] for command in commands]


def run_until_bugcheck(commands, cmdline, icount):
    """The same on one machine: of fewer commands when one of them stops it; and whether one did."""
    settings = qemu.REFERENCE | {"smp": 2, "cmdline": cmdline, "icount": icount}
    result = qemu.execute("; ".join(command.text for command in commands), **settings)
    pieces = result.output.replace("\r", "").split("\netude> ")[1:]
    outputs = []
    for command, piece in zip(commands, pieces):
        echoed, _, output = piece.partition("\n")
        assert echoed.strip() == command.text, f"{echoed!r} instead of {command.text!r}"
        outputs.append([line.rstrip() for line in output.rstrip("\n").split("\n")] if output.strip() else [])
    stopped = result.status == qemu.STATUS_BUGCHECK and bool(outputs)
    assert len(outputs) == len(commands) or stopped, f"{result.explain()}\n{result.output}"
    return outputs, stopped


def pattern(line):
    """A line with every number and every run of spaces made one sign."""
    return re.sub(r" +", " ", NUMBER.sub("#", line)).strip()


def find(shown, output):
    """Where the blocks of lines between "..." stand in the output: a slice for each, in order; None: they do not. Without "..." at
    an end of what is shown it is the output's, too. Empty lines do not count."""
    blocks = [[]]
    for line in filter(None, shown):
        if line == "...":
            blocks.append([])
        else:
            blocks[-1].append(pattern(line))
    numbered = [(number, pattern(line)) for number, line in enumerate(output) if line]
    numbers, lines = [number for number, _ in numbered], [text for _, text in numbered]
    found, at = [], 0
    for index, block in enumerate(blocks):
        starts = range(at, len(lines) - len(block) + 1)
        if index == 0:
            starts = starts[:1]
        if index == len(blocks) - 1 and (block or index == 0):
            starts = [start for start in starts if start + len(block) == len(lines)]
        start = next((start for start in starts if lines[start : start + len(block)] == block), None)
        if start is None:
            return None
        at = start + len(block)
        if block:
            found.append(slice(numbers[start], numbers[at - 1] + 1))
    return found


def matches(shown, output):
    """Whether the lines shown are those of the output, "..." being any."""
    return find(shown, output) is not None


def rewritten(shown, output):
    """The output with what the page left out left out again; all of it when what the page shows is not there any more."""
    found = find(shown, output)
    if "..." not in shown or found is None:
        return output
    result = ["..."] if shown[0] == "..." else []
    for place in found:
        result += [*output[place], "..."]
    return result if [line for line in shown if line][-1] == "..." else result[:-1]


def update():
    lines = PAGE.read_text().splitlines()
    replaced = {}
    for commands in machines(lines):
        for command, output in zip(commands, run(commands)):
            replaced[command.line] = rewritten([line for line in command.shown], output)
    result, skipping = [], False
    for number, line in enumerate(lines):
        if number in replaced:
            result.append(line)
            result += [f"    {text}".rstrip() for text in replaced[number]]
            skipping = True
        elif skipping and line.startswith("    "):
            continue
        elif skipping and not line.strip() and continues(lines, number):
            continue
        else:
            skipping = False
            result.append(line)
    PAGE.write_text("\n".join(result) + "\n")


def continues(lines, number):
    """Whether output goes on after an empty line."""
    following = next((line for line in lines[number:] if line.strip()), "")
    return following.startswith("    ") and not following.startswith(PROMPT)


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
