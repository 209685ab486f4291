# SPDX-License-Identifier: Apache-2.0
"""Children that may hang: each has a time limit, and nobody ever waits for one past it.

``subprocess`` waits until the program of a child has started, which takes for ever where its file
lies on a device that hangs. Here even that happens on the child's side of the fork.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Body = Callable[[], int]

GRACE_S = 2.0  # for a killed child to be gone; one that waits inside of the kernel never is
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PART = 64 * 1024
_FILES = 1 << 20
_DEFAULTS = (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose rights a child has."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its status, or the clause that says why there is none.

    ``cut``: it said more than was kept. ``late``: it was still there at its time limit.
    """

    status: int | None
    out: bytes
    err: bytes
    took_s: float
    reason: str | None = None
    cut: bool = False
    late: bool = False


def program(
    argv: Sequence[str],
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> Body:
    """Return the body of a child that becomes a program, with the rights of ``account``."""
    variables = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **(environment or {})}

    def body() -> int:
        os.chdir("/")
        os.umask(0o077)
        if account is not None:
            os.setgroups([])
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
        os.execve(argv[0], list(argv), variables)  # noqa: S606 - the child is this

    return body


class Child:
    """A process of its own session that runs ``body``; ``keep`` bytes of each output are kept.

    Where there can be none (no process, no file more) it has ended at once, with the reason.
    """

    def __init__(self, body: Body, keep: int = 16 * 1024) -> None:
        self._keep = keep
        self._said = {"out": b"", "err": b"", "fault": b""}
        self._cut = False
        self._status: int | None = None
        self._gone = False
        self._began = time.monotonic()
        self._ended_at: float | None = None
        self.ends: dict[str, int] = {}
        self.pid = 0
        writing: dict[str, int] = {}
        try:
            for name in self._said:
                self.ends[name], writing[name] = os.pipe()
                os.set_blocking(self.ends[name], False)
            self.pid = os.fork()
            if self.pid == 0:
                _live(body, writing)
            self.handle: int | None = os.pidfd_open(self.pid)
        except OSError as error:
            self._said["fault"] = _not_started(error)
            self.handle, self._gone = None, True
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        finally:
            for end in writing.values():
                os.close(end)

    def take(self, name: str) -> bool:
        """Read what there is of one output; False at its end."""
        try:
            part = os.read(self.ends[name], _PART)
        except BlockingIOError:
            return True
        kept = self._said[name]
        self._said[name] = kept + part[: self._keep - len(kept)]
        self._cut = self._cut or len(kept) + len(part) > self._keep
        return bool(part)

    def kill(self) -> None:
        """Kill the child and its group; the group's number cannot be another's before ``reap``."""
        if self.handle is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        # It may not have made its group yet.
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)

    def reap(self) -> bool:
        """Take note of the end of the child, if it has ended; never waits."""
        if self._gone or self.handle is None:
            return True
        if os.waitid(os.P_PIDFD, self.handle, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self._ended_at = time.monotonic()
            # What it has started in its group goes with it, and what it said is in the pipes.
            self.kill()
            for name in self.ends:
                with suppress(OSError):
                    for _ in range(4):
                        self.take(name)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._gone = True
        return self._gone

    def close(self, limit_s: float, *, late: bool) -> Ended:
        """Let go of the child and say how it ended."""
        for end in (*self.ends.values(), self.handle):
            if end is not None:
                os.close(end)
        took = (self._ended_at or time.monotonic()) - self._began
        status = self._status
        reason: str | None = None
        if late:
            status, reason = None, f"it did not end within {limit_s:g} s"
            if not self._gone:
                reason += " and cannot be killed: it waits inside of the kernel"
        elif self._said["fault"]:
            status, reason = None, self._said["fault"].decode("utf-8", "replace")
        elif status is not None and status < 0:
            reason = f"it was ended by {_signal(-status)}"
            status = None
        said = self._said
        return Ended(status, said["out"], said["err"], took, reason, self._cut, late)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _not_started(error: OSError) -> bytes:
    return f"it cannot be started: {(error.strerror or 'unknown error').lower()}".encode()


def _live(body: Body, ends: dict[str, int]) -> None:
    """Be the child; what goes wrong before a program has begun is told through its own pipe."""
    status, fault = 126, ends["fault"]
    try:
        os.setsid()
        for number in _DEFAULTS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(ends["out"], 1)
        os.dup2(ends["err"], 2)
        # Whoever started us may have left files open that a program must not get.
        fault = os.dup2(ends["fault"], 3, inheritable=False)
        os.closerange(4, _FILES)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = body()
    except OSError as error:
        os.write(fault, _not_started(error))
    except BaseException as error:  # noqa: BLE001 - the child's side of a fork must end here
        os.write(fault, f"a defect of this program: {type(error).__name__}".encode())
    finally:
        os._exit(status)


def attend(children: Sequence[Child], limit_s: float) -> list[Ended]:
    """Let children run side by side, and return how they ended, all within the limit and a grace.

    A child has ended when its first process has: what that leaves behind in its group is killed,
    and an output that somebody else holds open is not waited for.
    """
    deadline = time.monotonic() + limit_s
    running = {index: child for index, child in enumerate(children) if child.handle is not None}
    with selectors.DefaultSelector() as selector:
        for index, child in running.items():
            selector.register(child.handle or 0, selectors.EVENT_READ, (index, None))
            for name, end in child.ends.items():
                selector.register(end, selectors.EVENT_READ, (index, name))
        _watch(selector, running, deadline)
        late = set(running)
        for child in running.values():
            child.kill()
        _watch(selector, running, time.monotonic() + GRACE_S)
    return [child.close(limit_s, late=index in late) for index, child in enumerate(children)]


def _watch(selector: selectors.BaseSelector, running: dict[int, Child], deadline: float) -> None:
    """Read what children say and drop each that has ended, until none is left or time is up."""
    while running and (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            index, name = key.data
            child = running.get(index)
            if child is None:
                selector.unregister(key.fileobj)
            elif name is None:
                if child.reap():
                    del running[index]
                    selector.unregister(key.fileobj)
            elif not child.take(name):
                selector.unregister(key.fileobj)


def run(body: Body, limit_s: float, keep: int = 16 * 1024) -> Ended:
    """Let one child run."""
    return attend([Child(body, keep)], limit_s)[0]
