"""Measure what a set of driver headers declares: sizes, offsets, constants and the shapes of routines.

What to measure is read from the project's own public headers, through clang's syntax tree. The values come from the compiler:
each item becomes one line of C whose value ends up in the object as a number. Lines that do not compile are the items that
the headers at hand do not have.
"""

import functools
import json
import re
import struct
import subprocess
import tempfile
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
    "#include <ntifs.h>\n#include <ntddk.h>\n#include <csq.h>\n#include <ntddbeep.h>\n#include <ntddser.h>\n",
    ("--target=x86_64-pc-windows-msvc", "-ffreestanding", f"-I{qemu.ROOT}/lib/ddk"),
)
# Debian's package mingw-w64-x86-64-dev, written by other people from other sources.
MINGW_FOLDER = Path("/usr/share/mingw-w64/include")
MINGW = Headers(
    OWN.includes.replace("#include <ntddk.h>", "#include <ntddk.h>\n#include <ntstatus.h>\n#include <bugcodes.h>\n#include <dpfilter.h>"),
    ("--target=x86_64-pc-windows-gnu", f"-isystem{MINGW_FOLDER}", f"-isystem{MINGW_FOLDER}/ddk"),
)


@functools.lru_cache
def syntax_tree(headers):
    process = headers.clang("-fsyntax-only", "-Xclang", "-ast-dump=json", source="")
    if process.returncode:
        raise ValueError(process.stderr)
    return json.loads(process.stdout)["inner"]


def members(record, prefix=""):
    """(path, width) of a record's members, through named and unnamed inner records: "Tail.Overlay.Thread"; width in bits is 0 for
    what is no bit-field."""
    inner = None
    for node in record.get("inner", []):
        if node["kind"] == "RecordDecl":
            inner = node
        if node["kind"] != "FieldDecl":
            continue
        path = prefix + node.get("name", "")
        if node.get("name"):
            yield path, int(bit_width(node)) if node.get("isBitfield") else 0
        if inner and re.search(r"\((unnamed|anonymous) ", node["type"]["qualType"]):
            yield from members(inner, f"{path}." if node.get("name") else prefix)


def bit_width(node):
    """The constant behind a bit-field's colon."""
    while "value" not in node:
        node = node["inner"][0]
    return node["value"]


def records(headers):
    """(name, record or None) of each type that the headers name, without those of the C standard. Pointers and routines are none."""
    tree = syntax_tree(headers)
    standard = {node.get("name") for node in syntax_tree(headers.standard())}
    complete = {node["id"]: node for node in tree if node["kind"] == "RecordDecl" and node.get("completeDefinition")}
    by_tag = {node.get("name"): node for node in complete.values()}
    for node in tree:
        if node["kind"] != "TypedefDecl" or node["name"] in standard or re.search(r"[*(]", node["type"]["qualType"]):
            continue
        tag = re.fullmatch(r"(?:struct|union) (\w+)", node["type"]["qualType"])
        owned = (node.get("inner") or [{}])[0].get("ownedTagDecl", {}).get("id")
        yield node["name"], complete.get(owned) or (by_tag.get(tag[1]) if tag else None)


def measurable_structures(headers, renames={}):
    """What can be measured of the types, by the name that a person would give it -> a C expression. KDPC: its size; KDPC.Number and
    KDPC.Number (size): offset and size of a member. Renames: members that another set of headers calls otherwise."""
    measurable = {}
    for name, record in records(headers):
        measurable[name] = f"sizeof({name})"
        for path, width in members(record) if record else ():
            member = renames.get(f"{name}.{path}", path)
            if not width:
                measurable[f"{name}.{path}"] = f"__builtin_offsetof({name}, {member})"
                measurable[f"{name}.{path} (size)"] = f"sizeof((({name} *)0)->{member})"
    return measurable


def bit_fields(headers):
    """(type, path) of each bit-field."""
    return [(name, path) for name, record in records(headers) if record for path, width in members(record) if width]


def section(module, wanted):
    """The bytes of a section of an object file (COFF)."""
    count, optional = struct.unpack_from("<H", module, 2)[0], struct.unpack_from("<H", module, 16)[0]
    for number in range(count):
        name, _, _, size, start = struct.unpack_from("<8sIIII", module, 20 + optional + 40 * number)
        if name.rstrip(b"\0") == wanted:
            return module[start : start + size]
    raise ValueError(f"no section {wanted}")


