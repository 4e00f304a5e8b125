"""Promise: requests of all kinds, cancelled, closed and abandoned on all processors at the same time, leave nothing allocated:
no IRP, no system buffer, no object, no handle, no stack."""

import pytest

import shell
from accounts import settled, settled_difference

SERVICE = r"sc create stress type= kernel binPath= c:\tests\stress_io.sys"


@pytest.mark.parametrize("smp", [1, 4])
def test_nothing_is_left(smp):
    with shell.boot(smp=smp) as console:

        def round():
            output = "".join(console.run(f"sc {verb} stress") for verb in ("start", "stop"))
            assert "RUNNING" in output and "STOPPED" in output and "not ok" not in output, output

        assert "SUCCESS" in console.run(SERVICE)
        round()  # what is made once, on the first use
        before = settled(console)
        round()
        assert settled_difference(console, before) == {}
