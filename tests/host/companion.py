"""The sessions in docs/companion.md: run them, compare what the page shows with what comes, or write it anew.

Every chapter (a heading of two #) is one machine with two processors; a session that ends in a bugcheck is the end of that machine, and
the next one has a new one. Output is indented by four spaces below its command. In it

    ...             stands for any lines, and stays where it is when the page is written anew
    digits          are compared as "some number", addresses too: they differ from run to run

usage: companion.py --update    runs every command and writes the page's output anew
"""

import re
import sys
from dataclasses import dataclass, field

import qemu

PAGE = qemu.ROOT / "docs/companion.md"
ENDS = ("bugcheck", "notmyfault ")
PROMPT = "    etude> "
NUMBER = re.compile(r"\b0x[0-9A-Fa-f]+\b|\b[0-9A-Fa-f]*\d[0-9A-Fa-f.]*\b|\b[0-9A-F]{8,}\b")


@dataclass
class Command:
    """A command as the page shows it."""

    text: str
    line: int  # in the page
    shown: list = field(default_factory=list)


def ends(command):
    """Whether it ends the machine: a crash."""
    return command.startswith(ENDS) and command not in ("notmyfault", "notmyfault timer") and "leak" not in command


def machines(lines):
    """The commands of the page, a list for each machine."""
    found, last = [[]], None
    for number, line in enumerate(lines):
        if line.startswith("## ") and found[-1]:
            found.append([])
        if line.startswith(PROMPT):
            last = Command(line[len(PROMPT) :].rstrip(), number)
            found[-1].append(last)
        elif last and line.startswith("    "):
            last.shown.append(line[4:].rstrip())
        elif last and line.strip():
            if ends(last.text):
                found.append([])
            last = None
        elif last and last.shown:
            last.shown.append("")
    return [commands for commands in found if commands]


def run(commands):
    """What came after each command, as lists of lines."""
    text = "; ".join(command.text for command in commands)
    result = qemu.execute(text, smp=2, timeout=120)
    pieces = result.output.replace("\r", "").split("\netude> ")[1:]
    outputs = []
    for command, piece in zip(commands, pieces):
        echoed, _, output = piece.partition("\n")
        assert echoed.strip() == command.text, f"{echoed!r} instead of {command.text!r}"
        outputs.append([line.rstrip() for line in output.rstrip("\n").split("\n")] if output.strip() else [])
    outputs += [["(did not run)"]] * (len(commands) - len(outputs))
    return outputs


def pattern(line):
    """A line with every number and every run of spaces made one sign."""
    return re.sub(r" +", " ", NUMBER.sub("#", line)).strip()


def matches(shown, output):
    """Whether the lines shown are those of the output, "..." being any."""
    shown = [pattern(line) if line != "..." else line for line in shown if line]
    output = [pattern(line) for line in output if line]
    at, free = 0, False
    for line in shown:
        if line == "...":
            free = True
            continue
        while free and at < len(output) and output[at] != line:
            at += 1
        if at == len(output) or output[at] != line:
            return False
        at, free = at + 1, False
    return free or at == len(output)


def rewritten(shown, output):
    """The output with what the page left out left out again: the lines after each "..." are looked for by their pattern."""
    if "..." not in shown:
        return output
    result, at = [], 0
    for index, line in enumerate(shown):
        if line == "...":
            follow = next((pattern(text) for text in shown[index + 1 :] if text and text != "..."), None)
            result.append("...")
            while at < len(output) and (follow is None or pattern(output[at]) != follow):
                at += 1
        elif at < len(output):
            result.append(output[at])
            at += 1
    return result


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
