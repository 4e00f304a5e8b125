"""What all host tests share.

Tests import the modules beside them (qemu, shell, wav ...) by name. Figures that a test records are shown at the end of the
run, before pytest's own summary line.
"""

import pytest

import qemu

FIGURES = []


@pytest.fixture
def record(request):
    """record(text) shows the text in the figures at the end."""
    return FIGURES.append


def pytest_terminal_summary(terminalreporter):
    others = [f"{name}={qemu.chosen(setting)}" for setting, name in qemu.VARIABLES.items() if qemu.chosen(setting) != qemu.REFERENCE[setting]]
    if others:
        terminalreporter.section(f"on {' '.join(others)}")
    if FIGURES:
        terminalreporter.section("figures")
        for text in FIGURES:
            terminalreporter.line(text)
