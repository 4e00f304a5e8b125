"""Promise: drivers start in the order that the registry says: start types, groups, tags, names, and after what they depend on;
one that fails is told of, left out, or stops the system, as its ErrorControl says. `sc` knows dependencies as Windows does."""

import re

import pytest

import qemu
import shell
from pe import Builder

CONTROL = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control"
GOOD, BAD = Builder().build(), Builder(status=0xC0000001).build()


def wide(*texts):
    """A REG_MULTI_SZ as a registry file has it."""
    data = "".join(text + "\0" for text in texts) + "\0"
    return "hex(7):" + ",".join(f"{byte:02x}" for byte in data.encode("utf-16le"))


def service(name, start=3, image=None, error=1, group=None, tag=None, depend=(), depend_group=()):
    lines = [rf"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\{name}]", '"Type"=dword:1', f'"Start"=dword:{start}']
    lines += [f'"ErrorControl"=dword:{error}', rf'"ImagePath"="\\SystemRoot\\extra\\{image or name}.sys"']
    if group:
        lines.append(f'"Group"="{group}"')
    if tag:
        lines.append(f'"Tag"=dword:{tag:x}')
    if depend:
        lines.append(f'"DependOnService"={wide(*depend)}')
    if depend_group:
        lines.append(f'"DependOnGroup"={wide(*depend_group)}')
    return "\n".join(lines) + "\n"


def machine(*services, bad=(), control=""):
    """The boot disk's files: the registry as it is, these services, and an image for each."""
    names = re.findall(r"Services\\(\w+)]", "\n".join(services))
    registry = (qemu.ROOT / "iso/registry.reg").read_text() + "\n" + control + "\n" + "\n".join(services)
    files = {f"extra/{name}.sys": BAD if name in bad else GOOD for name in names}
    return files | {"registry.reg": registry.encode()}


def loaded(text):
    """The modules of this test in the order of `lm`, which is that of loading as long as none goes."""
    return re.findall(r"^[0-9A-F]{16}  [0-9A-F]{16}  (s_\w+)\.sys", text.partition("Unloaded modules")[0], re.M)


def test_the_order_at_boot():
    control = f'[{CONTROL}\\ServiceGroupOrder]\n"List"={wide("First", "Second")}\n'
    control += f'[{CONTROL}\\GroupOrderList]\n"Second"=hex:02,00,00,00,09,00,00,00,04,00,00,00\n'
    files = machine(
        service("s_auto", 2),
        service("s_demand", 3),
        service("s_disabled", 4),
        service("s_zero_b", 0),
        service("s_zero_a", 0),
        service("s_one_none", 1),
        service("s_one_unlisted", 1, group="Nowhere"),
        service("s_one_first", 1, group="FIRST"),
        service("s_one_second_untagged", 1, group="Second"),
        service("s_one_second_4", 1, group="Second", tag=4),
        service("s_one_second_9", 1, group="Second", tag=9),
        service("s_one_second_5", 1, group="Second", tag=5),
        service("s_one_late", 1, group="First", depend=["s_called"]),
        service("s_called", 3),
        service("s_one_group", 1, depend_group=["Members"], group="First"),
        service("s_member", 2, group="Members"),
        control=control,
    )
    result = qemu.execute("lm", files=files)
    assert result.passed, result.output
    expected = "zero_a zero_b one_first member one_group called one_late one_second_9 one_second_4 one_second_5"
    expected += " one_second_untagged one_unlisted one_none auto"
    assert [name.removeprefix("s_") for name in loaded(result.output)] == expected.split(), result.output
    assert "was not started" not in result.output


@pytest.fixture(scope="module")
def console():
    services = [
        service("s_silent", 1, error=0),
        service("s_normal", 1, error=1),
        service("s_severe", 2, error=2),
        service("s_needs_bad", 2, depend=["s_normal"]),
        service("s_needs_nobody", 2, depend=["s_nobody"]),
        service("s_needs_empty", 2, depend_group=["Empty"]),
        service("s_needs_failing_group", 2, depend_group=["Failing"]),
        service("s_failing", 3, group="Failing"),
        service("s_ring1", 2, depend=["s_ring2"]),
        service("s_ring2", 2, depend=["s_ring3"]),
        service("s_ring3", 3, depend=["s_ring1"]),
        service("s_self", 3, depend=["S_SELF"]),
        service("s_off", 4),
        service("s_needs_off", 3, depend=["s_off"]),
        service("s_base", 3, group="Bases"),
        service("s_upper", 3, depend=["s_base"]),
        service("s_top", 3, depend=["s_upper"], depend_group=["Bases"]),
        *(service(f"s_chain{n:02}", 3, depend=[f"s_chain{n + 1:02}"]) for n in range(20)),
    ]
    with shell.boot(files=machine(*services, bad=("s_silent", "s_normal", "s_severe", "s_failing"))) as console:
        yield console


