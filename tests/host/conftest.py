"""What all host tests share.

Most machines are booted by few modules, each for one test. Such a module has a function `ahead`, which gets a test's parameters and
returns what that test is to judge. The calls are made in the background, two at a time, from the start; their tests come last and
find the value in the fixture `result`. So neither processor of a small host is idle while other tests wait for something.

Tests import the modules beside them (qemu, shell, wav ...) by name. Figures that a test records are shown at the end of the
run, before pytest's own summary line.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

import qemu

FIGURES = []


@pytest.fixture
def record(request):
    """record(text) shows the text in the figures at the end."""
    return FIGURES.append


def runs_ahead(item):
    return hasattr(item.module, "ahead") and "result" in item.fixturenames


def pytest_collection_modifyitems(items):
    items.sort(key=runs_ahead)


@pytest.fixture(scope="session", autouse=True)
def background(request):
    """What has been begun for each test."""
    pool = ThreadPoolExecutor(max_workers=2)
    items = filter(runs_ahead, request.session.items)
    yield {item.nodeid: pool.submit(item.module.ahead, **item.callspec.params) for item in items}
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def result(request, background):
    return background[request.node.nodeid].result()


def pytest_terminal_summary(terminalreporter):
    others = [f"{name}={qemu.chosen(setting)}" for setting, name in qemu.VARIABLES.items() if qemu.chosen(setting) != qemu.REFERENCE[setting]]
    if others:
        terminalreporter.section(f"on {' '.join(others)}")
    if FIGURES:
        terminalreporter.section("figures")
        for text in FIGURES:
            terminalreporter.line(text)
