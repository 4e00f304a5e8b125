"""Promise: in-guest tests cannot pass by staying silent, stopping early or miscounting."""

import pytest

import tap

FAULTS = {
    "nothing": "",
    "no plan": "ok 1 - a",
    "plan without tests": "1..0",
    "short": "1..2\nok 1 - a",
    "long": "1..1\nok 1 - a\nok 2 - b",
    "two plans": "1..1\n1..1\nok 1 - a",
    "wrong number": "1..2\nok 1 - a\nok 3 - b",
    "no number": "1..1\nok - a",
    "a failure": "1..2\nok 1 - a\nnot ok 2 - b",
    "bail out": "1..1\nok 1 - a\nBail out! no memory",
    "only skips": "1..1\nok 1 - a # SKIP needs two processors",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_streams(fault):
    assert not tap.parse(FAULTS[fault]).good


def test_a_good_stream_among_other_lines():
    lines = ["etude> sc start x", "1..3", "# event", "ok 1 - a", "not okay", "ok 2 - b # SKIP why", "ok 3 - c", "STATE : 4"]
    report = tap.parse("\r\n".join(lines) + "\r\n")
    assert report.good and report.passed == ["a", "c"] and report.skipped == ["b"]


def test_the_failures_are_named():
    report = tap.parse("1..2\nnot ok 1 - waits forever\nok 2")
    assert report.failed == ["waits forever"] and report.passed == [""]
