# SPDX-License-Identifier: Apache-2.0
"""Runs programs of the tools tree and says plainly what failed."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support import timeouts


class ProgramError(AssertionError):
    """A program that a test relies on ended with an unexpected status."""


def run(
    *command: str | Path,
    accept: Sequence[int] = (0,),
    stdin: bytes | None = None,
    timeout_s: float = timeouts.PROGRAM_S,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``command``; an exit status not in ``accept`` raises ProgramError with the output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=timeout_s)
    if done.returncode not in accept:
        output = (done.stdout[-2000:] + done.stderr[-2000:]).decode(errors="replace")
        raise ProgramError(f"`{' '.join(words)}` ended with status {done.returncode}:\n{output}")
    return done


def text(*command: str | Path, accept: Sequence[int] = (0,)) -> str:
    """Return the standard output of ``command`` as text."""
    return run(*command, accept=accept).stdout.decode(errors="replace")
