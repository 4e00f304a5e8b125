"""Promise: the pools know what every driver has of them, by tag, by driver and by place in the code, and forget drivers that
are gone."""

import re

import pytest

import shell

ROW = re.compile(r"^ (.{4}) +(NonPaged|Paged|Execute) +(\d+) +(\d+) +(-?\d+) +(-?\d+) +(\d+)  ?(.*)$", re.M)
USER = r"c:\tests\pooluser.sys"


@pytest.fixture(scope="module")
def console():
    with shell.boot(smp=2) as console:
        for name in ("pooluser", "poolleaker"):
            assert "SUCCESS" in console.run(rf"sc create {name} type= kernel binPath= {USER}")
        yield console


def rows(console, options):
    """What poolmon shows: (tag, kind, allocs, frees, diff, bytes, bytes per allocation, who)."""
    found = ROW.findall(console.run(f"poolmon {options}"))
    return [(tag, kind, *map(int, numbers), who.strip()) for tag, kind, *numbers, who in found]


def test_a_driver_s_blocks_are_shown(console):
    assert "RUNNING" in console.run("sc start pooluser")
    assert rows(console, "/g PUs?") == [
        ("PUs1", "NonPaged", 1, 0, 1, 128, 128, "pooluser.sys"),
        ("PUs2", "NonPaged", 1, 0, 1, 1344, 1344, "pooluser.sys"),
        ("PUs3", "Paged", 1, 0, 1, 12288, 12288, "pooluser.sys"),
    ]
    assert [row[0] for row in rows(console, "/p PUs*")] == ["PUs3"]
    assert [row[0] for row in rows(console, "/n /b /iPUs*")] == ["PUs2", "PUs1"]
    assert [row[0] for row in rows(console, "/n /b /iPUs* /xPUs2")] == ["PUs1"]
    assert all(row[-1].startswith("pooluser!") for row in rows(console, "/c PUs*"))
    assert "STOPPED" in console.run("sc stop pooluser")
    assert [(row[0], *row[4:6], row[-1]) for row in rows(console, "/g PUs?")] == [
        (tag, 0, 0, "(unloaded)") for tag in ("PUs1", "PUs2", "PUs3")
    ]


def test_columns_sort(console):
    for letter, column in zip("afdbm", range(2, 7)):
        values = [row[column] for row in rows(console, f"/{letter}")]
        assert len(values) > 10 and values == sorted(values, reverse=True), letter
    tags = [row[0] for row in rows(console, "/t")]
    assert tags == sorted(tags)


def test_what_is_left_behind_is_nobody_s(console):
    console.run("sc start poolleaker")
    console.run("sc stop poolleaker")
    assert ("PUs2", 1, 1344, "(unloaded)") in [(row[0], *row[4:6], row[-1]) for row in rows(console, "/g PUs2")]


def test_wrong_options_are_refused(console):
    for options in ("/q", "/", "/i", "/bb", "-"):
        assert "usage: poolmon" in console.run(f"poolmon {options}")
