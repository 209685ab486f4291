# SPDX-License-Identifier: Apache-2.0
"""Reasons for a restart are read from the host, and what cannot be read is one."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from pathlib import Path

ROLE = ROLES / "reboot"
_SPEC = importlib.util.spec_from_file_location("reasons", ROLE / "files/reasons.py")
assert _SPEC is not None
assert _SPEC.loader is not None
program: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(program)

STATE = {"default": "6.12.117", "verdict": "guarded"}


def said(base: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert program.main(str(base), running="6.12.94") == 0
    lines: list[str] = capsys.readouterr().out.splitlines()
    return lines


def write(base: Path, path: str, text: str) -> None:
    place = base / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_nothing_speaks_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(tmp_path, capsys) == ["running 6.12.94"]


def test_every_reason_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "run/reboot-required", "*** System restart required ***\n")
    write(tmp_path, "run/reboot-required.pkgs", "linux-base\nlibc6\nlibc6\n")
    write(tmp_path, "sys/module/nouveau/initstate", "live\n")
    write(tmp_path, "var/lib/codex-kernel-guard/state.json", json.dumps(STATE))
    write(tmp_path, "var/lib/codex-reboot-drained", "")
    assert said(tmp_path, capsys) == [
        "running 6.12.94", "default 6.12.117", "verdict guarded",
        "reason packages want it: libc6, linux-base", "reason the driver nouveau is loaded",
        "drained yes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("loaded", "installed", "words"),
    [("AAA", "AAA", ""), ("AAA", "BBB", "the module nvidia that runs is not the one that is"),
     ("AAA", None, "what is installed of the module nvidia cannot be read")],
)  # fmt: skip
def test_a_driver_that_was_upgraded_under_itself_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: str, installed: str, words: str
) -> None:
    """Otherwise libraries of one version talk to a module of another."""
    write(tmp_path, "lib/modules/6.12.94/updates/dkms/nvidia.ko.xz", "m")
    write(tmp_path, "lib/modules/6.12.94/updates/dkms/not-loaded.ko", "m")
    write(tmp_path, "sys/module/nvidia/srcversion", loaded + "\n")
    monkeypatch.setattr(program, "noted", lambda file, field: installed)
    found = program.reasons(str(tmp_path), "6.12.94")
    assert [words in reason for reason in found] == ([True] if words else [])


def test_a_file_that_is_no_module_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, "nvidia.ko", "no module")
    assert program.noted(tmp_path / "nvidia.ko", "srcversion") is None


def test_a_host_that_still_needs_a_restart_is_not_given_back() -> None:
    """Or it would be drained and restarted by every run."""
    names = [task["name"] for task in yaml.safe_load((ROLE / "tasks/restart.yml").read_text())]
    assert names.index("Restart") < names.index("Refuse a restart that changed nothing")


def test_names_of_packages_cannot_add_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "run/reboot-required", "")
    write(tmp_path, "run/reboot-required.pkgs", "a\x1b[2J\ndrained yes\n" + "x\n" * 3 + "b c d e f")
    lines = said(tmp_path, capsys)
    assert len(lines) == 2
    assert "\x1b" not in lines[1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"default": "x"}', '{"default": "x", "verdict": "unguarded"}'],
)
def test_a_state_that_says_nothing_guards_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    write(tmp_path, "var/lib/codex-kernel-guard/state.json", text)
    assert "verdict unguarded" in said(tmp_path, capsys)


@pytest.mark.parametrize("default", ["a\nreason x", None, 3, ""])
def test_a_hostile_default_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], default: Any
) -> None:
    state = json.dumps({**STATE, "default": default})
    write(tmp_path, "var/lib/codex-kernel-guard/state.json", state)
    assert said(tmp_path, capsys) == ["running 6.12.94", "verdict guarded"]


def test_nothing_is_given_back_before_the_health_check() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/return.yml").read_text())
    names = [task["name"] for task in tasks]
    health = names.index("Refuse to give back a host that is not healthy")
    assert health < names.index("Give back") < names.index("Forget that the host was drained")
    restart = (ROLE / "tasks/restart.yml").read_text()
    assert "reboot_return_commands }}" not in restart
    first = [task["name"] for task in yaml.safe_load(restart)]
    assert first.index("Remember that the host is drained") < first.index("Drain")
    assert first.index("Drain") < first.index("Restart")


def test_commands_of_the_operator_are_not_shown() -> None:
    for name in ("restart", "return"):
        for task in yaml.safe_load((ROLE / f"tasks/{name}.yml").read_text()):
            if "ansible.builtin.shell" in task:
                assert task["no_log"] is True
