# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program beside a playbook, no package
"""Turns what the hosts of a fleet answered into one table and one file of JSON.

``table.py FILE`` reads, as JSON, what Ansible registered for each host. The exit status is 1 when a
host is not healthy or did not answer. What could not be read is null, with the reason beside it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

SCHEMA = 1
COLUMNS = ("HOST", "VERDICT", "DIFFERENCES", "RESTART", "REASONS")
_WIDEST = 100


def clean(text: Any) -> str:
    """Return a text of a host without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in str(text)).strip()


def parsed(answer: Any, name: str) -> tuple[Any, str | None]:
    """Return the JSON that a host printed, or None and why there is none."""
    if answer.get("unreachable"):
        return None, f"the host does not answer: {clean(answer.get('msg', ''))[:_WIDEST]}"
    if answer.get("rc") is None:
        return None, f"{name} was not asked: {clean(answer.get('msg', 'no reason'))[:_WIDEST]}"
    try:
        return json.loads(answer.get("stdout", "")), None
    except ValueError:
        said = clean(answer.get("stderr", "") or answer.get("msg", ""))[:_WIDEST]
        return None, f"{name} ended with status {answer['rc']}: {said or 'it said nothing'}"


def verdict(answer: Any) -> tuple[str | None, list[str]]:
    """Return the verdict of a host and the sentences of the checks that are not good."""
    found, why = parsed(answer, "codex status")
    try:
        checks = [c for c in found["verdict"]["checks"] if c["state"] not in ("ok", "skipped")]
        return clean(found["verdict"]["state"]), [clean(check["message"]) for check in checks]
    except (KeyError, TypeError):
        return None, [why or "codex status gave another form of answer"]


def differences(answer: Any) -> tuple[int | None, str | None]:
    """Return how many differences a host has, or why that is not known."""
    found, why = parsed(answer, "codex verify")
    try:
        unread = len(found["unread"])
        count = len(found["differences"])
    except (KeyError, TypeError):
        return None, why or "codex verify gave another form of answer"
    return (count, None) if not unread else (None, f"{unread} things could not be looked at")


def restart(answer: Any) -> tuple[list[str] | None, str | None]:
    """Return what speaks for a restart, or why that is not known."""
    lines = str(answer.get("stdout", "")).splitlines()
    if answer.get("rc") != 0 or not any(line.startswith("running ") for line in lines):
        return None, "reasons for a restart could not be read"
    values = dict(line.split(" ", 1) for line in lines if " " in line)
    found = [clean(line[7:]) for line in lines if line.startswith("reason ")]
    if values.get("default", values["running"]) != values["running"]:
        found.append(f"the kernel {clean(values['default'])} is the default")
    return found, None


def record(name: str, answers: Any) -> dict[str, Any]:
    """Return all that is known of one host."""
    state, reasons = verdict(answers["status"])
    count, unread = differences(answers["verify"])
    wanted, unknown = restart(answers["restart"])
    notes = [note for note in (unread, unknown) if note]
    return {"host": name, "verdict": state, "reasons": reasons, "differences": count,
            "restart": wanted, "not_known": notes}  # fmt: skip


def row(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return one line of the table; a dash is what is not known."""
    wanted, count = entry["restart"], entry["differences"]
    again = "-" if wanted is None else "yes" if wanted else "no"
    told = [*entry["reasons"], *(wanted or []), *entry["not_known"]]
    return (clean(entry["host"]), entry["verdict"] or "-", "-" if count is None else str(count),
            again, "; ".join(told)[:_WIDEST])  # fmt: skip


def table(entries: list[dict[str, Any]]) -> str:
    """Return the table as text."""
    rows = [COLUMNS, *map(row, entries)]
    widths = [max(len(line[at]) for line in rows) for at in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in rows
    )


def main(argv: list[str]) -> int:
    """Read, write the file, print the table."""
    if len(argv) != 1:
        print("usage: table.py FILE", file=sys.stderr)
        return 64
    answers = json.load(sys.stdin)
    entries = [record(name, answers[name]) for name in sorted(answers)]
    data = {"schema": SCHEMA, "time": int(time.time()), "hosts": entries}
    target = Path(argv[0])
    new = target.with_name(target.name + ".new")
    try:
        new.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        new.replace(target)
    except OSError as error:
        print(f"{target} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(table(entries))
    return 0 if all(entry["verdict"] == "healthy" for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
