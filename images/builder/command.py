# SPDX-License-Identifier: Apache-2.0
"""Running other programs: output to a log file, its tail and a hint on failure."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.errors import BuildError

TAIL_LINES = 25


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a text file, undecodable bytes replaced; empty when there is no file."""
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
    """Runs a program with its output appended to ``log``; raises BuildError with the log's tail when it fails.

    ``env`` is added to this process's environment, or is the whole of it with ``clean``.
    """
    argv = [str(part) for part in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"+ {shlex.join(argv)}\n".encode())
        out.flush()
        try:
            status = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=_env(env, clean), check=False
            ).returncode
        except FileNotFoundError as error:
            raise BuildError(f"The program {argv[0]} is not there.", hint=hint) from error
    if status != 0:
        raise BuildError(
            f"{_name(argv)} ended with status {status}.",
            hint=f"{hint + ' ' if hint else ''}The whole log is {log}; its end:\n\n{tail(log)}",
        )


def output(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    clean: bool = False,
) -> str:
    """What a program prints; raises BuildError with its last words when it fails."""
    argv = [str(part) for part in command]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd, env=_env(env, clean), check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{_name(argv)} ended with status {done.returncode}.", hint=done.stderr.strip()[-2000:])
    return done.stdout


def _name(argv: Sequence[str]) -> str:
    """The program that a person would name: behind the words that only enter the tools tree."""
    enter = next((i for i, word in enumerate(argv) if word.endswith("/in-tree")), None)
    return Path(argv[0] if enter is None else argv[enter + 3]).name


def _env(extra: Mapping[str, str] | None, clean: bool) -> dict[str, str]:
    return {**({} if clean else os.environ), **(extra or {})}


def stream(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], hint: str) -> None:
    """Runs a program whose output is for the person, e.g. a test suite; BuildError when it fails."""
    argv = [str(part) for part in command]
    status = subprocess.run(argv, stdin=subprocess.DEVNULL, cwd=cwd, env=dict(env), check=False).returncode
    if status != 0:
        raise BuildError(f"{hint}: status {status}.", hint="The lines above say what failed.")
