"""Promise: what docs/writing-a-driver.md tells somebody with an empty folder to type makes a driver that runs, by hand and with CMake,
from the SDK's archive alone; and the same sources make the same archive."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

import qemu

PAGE = (qemu.ROOT / "docs/writing-a-driver.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.M | re.S)
SHELL = [text for language, text in BLOCKS if language == "sh"]
LINES = 10  # from an empty folder to a running driver


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Type the page's shell blocks in an empty folder, one after another; what each printed."""
    folder = tmp_path_factory.mktemp("driver")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    settings |= {"ETUDE": str(qemu.ROOT), "O": qemu.OUTPUT, "TIMEOUT": str(qemu.PATIENCE)}
    outputs = []
    for block in SHELL:
        # The packages are there, and the tests' build need not be the default one.
        script = block.replace("$ETUDE/build/", f"{qemu.BUILD}/").replace("deps all sdk", "all sdk")
        process = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=settings, capture_output=True, text=True, timeout=2 * qemu.PATIENCE)
        assert process.returncode == 0, f"{script}\n{process.stdout}\n{process.stderr}"
        outputs.append(process.stdout)
    return folder, outputs


def test_the_page_is_short():
    assert len(SHELL) == 2 and SHELL[0].count("\n") <= LINES
    assert "deps all sdk" in SHELL[0] and "$ETUDE/build/etude-sdk.tar.gz" in SHELL[0]


@pytest.mark.parametrize("how", ["by hand", "with CMake"])
def test_the_driver_runs(typed, how):
    folder, outputs = typed
    output = outputs[how == "with CMake"].replace("\r", "")
    assert "hello: my key is \\Registry\\Machine\\System\\CurrentControlSet\\Services\\hello\n" in output
    assert "hello: goodbye\n" in output
    shown = next(text for language, text in BLOCKS if "goodbye" in text)
    if how == "by hand":
        assert not [line for line in shown.splitlines() if line not in output.splitlines()]
    else:
        assert (folder / "out/hello.dbg").stat().st_size > (folder / "out/hello.sys").stat().st_size


def test_the_page_shows_the_sample_s_build_file():
    shown = next(text for language, text in BLOCKS if language == "cmake")
    assert shown == (qemu.ROOT / "lib/sdk/sample/CMakeLists.txt").read_text()


def test_the_driver_in_c_plus_plus(typed, tmp_path):
    """Built as the page says; objects made and deleted, a lock given back at its block's end. The page shows parts of its source.
    Beside it one in the manner of many a driver for Windows."""
    sdk = typed[0] / "etude-sdk"
    source = (sdk / "sample/raii.cpp").read_text()
    shown = next(text for language, text in BLOCKS if language == "cpp")
    assert shown in source
    plain, page = (text for language, text in BLOCKS if language == "cmake")
    (tmp_path / "CMakeLists.txt").write_text("\n".join(plain.splitlines()[:1] + page.splitlines()[:1] + ["include(EtudeDriver)"] + page.splitlines()[1:] + ["etude_add_driver(idiom idiom.cpp)\n"]))
    (tmp_path / "raii.cpp").write_text(source)
    shutil.copy(qemu.ROOT / "tests/host/idiom.cpp", tmp_path)
    subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "out", f"-DCMAKE_TOOLCHAIN_FILE={sdk}/toolchain.cmake"], check=True)
    subprocess.run(["cmake", "--build", tmp_path / "out"], check=True)
    commands = r"sc create raii type= kernel binPath= c:\extra\raii.sys; verifier /driver raii.sys; sc start raii; sc stop raii"
    commands += r"; sc create idiom type= kernel binPath= c:\extra\idiom.sys; sc start idiom; sc stop idiom"
    result = qemu.execute(commands, smp=2, extra_files=tuple(str(tmp_path / f"out/{name}.sys") for name in ("raii", "idiom")))
    assert result.passed, result.output
    assert "raii: IRQL 1 in the lock, 0 behind it\n" in result.output and "raii: counted to 42\n" in result.output
    assert re.search(r"^Idiom: text-5\nIdiom: thread \d+ in 4, ctx 0{16}$", result.output, re.M), result.output


def test_the_archive_is_reproducible_and_complete(typed):
    archive = qemu.BUILD / "etude-sdk.tar.gz"
    first = archive.read_bytes()
    archive.unlink()
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "-C", qemu.ROOT, f"O={qemu.OUTPUT}", "sdk"], check=True, capture_output=True, env=settings)
    assert archive.read_bytes() == first
    folder, _ = typed
    headers = {path.relative_to(qemu.ROOT / "lib/ddk") for path in (qemu.ROOT / "lib/ddk").rglob("*.h")}
    assert headers == {path.relative_to(folder / "etude-sdk/include") for path in (folder / "etude-sdk/include").rglob("*.h")}
    # The sample builds where it lies, for whoever starts there.
    sample = folder / "etude-sdk/sample"
    subprocess.run(["cmake", "-S", sample, "-B", folder / "other", f"-DCMAKE_TOOLCHAIN_FILE={folder}/etude-sdk/toolchain.cmake"], check=True)
    subprocess.run(["cmake", "--build", folder / "other"], check=True)
    assert (folder / "other/hello.sys").exists()


def test_the_workflow(typed):
    """Every step that types something, in a folder as the workflow's would be: the driver, and Etude below it."""
    folder, _ = typed
    steps = yaml.safe_load((qemu.ROOT / "lib/sdk/sample/etude.yml").read_text())["jobs"]["etude"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert "apt-get" in scripts.pop(0) and len(scripts) == 3
    page = next(text for language, text in BLOCKS if language == "yaml")
    assert page == scripts[-1]
    for entry in ("out", "etude-sdk"):
        shutil.rmtree(folder / entry, ignore_errors=True)
    (folder / "etude").symlink_to(qemu.ROOT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment |= {"O": qemu.OUTPUT, "DRIVER": "hello", "TIMEOUT": str(qemu.PATIENCE)}
    for script in scripts:
        script = script.replace("etude/build/", f"{qemu.BUILD}/").replace("deps all sdk", "all sdk")
        process = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * qemu.PATIENCE)
        assert process.returncode == 0, f"{script}\n{process.stdout}\n{process.stderr}"
    assert process.stdout.count("hello: goodbye") == 2, process.stdout
