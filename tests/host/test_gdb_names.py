"""Promise: the numbers that gdb's commands put into words have the names of the drivers' headers, all of them."""

import importlib.util
import re

import qemu

SOURCE = qemu.ROOT / "kernel/kd/gdb/etude/header.py"
SPEC = importlib.util.spec_from_file_location("etude_header", SOURCE)
header = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(header)


def test_every_major_function_has_its_name():
    names = [header.major_name(each) for each in range(0x1C)]
    assert len(set(names)) == 0x1C and names[0] == "IRP_MJ_CREATE" and names[0x1B] == "IRP_MJ_PNP"
    assert names[0x0F] == "IRP_MJ_INTERNAL_DEVICE_CONTROL", "not its other name"
    assert header.major_name(0x1C) == "IRP_MJ_?"


def test_flags_are_told_by_name_and_the_rest_by_number():
    assert header.device_flags(0x44) == "DO_BUFFERED_IO DO_DEVICE_HAS_NAME"
    assert header.device_flags(0x80000044) == "DO_BUFFERED_IO DO_DEVICE_HAS_NAME 0x80000000"
    assert header.device_flags(0) == ""
    assert header.irp_flags(0x430) == "IRP_BUFFERED_IO IRP_DEALLOCATE_BUFFER IRP_CLOSE_OPERATION"
    assert header.characteristics(0x101) == "FILE_REMOVABLE_MEDIA FILE_DEVICE_SECURE_OPEN", "alignments are no flags"
    assert header.mdl_flags(5) == "MDL_MAPPED_TO_SYSTEM_VA MDL_SOURCE_IS_NONPAGED_POOL"
    assert header.file_flags(3) == "FO_FILE_OPEN FO_SYNCHRONOUS_IO"
    assert header.driver_flags(0x12) == "DRVO_LEGACY_DRIVER DRVO_INITIALIZED"


def test_device_types():
    assert header.device_type(0x22) == "FILE_DEVICE_UNKNOWN" and header.device_type(0x8001) is None


def test_no_number_of_the_headers_is_missed():
    text = (header.DDK / header.TYPES).read_text()
    plain = {name for name in re.findall(r"^#define ((?:IRP|DO|FO|SL|DRVO)_\w+) ", text, re.M)}
    assert plain == {name for name in header.defines(header.TYPES) if re.match(r"(IRP|DO|FO|SL|DRVO)_", name)} and len(plain) > 60
