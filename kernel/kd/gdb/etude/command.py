"""How a WinDbg command becomes `nt NAME` in gdb.

    @command("irp", "ADDRESS [1]")
    def irp(arguments):
        \"\"\"A request with its stack locations.

        Further paragraphs are what `help nt irp` shows.\"\"\"
        write(...)

`arguments` are the words typed. `COMMANDS` is the registry from which docs/debugging.md's table comes (`table`).
"""

import inspect
import re
import shlex
from dataclasses import dataclass

import gdb

HELP_COLUMN = 40  # what a command's name and arguments may take before its summary
COMMANDS = {}
NOT_YET = "the kernel has not come so far: `hbreak KiPhase1` and `continue` come first"
BEFORE = []  # called before each command that needs a machine


class NtError(Exception):
    """What the person is told in place of the command's answer: one line."""


@dataclass
class Command:
    """A registered command."""

    name: str
    usage: str
    windbg: str
    machine: bool
    function: object

    @property
    def help(self):
        return inspect.cleandoc(self.function.__doc__)

    @property
    def summary(self):
        return self.help.split("\n\n")[0].replace("\n", " ")

    @property
    def form(self):
        return f"nt {self.name} {self.usage}".strip()


class Prefix(gdb.Command):
    """Commands that know Etude's structures, named as WinDbg's are without the exclamation mark.

    Numbers are hexadecimal as in WinDbg (0n10 is decimal); everything else is a gdb expression."""

    def __init__(self):
        super().__init__("nt", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError(f'nt: there is no command "{argument.split()[0]}"; "nt help" lists them.')
        run(COMMANDS["help"], "")


Prefix()


def write(text=""):
    """A line of output; safe for any text."""
    gdb.write(f"{text}\n")


def usage():
    """Raise this from a command whose arguments make no sense."""
    return NtError("")


def has_machine():
    """Whether there is memory to look at: a running machine or a dump, not just the kernel's file."""
    return gdb.selected_thread() is not None


def words(argument):
    """The words typed. Quotes keep blanks in a word; a backslash is a letter like any other: \\Driver\\Beep."""
    lexer = shlex.shlex(argument, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise NtError("a quotation mark is missing") from None


def is_starting():
    """The kernel is not in memory yet, or has not made the first things that the commands show."""
    from .memory import variable  # which is built on this file

    try:
        return int(variable("PsInitialSystemProcess")) == 0
    except (NtError, gdb.error):
        return True


def run(each, argument):
    """Call a command; every failure becomes the one line that gdb shows."""
    try:
        if each.machine and not has_machine():
            raise NtError('there is no machine: "target remote ..." or "core-file ..." comes first')
        for prepare in BEFORE if each.machine else ():
            prepare()
        each.function(words(argument))
    except NtError as error:
        raise gdb.GdbError(f"nt {each.name}: {error}" if str(error) else f"usage: {each.form}") from None
    except gdb.MemoryError as error:
        text = NOT_YET if is_starting() else f"{str(error)[0].lower()}{str(error)[1:]}"
        raise gdb.GdbError(f"nt {each.name}: {text}") from None
    except gdb.error as error:
        raise gdb.GdbError(f"nt {each.name}: {error}") from None
    except Exception as error:  # a mistake in the command: shown whole to whoever asks for it
        if gdb.parameter("python print-stack") == "full":
            raise
        raise gdb.GdbError(f"nt {each.name}: {type(error).__name__}: {error}") from None


def install(each):
    """Make gdb know it. gdb takes the help from the class's documentation."""

    def invoke(self, argument, from_tty):
        run(each, argument)

    text = f"{each.help}\n\nUsage: {each.form}" + (f"\nWinDbg: {each.windbg}" if each.windbg else "")
    kind = type(f"Nt_{each.name}", (gdb.Command,), {"__doc__": text, "invoke": invoke})
    kind(f"nt {each.name}", gdb.COMMAND_DATA)


def command(name, usage="", windbg=None, machine=True):
    """Decorator. windbg: its spelling there when that is not !name, "" when WinDbg has no such command. machine: it needs a
    machine or a dump, not only symbols."""

    def register(function):
        each = Command(name, usage, f"!{name}" if windbg is None else windbg, machine, function)
        COMMANDS[name] = each
        install(each)
        return function

    return register


NUMBER = re.compile(r"(0x)?[0-9a-f`]+$", re.IGNORECASE)
DECIMAL = re.compile(r"0n[0-9]+$")
QUALIFIED = re.compile(r"\b[A-Za-z_]\w*!(?=[A-Za-z_])")


def expression(text):
    """A gdb.Value for what was typed: a number as WinDbg reads it, or an expression of gdb's in which WinDbg's module!symbol
    and @register are understood."""
    if DECIMAL.match(text):
        return gdb.Value(int(text[2:]))
    if NUMBER.match(text):
        return gdb.Value(int(text.replace("`", ""), 16)).cast(gdb.lookup_type("unsigned long"))
    try:
        return gdb.parse_and_eval(QUALIFIED.sub("", text).replace("@", "$"))
    except gdb.error as error:
        raise NtError(f"{text}: {error}") from None


def number(text):
    """The same as an int without sign. An array or structure counts as its address."""
    value = expression(text)
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION, gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_FUNC):
        value = value.address
    return int(value) & 0xFFFFFFFFFFFFFFFF


def table():
    """Rows of docs/debugging.md's table, in order of names."""
    escape = str.maketrans({"|": r"\|"})
    rows = []
    for each in sorted(COMMANDS.values(), key=lambda each: each.name):
        if each.windbg:
            rows.append(f"| `{each.windbg}` | `{each.form.translate(escape)}` | {each.summary.translate(escape)} |")
    return rows


@command("help", "[NAME]", windbg="!help", machine=False)
def show_help(arguments):
    """The commands, or one of them explained."""
    if len(arguments) > 1:
        raise usage()
    if arguments:
        name = arguments[0].lstrip("!")
        if name not in COMMANDS:
            raise NtError(f'there is no command "{name}"')
        gdb.execute(f"help nt {name}")
        return
    for each in sorted(COMMANDS.values(), key=lambda each: each.name):
        if len(each.form) > HELP_COLUMN:  # it has a line of its own
            write(each.form)
        write(f"{each.form if len(each.form) <= HELP_COLUMN else '':{HELP_COLUMN}}  {each.summary}")