def test_failures_at_boot_are_told(console):
    text = console.run("dbgprint")
    assert "s_silent" not in text
    for name in ("s_normal", "s_severe"):
        assert re.search(rf"{name} was not started: error 31,.*did not start: status C0000001", text), text
    assert re.search(r"s_needs_bad was not started: error 1068.*s_needs_bad depends on s_normal, which did not start", text)
    assert re.search(r"s_needs_nobody was not started: error 1075.*depends on s_nobody, which is no service", text)
    assert re.search(r"s_needs_empty was not started: error 1068.*the group Empty, of which no service runs", text)
    assert re.search(r"s_needs_failing_group was not started: error 1068.*the group Failing, of which", text)
    assert re.search(r"s_ring1 was not started: error 1059.*s_ring1 depends on s_ring2, which depends on s_ring3, which", text)
    assert "(0x1f)" in console.run("sc query s_silent"), "the exit code of a start at boot"


def failed(text, number):
    return re.search(rf"^\[SC\] \w+ FAILED {number}:\n\n\S", text, re.M)


def test_starts_with_dependencies(console):
    assert failed(console.run("sc start s_self"), 1059)
    assert "s_ring2 depends on s_ring3, which depends on s_ring1, which depends on s_ring2" in console.run("sc start s_ring2")
    assert failed(console.run("sc start s_needs_off"), 1068)
    assert failed(console.run("sc start s_chain00"), 1068), "a chain that is too long"
    assert loaded(console.run("lm")) == []
    assert "RUNNING" in console.run("sc start s_top")
    assert loaded(console.run("lm")) == ["s_base", "s_upper", "s_top"]
    text = console.run("sc enumdepend s_base")
    assert "entriesread = 2" in text and "SERVICE_NAME: s_upper" in text and "SERVICE_NAME: s_top" in text
    assert failed(console.run("sc stop s_base"), 1051)
    assert failed(console.run("sc stop s_upper"), 1051)
    for name in ("s_top", "s_upper", "s_base"):
        assert "STOPPED" in console.run(f"sc stop {name}")
    assert "entriesread = 0" in console.run("sc enumdepend s_top")


def test_configuration(console):
    create = r"sc create s_new type= kernel binPath= c:\extra\s_silent.sys"
    assert failed(console.run(f"{create} depend= s_new"), 1059)
    assert failed(console.run(f"{create} tag= yes"), 87)
    assert "SUCCESS" in console.run(f"{create} start= auto error= severe group= Bases tag= yes depend= s_base/+Boss/s_top")
    text = console.run("sc qc s_new")
    assert "2   AUTO_START" in text and "2   SEVERE" in text and ": Bases" in text and "TAG                : 1\n" in text
    assert re.search(r"DEPENDENCIES       : s_base\n +: s_top\n +: \+Boss\n", text), text
    assert failed(console.run("sc config s_base depend= s_new"), 1059)
    assert "SUCCESS" in console.run("sc config s_new start= demand depend= /")
    text = console.run("sc qc s_new")
    assert "3   DEMAND_START" in text and "2   SEVERE" in text and "DEPENDENCIES       : \n" in text
    assert "SUCCESS" in console.run('sc config s_new group= "" DisplayName= "A new one"')
    text = console.run("sc qc s_new")
    assert "LOAD_ORDER_GROUP   : \n" in text and ": A new one" in text
    assert failed(console.run("sc config s_nobody start= demand"), 1060)
    for misuse in ("sc config", "sc config s_new", "sc config s_new start=", "sc config s_new colour= red", "sc config s_new type= own x= y"):
        assert "usage" in console.run(misuse), misuse
    assert "PID                : 0" in console.run("sc queryex s_new")
    assert "DISPLAY_NAME: A new one" in console.run("sc query state= inactive")
    assert "s_new" not in console.run("sc query") and "s_new" in console.run("sc query state= all")
    assert "SUCCESS" in console.run("sc delete s_new")


def test_a_critical_failure_stops_the_system():
    result = qemu.execute("lm", files=machine(service("s_vital", 1, error=3), bad=("s_vital",)))
    assert result.status == qemu.STATUS_BUGCHECK, result.output
    assert "s_vital was not started" in result.output and "STOP: 0x0000005A" in result.output, result.output
    assert "CRITICAL_SERVICE_FAILED" in result.output
