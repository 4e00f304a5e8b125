"""Promise: on an idle machine a timer's DPC and the thread that waits for it run less than 1 ms after the due time.

The machine's clock counts instructions, so the figure is about the kernel and not about how busy this host is.
"""

import re

import qemu
import tap


def test_lateness():
    commands = r"sc create late type= kernel binPath= c:\tests\timerlate.sys; sc start late; sc stop late"
    result = qemu.execute(commands, icount=True)
    report = tap.parse(result.output)
    assert report.good and result.passed, f"{result.explain()}\n{result.output}"
    dpc, thread = map(int, re.search(r"latest DPC: (\d+) us, latest thread: (\d+) us", result.output).groups())
    assert dpc < 1000 and thread < 1000, result.output
