"""Promise: a tune sounds as written: every note in tune, in time and in order, with its rests and repeats, the same on every
run.

What the speaker gave is taken from a recording of the emulated speaker; rests and repeats, which are not in a recording, from
the kernel's own time-stamped trace of what it told the speaker.
"""

import re

import pytest

import melody
import qemu
import rtttl
import shell
import wav
from test_tunes import MALFORMED

TUNES = sorted(path.stem for path in (qemu.ROOT / "iso/music").glob("*.rtttl"))
TRACE = re.compile(r"^ +(\d+) +(\d+)$", re.M)
# Rests of all kinds, notes that follow themselves with and without a rest, dots, the shortest and the longest.
PIECE = "piece:d=8,o=5,b=150:c,c,p,c,16d,16p,16d,p,p,e.,32f,32f,32p,4g,h,2p,a#6,32p,p"


def play(tune, recording, **settings):
    commands = rf"melody play {tune}; melody wait; tones"
    result = qemu.execute(commands, icount=True, wav=str(recording), **settings)
    assert result.passed, f"{result.explain()}\n{result.output}"
    return result.output


@pytest.mark.parametrize("tune", TUNES)
def test_every_note_is_heard(tune, tmp_path, record):
    play(rf"c:\music\{tune}.rtttl", tmp_path / "tune.wav")
    rows = melody.compare(rtttl.load(qemu.ROOT / f"iso/music/{tune}.rtttl"), wav.listen(tmp_path / "tune.wav"))
    assert melody.matches(rows), melody.table(rows)
    ends = rows[0], rows[-1]  # QEMU's recorder hears the first note longer, the last one shorter
    inner = [row for row in rows if row not in ends] or rows
    cents = max(abs(row.cents) for row in rows)
    ms = max(abs(row.heard.ms - row.asked.ms) / row.asked.count for row in inner)
    record(f"{tune}: {sum(row.asked.count for row in rows)} notes; worst {cents:.1f} cents, {ms:.2f} ms")


def test_two_runs_are_the_same_to_the_byte(tmp_path):
    """Where no loader reads a disk, which answers in the host's time."""
    outputs = [play(PIECE, tmp_path / name, **qemu.REFERENCE) for name in ("one.wav", "two.wav")]
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    assert outputs[0] == outputs[1]


def test_two_processors(tmp_path):
    tune = "x:d=8,o=5,b=120:c,e,g,c6,b,g,e,c"
    play(tune, tmp_path / "tune.wav", smp=2)
    rows = melody.compare(rtttl.parse(tune), wav.listen(tmp_path / "tune.wav"))
    assert melody.matches(rows), melody.table(rows)


def test_in_real_time():
    """However late the host makes them, all notes are played, in order. (QEMU records late and shortened what a busy host keeps it from.)"""
    tune = "x:d=8,o=5,b=120:c,e,g,c6,b,g,e,c"
    result = qemu.execute(f"melody play {tune}; melody wait; tones", smp=2)
    assert result.passed, result.output
    told = [int(hertz) for _, hertz in TRACE.findall(result.output)]
    assert [hertz for hertz in told if hertz] == [note.hertz for note in rtttl.parse(tune)] and told[-1] == 0, result.output


def intervals(text):
    """(start, end, hertz) of each sound in a trace; times in ms. A sound lasts until the next call of whatever kind."""
    calls = [(int(time) / 10000, int(hertz)) for time, hertz in TRACE.findall(text)]
    return [(time, after, hertz) for (time, hertz), (after, _) in zip(calls, calls[1:]) if hertz]


def test_rests_and_repeats(tmp_path):
    text = play(PIECE, tmp_path / "piece.wav")
    notes = rtttl.parse(PIECE)
    sounds = intervals(text)
    assert [hertz for _, _, hertz in sounds] == [note.hertz for note in notes if not note.is_rest], text
    clock = sounds[0][0]
    for note in notes:
        if not note.is_rest:
            start, end, _ = sounds.pop(0)
            assert abs(start - clock) <= 5, f"{note.name} starts {start - clock:.1f} ms late"
            assert abs(end - start - note.ms) <= 5, f"{note.name} lasts {end - start:.1f} ms, not {note.ms:.1f}"
        clock += note.ms
    assert int(TRACE.findall(text)[-1][1]) == 0, "the speaker has been left on"


def test_waiting_ends_with_the_last_note(tmp_path):
    """`melody wait` returns when the tune is over: the trace that follows is complete, and the wait was not much longer."""
    text = play("x:d=4,o=5,b=120:a,a", tmp_path / "x.wav")
    assert sum(end - start for start, end, _ in intervals(text)) == pytest.approx(1000, abs=10)


@pytest.fixture(scope="module")
def console():
    with shell.boot(smp=2) as console:
        yield console


def test_stopping_silences_at_once(console):
    console.run("melody play x:d=1,o=5,b=1:c,d,e")  # four minutes each
    shell.eventually(lambda: TRACE.findall(console.run("tones")), "it does not begin")
    console.run("melody stop")
    console.run("melody wait")
    calls = TRACE.findall(console.run("tones"))
    assert [hertz for _, hertz in calls] == ["523", "0"] and int(calls[1][0]) - int(calls[0][0]) < 2000 * 10_000_000


def test_nothing_to_wait_for(console):
    console.run("melody wait")


TYPED = [fault for fault in MALFORMED if fault not in ("nothing", "no settings", "too many notes")]


@pytest.mark.parametrize("fault", TYPED)
def test_malformed_tunes_are_refused_with_position_and_reason(console, fault):
    text, column = MALFORMED[fault]
    before = TRACE.findall(console.run("tones"))
    answer = console.run(f"melody play {text}")
    assert re.search(rf"\bcolumn {column}: [a-z].{{10}}", answer), answer
    assert TRACE.findall(console.run("tones")) == before, "it played something all the same"


def test_a_file_is_refused_in_the_same_way(tmp_path):
    (tmp_path / "bad.rtttl").write_text("x:d=4:c,i,e\n")
    with shell.boot(extra_files=(str(tmp_path / "bad.rtttl"),)) as console:
        answer = console.run(r"melody play c:\extra\bad.rtttl")
        assert re.search(r"\bcolumn 9: ", answer), answer
        assert r"c:\extra\none.rtttl: no such file" in console.run(r"melody play c:\extra\none.rtttl")
