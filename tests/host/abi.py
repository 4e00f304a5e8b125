"""Compare the driver interface with an independent set of driver headers, and both with docs/abi.md, which lists and explains every
difference.

    abi.py            what the page has wrong
    abi.py --update   put names that the yardstick lacks into the page's last list, take out what is gone; read the result!

A name is KDPC for the size of a type, KDPC.Number and KDPC.Number (size) for a member, a constant's own name, and KeSetEvent() for
the shape of a routine or of a type of routines.
"""

import re
import sys
from dataclasses import dataclass, field

import layout
import qemu

PAGE = qemu.ROOT / "docs/abi.md"
# What the others call a member of ours.
RENAMES = {
    "KDPC.Link": "DpcListEntry.Flink",
    "WAIT_CONTEXT_BLOCK.DmaWaitEntry": "WaitQueueEntry",
    "OBJECT_BASIC_INFORMATION.NameInformationLength": "NameInfoSize",
    "OBJECT_BASIC_INFORMATION.TypeInformationLength": "TypeInfoSize",
    "OBJECT_BASIC_INFORMATION.SecurityDescriptorLength": "SecurityDescriptorSize",
}
# Macros with arguments, by examples.
EXAMPLES = (
    "CTL_CODE(0x22, 0x801, METHOD_NEITHER, FILE_READ_ACCESS)",
    "CTL_CODE(FILE_DEVICE_BEEP, 0, METHOD_BUFFERED, FILE_ANY_ACCESS)",
    "DEVICE_TYPE_FROM_CTL_CODE(0x80002003)",
    "METHOD_FROM_CTL_CODE(0x80002003)",
    "NT_SUCCESS(STATUS_PENDING)",
    "NT_SUCCESS(STATUS_BUFFER_OVERFLOW)",
    "NT_ERROR(STATUS_UNSUCCESSFUL)",
    "NT_WARNING(STATUS_BUFFER_OVERFLOW)",
    "NT_INFORMATION(STATUS_OBJECT_NAME_EXISTS)",
    "BYTES_TO_PAGES(4097)",
    "ROUND_TO_PAGES(4097)",
    "ADDRESS_AND_SIZE_TO_SPAN_PAGES(4095, 2)",
    "BYTE_OFFSET(4097)",
    "ALIGN_DOWN_BY(4097, 16)",
    "ALIGN_UP_BY(4097, 16)",
)


@dataclass
class Comparison:
    """Name -> value on either side, by kind, and what only the yardstick has of structures that both have."""

    own: dict = field(default_factory=dict)
    other: dict = field(default_factory=dict)
    more: list = field(default_factory=list)
    compared: dict = field(default_factory=dict)

    def add(self, kind, own, other):
        self.own |= own
        self.other |= other
        self.compared[kind] = len(own.keys() & other.keys())

    @property
    def different(self):
        return {name: (value, self.other[name]) for name, value in self.own.items() if self.other.get(name, value) != value}

    @property
    def absent(self):
        """Without sizes of members, which follow from the offsets."""
        return {name: value for name, value in self.own.items() if name not in self.other and " " not in name}


def number(value):
    # A negative LONG was widened.
    value = value & 0xFFFFFFFF if 2**64 - 2**31 <= value < 2**64 else value
    return f"0x{value:X}" if value > 9 else str(value)


def numbers(values):
    return {name: number(value) for name, value in values.items()}


def structures(result):
    ours, theirs = (layout.measurable_structures(headers) for headers in (layout.OWN, layout.MINGW))
    called = {f"{name.split('.')[0]}.{member}" for name, member in RENAMES.items()}
    more = {name: text for name, text in theirs.items() if "." in name and name.split(".")[0] in ours and name not in called}
    own = layout.measure(layout.OWN, ours | more)
    renamed = layout.measurable_structures(layout.OWN, RENAMES)
    other = layout.measure(layout.MINGW, {name: renamed.get(name) or more[name] for name in own})
    for kind, chosen in (
        ("types", lambda name: "." not in name),
        ("members", lambda name: "." in name and " " not in name),
        ("sizes of members", lambda name: " " in name),
    ):
        result.add(kind, *({name: value for name, value in numbers(side).items() if chosen(name)} for side in (own, other)))
    result.more = [name for name in more if " " not in name and name not in own]


