# SPDX-License-Identifier: Apache-2.0
"""The outcome of a judgement, as a file that everybody may read."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from kernel_guard.host import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kernel_guard.host import Host
    from kernel_guard.judge import Kernel

FOLDER = "/var/lib/codex-kernel-guard"
PATH = f"{FOLDER}/state.json"
_LOCK = f"{FOLDER}/lock"
SCHEMA = 1
VERDICTS = ("guarded", "held", "unguarded")


@dataclass(frozen=True)
class State:
    """What was found and done.

    ``verdict`` is ``guarded`` (the kernel that is wanted is the default, and ready), ``held`` (it
    is not ready, another one was made the default, and that was read back) or ``unguarded`` (it is
    not known what the next start takes). ``told`` are kernels that were told of as an error.
    ``changed`` says that another kernel was made the default.
    """

    verdict: str
    message: str
    loader: str | None = None
    default: str | None = None
    running: str | None = None
    kernels: list[Kernel] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    changed: bool = False

    def plain(self) -> dict[str, Any]:
        """Return what is written; ``time`` counts seconds since 1970."""
        listed = [{**asdict(kernel), "ready": kernel.ready} for kernel in self.kernels]
        return {"schema": SCHEMA, "time": int(time.time()), **asdict(self), "kernels": listed}


@contextmanager
def locked(host: Host) -> Iterator[None]:
    """Let one guard work at a time; the others wait."""
    try:
        host.at(FOLDER).mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = os.open(
            host.at(_LOCK), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except OSError as error:
        raise UnreadableError(f"{FOLDER} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read(host: Host) -> State:
    """Return the verdict and the message that were kept last, or raise ``UnreadableError``."""
    try:
        data = json.loads(host.text(PATH))
        verdict, message = data["verdict"], data["message"]
    except (ValueError, KeyError, TypeError):
        raise UnreadableError(f"{PATH} has no verdict") from None
    if verdict not in VERDICTS or not isinstance(message, str):
        raise UnreadableError(f"{PATH} has no verdict")
    return State(verdict, message)


def told(host: Host) -> list[str]:
    """Return the kernels of which was told before; none where no state can be read."""
    try:
        data = json.loads(host.text(PATH))
        names = data["told"]
    except (UnreadableError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def write(host: Host, state: State) -> None:
    """Put a new state in the place of the old one in one step; readers never meet half of one."""
    host.put(PATH, state.plain())
