"""Promise: a thread that is suspended stops, whatever it was doing, and goes on where it was when it is resumed."""

import re
import time

import pytest

import shell


@pytest.mark.parametrize("smp", [1, 4])
def test_the_player_is_suspended(smp):
    with shell.boot(smp=smp) as console:
        # Notes that one after another take minutes: it does not come to its end meanwhile, and is stopped.
        console.run("melody play Long:d=4,o=5,b=200:" + ",".join("cdefga" * 60))
        thread = re.search(r"^ *(\d+) +kmelody!PlayerThread", console.run("threads"), re.M)[1]
        assert "suspend count was 0" in console.run(f"suspend {thread}")
        assert "suspend count was 1" in console.run(f"suspend {thread}")
        shell.eventually(lambda: re.search(rf"^ *{thread} .*Suspended", console.run("threads"), re.M), "it is not suspended")
        before = len(console.run("tones").splitlines())
        time.sleep(1)
        assert len(console.run("tones").splitlines()) <= before + 1, "the player went on"
        assert "suspend count was 2" in console.run(f"resume {thread}")
        assert "suspend count was 1" in console.run(f"resume {thread}")
        assert "suspend count was 0" in console.run(f"resume {thread}")
        shell.eventually(lambda: len(console.run("tones").splitlines()) > before + 1, "the player did not go on")
        console.run("melody stop")
