"""Read what in-guest tests print: TAP, the test anything protocol.

A stream is a plan `1..N` and N lines `ok n - text` or `not ok n - text`, numbered from 1. A reason in an `ok n # SKIP why` line
counts as a skip. Other lines are notes.
"""

import re
from dataclasses import dataclass, field

LINE = re.compile(r"^(not )?ok\b ?(\d*)(?: -)? ?(.*?)(?: # *(SKIP|skip)\b *(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)(?: *#.*)?$")
BAIL_OUT = re.compile(r"^Bail out!(.*)")


@dataclass
class Report:
    """What a stream says, and why it cannot be believed."""

    passed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def good(self):
        return bool(self.passed) and not self.failed and not self.problems


def parse(text):
    """The report of one stream in a text that may hold other lines."""
    report, plans, number = Report(), [], 0
    for line in text.replace("\r", "").splitlines():
        if match := PLAN.match(line):
            plans.append(int(match[1]))
        elif match := BAIL_OUT.match(line):
            report.problems.append(f"bailed out:{match[1]}")
        elif match := LINE.match(line):
            number += 1
            if match[2] != str(number):
                report.problems.append(f"line {number} has number {match[2] or 'none'}")
            where = report.failed if match[1] else report.skipped if match[4] else report.passed
            where.append(match[3])
    if len(plans) != 1:
        report.problems.append(f"{len(plans)} plans instead of one")
    elif plans[0] != number:
        report.problems.append(f"{plans[0]} tests planned, {number} reported")
    return report
