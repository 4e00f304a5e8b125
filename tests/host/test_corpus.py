"""Promise: damaged and hostile driver images are refused with a reason; the system goes on, and nothing leaks.

Every case of corpus.py is created as a service, started and deleted, all in one boot.
"""

import random
import re
import subprocess

import pytest

import corpus
import qemu
import shell
from accounts import settled, settled_difference

CREATE = r"sc create {0} type= kernel binPath= c:\extra\{0}.sys"
START, STOP, DELETE = "sc start {0}", "sc stop {0}", "sc delete {0}"


@pytest.fixture(scope="module")
def cases():
    found = corpus.cases((qemu.BUILD / "drivers/kmelody.sys").read_bytes())
    return {f"d{number:03}": case for number, case in enumerate(found)}


def attempt(console, name):
    """Start a driver; what the loader did with it ("refuse" or "load"), and what the console said."""
    created = console.run(CREATE.format(name))
    assert "SUCCESS" in created, created
    text = console.run(START.format(name))
    if re.search(r"\[SC\] StartService FAILED \d+", text):
        verdict = corpus.REFUSE
    else:
        verdict = corpus.LOAD if "RUNNING" in text else f"neither: {text}"
        stopped = console.run(STOP.format(name))
        assert "STOPPED" in stopped, stopped
    deleted = console.run(DELETE.format(name))
    assert "SUCCESS" in deleted, deleted
    return verdict, text


def reason(text):
    """What is said besides the line that every failed start prints."""
    return " ".join(line for line in text.splitlines() if line.strip() and "StartService FAILED" not in line)


def test_the_corpus_is_large_and_its_names_are_unique(cases):
    assert len({case.name for case in cases.values()}) == len(cases) > 500


@pytest.fixture(scope="module")
def host_loader(tmp_path_factory):
    """load([bytes]) by the kernel's own code, compiled for the host with sanitizers: what it says of each image."""
    folder = tmp_path_factory.mktemp("peload")
    includes = [f"-I{qemu.ROOT}/{name}" for name in ("kernel/inc", "lib/ddk", "boot", ".")]
    sources = [qemu.ROOT / name for name in ("tests/host/peload.c", "kernel/ldr/pe.c", "kernel/ldr/pemap.c")]
    flags = ["-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fshort-wchar"]
    subprocess.run(["gcc", *flags, *includes, "-o", folder / "peload", *sources], check=True)

    def load(images):
        paths = [folder / f"{number:05}" for number in range(len(images))]
        for path, data in zip(paths, images):
            path.write_bytes(data)
        process = subprocess.run([folder / "peload", *paths], capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        return process.stdout.splitlines()

    return load


def test_damaged_images_on_the_host(host_loader):
    judged = [case for case in corpus.cases(corpus.Builder().build()) if not case.name.startswith("DriverEntry")]
    answers = host_loader([case.data for case in judged])
    assert len(answers) == len(judged)
    wrong = [
        (case.name, case.verdict, answer)
        for case, answer in zip(judged, answers)
        if case.verdict not in (corpus.EITHER, corpus.LOAD if answer == "load" else corpus.REFUSE)
    ]
    assert wrong == []


def test_random_damage_on_the_host(host_loader):
    """Several bytes changed at random, mostly in headers and tables, where they matter."""
    generator = random.Random(3)
    sound = corpus.Builder().build()
    parts = [(0x80, 0x228)] * 6 + [(0x600, 0x6A0)] * 4 + [(0xA00, 0xA10)] * 2 + [(0, len(sound))]

    def damaged():
        data = bytearray(sound)
        for _ in range(generator.choice([1, 1, 2, 4, 16])):
            first, last = generator.choice(parts)
            place = generator.randrange(first, last)
            data[place] = generator.choice([0, 1, 0x7F, 0x80, 0xFF, data[place] ^ 1 << generator.randrange(8)])
        return bytes(data)

    answers = host_loader([damaged() for _ in range(3000)])
    assert len(set(answers)) > 15, "the damage reaches too few of the loader's rules"


def test_damaged_images(cases, record):
    files = {f"extra/{name}.sys": case.data for name, case in cases.items()}
    wrong, silent = [], []
    with shell.boot(files=files) as console:
        for name in list(cases)[:3]:  # what is allocated once, on the first use
            attempt(console, name)
        before = settled(console)
        for name, case in cases.items():
            try:
                verdict, text = attempt(console, name)
            except shell.Lost as lost:
                pytest.fail(f"{case.name}: {lost}")
            if case.verdict not in (verdict, corpus.EITHER):
                wrong.append(f"{case.name}: to {case.verdict}, but: {verdict}\n{text}")
            if verdict == corpus.REFUSE and not reason(text):
                silent.append(case.name)
        assert settled_difference(console, before) == {}
    assert not wrong, "\n".join(wrong)
    assert not silent, "refused without a reason"
    record(f"damaged driver images: {len(cases)}")


def test_missing_imports_are_all_named(cases):
    imports = [("ntoskrnl.exe", ["NoSuchRoutineA", "KeSetEvent", "NoSuchRoutineB"]), ("hal.dll", ["HalNoSuch"])]
    with shell.boot(files={"extra/incomplete.sys": corpus.Builder(imports=imports).build()}) as console:
        _, text = attempt(console, "incomplete")
    for name in ("NoSuchRoutineA", "NoSuchRoutineB", "HalNoSuch", "incomplete"):
        assert name in text
    assert "KeSetEvent" not in text
