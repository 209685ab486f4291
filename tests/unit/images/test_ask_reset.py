# SPDX-License-Identifier: Apache-2.0
"""The boot entry "Factory reset": only one word on a console leaves a request."""

import os
import pty
import subprocess
import time

import pytest

from tests.unit.images.test_make_state import OLD, Start
from tests.unit.images.test_make_state import start as start


class Console:
    """A terminal on which the script asks, and a person answers."""

    def __init__(self, start: Start, limit_s: int = 120, **more: str) -> None:
        self.start = start
        self.master, slave = pty.openpty()
        (start.folder / "active").write_text("tty9 ttyS7\n")
        (start.folder / "dev").mkdir()
        # The first console is not there, as a screen on a server without one.
        (start.folder / "dev/ttyS7").symlink_to(os.ttyname(slave))
        text = start.script("ask-reset")
        text = text.replace("/sys/class/tty/console/active", str(start.folder / "active"))
        text = text.replace('"/dev/$', f'"{start.folder}/dev/$')
        text = text.replace("kill -55 1", f"echo $$ >{start.folder}/pid")
        text = text.replace("limit_s=120", f"limit_s={limit_s}")
        environment = {
            "PATH": f"{start.folder / 'bin'}:{os.environ['PATH']}",
            "DISK": str(start.disk),
            "CALLS": str(start.folder / "calls"),
            "PIDFILE": str(start.folder / "pid"),
            "STUBBORN": "",
            **more,
        }
        self.process = subprocess.Popen(["sh", "-c", text], env=environment)
        self.slave = slave
        os.set_blocking(self.master, False)
        self.said = ""

    def hear(self, words: str) -> None:
        end = time.monotonic() + 20
        while words not in self.said:
            assert time.monotonic() < end, self.said
            try:
                self.said += os.read(self.master, 65536).decode()
            except BlockingIOError:
                time.sleep(0.02)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> list[str]:
        self.hear("This host restarts now.")
        self.process.wait(20)
        os.close(self.slave)
        os.close(self.master)
        return self.start.calls()


def test_the_word(start: Start) -> None:
    console = Console(start)
    console.hear("> ")
    assert "all of /var" in console.said
    console.type(b"RESET\r")
    console.hear("forgets its state at the start that follows")
    assert console.end() == ["systemctl reboot --force"]
    assert start.variable.read_bytes() == b"\x07\0\0\0" + OLD.encode()
    # Nothing was erased here: that is for the next start.
    assert start.disk.read_text() == f"{OLD} codex-var\n"
    assert start.run().returncode == 0
    assert start.calls()[-1] == "--dry-run=no --factory-reset=yes"


@pytest.mark.parametrize("answer", [b"\r", b"reset\r", b"RESET now\r", b"xRESET\r", b"no\rRESET\r"])
def test_anything_else(start: Start, answer: bytes) -> None:
    console = Console(start)
    console.hear("> ")
    console.type(answer)
    console.hear("Nothing was changed.")
    assert console.end() == ["systemctl reboot --force"]
    assert not start.variable.exists()


def test_silence(start: Start) -> None:
    console = Console(start, limit_s=1)
    console.hear("Nothing was changed.")
    assert console.end() == ["systemctl reboot --force"]
    assert not start.variable.exists()


def test_firmware_that_keeps_nothing(start: Start) -> None:
    console = Console(start)
    console.hear("> ")
    (start.folder / "efivars").rmdir()
    console.type(b"RESET\r")
    console.hear("The firmware does not keep the request. Nothing was erased.")
    assert console.end() == ["systemctl reboot --force"]


@pytest.mark.parametrize("disk", ["", f"{OLD} data\n", f"{OLD} codex-var\n{OLD} codex-var\n"])
def test_no_state_that_is_certain(start: Start, disk: str) -> None:
    start.disk.write_text(disk)
    console = Console(start)
    assert console.end() == ["systemctl reboot --force"]
    assert not start.variable.exists()
