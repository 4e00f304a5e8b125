"""Promise: `sc` creates, starts, queries, stops and deletes driver services, and prints what sc.exe prints on Windows."""

import re

import pytest

import shell

STATUS = r"""
SERVICE_NAME: {name} *
 +TYPE +: 1 +KERNEL_DRIVER *
 +STATE +: {number} +{state} *
(?: +\(.*\) *
)? +WIN32_EXIT_CODE +: \d+ +\(0x[0-9a-f]+\) *
 +SERVICE_EXIT_CODE +: 0 +\(0x0\) *
 +CHECKPOINT +: 0x0 *
 +WAIT_HINT +: 0x0 *
"""
RUNNING, STOPPED = dict(number=4, state="RUNNING"), dict(number=1, state="STOPPED")
CREATE = r"sc create tune type= kernel binPath= c:\drivers\kmelody.sys"


@pytest.fixture(scope="module")
def console():
    with shell.boot() as console:
        console.run("sc stop kmelody")  # started at boot; its image serves for services made here
        yield console


def reports(text, name, state):
    return re.search(STATUS.format(name=name, **state), text)


def fails(text, what, number):
    """sc's form of an error: the call, the Win32 error number, then its text."""
    return re.search(rf"^\[SC\] {what} FAILED {number}:\n\n\S.+\n", text, re.M)


def test_the_life_of_a_service(console):
    assert "[SC] CreateService SUCCESS" in console.run(CREATE)
    text = console.run("sc query tune")
    assert reports(text, "tune", STOPPED), text
    text = console.run("sc start tune")
    assert reports(text, "tune", RUNNING), text
    assert "kmelody" in console.run("drivers").lower() and "tune" in console.run("drivers")
    assert "KMelody" in console.run("devices")
    text = console.run("sc query tune")
    assert reports(text, "tune", RUNNING) and "STOPPABLE" in text, text
    text = console.run("sc stop tune")
    assert reports(text, "tune", STOPPED), text
    assert "tune" not in console.run("drivers")
    assert "[SC] DeleteService SUCCESS" in console.run("sc delete tune")
    assert "FAILED 1060" in console.run("sc query tune")


def test_boot_services_run(console):
    for name in ("serial", "beep"):
        text = console.run(f"sc query {name}")
        assert reports(text, name, RUNNING), text


def test_what_is_not_there(console):
    calls = {"query": "EnumQueryServicesStatus:OpenService", "start": "StartService: OpenService", "delete": "OpenService"}
    for command, call in calls.items():
        text = console.run(f"sc {command} nosuch")
        assert fails(text, f"{call}", 1060), text


def test_a_file_that_is_not_there(console):
    console.run(r"sc create ghost type= kernel binPath= c:\drivers\ghost.sys")
    text = console.run("sc start ghost")
    assert fails(text, "StartService", 2), text
    console.run("sc delete ghost")


def test_twice(console):
    console.run(CREATE)
    text = console.run(CREATE)
    assert fails(text, "CreateService", 1073), text
    console.run("sc start tune")
    text = console.run("sc start tune")
    assert fails(text, "StartService", 1056), text
    console.run("sc stop tune")
    text = console.run("sc stop tune")
    assert fails(text, "ControlService", 1062), text
    console.run("sc delete tune")


def test_misuse_shows_the_usage(console):
    for command in ("sc", "sc create", "sc create x", "sc nosense x", "sc start"):
        text = console.run(command).lower()
        assert "usage" in text or "description" in text, text


def test_case_does_not_matter(console):
    assert reports(console.run("sc QUERY BEEP"), "(?i:beep)", RUNNING)
    assert "SUCCESS" in console.run(r"SC create Loud type= kernel binPath= C:\Drivers\KMELODY.SYS")
    assert "RUNNING" in console.run("sc start LOUD")
    assert "STOPPED" in console.run("sc stop loud")
    assert "SUCCESS" in console.run("sc delete lOUD")


def test_services_of_the_registry_survive_what_people_type(console):
    """Long names, empty quotes, odd characters: an error each, and the console goes on."""
    for name in ("x" * 300, "a\\b", '""', "%s%n", "\x7f"):
        console.run(f"sc query {name}")
        console.run(f"sc start {name}")
    assert shell.qemu.PROMPT  # the console answered each
    assert "PASSIVE_LEVEL" in console.run("irql")


def test_a_running_service_is_deleted_when_it_stops(console):
    console.run(CREATE)
    console.run("sc start tune")
    assert "SUCCESS" in console.run("sc delete tune")
    assert fails(console.run("sc delete tune"), "DeleteService", 1072)
    assert fails(console.run(CREATE), "CreateService", 1072)
    text = console.run("sc stop tune")
    assert reports(text, "tune", STOPPED) and "WIN32_EXIT_CODE    : 0 " in text, text
    assert fails(console.run("sc query tune"), "EnumQueryServicesStatus:OpenService", 1060)


def test_a_disabled_service_does_not_start(console):
    console.run(CREATE + " start= disabled error= ignore DisplayName= \"A tune\"")
    assert fails(console.run("sc start tune"), "StartService", 1058)
    text = console.run("sc qc tune")
    assert "4   DISABLED" in text and "0   IGNORE" in text and ": A tune" in text, text
    assert r"\??\c:\drivers\kmelody.sys" in text, text
    console.run("sc delete tune")


def test_options_are_two_words(console):
    for options in (r"type=kernel binPath= c:\x.sys", "type= own", "type= kernel", r"type= kernel binPath= c:\x.sys start= never"):
        assert "usage" in console.run(f"sc create tune {options}"), options
    assert "FAILED 1060" in console.run("sc query tune")


def test_dependencies_that_cannot_be_read_are_not_taken_for_none(console):
    console.run(r"sc create needed type= kernel binPath= c:\drivers\kmelody.sys group= few")
    console.run(r"sc create needs type= kernel binPath= c:\tests\event.sys depend= needed")
    console.run(r"sc create groupie type= kernel binPath= c:\tests\event.sys depend= +few")
    assert "RUNNING" in console.run("sc start needed")
    console.run("poolfail tag=LdS?")
    for command, call in (
        ("start needs", "StartService"),
        ("start groupie", "StartService"),
        ("stop needed", "ControlService"),
        ("qc needs", "QueryServiceConfig"),
        ("enumdepend needed", "EnumDependentServices"),
        (r"config needed depend= needs", "ChangeServiceConfig"),
    ):
        text = console.run(f"sc {command}")
        assert fails(text, call, 1450), text
    console.run("poolfail off")
    assert reports(console.run("sc query needed"), "needed", RUNNING)
    assert "entriesread = 2" in console.run("sc enumdepend needed")
    assert fails(console.run("sc config needed depend= needs"), "ChangeServiceConfig", 1059)
    console.run("sc stop needed; sc delete groupie; sc delete needs; sc delete needed")


def test_a_driver_in_use_stops_when_it_is_closed():
    with shell.boot() as console:
        text = console.run("sc stop serial")
        assert reports(text, "serial", dict(number=3, state="STOP_PENDING")) and "NOT_STOPPABLE" in text, text
        assert "PASSIVE_LEVEL" in console.run("irql")
