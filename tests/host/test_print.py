"""Promise: what DbgPrint prints comes out whole, whoever else prints at the same time, and can be read again."""

import re

import pytest

import qemu

PRINT = r"sc create p type= kernel binPath= c:\tests\print.sys; sc start p"
STRIPE = re.compile(r"^# stripe (\d) (\d+) abcdefghijklmnopqrstuvwxyz0123456789 end\r?$", re.M)


@pytest.mark.parametrize("smp", [1, 4])
def test_lines_are_not_torn(smp):
    result = qemu.execute(PRINT, smp=smp, timeout=60)
    assert result.passed, f"{result.explain()}\n{result.output}"
    stripes = [(int(thread), int(number)) for thread, number in STRIPE.findall(result.output)]
    assert sorted(stripes) == [(thread, number) for thread in range(4) for number in range(200)]
    for thread in range(4):
        assert [number for who, number in stripes if who == thread] == list(range(200))


def test_the_last_output_can_be_seen_again():
    result = qemu.execute(PRINT + "; dbgprint", timeout=60)
    before, after = result.output.replace("\r", "").split("etude> dbgprint\n")
    assert "ok 1 - UNICODE_STRING" in after
    assert len(STRIPE.findall(before)) == len(STRIPE.findall(after)) == 800


def test_the_cut_text():
    """A text of 602 bytes is cut to 511; what was padding says where."""
    result = qemu.execute(PRINT, timeout=60)
    assert re.search(r"^# {510}\n", result.output.replace("\r", ""), re.M), result.output[:3000]
    assert "never seen" not in result.output