def bits(result):
    fields = layout.bit_fields(layout.OWN)
    sides = (layout.measure_bits(headers, fields) for headers in (layout.OWN, layout.MINGW))
    result.add("bit-fields", *(numbers({".".join(key): value for key, value in side.items()}) for side in sides))


def constants(result):
    names = [*dict.fromkeys(layout.measurable_constants(layout.OWN))]
    own = layout.measure(layout.OWN, {name: name for name in (*names, *EXAMPLES)})
    other = layout.measure(layout.MINGW, {name: name for name in own})
    result.add("constants", numbers(own), numbers(other))


def routines(result):
    for kind, of in (("routines", layout.routines), ("types of routines", layout.callbacks)):
        sides = (of(layout.syntax_tree(headers)) for headers in (layout.OWN, layout.MINGW))
        own, other = ({f"{name}()": " ".join(map(str, shape)) for name, shape in side.items()} for side in sides)
        result.add(kind, own, {name: shape for name, shape in other.items() if name in own})


def compare():
    result = Comparison()
    for part in (structures, bits, constants, routines):
        part(result)
    return result


@dataclass
class Page:
    """What the page says: differences, names that only we have, patterns of members that only the yardstick has."""

    text: str

    @property
    def different(self):
        rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| \S.*\|$", self.text, re.M)
        return {name: (own, other) for name, own, other in rows}

    @property
    def more(self):
        return re.findall(r"^\| `([^`]+)` \| [^|]*\|$", self.text, re.M)

    @property
    def absent(self):
        lists = "\n".join(re.findall(r"^```\n(.*?)^```", self.text, re.M | re.S))
        return dict(re.findall(r"(\S+) = (\w+)", lists)) | dict.fromkeys(re.findall(r"\w+\(\)", lists))


def matches(pattern, name):
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name)


def faults(result, page):
    """Sentences: what the page does not say, or says though it is not so."""
    for name, pair in result.different.items():
        if page.different.get(name) != pair:
            yield f"{name} is {pair[0]} here and {pair[1]} in the other headers: correct it, or explain it in a row of the table"
    for name in page.different.keys() - result.different.keys():
        yield f"{name} does not differ any more"
    for name, value in result.absent.items():
        if name not in page.absent:
            yield f"{name} ({value}) is not in the other headers: is it right? Then list it (abi.py --update)"
        elif page.absent[name] not in (value, None):
            yield f"{name} is {value}, and the page says {page.absent[name]}"
    for name in page.absent.keys() - result.absent.keys():
        yield f"{name} is listed as ours alone, which it is not"
    for name in result.more:
        if not any(matches(pattern, name) for pattern in page.more):
            yield f"only the other headers have {name}: add it, or say why it is missing"
    for pattern in page.more:
        if not any(matches(pattern, name) for name in result.more):
            yield f"nothing is like {pattern} any more"


def listed(name, value):
    return name if name.endswith("()") else f"{name} = {value}"


def packed(entries, width=124):
    lines = [""]
    for entry in entries:
        if lines[-1] and len(lines[-1]) + 2 + len(entry) > width:
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + entry
    return "\n".join(lines) + "\n"


def update(result, text):
    """The page with each list made anew: its own names with today's values; the last one gets those that no list has."""
    rest = dict(result.absent)
    pieces = re.split(r"(^```\n.*?^```$)", text, flags=re.M | re.S)
    blocks = [number for number, piece in enumerate(pieces) if piece.startswith("```\n")]
    for number in blocks:
        names = [name for name in Page(pieces[number] + "\n").absent if name in rest]
        names += [name for name in rest if number == blocks[-1] and name not in Page(text).absent]
        pieces[number] = "```\n" + packed([listed(name, rest.pop(name)) for name in names]) + "```"
    return "".join(pieces)


def main():
    result = compare()
    if "--update" in sys.argv:
        PAGE.write_text(update(result, PAGE.read_text()))
    found = list(faults(result, Page(PAGE.read_text())))
    print("\n".join(found) or "docs/abi.md is right")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
