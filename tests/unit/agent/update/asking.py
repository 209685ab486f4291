# SPDX-License-Identifier: Apache-2.0
"""One who knocks at the door of updates, and what is looked at behind it."""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

from codex_agent.cli.answer import answer
from codex_agent.errors import CodexError
from codex_agent.update import known
from tests.unit.agent.update.hosts import OLD, RUNNING

if TYPE_CHECKING:
    from codex_agent.config.update import Loaded
    from tests.unit.agent.update.hosts import Host

NEW = "0.1.11"
WAIT_S = 60.0


class Asking:
    """One connection to the door: ``say`` sends bytes, the end of it is what was answered."""

    def __init__(self, machine: Host, loaded: Loaded) -> None:
        self.client, inside = socket.socketpair()
        self.client.settimeout(WAIT_S)
        self.status: int | None = None
        self.error: CodexError | None = None
        # Its own descriptor: what stands in for standard input is closed behind the answer.
        self._handle = os.dup(inside.fileno())
        inside.close()
        self._thread = threading.Thread(target=self._serve, args=(machine, loaded), daemon=True)
        self._thread.start()

    def _serve(self, machine: Host, loaded: Loaded) -> None:
        try:
            self.status = answer(machine.system, loaded, self._handle)
        except CodexError as error:
            self.error, self.status = error, error.exit_code
        finally:
            os.close(self._handle)

    def heard(self) -> dict[str, Any]:
        content = b""
        while part := self.client.recv(4096):
            content += part
        self.client.close()
        found: dict[str, Any] = json.loads(content)
        assert set(found) == {"accepted", "kind", "message", "hint", "exit_code"}
        assert content.endswith(b"\n")
        return found

    def ended(self) -> int | None:
        self._thread.join(WAIT_S)
        self.client.close()
        assert not self._thread.is_alive()
        return self.status


def written(machine: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((machine.base / known.PLACE.lstrip("/")).read_text())
    return found


def refused(asking: Asking, kind: str, words: str = "") -> dict[str, Any]:
    said = asking.heard()
    assert asking.ended() == said["exit_code"] != 0
    assert said["accepted"] is False
    assert said["kind"] == kind
    assert words in said["message"]
    assert said["hint"]
    return said


def untouched(machine: Host) -> None:
    assert set(machine.entries()) == {f"codex-os_{OLD}.efi", f"codex-os_{RUNNING}.efi"}
    assert not machine.started("bootctl")
    assert ["systemctl", "reboot"] not in machine.calls


Door = Any
