# SPDX-License-Identifier: Apache-2.0
"""A run that ends at any moment is run again and goes on; what is whole is not moved twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.provision import files
from codex_agent.update import applying, fetch, lock, names, state
from codex_agent.update.exits import UpdateError
from codex_agent.update.flow import Wish
from tests.unit.agent.update.hosts import RUNNING, Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.versions.server import Server
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
REPOSITORY = Path(__file__).resolve().parents[4]


class Knife:
    """Ends the run when a certain step has been reached for the n-th time."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.used = False

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.used = True
            raise Killed


def attempt(machine: Host, source: str) -> bool:
    """Run an update; say whether it came to its end."""
    try:
        with machine.updater(source).alone() as turn:
            applying.apply(turn, Wish())
    except Killed:
        return False
    return True


def assert_safe(machine: Host) -> None:
    """The running version and its entry are untouched, whatever else happened."""
    assert f"codex-os_{RUNNING}.efi" in machine.entries()
    assert machine.slots[RUNNING]
    assert state.load(machine.system.state).problem is None


def killing_programs(knife: Knife, machine: Host, name: str, *, after: bool) -> None:
    real = machine.run

    def run(argv: list[str], **named: object) -> object:
        mine = Path(argv[0]).name == name
        if mine and not after:
            knife()
        done = real(argv, **named)  # type: ignore[arg-type]
        if mine and after:
            knife()
        return done

    machine.run = run  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["gpgv", "casync", "systemd-sysupdate"])
def test_around_every_program(machine: Host, folder: Folder, name: str, *, after: bool) -> None:
    folder.add(NEW)
    for at in range(1, 10):
        fresh = type(machine)(machine.base.with_name(f"{name}-{after}-{at}"), machine.keys)
        knife = Knife(at)
        killing_programs(knife, fresh, name, after=after)
        if attempt(fresh, str(folder.path)):
            assert at > 1
            break
        assert_safe(fresh)
        assert attempt(fresh, str(folder.path))
        assert fresh.entries() == [f"codex-os_{RUNNING}.efi", f"codex-os_{NEW}+3-0.efi"]
        assert state.load(fresh.system.state).state.stage == "written"
    else:
        pytest.fail("the update never came to its end")


def test_at_every_write_of_a_file(
    machine: Host, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State, checksums, description, drop-ins: before each of them, and after each of them."""
    folder.add(NEW)
    real: Callable[[Path, bytes, int], None] = files.write
    cuts = 0
    for after in (False, True):
        for at in range(1, 40):
            knife = Knife(at)

            def write(
                path: Path, content: bytes, mode: int, knife: Knife = knife, after: bool = after
            ) -> None:
                if not after:
                    knife()
                real(path, content, mode)
                if after:
                    knife()

            fresh = type(machine)(machine.base.with_name(f"write-{after}-{at}"), machine.keys)
            with monkeypatch.context() as patch:
                patch.setattr(files, "write", write)
                if attempt(fresh, str(folder.path)):
                    break
            cuts += 1
            assert_safe(fresh)
            assert attempt(fresh, str(folder.path))
            assert f"codex-os_{NEW}+3-0.efi" in fresh.entries()
    assert cuts > 16


def test_in_the_middle_of_a_file(
    machine: Host, folder: Folder, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run is ended after a few parts, and each begins where the one before it ended."""
    folder.add(NEW, index=False)
    monkeypatch.setattr(fetch, "PART", 16 * 1024)
    packed = names.of(NEW, "x86-64", names.ENDINGS["root"])
    part = machine.system.stage / f"{packed}.part"
    kept = [0]
    for _ in range(100):
        knife = Knife(4)

        def tell(name: str, done: int, total: int, knife: Knife = knife) -> None:
            if name == packed:
                knife()

        updater = machine.updater(server.url)
        updater.tell = tell
        try:
            with updater.alone() as turn:
                applying.apply(turn, Wish(fetch_only=True))
            break
        except Killed:
            assert_safe(machine)
            kept.append(part.stat().st_size)
    else:
        pytest.fail("the file never came to its end")
    offsets = [int((asked or "bytes=0-")[6:-1]) for name, asked in server.asked if name == packed]
    assert len(offsets) > 3
    assert offsets == kept[: len(offsets)]
    assert kept == sorted(set(kept))


def test_killed_for_real_in_the_middle_of_a_write(tmp_path: Path) -> None:
    """The lock is held by the program that still works after its parent was killed with KILL."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from codex_agent.update import lock, program\n"
        "def tell(line):\n"
        "    print(line, flush=True)\n"
        "with lock.taken(Path(sys.argv[1])) as handle:\n"
        "    argv = ['sh', '-c', 'echo $$ >&2; exec sleep 60']\n"
        "    program.run(argv, timeout_s=60, keep=[handle], on_line=tell)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    worker = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    try:
        assert lock.held(tmp_path)
        with pytest.raises(UpdateError, match="under way"), lock.taken(tmp_path):
            pass
    finally:
        os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while lock.held(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    with lock.taken(tmp_path):
        assert lock.held(tmp_path)
    assert not lock.held(tmp_path)
