"""Promise: what a driver takes is given back: after 200 rounds of loading and unloading kmelody, and after using it, the pools
and the object tables hold what they held before; and after making threads until memory was used up."""

import re

import pytest

import shell
from accounts import settled, settled_difference

ROUNDS = 200


@pytest.fixture
def console():
    with shell.boot(smp=2) as console:
        yield console


def start(console):
    assert "RUNNING" in console.run("sc start kmelody")


def stop(console):
    assert "STOPPED" in console.run("sc stop kmelody")


def test_loading_and_unloading(console):
    console.run("sc stop kmelody")
    for _ in range(3):  # what is made once, on the first use
        start(console)
        stop(console)
    before = settled(console)
    for _ in range(ROUNDS):
        start(console)
        stop(console)
    assert settled_difference(console, before) == {}


def test_use_between_loading_and_unloading(console):
    console.run("sc stop kmelody")

    def round(stop_early):
        start(console)
        console.run("melody play x:d=32,o=6,b=300:c,d,p,e")
        console.run("melody stop" if stop_early else "melody wait")
        stop(console)

    round(True), round(False)
    before = settled(console)
    for number in range(10):
        round(number % 2)
    assert settled_difference(console, before) == {}


def test_services_come_and_go(console):
    def round():
        assert "SUCCESS" in console.run(r"sc create again type= kernel binPath= c:\drivers\kmelody.sys")
        assert "SUCCESS" in console.run("sc delete again")

    round()
    before = settled(console)
    for _ in range(50):
        round()
    assert settled_difference(console, before) == {}


def page_tables(console):
    return int(re.search(r"page table pages (\d+)", console.run("mem"))[1])


PROCESSES = 53  # of a round, each with a table at least


def test_processes_come_and_go(console):
    """Processes with threads and handles of their own, threads attached to them: tests/kmt/stress_attach.c."""
    console.run(r"sc create attaching type= kernel binPath= c:\tests\stress_attach.sys")

    def round():
        assert "RUNNING" in console.run("sc start attaching")
        assert "STOPPED" in console.run("sc stop attaching")

    round()
    before = settled(console)
    tables = page_tables(console)
    round()
    assert settled_difference(console, before) == {}
    # The kernel's own tables stay, and there is one more when more threads than before wait to be buried.
    assert page_tables(console) < tables + PROCESSES / 4
    assert re.search(r"^ +4 +0  System +running", console.run("ps"), re.M)


def test_threads_until_memory_is_used_up():
    with shell.boot(smp=2, mem="48M") as console:
        console.run(r"sc create threadlimit type= kernel binPath= c:\tests\threadlimit.sys")

        def round():
            assert "RUNNING" in console.run("sc start threadlimit")
            assert "STOPPED" in console.run("sc stop threadlimit")

        round()
        before = settled(console)
        round()
        assert settled_difference(console, before) == {}
