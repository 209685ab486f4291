# SPDX-License-Identifier: Apache-2.0
"""Remembers where the serial logs of this session's guests are, for the report of a failed test."""

import re
import shutil
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?=]*[ -/]*[@-~]|\x1b[()][A-Za-z0-9]|[\x00-\x08\x0b-\x1f\x7f]")
_TAIL_LINES = 60
_logs: dict[str, Path] = {}
_notes: list[str] = []


def register(name: str, log: Path) -> None:
    """Note the serial log of a guest that starts; the next guest of that name replaces it."""
    _logs[name] = log


def note(sentence: str) -> None:
    """Remember something that the report has to say although no test failed of it."""
    _notes.append(sentence)


def notes() -> list[str]:
    """All that was noted in this session."""
    return list(_notes)


def keep(name: str, folder: Path) -> None:
    """Copy a guest's serial log to where it stays when the guest's own folder is removed."""
    log = _logs[name]
    if log.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{name}.serial.log"
        shutil.copyfile(log, kept)
        _logs[name] = kept


def plain(log: Path) -> str:
    """Text of a serial log with terminal control sequences taken out."""
    return _CONTROL.sub("", log.read_text(encoding="utf-8", errors="replace"))


def tails() -> list[tuple[str, str]]:
    """Title and text of the end of every serial log."""
    return [
        (
            f"end of the serial log of guest {name} ({log})",
            "\n".join(plain(log).splitlines()[-_TAIL_LINES:]),
        )
        for name, log in _logs.items()
        if log.exists()
    ]
