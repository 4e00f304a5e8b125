"""Promise: what README.md and docs/mechanisms.md show can be typed, and looks as shown: every command works, and the lines of its
output that hold no numbers appear. Test drivers and files that the pages in docs/ name are there."""

import re

import pytest

import qemu

PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((qemu.ROOT / "docs").glob("*.md")))]
TYPED = ["README.md", "docs/mechanisms.md"]  # pages whose sessions are one run of the release kernel
ENDS = ("bugcheck", "shutdown", "reboot")  # commands that end the session


def sessions(page):
    """The commands shown on a page, each with the lines shown after it."""
    found = []
    for line in (qemu.ROOT / page).read_text().splitlines():
        if command := re.match(r" {4}etude> (.+)", line):
            found.append((command[1], []))
        elif found and line.startswith("    "):
            found[-1][1].append(line[4:].rstrip())
        elif found and line and not line.startswith(" "):
            found.append(("", []))  # prose ends the output
    return [(command, lines) for command, lines in found if command]


def steady(line):
    """A line that is the same on every run: words, and no numbers."""
    return len(re.findall(r"[A-Za-z]{3,}", line)) >= 2 and not re.search(r"\d|\.\.\.", line)


@pytest.mark.parametrize("page", TYPED)
def test_commands_do_what_the_page_shows(page):
    shown = [(command, lines) for command, lines in sessions(page) if command not in ENDS]
    result = qemu.execute("; ".join(command for command, _ in shown), smp=2, qemu_extra=("-device", "edu"))
    wrong = [line for command, _ in shown if (line := f"{command}: no such command") in result.output]
    assert not wrong and "etude> " in result.output, wrong
    for command, lines in shown:
        for line in filter(steady, lines):
            assert line in result.output, f"{page} shows after {command!r}: {line!r}\n{result.output}"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page):
    text = (qemu.ROOT / page).read_text()
    for tests in re.findall(r"^Tests[^:]*: (.*(?:\n\S.*)*)", text, re.M):
        for name in re.findall(r"`(\w+)`", tests.replace("`bug_`", "").replace("`edu`", "")):
            assert (qemu.ROOT / f"tests/kmt/{name}.c").exists(), f"{page}: no test {name}"
    for path in re.findall(r"`((?:kernel|boot|drivers|lib|tests|docs)/[\w./-]+)`", text):
        assert (qemu.ROOT / path).exists(), f"{page}: no {path}"


def test_the_command_line_is_described():
    """The table in debugging.md has the words that the kernel knows, and says which ones only the debug kernel does."""
    words = re.findall(r'\{"(\w+)", KiWord\w+, (TRUE|FALSE)\}', (qemu.ROOT / "kernel/ke/option.c").read_text())
    text = (qemu.ROOT / "docs/debugging.md").read_text().partition("## The command line")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)[^`]*` \| (.*) \|$", text, re.M)
    assert len(words) > 10 and sorted(name for name, _ in rows) == sorted(name for name, _ in words)
    assert sorted(name for name, row in rows if "debug kernel" in row) == sorted(name for name, only in words if only == "TRUE")


def anchors(path):
    """What a page's headings are called in links."""
    headings = re.findall(r"^#+ (.*)", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.replace("\\", "")).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, "kernel/README.md", "kernel/kd/gdb/README.md"])
def test_links_lead_somewhere(page):
    path = qemu.ROOT / page
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", path.read_text()):
        meant = (path.parent / target).resolve() if target else path
        assert meant.exists(), f"{page}: no {target}"
        assert not anchor or anchor in anchors(meant), f"{page}: no heading #{anchor} in {target or page}"
