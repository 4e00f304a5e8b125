"""Look at C, C++ and assembly source as text: functions, global names, comments, includes.

It relies on the layout that clang-format enforces here: a function's braces stand alone in the first column, and nothing
else's opening brace does. So it needs neither a compiler nor the headers, and sees code of every configuration.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
ATTRIBUTE = re.compile(r"\b(?:__attribute__|__declspec|_[A-Z]\w*_|DECLSPEC_\w+|C_ASSERT|_Static_assert)\s*\(")

NOT_A_VARIABLE = r"static|extern|typedef|struct \w+;|union \w+;|enum|return|goto|#"
VARIABLE = re.compile(rf"^(?!{NOT_A_VARIABLE})[A-Za-z_][^;:{{}}()=]*?(\w+)(?:\[[^\]]*\])*(?: =|;)", re.M)


@dataclass(frozen=True)
class Definition:
    """A function or variable that a source file defines."""

    name: str
    line: int
    lines: int  # of a function's body, without its braces; 0 for a variable
    private: bool  # static


@dataclass
class Source:
    """One file, with what the checks want to know of it."""

    path: Path
    text: str
    code: str = field(init=False)  # the text with comments and literals blanked out, line for line

    def __post_init__(self):
        self.code = blank(self.text) if self.path.suffix in (".c", ".h") else self.text

    @property
    def lines(self):
        return self.text.count("\n")

    @property
    def includes(self):
        return [(line_of(self.text, match.start()), match[1]) for match in INCLUDE.finditer(self.text)]

    def opens_with_comment(self):
        return self.text.lstrip().startswith(("/*", "//", ";", "#", '"""'))


def read(path):
    return Source(path, path.read_text(errors="replace"))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def blank(text):
    """Text with the inside of comments and literals replaced by spaces; the lines stay where they are."""

    def spaces(match):
        piece = match[0]
        if piece[0] == "/":
            return re.sub(r"[^\n]", " ", piece)
        return piece[0] + " " * (len(piece) - 2) + piece[-1]

    return TOKEN.sub(spaces, text)


def comment_and_code_lines(source):
    """How many lines hold a comment, and how many hold code; a line may hold both."""
    if source.path.suffix == ".asm":
        lines = source.text.splitlines()
        return sum(";" in line for line in lines), sum(bool(line.split(";")[0].strip()) for line in lines)
    comments = set()
    for match in TOKEN.finditer(source.text):
        if match[0][0] == "/":
            first = line_of(source.text, match.start())
            comments |= set(range(first, first + match[0].count("\n") + 1))
    return len(comments), sum(bool(line.strip()) for line in source.code.splitlines())


def without_attributes(header):
    """A declaration without annotations that look like calls."""
    while match := ATTRIBUTE.search(header):
        header = header[: match.start()] + header[closing(header, match.end() - 1) + 1 :]
    return header


def closing(text, opening):
    """Index of the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return len(text) - 1


def function_name(header):
    """The name that a function header declares: what stands before its argument list."""
    match = re.search(r"(\w+)\s*\(", without_attributes(header))
    return match[1] if match else None


def functions(source):
    """Definitions of functions, in order."""
    lines = source.code.splitlines()
    start = 0
    for number, line in enumerate(lines):
        if line != "{":
            if not line.strip() or line[0] in "#}" or line.rstrip().endswith(";"):
                start = number + 1
            continue
        header = " ".join(lines[start:number])
        end = next((later for later in range(number, len(lines)) if lines[later].startswith("}")), number)
        name = function_name(header)
        if name:
            private = bool(re.search(r"\b(static|FORCEINLINE)\b", header))
            yield Definition(name, start + 1, end - number - 1, private)
        start = end + 1


def variables(source):
    """Definitions of variables that other files could see."""
    for match in VARIABLE.finditer(without_attributes_in_lines(source.code)):
        if len(match[0].split()) > 1:
            yield Definition(match[1], line_of(source.code, match.start()), 0, False)


def without_attributes_in_lines(code):
    lines = code.splitlines()
    return "\n".join(without_attributes(line) if "(" in line and line[:1].strip() else line for line in lines)


def assembly_globals(source):
    """Names that an assembly file makes visible."""
    for match in re.finditer(r"^\s*global\s+([\w$.?, ]+)", source.text, re.M):
        for name in match[1].split(","):
            yield Definition(name.strip(), line_of(source.text, match.start()), 0, False)
