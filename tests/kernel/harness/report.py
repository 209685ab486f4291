# SPDX-License-Identifier: Apache-2.0
"""What a guest reported on its second serial port, judged so that silence is a failure.

The guest writes a line for each case, and at the very end the nonce that it found in its
initramfs, which no kernel message shows. A guest that hangs, panics or restarts never writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CASE = re.compile(r"(ok|not ok|skip) ([a-z0-9_]+\.[a-z0-9_]+)")


@dataclass(frozen=True)
class Result:
    """One case: whether it passed, why it was skipped, and the lines that it wrote before."""

    passed: bool
    skipped: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All cases of a boot by name (``program.case``), in order; whether it reached its end."""

    results: dict[str, Result] = field(default_factory=dict)
    ended: bool = False
    stray: tuple[str, ...] = ()

    def failure(self, case: str) -> str | None:
        """Why that case did not pass; None when it did, or was skipped with a reason."""
        result = self.results.get(case)
        if result is None:
            last = next(reversed(self.results), "none")
            return f"The guest did not report {case}; the last case that it reported is {last}."
        if result.passed or result.skipped is not None:
            return None
        return "\n".join(result.notes) or "The case failed without a word."


def parse(text: str, nonce: str) -> Report:
    """Read the lines of the report channel; a case that is reported twice counts as failed."""
    results: dict[str, Result] = {}
    stray: list[str] = []
    notes: list[str] = []
    ended = False
    for line in text.splitlines():
        found = _CASE.fullmatch(line)
        if found:
            passed = found[1] == "ok" and found[2] not in results
            skipped = "; ".join(notes) if found[1] == "skip" else None
            results[found[2]] = Result(passed, skipped, tuple(notes))
            notes = []
        elif line.startswith("# "):
            notes.append(line[2:])
        elif line == f"end {nonce}":
            ended = True
        elif not line.startswith("host "):
            stray.append(line)
    return Report(results, ended, tuple(stray))
