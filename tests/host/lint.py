"""Check what compilers do not: layers, names that should be static, contracts, sizes. `make lint` runs this.

A line per complaint, FILE:LINE: what; then the figures of the tree beside what they should be. Exit status 1 if there was a
complaint.

usage: lint.py [ROOT]    the repository if not given
"""

import re
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

import csource

CODE = (".c", ".h", ".asm")
TOP = ("boot", "kernel", "drivers", "lib", "tests")
LONGEST_FILE, LONGEST_FUNCTION = 500, 80
# Lists of constants that need no comments, left out of the figure of comment lines.
TABLES = ("lib/ddk/ntstatus.h", "lib/ddk/nt/status_errors.h", "lib/ddk/nt/status_errors2.h", "lib/ddk/bugcodes.h", "lib/ddk/dpfilter.h")
FAMILY = 6  # prototypes in a row that one comment may cover without naming them
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
# Entered by the loader and by the host's C library; everybody knows their prototypes.
ENTRY_POINTS = {"DriverEntry", "efi_main", "main", "LLVMFuzzerTestOneInput"}


@dataclass
class Tree:
    """The repository's sources, and the complaints about them."""

    root: Path
    sources: list = field(default_factory=list)
    complaints: list = field(default_factory=list)

    def __post_init__(self):
        paths = [path for top in TOP for path in sorted((self.root / top).rglob("*"))]
        self.sources = [csource.read(path) for path in paths if path.suffix in CODE + (".py",)]

    def complain(self, source, line, text):
        self.complaints.append((self.name(source), line, text))

    def name(self, source):
        return source.path.relative_to(self.root).as_posix()

    def component(self, source):
        """The folder that a source belongs to as a part of the system: kernel/ke, drivers/beep, lib/rtl, boot, tests/unit."""
        parts = source.path.relative_to(self.root).parts
        return parts[0] if parts[0] == "boot" else "/".join(parts[:2])

    def under(self, *folders, suffixes=CODE):
        prefixes = tuple(f"{folder}/" for folder in folders)
        return [each for each in self.sources if self.name(each).startswith(prefixes) and each.path.suffix in suffixes]


def find_header(tree, source, included):
    """The header in the tree that an include means; None when it is a compiler's own."""
    beside = source.path.parent / included
    if beside.exists():
        return beside
    folders = [tree.root / folder for folder in ("kernel/inc", "lib/ddk", "boot", ".")]
    for folder in folders + list((tree.root / "drivers").glob("*/")):
        path = folder / included
        if path.exists():
            return path
    return None


def may_include(component, header):
    """Whether a component may use a header: its own, the drivers' interface, and what its layer offers to all."""
    if header.startswith((f"{component}/", "lib/ddk/")) or component.startswith("tests/"):
        return True
    if component.startswith("kernel/"):
        return header.startswith("kernel/inc/") or header == "boot/loader.h"
    if component.startswith("drivers/"):
        return is_public_driver_header(header)
    return component in ("boot", "lib/rtl", "lib/crt") and header.startswith("kernel/inc/")


def is_public_driver_header(header):
    """drivers/X/X.h and drivers/X/Xpublic.h are for everybody; any other header of a driver is its own."""
    parts = header.split("/")
    return len(parts) == 3 and parts[0] == "drivers" and parts[2] in (f"{parts[1]}.h", f"{parts[1]}public.h")


def check_layers(tree):
    for source in tree.under(*TOP):
        component = tree.component(source)
        client = "/client/" in tree.name(source)
        for line, included in source.includes:
            path = find_header(tree, source, included)
            if path is None:
                continue
            header = path.resolve().relative_to(tree.root.resolve()).as_posix()
            # A driver's console client is linked into the kernel.
            if not may_include(component, header) and not (client and header.startswith("kernel/inc/")):
                tree.complain(source, line, f"{component} may not include {header}")


def shared_names(tree):
    """Names that headers mention, that drivers may import, and at which the linker script lets the machine enter."""
    texts = [header.code for header in tree.under(*TOP, suffixes=(".h",))]
    texts += [path.read_text() for path in (*export_lists(tree), *tree.root.glob("linker.ld"))]
    return ENTRY_POINTS.union(*(re.findall(r"\w+", text) for text in texts))


def check_visibility(tree):
    """Whatever a file shows to others stands in a header, or is for assembly."""
    shared = shared_names(tree)
    assembly = {each.path: set(re.findall(r"\w+", each.text)) for each in tree.under(*TOP, suffixes=(".asm",))}
    for source in tree.under("boot", "kernel", "drivers", "lib", suffixes=(".c", ".asm")):
        if source.path.name == "asmoffsets.c":  # compiled, but not linked
            continue
        if source.path.suffix == ".asm":
            visible = csource.assembly_globals(source)
        else:
            visible = [each for each in (*csource.functions(source), *csource.variables(source)) if not each.private]
        elsewhere = shared.union(*(words for path, words in assembly.items() if path != source.path))
        for each in visible:
            if each.name not in elsewhere:
                tree.complain(source, each.line, f"{each.name} is in no header: make it static, or declare it")


def check_sizes(tree):
    for source in tree.sources:
        if source.lines > LONGEST_FILE:
            tree.complain(source, source.lines, f"{source.lines} lines; {LONGEST_FILE} are enough for one topic")
    for source in tree.under(*TOP, suffixes=(".c", ".h")):
        for each in csource.functions(source):
            if each.lines > LONGEST_FUNCTION:
                text = f"{each.name} has {each.lines} lines; no function needs over {LONGEST_FUNCTION}"
                tree.complain(source, each.line, text)


