# SPDX-License-Identifier: Apache-2.0
"""Git runs within bounds and not a moment longer than anybody waits for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.cancel import Cancel
from codex_agent.repos.errors import CancelledError, DamagedError, TooMuchError, UnsupportedError
from codex_agent.repos.git import Git
from codex_agent.repos.limits import MIB, Limits, page

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Git]:
    """A program that stands for git and does what a test says."""

    def make(body: str) -> Git:
        path = tmp_path / "git"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return Git(tmp_path, str(path))

    return make


def alive(tmp_path: Path) -> bool:
    """Whether the process is there after a while: a signal takes its time on a busy machine."""
    pid = (tmp_path / "pid").read_text().strip()
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


def test_time_is_bounded_and_the_whole_group_ends(
    script: Callable[[str], Git], tmp_path: Path
) -> None:
    git = script(f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(TooMuchError, match="did not end"):
        git.output(["x"], limits=Limits(time_s=0.5))
    assert not alive(tmp_path)


def test_silence_is_bounded(script: Callable[[str], Git], tmp_path: Path) -> None:
    git = script(f"echo one; sleep 600 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(TooMuchError, match="said nothing"):
        git.output(["x"], limits=Limits(time_s=60, silence_s=0.5))
    assert not alive(tmp_path)


def test_output_is_bounded(script: Callable[[str], Git]) -> None:
    with pytest.raises(TooMuchError, match="longer than"):
        script("yes").output(["x"], limits=Limits(out_bytes=MIB))


def test_errors_without_end_are_cut(script: Callable[[str], Git]) -> None:
    git = script(
        "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo fatal: last >&2; exit 1"
    )
    with pytest.raises(DamagedError, match="last"):
        git.output(["x"])


def test_memory_is_bounded(script: Callable[[str], Git]) -> None:
    git = script('ulimit -d; exec python3 -c "x = bytearray(300_000_000)" 2>/dev/null')
    with pytest.raises((DamagedError, TooMuchError)):
        git.output(["x"], limits=Limits(data_bytes=100 * MIB))


def test_cancelling_wakes_whoever_waits(script: Callable[[str], Git], tmp_path: Path) -> None:
    git = script(f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    cancel = Cancel()
    threading.Timer(0.3, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        git.output(["x"], cancel=cancel)
    assert time.monotonic() - began < 30
    assert not alive(tmp_path)
    with pytest.raises(CancelledError):
        git.output(["x"], cancel=cancel)


def test_whoever_stops_reading_leaves_nothing_behind(
    script: Callable[[str], Git], tmp_path: Path
) -> None:
    git = script(f"echo $$ > {tmp_path}/pid; yes")
    with git.stream(["x"]) as run:
        next(run.parts())
    assert not alive(tmp_path)


def test_the_environment_is_ours(
    script: Callable[[str], Git], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("LD_PRELOAD", "/nowhere.so")
    said = script("env").output([]).decode()
    assert "/elsewhere" not in said
    assert "GIT_CONFIG_COUNT" not in said
    assert "LD_PRELOAD" not in said
    assert "GIT_ALLOW_PROTOCOL=\n" in said


def test_a_missing_git_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("codex_agent.repos.git._PATH", str(tmp_path))
    with pytest.raises(UnsupportedError, match="not on this host"):
        Git(tmp_path)


def test_limits_of_none_and_of_a_billion() -> None:
    from codex_agent.repos.errors import QuestionError

    assert page(10**9) == 10_000
    for limit in (0, -1, -(10**9)):
        with pytest.raises(QuestionError):
            page(limit)
