# SPDX-License-Identifier: Apache-2.0
"""Runs git so that a repository can neither make it run a program nor let it run for ever.

Git is never pointed at a repository of a user: its directory is one of ours (``cache.py``), whose
configuration we wrote. So no hook, filter, text conversion, alias, include, helper or monitor of
the user's comes into it. What is switched off here holds even if that were to change.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from codex_agent.repos.errors import DamagedError, TooMuchError, UnsupportedError
from codex_agent.repos.limits import QUESTION, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from codex_agent.repos.cancel import Cancel

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PART = 1024 * 1024
_PIPE = 1024 * 1024  # bytes; with 64 KiB git and we wait for each other
_F_SETPIPE_SZ = 1031
_KEPT_ERRORS = 16 * 1024

ENVIRONMENT = {
    "PATH": _PATH,
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "GIT_SSH_COMMAND": "/bin/false",
    "GIT_EDITOR": "/bin/false",
    "GIT_PAGER": "cat",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}
OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "core.alternateRefsCommand=true"),
    *("-c", "core.deltaBaseCacheLimit=256m"),
    *("-c", "core.quotePath=false"),
    *("-c", "credential.helper="),
    *("-c", "diff.external="),
    *("-c", "diff.renameLimit=1000"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "uploadpack.packObjectsHook="),
)


class Stream:
    """The output of a git that runs; iterate over ``parts`` and the run is checked at its end."""

    def __init__(
        self, child: subprocess.Popen[bytes], limits: Limits, cancel: Cancel | None
    ) -> None:
        self._child = child
        self._limits = limits
        self._cancel = cancel
        self.errors = b""
        self.taken = 0

    def parts(self) -> Iterator[bytes]:
        """Yield what git says, part by part.

        TooMuchError where a bound is reached, CancelledError, DamagedError where git fails.
        """
        limits, child = self._limits, self._child
        if child.stdout is None or child.stderr is None:
            raise ValueError("the child has no pipes")
        out, err = child.stdout.fileno(), child.stderr.fileno()
        end = time.monotonic() + limits.time_s
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            selector.register(err, selectors.EVENT_READ)
            if self._cancel is not None:
                selector.register(self._cancel, selectors.EVENT_READ)
            waiting = {out, err}
            quiet = time.monotonic() + limits.silence_s
            while waiting:
                left = min(end, quiet) - time.monotonic()
                ready = selector.select(max(left, 0.0))
                if self._cancel is not None:
                    self._cancel.check()
                if not ready:
                    raise _late(limits, end)
                for key, _ in ready:
                    part = os.read(key.fd, _PART)
                    if not part:
                        selector.unregister(key.fd)
                        waiting.discard(key.fd)
                    elif key.fd == err:
                        self.errors = (self.errors + part)[-_KEPT_ERRORS:]
                    else:
                        self.taken += len(part)
                        if self.taken > limits.out_bytes:
                            raise TooMuchError(
                                f"The answer of git is longer than {limits.out_bytes} bytes.",
                                "Ask for a smaller part of the history.",
                            )
                        yield part
                        quiet = time.monotonic() + limits.silence_s
                if time.monotonic() > end:
                    raise _late(limits, end)
        try:
            status = child.wait(max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise _late(limits, end) from None
        if status != 0:
            raise failed(status, self.errors)


def _late(limits: Limits, end: float) -> TooMuchError:
    if time.monotonic() >= end:
        why = f"Git did not end within {limits.time_s:g} s."
    else:
        why = f"Git said nothing for {limits.silence_s:g} s."
    return TooMuchError(why, "Ask for a smaller part of the history.")


def failed(status: int, errors: bytes) -> DamagedError | TooMuchError:
    """Return what a git that failed amounts to, in its own last words."""
    said = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    last = next((line for line in reversed(said) if line), "")
    if "out of memory" in last.lower() or "malloc" in last:
        return TooMuchError(
            "Git needs more memory than it may have for this.", "Ask for less of the history."
        )
    if status < 0:
        last = last or f"it was ended by {signal.Signals(-status).name}"
    text = last.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
    hint = "git fsck in the repository says what is damaged."
    return DamagedError(f"Git cannot read it: {text or f'status {status}'}.", hint)


class Git:
    """Git on one directory of ours; ``program`` is a path, so that nothing else is found."""

    def __init__(self, folder: Path, program: str | None = None) -> None:
        self.program = program or _program("git", "git")
        # Limits have to be there before git is, so a program sets them and becomes git.
        self._prlimit = _program("prlimit", "util-linux")
        self.folder = folder

    @contextmanager
    def stream(
        self,
        args: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        limits: Limits = QUESTION,
        cancel: Cancel | None = None,
        more: dict[str, str] | None = None,
    ) -> Iterator[Stream]:
        """Run git; when the block is left, by whatever way, its whole process group is gone."""
        if cancel is not None:
            cancel.check()
        environment = {**ENVIRONMENT, "GIT_DIR": str(self.folder), **(more or {})}
        child = subprocess.Popen(
            [*self._bounds(limits), self.program, *OPTIONS, *args],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        try:
            _widen(child)
            yield Stream(child, limits, cancel)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()

    def _bounds(self, limits: Limits) -> tuple[str, ...]:
        return (self._prlimit, f"--data={limits.data_bytes}", "--core=0")

    def output(
        self,
        args: Sequence[str],
        *,
        given: bytes | None = None,
        limits: Limits = QUESTION,
        cancel: Cancel | None = None,
        more: dict[str, str] | None = None,
    ) -> bytes:
        """Return all that git says, with ``given`` as its input; errors as for ``parts``."""
        with (
            spool(given) as stdin,
            self.stream(args, stdin=stdin, limits=limits, cancel=cancel, more=more) as run,
        ):
            return b"".join(run.parts())

    def version(self) -> tuple[int, int]:
        """Return major and minor version of the program."""
        words = self.output(["version"]).split()
        try:
            major, minor = words[2].split(b".")[:2]
            return int(major), int(minor)
        except (IndexError, ValueError):
            raise UnsupportedError(
                f"{self.program} does not say which version it is.", "git version"
            ) from None


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise UnsupportedError(f"The program {name} is not on this host.", f"apt install {package}")
    return found


def _widen(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        # A host may allow less; then it only takes longer.
        with suppress(OSError):
            fcntl.fcntl(child.stdout.fileno(), _F_SETPIPE_SZ, _PIPE)


@contextmanager
def spool(given: bytes | None) -> Iterator[int]:
    """Hold an input in memory: a pipe would have to be fed while the output is read."""
    if given is None:
        yield subprocess.DEVNULL
        return
    handle = os.memfd_create("git-input", os.MFD_CLOEXEC)
    try:
        view = memoryview(given)
        while view:
            view = view[os.write(handle, view) :]
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)
