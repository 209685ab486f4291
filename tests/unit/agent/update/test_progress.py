# SPDX-License-Identifier: Apache-2.0
"""Progress: a moving line on a terminal, few lines in a log."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from codex_agent.cli.progress import Progress
from codex_agent.update import applying
from codex_agent.update.flow import Wish
from codex_agent.update.release import parse
from codex_agent.update.sysupdate import in_bytes

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

MIB = 1024**2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Told:
    """What a stream gets, by a clock that this test moves."""

    def __init__(self, stream: io.StringIO, *, quiet: bool = False) -> None:
        self.stream = stream
        self.now = 1000.0
        self.progress = Progress(stream, quiet=quiet, clock=lambda: self.now)

    def work(self, name: str, total: int, *, seconds: float, steps: int = 100) -> None:
        """A piece of work that tells of each step."""
        for step in range(1, steps + 1):
            self.now += seconds / steps
            self.progress.tell(name, total * step // steps, total)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def test_a_log_gets_one_line_for_a_file() -> None:
    told = Told(io.StringIO())
    told.work("root", 40 * MIB, seconds=20)
    told.work("uki", 30 * MIB, seconds=20)
    assert told.lines == ["100 %  root  40.0 MiB of 40.0 MiB", "100 %  uki  30.0 MiB of 30.0 MiB"]


def test_a_log_gets_a_line_each_half_minute() -> None:
    told = Told(io.StringIO())
    told.work("root", 100 * MIB, seconds=100)
    assert told.lines == [
        " 31 %  root  31.0 MiB of 100.0 MiB", " 61 %  root  61.0 MiB of 100.0 MiB",
        " 91 %  root  91.0 MiB of 100.0 MiB", "100 %  root  100.0 MiB of 100.0 MiB",
    ]  # fmt: skip


def test_small_files_are_not_worth_a_line_in_a_log() -> None:
    told = Told(io.StringIO())
    told.work("manifest", MIB - 1, seconds=1)
    told.work("chunks of manifest", 0, seconds=1)
    assert told.lines == []


def test_a_stage_that_does_not_say_that_it_ended() -> None:
    told = Told(io.StringIO())
    for count in range(3):
        told.progress.tell("chunks", count * MIB, 0)
    told.progress.tell("write", 97, 100)
    told.progress.say("A word.")
    told.progress.say("Another.")
    assert told.lines == ["       chunks  2.0 MiB", " 97 %  write", "A word.", "Another."]


def test_an_end_that_is_told_twice() -> None:
    told = Told(io.StringIO())
    for _ in range(3):
        told.progress.tell("root", 2 * MIB, 2 * MIB)
    assert len(told.lines) == 1


def test_a_terminal_has_a_line_that_moves() -> None:
    told = Told(Terminal())
    told.work("file\x1b", 10_000_000, seconds=100)
    told.progress.say("A word.")
    text = told.stream.getvalue()
    assert text.count("\r\x1b[K") == 100
    assert text.count("\n") == 2
    assert "file?  9.5 MiB of 9.5 MiB\nA word.\n" in text


def test_a_terminal_does_not_flicker() -> None:
    told = Told(Terminal())
    told.work("file", 10_000_000, seconds=1)
    assert told.stream.getvalue().count("\r") <= 6


def test_nothing_of_a_name_can_move_the_cursor() -> None:
    told = Told(io.StringIO())
    told.work("file\x1b[2J", 10_000_000, seconds=1)
    assert "\x1b" not in told.stream.getvalue()


def test_quiet() -> None:
    told = Told(io.StringIO(), quiet=True)
    told.work("file", 10_000_000, seconds=100)
    told.progress.say("x")
    assert told.lines == []


def test_what_is_written_is_told_in_bytes(folder: Folder) -> None:
    folder.add("0.1.11")
    release = parse((folder.path / "codex-os_0.1.11_x86-64.release.json").read_bytes())
    found: list[tuple[str, int, int]] = []
    tell = in_bytes(release, lambda *step: found.append(step))
    tell("codex-os_0.1.11_x86-64.root.erofs", 50, 100)
    tell("codex-os_0.1.11_x86-64.efi", 100, 100)
    tell("another", 5, 100)
    uki = release.files["uki"].bytes
    assert found == [
        ("codex-os_0.1.11_x86-64.root.erofs", release.root_bytes // 2, release.root_bytes),
        ("codex-os_0.1.11_x86-64.efi", uki, uki), ("another", 5, 100),
    ]  # fmt: skip


def test_a_small_update_leaves_a_log_empty(machine: Host, folder: Folder) -> None:
    folder.add("0.1.11")
    told = Told(io.StringIO())
    updater = machine.updater(str(folder.path))
    updater.tell = told.progress.tell
    with updater.alone() as turn:
        applying.apply(turn, Wish())
    assert told.lines == []