def measure_bits(headers, fields):
    """Of those bit-fields that the headers know, (type, path) -> the bits they occupy in the bytes of the whole, as a number: a value
    with all its bits set is compiled, and its bytes looked at."""
    template = "__attribute__((section(\"bits\"))) union {{ {1} Value; char Bytes[512]; }} probe{0} = {{ .Value = {{ .{2} = -1 }} }};"
    lines = [template.format(number, *field) for number, field in enumerate(fields)]
    _, failed = compile_lines(headers, lines)
    known = [number for number in range(len(fields)) if number not in failed]
    with tempfile.NamedTemporaryFile(suffix=".o") as module:
        text = "\n".join(lines[number] for number in known)
        process = headers.clang("-c", "-o", module.name, source=text)
        if process.returncode:
            raise ValueError(process.stderr)
        data = section(Path(module.name).read_bytes(), b"bits")  # the compiler puts a new file there
    if len(data) < 512 * len(known):
        raise ValueError(f"{len(data)} bytes for {len(known)} bit-fields")
    return {fields[number]: int.from_bytes(data[512 * at : 512 * (at + 1)], "little") for at, number in enumerate(known)}


def measurable_constants(headers):
    """Names of enumeration constants and of macros without arguments that the headers themselves define, as expressions."""
    for node in syntax_tree(headers):
        if node["kind"] == "EnumDecl":
            yield from (each["name"] for each in node["inner"] if each["kind"] == "EnumConstantDecl")
    with_headers = headers.clang("-dM", "-E", source="").stdout
    without = headers.standard().clang("-dM", "-E", source="").stdout
    for line in sorted(set(with_headers.splitlines()) - set(without.splitlines())):
        # What stands for a keyword or an attribute is no constant.
        match = re.match(r"#define (\w+) (?!__|NTAPI|DECLSPEC)\S", line)
        if match:
            yield match[1]


def compile_lines(headers, lines):
    """Assembly of the lines, and the indices of those that do not compile."""
    process = headers.clang("-S", "-o", "-", source="#line 1\n" + "\n".join(lines) + "\n")
    failed = {int(number) - 1 for number in re.findall(r"^<stdin>:(\d+):\d+: (?:fatal )?error:", process.stderr, re.M)}
    if process.returncode and not failed:
        raise ValueError(process.stderr)
    return process.stdout, failed


def measure(headers, measurable):
    """Name -> value of those of the measurable expressions that the headers know. Given as name -> expression."""
    # One is added because assemblers are told of zeros in other ways than of numbers.
    template = "const unsigned long long probe{0}[2] = {{ (unsigned long long)({1}) + 1, ~0ull }};"
    names = list(measurable)
    lines = [template.format(number, measurable[name]) for number, name in enumerate(names)]
    _, failed = compile_lines(headers, lines)
    for number in failed:
        lines[number] = ""
    assembly, failed = compile_lines(headers, lines)
    if failed:
        raise ValueError([names[number] for number in failed])
    values = re.findall(r"^probe(\d+):\s*\.quad\s+(-?\d+)", assembly, re.M)
    return {names[int(number)]: (int(value) - 1) % 2**64 for number, value in values}


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

    def of_callback(self, text):
        """The same of a routine's type, as in "NTSTATUS (PDEVICE_OBJECT, PIRP)"."""
        result, arguments = re.sub(r"__attribute__\(\(\w+\)\)", "", text).split("(", 1)
        depth, pieces = 0, [""]
        for character in arguments.strip()[:-1]:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "," and depth == 0:
                pieces.append("")
            else:
                pieces[-1] += character
        return (self.of(result), *(self.of(piece) for piece in pieces if piece.strip() != "void"))

    def of_routine(self, node):
        arguments = [each for each in node.get("inner", []) if each["kind"] == "ParmVarDecl"]
        result = node["type"]["qualType"].split("(")[0].strip()
        return (self.of(result), *(self.of(each["type"]["qualType"]) for each in arguments))


def routines(tree):
    """Name -> shapes of result and arguments, for every routine declared."""
    shapes = Shapes(tree)
    found = (node for node in tree if node["kind"] == "FunctionDecl" and not node.get("isImplicit"))
    return {node["name"]: shapes.of_routine(node) for node in found}


def callbacks(tree):
    """Name -> shapes, for every type of routine that is named."""
    shapes = Shapes(tree)
    texts = {node["name"]: node["type"]["qualType"] for node in tree if node["kind"] == "TypedefDecl"}
    found = {name: text for name, text in texts.items() if re.match(r"^[^(]*[^(*]\((?!\*)", text)}
    return {name: shapes.of_callback(text) for name, text in found.items()}
