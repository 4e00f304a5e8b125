"""Promise: the speaker's trace holds the last 4096 changes in the order of time, whoever made them."""

import re

import qemu

LOAD = r"sc create hal type= kernel binPath= c:\tests\hal.sys; sc start hal; "


def test_full_trace():
    result = qemu.execute(LOAD + "tones; tones clear; echo cleared; tones; beep 1000 1; tones", smp=4)
    assert result.passed, result.explain()
    full, cleared = result.output.split("echo cleared")
    tones = [(int(time), int(hertz)) for time, hertz in re.findall(r"^  (\d+) (\d+)\r?$", full, re.M)]
    assert len(tones) == 4096
    assert tones == sorted(tones, key=lambda tone: tone[0]) and tones[-1][1] == 0
    assert {hertz // 1000 for _, hertz in tones if hertz} <= {1, 2, 3, 4}
    after = [int(hertz) for hertz in re.findall(r"^  \d+ (\d+)\r?$", cleared, re.M)]
    assert after == [1000, 0]
