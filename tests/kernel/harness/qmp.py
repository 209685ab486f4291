# SPDX-License-Identifier: Apache-2.0
"""What a guest may ask of the machine around it, done through QEMU's machine protocol."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_WAIT_S = 30


class QmpError(Exception):
    """The guest asked for what is not known, or QEMU refused it."""


class Qmp:
    """One connection for each request; QEMU's socket serves one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def request(self, words: str) -> None:
        """``unplug <id>`` or ``plug <id> <bus>``; QmpError for anything else."""
        match words.split():
            case ["unplug", device]:
                self._execute("device_del", {"id": device})
            case ["plug", device, bus]:
                arguments = {"driver": "edu", "id": device, "bus": bus}
                self._plug({**arguments, "dma_mask": 0xFFFFFFFFFFFFFFFF})
            case _:
                raise QmpError(f"the guest asks for {words!r}, which is not known")

    def monitor(self, command: str) -> str:
        """Answer of QEMU's human monitor; QmpError when it refuses."""
        return str(self._execute("human-monitor-command", {"command-line": command}))

    def _plug(self, arguments: dict[str, Any]) -> None:
        """Plug in a device; one of that name may not have left its slot altogether."""
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                self._execute("device_add", arguments)
            except QmpError as error:
                if "uplicate" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _execute(self, command: str, arguments: dict[str, Any]) -> object:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(_WAIT_S)
            channel.connect(str(self.path))
            with channel.makefile("rw") as stream:
                json.loads(stream.readline())
                for name, given in (("qmp_capabilities", {}), (command, arguments)):
                    stream.write(json.dumps({"execute": name, "arguments": given}) + "\n")
                    stream.flush()
                    while "return" not in (answer := json.loads(stream.readline())):
                        if "error" in answer:
                            raise QmpError(f"QEMU: {command}: {answer['error']}")
        return answer["return"]
