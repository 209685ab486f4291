# SPDX-License-Identifier: Apache-2.0
"""Runs another program: without a shell, with a clean environment, for a bounded time.

The program dies with its time, and keeps what it is given in ``keep`` (the lock) open, so that a
program that outlives a killed ``codex`` keeps others out until it has ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = 64 * 1024  # bytes of each output that are kept: its end
_PART = 256 * 1024


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended: its status, or why there is none, and the end of what it said."""

    status: int | None
    out: str
    err: str
    reason: str | None = None

    @property
    def last(self) -> str:
        """Return its last words, for a person."""
        said = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        if self.reason:
            return self.reason
        return said[-1].rstrip(".") if said else f"it ended with status {self.status}"


class Runner(Protocol):
    """What runs programs; tests put another one in its place."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        keep: Sequence[int] = (),
        on_line: Callable[[str], None] | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> Done:
        """Run a program; lines of its errors go to ``on_line``, its output to ``on_data``."""


class _Tail:
    """Keeps the end of an output, and hands on its lines; a carriage return ends a line as well."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._kept = b""
        self._line = b""
        self._on_line = on_line

    def take(self, part: bytes) -> None:
        self._kept = (self._kept + part)[-_KEPT:]
        if self._on_line is not None:
            *whole, rest = (self._line + part).replace(b"\r", b"\n").split(b"\n")
            self._line = rest[-_KEPT:]
            for entry in whole:
                if entry.strip():
                    self._on_line(entry.decode("utf-8", "replace").strip())

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    keep: Sequence[int] = (),
    on_line: Callable[[str], None] | None = None,
    on_data: Callable[[bytes], None] | None = None,
) -> Done:
    """Run a program to its end, or to the end of its time; it never outlives this call."""
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
            pass_fds=tuple(keep),
            start_new_session=True,
        )
    except FileNotFoundError:
        return Done(None, "", "", f"the program {argv[0]} is not on this host")
    except OSError as error:
        return Done(None, "", "", f"{argv[0]} cannot be started: {(error.strerror or '').lower()}")
    try:
        return _attend(child, time.monotonic() + timeout_s, timeout_s, on_line, on_data)
    finally:
        # Its helpers too: systemd-sysupdate starts programs of its own.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def _attend(
    child: subprocess.Popen[bytes],
    deadline: float,
    timeout_s: float,
    on_line: Callable[[str], None] | None,
    on_data: Callable[[bytes], None] | None,
) -> Done:
    out, err = _Tail(None), _Tail(on_line)
    takers = {child.stdout: on_data or out.take, child.stderr: err.take}
    late = Done(None, "", "", f"it did not end within {timeout_s:.0f} s")
    with selectors.DefaultSelector() as selector:
        for stream in takers:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return late
            for key, _ in selector.select(min(left, 1.0)):
                part = os.read(key.fd, _PART)
                if part:
                    takers[key.fileobj](part)  # type: ignore[index]
                else:
                    selector.unregister(key.fileobj)
    try:
        status = child.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        return late
    if status < 0:
        name = signal.Signals(-status).name
        return Done(None, out.text(), err.text(), f"it was ended by {name}")
    return Done(status, out.text(), err.text())
