# SPDX-License-Identifier: Apache-2.0
"""Wall and processor time of a command with all its children."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder import command
from builder.errors import BuildError

from tests.bench.row import Figures


def timed(
    argv: Sequence[str | Path], *, log: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Figures:
    """``wall_s`` and ``cpu_s`` of a program and all that it waited for; BuildError on failure."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        name = Path(str(argv[0])).name
        hint = f"The whole log is {log}; its end:\n\n{command.tail(log)}"
        raise BuildError(f"{name} ended with status {process.returncode}.", hint=hint)
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime}
