# SPDX-License-Identifier: Apache-2.0
"""The state file: replaced whole, readable after a rollback, and never a reason to stop."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_agent.errors import CodexError
from codex_agent.update import applying, state
from codex_agent.update.flow import Wish
from codex_agent.update.state import State
from tests.unit.agent.update.hosts import OLD, RUNNING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

FULL = State(
    stage="written", version="0.1.11", previous="0.1.10", since=state.now(), whole_because="x",
    moved_bytes=5, highest_seen="0.1.12", offered="0.1.12", checked_at=state.now(),
    last_error="y.", pinned=None, drained=True, bad={"0.1.9": "it failed"},
)  # fmt: skip


def put(folder: Path, content: bytes) -> None:
    path = folder / state.NAME
    path.write_bytes(content)
    path.chmod(0o600)


def test_there_and_back(tmp_path: Path) -> None:
    assert state.load(tmp_path) == state.Loaded(State())
    state.store(tmp_path, FULL, {})
    assert state.load(tmp_path).state == FULL
    assert (tmp_path / state.NAME).stat().st_mode & 0o777 == 0o600


def test_texts_of_any_length_are_read_again(tmp_path: Path) -> None:
    long = replace(FULL, whole_because="w" * 65536, last_error="e" * 501, bad={OLD: "b" * 900})
    state.store(tmp_path, long, {})
    found = state.load(tmp_path)
    assert found.problem is None
    assert found.state == replace(
        long, whole_because="w" * 500, last_error="e" * 500, bad={OLD: "b" * 500}
    )


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", b"\xff\xff", b"[" * 60_000, b"{}", b'{"schema":0}',
    b'{"schema":"1"}', b'{"schema":true}', b'{"schema":1,"stage":"flying"}',
    b'{"schema":1,"stage":["none"]}', b'{"schema":1,"version":"../x"}', b'{"schema":1,"version":1}',
    b'{"schema":1,"moved_bytes":-1}', b'{"schema":1,"moved_bytes":1e5}', b'{"schema":1,"bad":[]}',
    b'{"schema":1,"bad":{"x":1}}', b'{"schema":1,"drained":0}',
    b'{"schema":1,"last_error":"' + b"x" * 501 + b'"}',
])  # fmt: skip
def test_a_broken_file_is_set_aside_and_said(machine: Host, folder: Folder, content: bytes) -> None:
    folder.add("0.1.11")
    place = machine.system.state
    place.mkdir(mode=0o700)
    put(place, content)
    with machine.updater(str(folder.path)).alone() as turn:
        assert applying.apply(turn, Wish()).changed
    assert "is broken" in machine.said[0]
    assert (place / state.BROKEN).read_bytes() == content
    assert state.load(place).state.stage == "written"


def test_what_a_newer_version_wrote(tmp_path: Path) -> None:
    """It is read as far as it is known, and what is not known is kept."""
    newer = {
        "schema": 7, "stage": "teleporting", "version": "0.1.11", "highest_seen": "0.2.0",
        "waves": [1, 2], "bad": {"0.1.9": "why"}, "moved_bytes": "many",
    }  # fmt: skip
    put(tmp_path, json.dumps(newer).encode())
    found = state.load(tmp_path)
    assert found.problem is None
    assert found.state == State(version="0.1.11", highest_seen="0.2.0", bad={"0.1.9": "why"})
    state.store(tmp_path, found.state, found.more)
    again = json.loads((tmp_path / state.NAME).read_bytes())
    assert (again["schema"], again["waves"]) == (7, [1, 2])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_content_is_read_or_set_aside(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, content)
    found = state.load(tmp_path)
    assert found.problem is not None or json.loads(content)["schema"] >= 1


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    put(tmp_path, b'{"schema":1}')
    (tmp_path / state.NAME).chmod(0o666)
    with pytest.raises(CodexError, match="has mode 0666"):
        state.load(tmp_path)


def test_highest_seen_only_rises() -> None:
    now = state.seen(State(), "0.1.10")
    assert now.highest_seen == "0.1.10"
    assert state.seen(now, "0.1.9").highest_seen == "0.1.10"
    assert state.seen(now, "0.1.11").highest_seen == "0.1.11"


def test_what_could_start_is_looked_at_when_the_lock_is_ours(machine: Host) -> None:
    """Whoever had it until then may have written another version."""
    updater = machine.updater()
    changed = f"codex-os_{OLD}+0-3.efi"
    updater.begun = lambda: machine.rename(f"codex-os_{OLD}.efi", changed)
    with updater.alone() as turn:
        assert sorted(entry.file for entry in turn.boot.entries) == sorted(machine.entries())
        entry = turn.boot.of(OLD)
        assert entry is not None
        assert entry.file == changed
    assert f"codex-os_{RUNNING}.efi" in machine.entries()
