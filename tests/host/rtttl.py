"""Read tunes in RTTTL, the ring-tone text format: what the speaker is expected to play.

This reader shares nothing with the kernel's own, so that an error in one shows up against the other.

    name:d=8,o=5,b=125:e6,d#6,8p,16a.,...

Defaults are duration (1, 2, 4, 8, 16 or 32: a fraction of a whole note), octave and beats (quarter notes) per minute; those
left out are d=4, o=6, b=63. A note is [duration] letter [#] [.] [octave] [.]; `p` is a rest, `h` is another name of `b`; a
dot makes it half as long again. It sounds for its full duration. Pitch is equal temperament on a' = a4 = 440 Hz.
"""

import re
from dataclasses import dataclass
from pathlib import Path

SEMITONES = {"c": -9, "c#": -8, "d": -7, "d#": -6, "e": -5, "e#": -4, "f": -4, "f#": -3, "g": -2, "g#": -1, "a": 0, "a#": 1}
SEMITONES |= {"b": 2, "h": 2, "b#": 3, "h#": 3}
NOTE = re.compile(r"(32|16|1|2|4|8)?([a-h]#?|p)(\.?)([1-8])?(\.?)")
DEFAULT = re.compile(r"([dob])=(\d+)")


class TuneError(ValueError):
    """The text is not a tune."""


@dataclass(frozen=True)
class Note:
    """One note or rest."""

    name: str  # "d#5"; "p" for a rest
    hertz: int  # as drivers are told: a whole number; 0 for a rest
    ms: float

    @property
    def is_rest(self):
        return self.hertz == 0


def pitch(letter, octave):
    """Hertz of a letter ("d#") in an octave, exactly."""
    return 440.0 * 2 ** (SEMITONES[letter] / 12 + octave - 4)


def read_defaults(text):
    values = {"d": 4, "o": 6, "b": 63}
    for part in filter(None, text.split(",")):
        match = DEFAULT.fullmatch(part)
        if not match:
            raise TuneError(f"{part!r} sets nothing")
        values[match[1]] = int(match[2])
    if values["d"] not in (1, 2, 4, 8, 16, 32) or not 1 <= values["o"] <= 8 or values["b"] < 1:
        raise TuneError(f"defaults out of range: {values}")
    return values


def read_note(text, defaults):
    match = NOTE.fullmatch(text)
    if not match or (match[3] and match[5]):
        raise TuneError(f"{text!r} is no note")
    duration, letter, early_dot, octave, late_dot = match.groups()
    ms = 240000 / defaults["b"] / int(duration or defaults["d"])
    if early_dot or late_dot:
        ms *= 1.5
    if letter == "p":
        return Note("p", 0, ms)
    octave = int(octave or defaults["o"])
    return Note(f"{letter}{octave}", round(pitch(letter, octave)), ms)


def parse(text):
    """The notes of a tune's text. TuneError when it is malformed."""
    parts = re.sub(r"\s", "", text).lower().split(":")
    if len(parts) != 3:
        raise TuneError("a tune is name:defaults:notes")
    defaults = read_defaults(parts[1])
    return [read_note(note, defaults) for note in parts[2].split(",")]


def load(path):
    """The notes of a tune in a file."""
    return parse(Path(path).read_text())
