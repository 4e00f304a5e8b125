"""Measure what a set of driver headers declares: sizes, offsets, constants and the shapes of routines.

What to measure is read from the project's own public headers, through clang's syntax tree. The values come from the compiler:
each item becomes one line of C whose value ends up in the object as a number. Lines that do not compile are the items that
the headers at hand do not have.
"""

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import qemu

CLANG = ["clang", "-std=gnu11", "-fms-extensions", "-w", "-ferror-limit=0"]


@dataclass(frozen=True)
class Headers:
    """A set of driver headers and how to compile with it."""

    includes: str
    arguments: tuple

    def standard(self):
        """The compiler's own headers alone."""
        includes = "#include <stdint.h>\n#include <stddef.h>\n#include <stdarg.h>\n#include <limits.h>\n"
        return Headers(includes, self.arguments)

    def clang(self, *arguments, source):
        """Run clang on source text; the finished process, with text output."""
        command = [*CLANG, *self.arguments, *arguments, "-x", "c", "-"]
        return subprocess.run(command, input=self.includes + source, capture_output=True, text=True)


OWN = Headers(
    "#include <ntifs.h>\n#include <ntddk.h>\n#include <ntddbeep.h>\n",
    ("--target=x86_64-pc-windows-msvc", "-ffreestanding", f"-I{qemu.ROOT}/lib/ddk"),
)
# Debian's package mingw-w64-x86-64-dev, written by other people from other sources.
MINGW_FOLDER = Path("/usr/share/mingw-w64/include")
MINGW = Headers(
    OWN.includes.replace("#include <ntddk.h>", "#include <ntddk.h>\n#include <ntstatus.h>"),
    ("--target=x86_64-pc-windows-gnu", f"-isystem{MINGW_FOLDER}", f"-isystem{MINGW_FOLDER}/ddk"),
)


@functools.lru_cache
def syntax_tree(headers):
    process = headers.clang("-fsyntax-only", "-Xclang", "-ast-dump=json", source="")
    if process.returncode:
        raise ValueError(process.stderr)
    return json.loads(process.stdout)["inner"]


def fields(record):
    """Paths of a record's members, through named and unnamed inner records: "Tail.Overlay.Thread"."""
    inner = None
    for node in record.get("inner", []):
        if node["kind"] == "RecordDecl":
            inner = node
        if node["kind"] != "FieldDecl" or node.get("isBitfield"):
            continue
        name = node.get("name")
        if name:
            yield name
        if inner and "unnamed" in node["type"]["qualType"]:
            yield from (f"{name}.{path}" if name else path for path in fields(inner))


def measurable_structures(headers):
    """C expressions for the size of each type and the offset of each public member, without those of the C standard."""
    tree = syntax_tree(headers)
    standard = {node.get("name") for node in syntax_tree(headers.standard())}
    records = {node["id"]: node for node in tree if node["kind"] == "RecordDecl" and node.get("completeDefinition")}
    by_tag = {node.get("name"): node for node in records.values()}
    for node in tree:
        if node["kind"] != "TypedefDecl" or node["name"] in standard or "*" in node["type"]["qualType"]:
            continue
        tag = re.fullmatch(r"(?:struct|union) (\w+)", node["type"]["qualType"])
        owned = (node.get("inner") or [{}])[0].get("ownedTagDecl", {}).get("id")
        record = records.get(owned) or (by_tag.get(tag[1]) if tag else None)
        name = node["name"]
        yield f"sizeof({name})"
        for path in fields(record) if record else ():
            yield f"__builtin_offsetof({name}, {path})"


def measurable_constants(headers):
    """Names of enumeration constants and of macros without arguments that the headers themselves define."""
    for node in syntax_tree(headers):
        if node["kind"] == "EnumDecl":
            yield from (each["name"] for each in node["inner"] if each["kind"] == "EnumConstantDecl")
    with_headers = headers.clang("-dM", "-E", source="").stdout
    without = headers.standard().clang("-dM", "-E", source="").stdout
    for line in sorted(set(with_headers.splitlines()) - set(without.splitlines())):
        match = re.match(r"#define (\w+) \S", line)
        if match:
            yield match[1]


def compile_lines(headers, lines):
    """Assembly of the lines, and the indices of those that do not compile."""
    process = headers.clang("-S", "-o", "-", source="#line 1\n" + "\n".join(lines) + "\n")
    failed = {int(number) - 1 for number in re.findall(r"^<stdin>:(\d+):\d+: (?:fatal )?error:", process.stderr, re.M)}
    if process.returncode and not failed:
        raise ValueError(process.stderr)
    return process.stdout, failed


def measure(headers, expressions):
    """Values of those expressions that the headers know, as a dictionary."""
    # One is added because assemblers are told of zeros in other ways than of numbers.
    template = "const unsigned long long probe{0}[2] = {{ (unsigned long long)({1}) + 1, ~0ull }};"
    lines = [template.format(number, text) for number, text in enumerate(expressions)]
    _, failed = compile_lines(headers, lines)
    for number in failed:
        lines[number] = ""
    assembly, failed = compile_lines(headers, lines)
    if failed:
        raise ValueError([expressions[number] for number in failed])
    values = re.findall(r"^probe(\d+):\s*\.quad\s+(-?\d+)", assembly, re.M)
    return {expressions[int(number)]: (int(value) - 1) % 2**64 for number, value in values}


SIZES = {"void": 0, "_Bool": 1, "char": 1, "short": 2, "int": 4, "long": 4, "long long": 8, "__int64": 8}


class Shapes:
    """What matters of a type to those who call: whether it is a pointer, the size of an integer, or the name of a record."""

    def __init__(self, tree):
        self.typedefs = {node["name"]: node["type"]["qualType"] for node in tree if node["kind"] == "TypedefDecl"}

    def of(self, text):
        text = " ".join(word for word in text.split() if word not in ("const", "volatile", "signed", "unsigned", "__unaligned"))
        if any(mark in text for mark in "*[("):
            return "pointer"
        if text in self.typedefs and self.typedefs[text] != text:
            return self.of(self.typedefs[text])
        return 4 if text.startswith("enum ") else SIZES.get(text, text or 4)

    def of_routine(self, node):
        arguments = [each for each in node.get("inner", []) if each["kind"] == "ParmVarDecl"]
        result = node["type"]["qualType"].split("(")[0].strip()
        return (self.of(result), *(self.of(each["type"]["qualType"]) for each in arguments))


def routines(tree):
    """Name -> shapes of result and arguments, for every routine declared."""
    shapes = Shapes(tree)
    found = (node for node in tree if node["kind"] == "FunctionDecl" and not node.get("isImplicit"))
    return {node["name"]: shapes.of_routine(node) for node in found}
