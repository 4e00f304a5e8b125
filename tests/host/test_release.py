"""Promise: a release made in another folder is the same, byte for byte."""

import os
import shutil
import subprocess
from pathlib import Path

import qemu


def make_release(folder, output):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment |= {"O": str(output), "DEBUG": ""}
    subprocess.run(["make", "-C", folder, "release"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=4 * qemu.PATIENCE)
    return (folder / output / "release/SHA256SUMS").read_text()


def not_source(folder, names):
    """What has been built, and sockets that a debugger's machine has left."""
    paths = {name: Path(folder) / name for name in names}
    return {name for name, path in paths.items() if name in ("build", ".git") or not (path.is_file() or path.is_dir())}


def test_two_folders_make_the_same(tmp_path):
    other = tmp_path / "another folder of another length".replace(" ", "-")
    shutil.copytree(qemu.ROOT, other, ignore=not_source)
    sums = make_release(other, "out")
    assert sums.count("\n") == 2 and sums == make_release(qemu.ROOT, qemu.OUTPUT)
