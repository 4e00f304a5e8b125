"""Find the notes in a recording of the PC speaker.

The speaker is a square wave: its zero crossings lie on a straight line over their number as long as a note lasts. A note is
therefore a stretch of crossings that fit one line, and the slope of that line is the note's half-period, over hundreds of
crossings exact to a small part of a cent. QEMU starts each note at phase zero, so where the new line begins is known to a
sample.

QEMU writes no silence: rests are not in the file, and a note that is played twice is found once, twice as long.
"""

import math
import wave
from dataclasses import dataclass

import numpy as np

# Crossings sit on the grid of QEMU's speaker (32 kHz, 31 us a step), so each is that much off its line at most.
JITTER = 45e-6
SHORTEST_FIT = 0.004  # seconds of crossings from which a line is first drawn
SAME_NOTE_CENTS = 25


@dataclass(frozen=True)
class Tone:
    """A stretch of one frequency."""

    start: float  # seconds
    end: float
    hertz: float

    @property
    def ms(self):
        return (self.end - self.start) * 1000


def cents(heard, asked):
    """The interval between two frequencies; positive when heard is the higher."""
    return 1200 * math.log2(heard / asked)


def read_samples(path):
    """The left channel of a 16-bit WAV file and its rate."""
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: not 16-bit samples")
        frames = file.readframes(file.getnframes())
        samples = np.frombuffer(frames, dtype="<i2").reshape(-1, file.getnchannels())
        return samples[:, 0].astype(float), file.getframerate()


def crossings(samples, rate):
    """Times in seconds at which the sign changes, interpolated between samples."""
    signs = np.where(samples >= 0, 1, -1)
    before = np.flatnonzero(np.diff(signs))
    left, right = samples[before], samples[before + 1]
    return (before + left / (left - right)) / rate


class Line:
    """Crossings first to last, both included, lie at start + (number - first) * half."""

    def __init__(self, times, first, last):
        self.times, self.first = times, first
        self.fit(last)

    def fit(self, last):
        self.last = last
        numbers = np.arange(last - self.first + 1)
        self.half, self.start = np.polyfit(numbers, self.times[self.first : last + 1], 1)
        residuals = self.times[self.first : last + 1] - (self.start + numbers * self.half)
        self.error = np.abs(residuals).max()

    def miss(self, number):
        """How far a crossing is from where this line has it."""
        return abs(self.times[number] - (self.start + (number - self.first) * self.half))

    def extend(self):
        """Take in the crossings that follow, as long as they fit."""
        while self.last + 1 < len(self.times) and self.miss(self.last + 1) < JITTER:
            reach = self.last + 1
            # The slope is refined at growing intervals: far ahead of its data a line would miss by its own error.
            stop = min(len(self.times), reach + 1 + (self.last - self.first) // 2)
            while reach < stop and self.miss(reach) < JITTER:
                reach += 1
            self.fit(reach - 1)
            if reach < stop:
                break

    def retract(self, times_before):
        """Take back crossings from the line before that lie better on this one."""
        while self.first > 0 and self.miss(self.first - 1) < min(JITTER, times_before.miss(self.first - 1)):
            self.first -= 1
            self.start -= self.half


def draw_lines(times):
    """The lines that the crossings follow, in order; crossings that fit none are left between them."""
    lines, first = [], 0
    while first + 3 < len(times):
        last = max(first + 3, int(np.searchsorted(times, times[first] + SHORTEST_FIT)))
        if last >= len(times):
            last = len(times) - 1
        line = Line(times, first, last)
        if line.error > JITTER:
            first += 1
            continue
        line.extend()
        if lines:
            line.retract(lines[-1])
            lines[-1].last = min(lines[-1].last, line.first - 1)
        lines.append(line)
        first = line.last + 1
    return lines


def beginning(line, before):
    """When a line's note began: its earliest grid point after the last crossing of the note before."""
    earliest = line.times[before.last] - JITTER
    return line.start - math.floor((line.start - earliest) / line.half) * line.half


def merge(tones):
    """Join neighbours of one frequency: whether there was a break between them is not in the recording."""
    merged = []
    for tone in tones:
        if merged and abs(cents(tone.hertz, merged[-1].hertz)) < SAME_NOTE_CENTS:
            last = merged.pop()
            longer = max(last, tone, key=lambda each: each.ms)
            tone = Tone(last.start, tone.end, longer.hertz)
        merged.append(tone)
    return merged


def tones_in(samples, rate):
    """The tones in a recording, in order, from its first sample to its last."""
    lines = draw_lines(crossings(samples, rate))
    if not lines:
        return []
    starts = [0.0] + [beginning(line, before) for before, line in zip(lines, lines[1:])]
    ends = starts[1:] + [len(samples) / rate]
    return merge([Tone(start, end, 0.5 / line.half) for start, end, line in zip(starts, ends, lines)])


def listen(path):
    """The tones in a WAV file."""
    return tones_in(*read_samples(path))
