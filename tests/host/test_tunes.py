"""Promise: the kernel's reader of tunes and the tests' own agree on every tune, and neither a malformed tune nor random text
gets past the kernel's reader, which says where and why.

The kernel's reader is pure C: here it is compiled for the host and called directly.
"""

import ctypes
import random
import subprocess

import pytest

import qemu
import rtttl

TUNES = sorted((qemu.ROOT / "iso/music").glob("*.rtttl"))
LIMIT = 1024  # notes

# Text, and the column of what is wrong with it, counted from 1.
MALFORMED = {
    "nothing": ("", 1),
    "no settings": ("justaname", 10),
    "no notes section": ("x:d=4,o=5,b=100", 16),
    "no notes": ("x:d=4,o=5,b=100:", 17),
    "unknown setting": ("x:q=4:c", 3),
    "setting without a value": ("x:d=:c", 5),
    "setting without an equals sign": ("x:d4:c", 4),
    "wrong duration setting": ("x:d=5:c", 5),
    "wrong octave setting": ("x:o=9:c", 5),
    "no tempo": ("x:b=0:c", 5),
    "huge tempo": ("x:b=99999999999:c", 5),
    "not a note": ("x:d=4:c,i,e", 9),
    "wrong duration": ("x:d=4:c,3d,e", 9),
    "wrong octave": ("x:d=4:c,d9,e", 10),
    "empty note": ("x:d=4:c,,e", 9),
    "two sharps": ("x:d=4:c,d##,e", 11),
    "sharp rest": ("x:d=4:c,p#,e", 10),
    "two dots": ("x:d=4:c,d.5.,e", 12),
    "too low": ("x:d=4:c,c1,e", 9),
    "trailing text": ("x:d=4:c,d,e!", 12),
    "trailing comma": ("x:d=4:c,d,", 11),
    "too many notes": ("x:d=4:" + "c," * LIMIT + "c", 7 + 2 * LIMIT),
}


class Note(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("Frequency", "Duration", "Delay", "Repeat")]


class Result(ctypes.Structure):
    _fields_ = [("NoteCount", ctypes.c_uint32), ("Milliseconds", ctypes.c_uint32), ("Column", ctypes.c_uint32)]
    _fields_ += [("Reason", ctypes.c_char_p), ("Name", ctypes.c_void_p), ("NameLength", ctypes.c_uint32)]


@pytest.fixture(scope="module")
def kernel_parse(tmp_path_factory):
    """parse(text) by the kernel's reader: (notes, result); notes is None when it refused."""
    library = tmp_path_factory.mktemp("rtttl") / "rtttl.so"
    folders = [f"-I{qemu.ROOT}/{folder}" for folder in ("kernel/inc", "lib/ddk", "boot", "drivers/kmelody")]
    source = qemu.ROOT / "drivers/kmelody/client/rtttl.c"
    command = ["gcc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-fshort-wchar", "-ffreestanding", *folders]
    subprocess.run([*command, "-o", library, source], check=True)
    function = ctypes.CDLL(str(library)).RtttlParse
    function.restype = ctypes.c_ubyte
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]

    def parse(text):
        data, notes, result = text.encode(), (Note * LIMIT)(), Result()
        good = function(data, len(data), notes, LIMIT, ctypes.byref(result))
        return (notes[: result.NoteCount] if good else None), result

    return parse


def sounds(notes):
    """(start, end, hertz) in ms of what is heard, from either kind of note."""
    clock = 0
    for note in notes:
        if isinstance(note, rtttl.Note):
            hertz, length, rest = note.hertz, note.ms, 0
        else:
            hertz, length, rest = note.Frequency, note.Duration, note.Delay
        if hertz:
            yield clock, clock + length, hertz
        clock += length + rest


def agree(text, notes):
    expected, found = list(sounds(rtttl.parse(text))), list(sounds(notes))
    assert [each[2] for each in found] == [each[2] for each in expected], text
    for one, other in zip(found, expected):
        assert abs(one[0] - other[0]) <= 1 and abs(one[1] - other[1]) <= 1, text


@pytest.mark.parametrize("path", TUNES, ids=lambda path: path.stem)
def test_shipped_tunes(kernel_parse, path):
    notes, result = kernel_parse(path.read_text())
    assert notes, result.Reason
    agree(path.read_text(), notes)


def random_note(choose):
    octave = choose(["", "4", "5", "6", "7", "8"])
    dots = choose([("", ""), ("", ""), (".", ""), ("", ".")])
    note = choose("abcdefghp")
    sharp = choose(["", "#"]) if note != "p" else ""
    text = choose(["", "1", "2", "4", "8", "16", "32"]) + note + sharp + dots[0] + octave + dots[1]
    return choose([text, text.upper(), f" {text} "])


def test_random_tunes(kernel_parse):
    generator = random.Random(1)
    for _ in range(500):
        settings = generator.sample(["d=8", "d=32", "o=4", "o=7", "b=40", "b=999", "b=127"], generator.randrange(4))
        notes = [random_note(generator.choice) for _ in range(generator.randrange(1, 60))]
        text = f"any name: {','.join(settings)}:{','.join(notes)}\n"
        found, result = kernel_parse(text)
        assert found is not None, f"{text}: column {result.Column}: {result.Reason}"
        agree(text, found)


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_tunes(kernel_parse, fault):
    text, column = MALFORMED[fault]
    notes, result = kernel_parse(text)
    assert notes is None
    assert result.Column == column and len(result.Reason) > 10, result.Reason


def test_spoiled_tunes_are_read_alike(kernel_parse):
    """One character of a tune replaced: whatever the kernel's reader accepts, it understands as the tests' reader does."""
    generator = random.Random(2)
    tune = "x:d=8,o=5,b=100:c,8d#.,p,16e6,f.,4g7,32a#,h"
    for _ in range(5000):
        place = generator.randrange(len(tune))
        text = tune[:place] + generator.choice("abcdefghip123456789#.,:= ox~") + tune[place + 1 :]
        notes, result = kernel_parse(text)
        if notes is None:
            assert 1 <= result.Column <= len(text) + 1 and result.Reason
        elif ",," not in text.split(":")[1] and not text.split(":")[1].startswith(","):
            agree(text, notes)
