"""Promise: every command in docs/companion.md does what the page shows, line by line but for numbers."""

import pytest

import companion

MACHINES = companion.machines(companion.PAGE.read_text().splitlines())


@pytest.mark.parametrize("commands", MACHINES, ids=[f"line {commands[0].line + 1}" for commands in MACHINES])
def test_session(commands):
    for command, output in zip(commands, companion.run(commands)):
        assert companion.matches(command.shown, output), "\n".join(
            [f"line {command.line + 1}: {command.text}", "--- shown", *command.shown, "--- came", *output]
        )


def test_a_difference_is_seen():
    assert companion.matches(["a 1", "...", "b 0x12"], ["a 27", "x", "y", "b 0xFF"])
    assert not companion.matches(["a 1", "b 2"], ["a 27", "x", "b 2"])
    assert not companion.matches(["a 1"], ["a 27", "more"])
    assert not companion.matches(["a", "..."], ["b"])
    assert not companion.matches(["word"], [])
    assert companion.matches(["...", "a", "b", "..."], ["a", "a", "b", "c"])
    assert not companion.matches(["...", "a", "b"], ["a", "b", "c"])
    assert companion.matches([], []) and not companion.matches([], ["a"])


def test_what_is_left_out_stays_left_out():
    assert companion.rewritten(["...", "a 1", "", "b", "...", "d"], ["x", "a 2", "", "b", "c", "d"]) == ["...", "a 2", "", "b", "...", "d"]
    assert companion.rewritten(["a", "..."], ["b", "c"]) == ["b", "c"]
