"""Compare the notes heard in a recording with the notes asked for.

Rests are not in a recording, and a note that follows itself is heard as one long note (see wav.py). So both sides are
compared as runs: what was asked for is joined in the same way, and a run's length is the sum of its notes.
"""

from dataclasses import dataclass, replace

import wav

CENTS = 5  # how far a frequency may be off
MS = 5  # and the length of a note
ENDS_MS = 10  # of the first and the last one: QEMU records a few milliseconds of them early


@dataclass(frozen=True)
class Run:
    """One note, or several of one frequency in a row."""

    name: str
    hertz: int
    ms: float
    count: int

    @property
    def label(self):
        return self.name if self.count == 1 else f"{self.name} x{self.count}"


@dataclass(frozen=True)
class Row:
    """A run that was asked for beside the tone that was heard in its place; either may be missing."""

    asked: Run
    heard: wav.Tone
    tolerance_ms: float = MS  # for each note of the run

    @property
    def cents(self):
        return wav.cents(self.heard.hertz, self.asked.hertz)

    @property
    def complaint(self):
        """What is wrong, in words; empty if nothing is."""
        if not self.heard:
            return "not heard"
        if not self.asked:
            return "not asked for"
        if abs(self.cents) > CENTS:
            return "out of tune"
        if abs(self.heard.ms - self.asked.ms) > self.tolerance_ms * self.asked.count:
            return "too long" if self.heard.ms > self.asked.ms else "too short"
        return ""


def runs(notes):
    """Notes as a recording shows them: without rests, equal neighbours joined."""
    joined = []
    for note in notes:
        if note.is_rest:
            continue
        if joined and joined[-1].hertz == note.hertz:
            last = joined.pop()
            joined.append(Run(last.name, last.hertz, last.ms + note.ms, last.count + 1))
        else:
            joined.append(Run(note.name, note.hertz, note.ms, 1))
    return joined


def same_note(run, tone):
    """Near enough to be meant for that note: within a quarter tone."""
    return abs(wav.cents(tone.hertz, run.hertz)) < 50


def align(asked, heard):
    """Pair runs with tones in order, with as few left over on either side as can be."""
    length = [[0] * (len(heard) + 1) for _ in range(len(asked) + 1)]
    for i in reversed(range(len(asked))):
        for j in reversed(range(len(heard))):
            best = max(length[i + 1][j], length[i][j + 1])
            length[i][j] = max(best, 1 + length[i + 1][j + 1]) if same_note(asked[i], heard[j]) else best
    rows, i, j = [], 0, 0
    while i < len(asked) and j < len(heard):
        if same_note(asked[i], heard[j]) and length[i][j] == 1 + length[i + 1][j + 1]:
            rows.append(Row(asked[i], heard[j]))
            i, j = i + 1, j + 1
        elif length[i + 1][j] >= length[i][j + 1]:
            rows.append(Row(asked[i], None))
            i += 1
        else:
            rows.append(Row(None, heard[j]))
            j += 1
    return rows + [Row(run, None) for run in asked[i:]] + [Row(None, tone) for tone in heard[j:]]


def compare(notes, tones):
    """Rows for a table, in the order of the tune."""
    rows = align(runs(notes), tones)
    for end in {0, len(rows) - 1} if rows else ():
        rows[end] = replace(rows[end], tolerance_ms=ENDS_MS)
    return rows


def matches(rows):
    """True when every note asked for was heard and nothing else. Nothing at all is no match."""
    return bool(rows) and not any(row.complaint for row in rows)


def table(rows):
    """The rows as text, for people."""
    lines = ["  no  note    Hz asked   heard  cents   ms asked   heard"]
    for number, row in enumerate(rows, 1):
        name = hertz = ms = heard_hertz = heard_ms = cents = "-"
        if row.asked:
            name, hertz, ms = row.asked.label, f"{row.asked.hertz}", f"{row.asked.ms:.0f}"
        if row.heard:
            heard_hertz, heard_ms = f"{row.heard.hertz:.1f}", f"{row.heard.ms:.1f}"
        if row.asked and row.heard:
            cents = f"{row.cents:+.1f}"
        line = f"{number:4}  {name:<7} {hertz:>8} {heard_hertz:>7} {cents:>6} {ms:>10} {heard_ms:>7}  {row.complaint}"
        lines.append(line.rstrip())
    return "\n".join(lines)
