"""Promise: instruction counts are the same on every run of the same binary, every operation that `make bench` lists is measured,
and what meets its goal goes on meeting it, give or take a quarter."""

import sys

import pytest

import qemu

sys.path.insert(0, str(qemu.ROOT / "tests/bench"))

import bench  # noqa: E402

QUICK = ["locks", "memory", "irps"]
ALLOWANCE = 1.25


@pytest.fixture(scope="module")
def figures():
    return bench.count_all(bench.DRIVERS) | bench.count_boot()


def test_counts_are_the_same_on_every_run(figures):
    again = bench.count_all(QUICK)
    assert len(again) >= 10
    assert bench.as_json(again) == bench.as_json({name: figures[name] for name in again})


def test_every_row_is_measured(figures):
    assert sorted(figures) == sorted(bench.ROWS)
    for name, figure in figures.items():
        assert 0 < figure["min"] <= figure["median"], name


def test_timers_cost_the_same_however_many_are_armed(figures):
    medians = [figures[f"timer_{count}"]["median"] for count in ("1", "10", "1k", "10k", "100k", "1m")]
    assert max(medians) <= 1.3 * min(medians)


@pytest.mark.parametrize("name", [name for name, row in bench.ROWS.items() if row.goal])
def test_goal(name, figures, record):
    row, median = bench.ROWS[name], figures[name]["median"]
    record(f"{row.text}: {median:,} instructions, goal {row.goal:,}")
    assert row.missed or median <= row.goal * ALLOWANCE
