# SPDX-License-Identifier: Apache-2.0
"""Serves a raw file as the disk of a guest, and records what is written to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support import timeouts

PLUGIN = Path(__file__).with_name("recorder_plugin.py")
ROOT = Path(__file__).resolve().parents[2]


class Recorder:
    """A running nbdkit; ``log`` begins empty, ``socket`` is where the disk is served."""

    def __init__(self, disk: Path, log: Path) -> None:
        """Start it, and wait until it takes connections."""
        # Below /tmp: a socket's path has to stay under 108 bytes wherever the disk lies.
        self._folder = Path(tempfile.mkdtemp(prefix="codex-recorder-"))
        self.socket = self._folder / "socket"
        # nbdkit makes it once the socket can be used.
        ready = self._folder / "pid"
        self._words = self._folder / "words"
        log.write_bytes(b"")
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(
                [
                    "nbdkit", "--foreground", "--exit-with-parent", "--threads=1",
                    "--unix", self.socket, "--pidfile", ready,
                    "python", PLUGIN, f"disk={disk.resolve()}", f"log={log.resolve()}",
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )  # fmt: skip
        deadline = time.monotonic() + timeouts.PROGRAM_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"the recorder did not start: {self._left()}")
            time.sleep(0.05)

    def end(self) -> None:
        """End it; it has to run still, or not all that was written is in the log."""
        ran = self._process.poll() is None
        self._process.terminate()
        try:
            status = self._process.wait(timeouts.PROGRAM_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        words = self._left()
        if not ran or status != 0:
            raise AssertionError(f"the recorder ended with status {status}: {words}")

    def _left(self) -> str:
        """Wait for its end, remove its folder, and return what it said."""
        self._process.wait()
        words = self._words.read_text(errors="replace")[-2000:]
        shutil.rmtree(self._folder)
        return words
