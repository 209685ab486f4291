# SPDX-License-Identifier: Apache-2.0
"""One table of a fleet: what is not known is never shown as good."""

from __future__ import annotations

import importlib.util
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.playbook import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("table", REPOSITORY / "playbooks/files/table.py")
assert _SPEC is not None
assert _SPEC.loader is not None
program: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(program)


def answer(data: Any, rc: int = 0) -> dict[str, Any]:
    return {"rc": rc, "stdout": data if isinstance(data, str) else json.dumps(data), "stderr": ""}


def status(state: str, *messages: str) -> dict[str, Any]:
    checks = [{"state": "failed", "message": text} for text in messages]
    checks.append({"state": "ok", "message": "not shown"})
    return answer({"verdict": {"state": state, "checks": checks}})


SAME = answer({"differences": [], "unread": []})
RUNS = answer("running 6.12\n")
GOOD = {"status": status("healthy"), "verify": SAME, "restart": RUNS}


def run(
    answers: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str], Any]:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(answers)))
    ended = program.main([str(folder / "check.json")])
    hosts = json.loads((folder / "check.json").read_text())["hosts"]
    return ended, capsys.readouterr().out.splitlines(), hosts


def test_a_fleet_that_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, lines, hosts = run({"b": GOOD, "a": GOOD}, tmp_path, monkeypatch, capsys)
    assert ended == 0
    assert lines[0].split() == ["HOST", "VERDICT", "DIFFERENCES", "RESTART", "REASONS"]
    assert [line.split() for line in lines[1:]] == [[n, "healthy", "0", "no"] for n in "ab"]
    assert [host["host"] for host in hosts] == ["a", "b"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "failed": ({**GOOD, "status": status("failed", "The disk is full.")}, "The disk is full."),
    "no-json": ({**GOOD, "status": {"rc": 2, "stdout": "", "stderr": "codex: no"}}, "codex: no"),
    "no-program": ({**GOOD, "status": {"rc": 2, "stdout": "", "msg": "[Errno 2] codex"}}, "Errno"),
    "another-form": ({**GOOD, "status": answer({"state": "healthy"})}, "another form of answer"),
    "a-list": ({**GOOD, "status": answer([])}, "another form of answer"),
    "unreachable": (
        {"status": {"unreachable": True, "msg": "timed out"}, "verify": {}, "restart": {}},
        "the host does not answer: timed out",
    ),
    "nothing": ({"status": {}, "verify": {}, "restart": {}}, "was not asked"),
    "escape": ({**GOOD, "status": status("healthy\x1b[2J", "x")}, "healthy [2J"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_host_that_is_not_well(
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers, words = BAD[name]
    ended, lines, hosts = run({"good": GOOD, name: answers}, tmp_path, monkeypatch, capsys)
    assert ended == 1
    assert any(words in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    (host,) = [host for host in hosts if host["host"] == name]
    assert host["verdict"] != "healthy"


def test_differences_and_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host = {
        "status": status("healthy"),
        "verify": answer({"differences": [1, 2], "unread": []}, 1),
        "restart": answer("running 6.12\ndefault 6.13\nreason packages want it: libc6\n"),
    }
    dark = {
        **GOOD,
        "verify": answer({"differences": [], "unread": [1]}, 3),
        "restart": answer("", 1),
    }
    _, lines, hosts = run({"a": host, "b": dark}, tmp_path, monkeypatch, capsys)
    assert lines[1].split()[:4] == ["a", "healthy", "2", "yes"]
    assert "packages want it: libc6; the kernel 6.13 is the default" in lines[1]
    assert lines[2].split()[:4] == ["b", "healthy", "-", "-"]
    assert hosts[1]["differences"] is hosts[1]["restart"] is None
    assert len(hosts[1]["not_known"]) == 2


def test_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    assert program.main([str(tmp_path / "no/check.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
