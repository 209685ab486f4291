# SPDX-License-Identifier: Apache-2.0
"""The operator's commands around a restart: nobody is told their words, nor what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import main
from codex_agent.cli import update as command
from codex_agent.update import state
from codex_agent.update.exits import Exit
from codex_agent.update.program import Done
from tests.unit.agent.update.test_known import NEW, SECRET, content, path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


@pytest.mark.parametrize("when", ["drain", "undrain"])
def test_the_words_of_a_hook_are_told_to_nobody(
    machine: Host,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    when: str,
) -> None:
    """Neither those that it was given nor those that it says; only the journal has the last."""
    folder.add(NEW)
    text = f"""[update]
source = "{folder.path}"
mode = "apply"
window = "00:00-00:00"
drain_before = [["/opt/hook", "drain", "{SECRET}"]]
drain_after = [["/opt/hook", "undrain", "{SECRET}"]]
"""
    machine.put("/etc/codex/update.toml", text.encode())
    monkeypatch.setattr(command, "System", lambda: machine.system)
    told: list[str] = []

    def hook(argv: Sequence[str]) -> Done:
        told.append(path(machine).read_text())
        return Done(1, "", f"{SECRET} is wrong") if when in argv else Done(0, "", "")

    machine.before["hook"] = hook
    assert main.main(["update", "apply", "--scheduled"]) == (
        Exit.FAILED if when == "drain" else Exit.DONE
    )
    if when == "undrain":
        machine.restart(NEW, blessed=True)
        assert main.main(["update", "apply", "--scheduled"]) == Exit.FAILED
    assert "Running /opt/hook" in told[0]
    ended = content(machine)["ended"]
    assert f"of drain_{'before' if when == 'drain' else 'after'} failed" in ended["message"]
    assert not [text for text in (*told, path(machine).read_text()) if SECRET in text]
    last_error = state.load(machine.system.state).state.last_error or ""
    assert "it ended with status 1" in last_error
    assert SECRET not in last_error
    assert f"The last words of /opt/hook: {SECRET} is wrong." in capsys.readouterr().err
