"""Promise: the analyser that judges recordings of the speaker is itself right.

It finds every note of a speaker synthesised the way QEMU does it, and it notices each fault that the melody tests rely on it
to notice: a note out of tune, too long, too short, missing, added or in the wrong place.
"""

import wave
from dataclasses import replace

import numpy as np
import pytest

import melody
import qemu
import rtttl
import wav

TUNES = sorted((qemu.ROOT / "iso/music").glob("*.rtttl"))
GRID, RATE = 32000, 192000  # QEMU computes the speaker at the one rate and records at the other
PIT = 1193182


def speak(notes, hertz_factor=1.0):
    """Samples of the notes without rests: each note is a square wave of the timer's rounded divisor, from phase zero."""
    pieces = []
    for note in notes:
        if note.is_rest:
            continue
        divisor = round(PIT / (note.hertz * hertz_factor))
        steps = np.arange(round(note.ms * GRID / 1000))
        phase = (steps * (PIT / divisor) / GRID) % 1.0
        pieces.append(np.where(phase < 0.5, 1.0, -1.0))
    return np.repeat(np.concatenate(pieces), RATE // GRID) * 24000


def hear(notes, **how):
    return wav.tones_in(speak(notes, **how), RATE)


def complaints(asked, played):
    return [row.complaint for row in melody.compare(asked, hear(played)) if row.complaint]


@pytest.fixture(scope="module")
def tune():
    return rtttl.load(qemu.ROOT / "iso/music/furelise.rtttl")


@pytest.mark.parametrize("path", TUNES, ids=lambda path: path.stem)
def test_every_note_of_every_tune_is_found(path):
    notes = rtttl.load(path)
    rows = melody.compare(notes, hear(notes))
    assert melody.matches(rows), melody.table(rows)
    assert max(abs(row.heard.ms - row.asked.ms) for row in rows) < 2
    assert max(abs(row.cents) for row in rows) < 2


def test_there_are_six_tunes():
    assert len(TUNES) == 6


def test_short_fast_and_low_notes_are_told_apart():
    notes = rtttl.parse("x:d=32,o=5,b=240:c,c#,c7,c#7,c8,b7,c,4c2,4c#2,4c2,32c6,32d6,32c6")
    rows = melody.compare(notes, hear(notes))
    assert melody.matches(rows), melody.table(rows)


def test_notes_that_follow_themselves_are_one_run():
    notes = rtttl.parse("x:d=8,o=5,b=120:c,c,p,c,d,p,p,d,c")
    assert [(run.name, run.count) for run in melody.runs(notes)] == [("c5", 3), ("d5", 2), ("c5", 1)]
    assert melody.matches(melody.compare(notes, hear(notes)))


def test_a_note_out_of_tune_is_noticed(tune):
    wrong = list(tune)
    wrong[7] = replace(tune[7], hertz=round(tune[7].hertz * 1.006))
    assert complaints(tune, wrong) == ["out of tune"]


@pytest.mark.parametrize("change, complaint", [(8, "too long"), (-8, "too short")])
def test_a_wrong_length_is_noticed(tune, change, complaint):
    wrong = list(tune)
    wrong[6] = replace(tune[6], ms=tune[6].ms + change)
    assert complaints(tune, wrong) == [complaint]


def test_a_missing_note_is_noticed(tune):
    assert "not heard" in complaints(tune, tune[:5] + tune[6:])


def test_an_added_note_is_noticed(tune):
    extra = rtttl.Note("f7", 2794, 150)
    assert complaints(tune, tune[:5] + [extra] + tune[5:]) == ["not asked for"]


def test_the_wrong_order_is_noticed(tune):
    wrong = list(tune)
    wrong[6], wrong[7] = wrong[7], wrong[6]
    assert complaints(tune, wrong)


def test_a_tune_cut_short_is_noticed(tune):
    assert "not heard" in complaints(tune, tune[:-1])


def test_silence_is_no_tune(tune):
    rows = melody.compare(tune, wav.tones_in(np.zeros(RATE), RATE))
    assert not melody.matches(rows) and not melody.matches([])


def test_the_table_shows_both_sides(tune):
    text = melody.table(melody.compare(tune, hear(tune[:5] + tune[6:])))
    assert "not heard" in text and "e5" in text and "659" in text


def test_files_are_read(tmp_path, tune):
    path = tmp_path / "tune.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(speak(tune).astype("<i2").tobytes())
    assert melody.matches(melody.compare(tune, wav.listen(path)))