def check_texts(tree):
    for source in tree.sources:
        if source.text.strip() and not source.opens_with_comment():
            tree.complain(source, 1, "does not open with what the file is about")
        for match in UNFINISHED.finditer(source.text):
            tree.complain(source, csource.line_of(source.text, match.start()), f"{match[0]}: finish it or leave it out")


def export_lists(tree):
    return sorted([*tree.root.glob("kernel/*/exports.lst"), *tree.root.glob("lib/*/exports.lst")])


def exported_names(tree):
    """(list file, line, name) of everything that drivers may import."""
    for path in export_lists(tree):
        source = csource.Source(path, path.read_text())
        for line, text in enumerate(source.text.splitlines(), 1):
            words = text.split("#")[0].split()
            if words:
                yield source, line, words[0]


def comment_above(lines, number):
    """The nearest comment above a declaration in its paragraph, and how many declarations stand between the two."""
    between = 0
    for above in range(number - 1, -1, -1):
        line = lines[above].rstrip()
        if not line or line.startswith("}"):
            break
        if line.endswith("*/") or line.startswith("//"):
            first = above
            while first > 0 and lines[first].strip() and "/*" not in lines[first] and not lines[first].startswith("//"):
                first -= 1
            return "\n".join(lines[first : above + 1]), between
        between += line.endswith(";")
    return "", between


def has_contract(header, name):
    """Whether a prototype of the name has a comment: its own, that of a small family, or one that names it."""
    lines = header.text.splitlines()
    for match in re.finditer(rf"\b{re.escape(name)}\b\s*(?:\(|;|,|\[)|#\s*define\s+{re.escape(name)}\b", header.code):
        comment, between = comment_above(lines, csource.line_of(header.code, match.start()) - 1)
        if comment and (between < FAMILY or re.search(rf"\b{re.escape(name)}\b", comment)):
            return True
    return False


def check_contracts(tree):
    headers = tree.under("lib/ddk", suffixes=(".h",))
    for source, line, name in exported_names(tree):
        declaring = [header for header in headers if re.search(rf"\b{re.escape(name)}\b", header.code)]
        if not declaring:
            tree.complain(source, line, f"{name} has no prototype in lib/ddk")
        elif not any(has_contract(header, name) for header in declaring):
            tree.complain(source, line, f"{name} has no contract above its prototype in {tree.name(declaring[0])}")


PROTOTYPE = re.compile(r"^(?:NTSYSAPI|NTKERNELAPI|NTHALAPI)\b[^;{}]*?\b(\w+)\s*\((?=[^;{}]*\)[^;{}]*;)", re.M)
SOURCE = re.compile(r"\bWDK\b|\bbook\b|\bC standard\b|\bMicrosoft\b")


def public_routines(tree):
    """(header, line, name, contract) of every imported routine that lib/ddk declares; None when it has no contract."""
    for header in tree.under("lib/ddk", suffixes=(".h",)):
        lines = header.text.splitlines()
        for match in PROTOTYPE.finditer(header.code):
            line = csource.line_of(header.code, match.start())
            comment, between = comment_above(lines, line - 1)
            covered = comment and (between < FAMILY or re.search(rf"\b{match[1]}\b", comment))
            yield header, line, match[1], comment if covered else None


def check_prototypes(tree):
    """A prototype in lib/ddk says what it promises, and where the promise comes from."""
    for header, line, name, contract in public_routines(tree):
        if contract is None:
            tree.complain(header, line, f"{name} has no contract above its prototype")
        elif not SOURCE.search(contract):
            tree.complain(header, line, f"the contract of {name} does not name its source, as in WDK: {name}")


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0


def figures(tree):
    """Lines of text that say how the tree reads."""
    code = tree.under("boot", "kernel", "drivers", "lib")
    bodies = [each.lines for source in code if source.path.suffix == ".c" for each in csource.functions(source)]
    files = [source.lines for source in code if source.path.suffix == ".c"]
    pairs = [csource.comment_and_code_lines(source) for source in code if tree.name(source) not in TABLES]
    ratio = sum(pair[0] for pair in pairs) / max(1, sum(pair[1] for pair in pairs))
    median = statistics.median(bodies) if bodies else 0
    routines = list(public_routines(tree))
    contracts = sum(contract is not None for *_, contract in routines)
    return [
        f"functions      {len(bodies)}; body lines: median {median:g} (goal 12), 90th percentile {percentile(bodies, 0.9)}, "
        f"longest {max(bodies, default=0)} (limit {LONGEST_FUNCTION})",
        f"C files        {len(files)}; lines: median {statistics.median(files) if files else 0:g}, "
        f"longest {max(files, default=0)} (limit {LONGEST_FILE}), together {sum(files)}",
        f"comment lines  {ratio:.2f} per code line (goal 0.25 to 0.35)",
        f"exports        {len(list(exported_names(tree)))}",
        f"public routines with a contract: {contracts} of {len(routines)}",
    ]


def check(root):
    """The tree with all complaints."""
    tree = Tree(Path(root))
    for one in (check_layers, check_visibility, check_sizes, check_texts, check_contracts, check_prototypes):
        one(tree)
    return tree


def main():
    tree = check(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    for name, line, text in sorted(tree.complaints):
        print(f"{name}:{line}: {text}")
    print("\n".join(figures(tree)))
    if tree.complaints:
        print(f"{len(tree.complaints)} complaints")
    return 1 if tree.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
