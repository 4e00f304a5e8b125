"""Promise: a thread that is suspended stops, whatever it was doing, and goes on where it was when it is resumed."""

import re
import time

import pytest

import shell


@pytest.mark.parametrize("smp", [1, 4])
def test_the_player_is_suspended(smp):
    with shell.boot(smp=smp) as console:
        console.run("melody play Long:d=16,o=5,b=200:" + ",".join("cdefga" * 10))
        thread = re.search(r"^ *(\d+) +kmelody!PlayerThread", console.run("threads"), re.M)[1]
        assert "suspend count was 0" in console.run(f"suspend {thread}")
        assert "suspend count was 1" in console.run(f"suspend {thread}")
        time.sleep(0.3)
        assert re.search(rf"^ *{thread} .*Suspended", console.run("threads"), re.M)
        before = len(console.run("tones").splitlines())
        time.sleep(0.5)
        assert len(console.run("tones").splitlines()) <= before + 1, "the player went on"
        assert "suspend count was 2" in console.run(f"resume {thread}")
        assert "suspend count was 1" in console.run(f"resume {thread}")
        assert "suspend count was 0" in console.run(f"resume {thread}")
        console.run("melody wait", timeout=60)
        assert len(console.run("tones").splitlines()) > before + 1, "the player did not go on"
