"""Promise: a driver that imports from another brings it into memory, through forwards too, and takes it along when it goes; what
cannot be imported is refused with the names of driver, module and symbol, and leaves nothing behind."""

import re

import pytest

import qemu
import shell
from accounts import settled, settled_difference
from pe import Builder

MODULES = ("exparith", "expforward", "expchain", "exprefuse", "expcirclea", "expcircleb")
ORDINAL = 1 << 63
# What is imported -> what is said when it is refused.
BAD = {
    "by name": ([("exparith.sys", ["ArithAdd", "NoSuchExport"])], r"exparith.sys!NoSuchExport \(exparith.sys does not export"),
    "by ordinal": ([("exparith.sys", [ORDINAL | 99])], r"exparith.sys!#99 \(exparith.sys does not export #99\)"),
    "no file": ([("nosuchmodule.sys", ["A", "B"])], r"nosuchmodule.sys!A \(there is no file nosuchmodule.sys\) nosuchmodule.sys!B"),
    "forward to nothing": (
        [("expforward.sys", ["ForwardMissing"])],
        r"expforward.sys!ForwardMissing \(exparith.sys does not export NoSuchExport\)",
    ),
    "forward to nobody": ([("expforward.sys", ["ForwardNowhere"])], r"!ForwardNowhere \(there is no file nosuchmodule\)"),
    "circle of forwards": ([("expforward.sys", ["ForwardCircle"])], r"!ForwardCircle \(forwarded in a circle: exp\w+.sys forwards"),
    "circle of imports": ([("expcirclea.sys", ["CircleA"])], r"expcirclea.sys is just being loaded: it imports from here"),
    "DllInitialize fails": ([("exprefuse.sys", ["RefuseSomething"])], r"exprefuse.sys: DllInitialize answered C00000A3"),
    "a folder": ([("..\\exparith.sys", ["ArithAdd"])], r"there is no file \.\.\\exparith.sys"),
    "no driver": ([("noimage.sys", ["A"])], r"noimage.sys: the file does not start with MZ"),
    "itself": ([("bad08.sys", ["A"])], r"bad\d\d.sys is just being loaded"),
    "an ordinal of the kernel": ([("ntoskrnl.exe", [ORDINAL | 1])], r"ntoskrnl.exe!#1"),
}
CREATE = r"sc create {0} type= kernel binPath= c:\{1}\{0}.sys"


def modules(console):
    return re.findall(r"^[0-9A-F]{16}  [0-9A-F]{16}  (exp\w+)\.sys", console.run("lm").partition("Unloaded modules")[0], re.M)


@pytest.fixture(scope="module")
def console():
    files = {f"extra/{name}.sys": (qemu.BUILD / f"tests/{name}.sys").read_bytes() for name in MODULES}
    for number, (imports, _) in enumerate(BAD.values()):
        if imports[0][0].startswith("bad"):
            imports = [(f"bad{number:02}.sys", ["A"])]
        files[f"extra/bad{number:02}.sys"] = Builder(imports=imports).build()
    many = [(f"one{number:02}.sys", ["ArithAdd"]) for number in range(17)]
    for name, _ in many:  # the same bytes at different places are different images
        files[f"extra/{name}"] = (qemu.BUILD / "tests/exparith.sys").read_bytes()
    files["extra/many.sys"] = Builder(imports=many).build()
    files["extra/noimage.sys"] = b"This is no driver. " * 100
    with shell.boot(smp=2, files=files) as console:
        yield console


def test_what_is_imported_comes_and_goes(console):
    console.run(CREATE.format("imports", "tests"))
    text = console.run("sc start imports")
    assert "RUNNING" in text and text.count("exparith: DllInitialize") == 1 and "not ok" not in text, text
    assert set(modules(console)) == {"exparith", "expforward", "expchain"}
    text = console.run("sc stop imports")
    assert "STOPPED" in text and text.count("exparith: DllUnload") == 1, text
    assert modules(console) == []
    assert re.search(r"Unloaded modules:(\n.*)*exparith\.sys", console.run("lm"))
    console.run("sc delete imports")


def test_an_export_driver_that_is_a_service_too(console):
    console.run(CREATE.format("exparith", "tests"))
    console.run(CREATE.format("imports", "tests"))
    text = console.run("sc start exparith")
    assert "RUNNING" in text and "DllInitialize" not in text, text
    text = console.run("sc stop exparith")
    assert "DriverUnload" in text and "DllUnload" not in text and modules(console) == [], text
    # First imported, then started; stopped, it stays for its importer.
    text = console.run("sc start imports")
    assert "RUNNING" in text, text
    text = console.run("sc start exparith")
    assert "RUNNING" in text, text
    text = console.run("sc stop exparith")
    assert "STOPPED" in text and "DriverUnload" in text and "DllUnload" not in text, text
    assert "exparith" in modules(console)
    text = console.run("sc start exparith")
    assert "RUNNING" in text, text
    # And the other way round: the importer goes first.
    text = console.run("sc stop imports")
    assert "STOPPED" in text and "DllUnload" not in text and modules(console) == ["exparith"], text
    text = console.run("sc stop exparith")
    assert "DriverUnload" in text and "DllUnload" in text and modules(console) == [], text
    for name in ("exparith", "imports"):
        assert "SUCCESS" in console.run(f"sc delete {name}")


def refuse(console, name, pattern):
    console.run(CREATE.format(name, "extra"))
    text = console.run(f"sc start {name}")
    console.run(f"sc delete {name}")
    assert re.search(r"StartService FAILED \d+", text) and re.search(pattern, text), text
    assert f"{name}.sys" in text
    assert modules(console) == [], text


def test_what_cannot_be_imported_is_named(console):
    for round in range(2):
        for number, (_, pattern) in enumerate(BAD.values()):
            refuse(console, f"bad{number:02}", pattern)
        refuse(console, "many", r"imports from more than 16 drivers")
        if round == 0:
            before = settled(console)
    assert settled_difference(console, before) == {}
