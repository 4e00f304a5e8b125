"""Promise: the console shows objects and handles as they are: types, counts, names, flags, rights."""

import re

import qemu

COMMANDS = r"""winobj \; winobj \??; object \??\C:; object \dosdevices\c:; object \Device\Serial0; object \; handles; objects"""


def test_objects_and_handles_are_shown():
    result = qemu.execute(COMMANDS)
    assert result.passed, f"{result.explain()}\n{result.output}"
    output = result.output
    assert re.search(r"^GLOBAL\?\? +Directory", output, re.M), output
    assert re.search(r"^GLOBALROOT +SymbolicLink .*-> ?$", output, re.M), output
    links = re.findall(r"Type: \(\w+\) SymbolicLink\n.*\n +HandleCount: 0  PointerCount: 1\n"
                       r".*Name: \\GLOBAL\?\?\\C:\n +Flags: permanent\n +Target (\\\S+)", output)
    assert len(links) == 2 and links[0] == links[1], output
    device = re.search(r"Object: (\w+)  Type: \(\w+\) Device\n.*\n.*\n.*Name: \\Device\\Serial0\n", output)
    assert device, output
    assert re.search(r"Directory Object: 0+  Name: \\\n", output), output
    handle = re.search(r"^ +([0-9a-f]+)  (\w+)  File +([0-9a-f]{8})  --  \S+ +\\Device\\Serial0$", output, re.M)
    assert handle and int(handle[1], 16) % 4 == 0, output
    count = int(re.search(r"^(\d+) handles$", output, re.M)[1])
    assert count == int(re.search(r"^Handles total (\d+)$", output, re.M)[1]), output


def test_what_is_no_object_is_refused():
    for command in (r"object \NoSuchObject", "object", r"object \Device\\X"):
        assert not qemu.execute(command).passed, command
