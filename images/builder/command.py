# SPDX-License-Identifier: Apache-2.0
"""Running other programs: output to a log file, its tail and a hint on failure.

Children inherit what this process made inheritable, which is the lock of the build (cli.py): a
program that outlives a builder that was killed keeps the next one from working beside it.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from builder.errors import BuildError

TAIL_LINES = 25
# How long a program may clean up after Ctrl-C, which the terminal sends to it as well.
GRACE_SECONDS = 10


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a text file, undecodable bytes replaced; empty without a file."""
    try:
        data = path.read_bytes()[-65536:]
    except FileNotFoundError:
        return ""
    return "\n".join(data.decode(errors="replace").splitlines()[-lines:])


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    clean: bool = False,
    hint: str = "",
) -> None:
    """Run a program with its output appended to ``log``; a failure is a BuildError with its tail.

    ``env`` is added to this process's environment, or is the whole of it with ``clean``.
    """
    argv = [str(part) for part in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"+ {shlex.join(argv)}\n".encode())
        out.flush()
        status = _status(argv, cwd, _env(env, clean), hint, out)
    if status != 0:
        raise BuildError(
            f"{_name(argv)} {_ended(status)}.",
            hint=f"{hint + ' ' if hint else ''}The whole log is {log}; its end:\n\n{tail(log)}",
        )


def output(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    clean: bool = False,
) -> str:
    """Return what a program prints; raises BuildError with its last words when it fails."""
    argv = [str(part) for part in command]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            env=_env(env, clean),
            check=False,
        )
    except OSError as error:
        raise _cannot_start(argv, error, "") from error
    if done.returncode != 0:
        hint = done.stderr.strip()[-2000:]
        raise BuildError(f"{_name(argv)} {_ended(done.returncode)}.", hint=hint)
    return done.stdout


def stream(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], hint: str) -> None:
    """Run a program whose output is for the person, e.g. a test suite; BuildError on failure."""
    argv = [str(part) for part in command]
    status = _status(argv, cwd, dict(env), "", None)
    if status != 0:
        raise BuildError(f"{hint} {_ended(status)}.", hint="The lines above say what failed.")


def _status(
    argv: list[str], cwd: Path | None, env: dict[str, str], hint: str, out: IO[bytes] | None
) -> int:
    """Exit status of a program; after Ctrl-C it may end by itself before it is killed."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            cwd=cwd,
            env=env,
            close_fds=False,
        )
    except OSError as error:
        raise _cannot_start(argv, error, hint) from error
    with process:
        try:
            return process.wait()
        except BaseException:
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a program end by the signal that the terminal sent it, then ask it to, then make it."""
    try:
        process.wait(GRACE_SECONDS / 5)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(GRACE_SECONDS)
    finally:
        # Does nothing to a process that has ended; a second Ctrl-C comes straight here.
        process.kill()


def _cannot_start(argv: Sequence[str], error: OSError, hint: str) -> BuildError:
    if error.filename in {None, argv[0]} and isinstance(error, FileNotFoundError):
        return BuildError(f"The program {argv[0]} is not there.", hint=hint)
    return BuildError(
        f"{_name(argv)} cannot be started: {error.strerror}: {error.filename}.", hint=hint
    )


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


def _name(argv: Sequence[str]) -> str:
    """Return the program that a person would name, not what only enters the tools tree."""
    if any(word.endswith("/in-sandbox") for word in argv):
        return Path(argv[list(argv).index("--") + 1]).name
    enter = next((i for i, word in enumerate(argv) if word.endswith("/in-tree")), None)
    return Path(argv[0] if enter is None else argv[enter + 3]).name


def _env(extra: Mapping[str, str] | None, clean: bool) -> dict[str, str]:
    return {**({} if clean else os.environ), **(extra or {})}
