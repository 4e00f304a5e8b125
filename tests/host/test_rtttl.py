"""Promise: the reader of tunes that tells the tests what to expect reads RTTTL as the format is defined."""

import pytest

import rtttl


def read(notes, defaults="d=4,o=5,b=120"):
    return [(note.name, note.hertz, note.ms) for note in rtttl.parse(f"x:{defaults}:{notes}")]


def test_durations_are_parts_of_a_whole_note():
    lengths = [ms for _, _, ms in read("1a,2a,4a,8a,16a,32a")]
    assert lengths == [2000, 1000, 500, 250, 125, 62.5]


def test_a_dot_lengthens_by_half_wherever_it_stands():
    assert read("8a.,8a.5,8a5.,p.") == [("a5", 880, 375)] * 3 + [("p", 0, 750)]


def test_what_is_left_out_comes_from_the_defaults():
    assert read("a,8a,a6", "d=2,o=4,b=60") == [("a4", 440, 2000), ("a4", 440, 500), ("a6", 1760, 2000)]
    assert read("a", "") == [("a6", 1760, 60000 / 63)]


def test_pitch_is_equal_temperament_in_whole_hertz():
    hertz = [hertz for _, hertz, _ in read("c4,c#4,d4,d#4,e4,f4,f#4,g4,g#4,a4,a#4,b4,h4")]
    assert hertz == [262, 277, 294, 311, 330, 349, 370, 392, 415, 440, 466, 494, 494]


def test_space_and_case_do_not_matter():
    assert rtttl.parse(" X : D=4, o=5,B=120 : 8C# ,\n P") == rtttl.parse("x:d=4,o=5,b=120:8c#,p")


MALFORMED = ["", "x", "x:d=4", "x::", "x::i", "x::3a", "x::a9", "x::a,,b", "x:d=5:a", "x:q=4:a", "x:b=0:a", "x::8a.5."]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_tunes_are_refused(text):
    with pytest.raises(rtttl.TuneError):
        rtttl.parse(text)
