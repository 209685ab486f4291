# SPDX-License-Identifier: Apache-2.0
"""Children that hang, flood, fork and die: none is waited for past its limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.probe import child

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[4]
SH = "/bin/sh"
# Far less than what would be waited for, and enough for a machine that has much else to do.
SOON_S = 20.0
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")


def sh(script: str, limit_s: float = 10.0, keep: int = 1000) -> child.Ended:
    return child.run(child.program([SH, "-c", script]), limit_s, keep)


def within(seconds: float, act: Callable[[], child.Ended]) -> child.Ended:
    began = time.monotonic()
    found = act()
    assert time.monotonic() - began < seconds
    return found


def gone(pid: int) -> bool:
    """Say whether a process has ended (a zombie that nobody has waited for has)."""
    for _ in range(2000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_status_and_outputs() -> None:
    ended = sh("echo out; echo err >&2; exit 3")
    assert (ended.status, ended.out, ended.err, ended.reason) == (3, b"out\n", b"err\n", None)
    assert not ended.cut
    assert not ended.late


def test_a_clean_place_to_run_in() -> None:
    assert sh("pwd; umask; cat").out == b"/\n0077\n"
    told = child.run(child.program(["/usr/bin/env"]), 10).out.decode().splitlines()
    assert sorted(line.split("=")[0] for line in told) == ["HOME", "LC_ALL", "PATH"]


def test_no_file_of_ours_is_handed_on() -> None:
    ended = child.run(child.program(["/bin/ls", "/proc/self/fd"]), 10)
    assert len(ended.out.split()) == 4, ended  # one of them is the folder that ls reads


def test_one_that_hangs_is_killed_at_its_limit() -> None:
    ended = within(SOON_S, lambda: sh("echo begun; sleep 600", 1.5))
    assert ended.reason == "it did not end within 1.5 s"
    assert ended.out == b"begun\n"
    assert ended.status is None
    assert ended.late


def test_one_that_ignores_signals_is_killed_as_well() -> None:
    ended = within(SOON_S, lambda: sh("trap '' TERM INT HUP; while :; do sleep 1; done", 0.3))
    assert ended.late


def test_the_whole_group_is_killed() -> None:
    ended = within(SOON_S, lambda: sh("sleep 600 & echo $!; sleep 600 & echo $!; wait", 1.5))
    assert ended.late
    pids = [int(word) for word in ended.out.split()]
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_grandchild_that_keeps_the_output_open_is_not_waited_for() -> None:
    ended = within(SOON_S, lambda: sh("sleep 600 & echo $!; exit 0", 30))
    assert (ended.status, ended.late) == (0, False)
    assert gone(int(ended.out))


def test_a_grandchild_in_a_session_of_its_own_is_not_waited_for() -> None:
    script = (
        "import os,time\nif os.fork()==0:\n os.setsid()\n print(os.getpid(),flush=True)\n"
        " time.sleep(600)\nelse: time.sleep(0.5)"
    )
    body = child.program([sys.executable, "-c", script])
    ended = within(SOON_S, lambda: child.run(body, 30))
    assert ended.status == 0
    os.kill(int(ended.out), signal.SIGKILL)


def test_a_hundred_megabytes_are_read_and_not_kept() -> None:
    ended = within(SOON_S, lambda: sh("head -c 100000000 /dev/zero; echo end >&2", 30))
    assert (ended.status, len(ended.out), ended.err) == (0, 1000, b"end\n")
    assert ended.cut


def test_a_flood_without_end_ends_at_the_limit() -> None:
    ended = within(SOON_S, lambda: sh("yes", 1.5))
    assert ended.late
    assert len(ended.out) == 1000


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_end_by_a_signal_is_told(number: signal.Signals) -> None:
    ended = sh(f"kill -{number.value} $$")
    assert (ended.status, ended.reason) == (None, f"it was ended by {number.name}")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file or directory"),
        (lambda path: path.write_text("#!/bin/sh\n"), "permission denied"),
        (lambda path: path.mkdir(), "permission denied"),
        (lambda path: (path.write_text("no program"), path.chmod(0o755)), "exec format error"),
    ],
)
def test_what_cannot_be_started(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "program"
    make(path)
    ended = child.run(child.program([str(path)]), 5)
    assert (ended.status, ended.reason) == (None, f"it cannot be started: {reason}")


def test_a_program_whose_file_hangs_does_not_hang_us() -> None:
    """To become the program takes for ever: here on the child's side."""

    def body() -> int:
        signal.pause()
        return 0

    assert within(SOON_S, lambda: child.run(body, 0.2)).late


def test_one_that_cannot_be_killed_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits inside of the kernel for a device."""
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    monkeypatch.setattr(child.Child, "kill", lambda self: None)
    made = child.Child(child.program([SH, "-c", "exec sleep 600"]))
    ended = within(SOON_S, lambda: child.attend([made], 0.2)[0])
    assert ended.reason is not None
    assert ended.reason.endswith("cannot be killed: it waits inside of the kernel")
    os.kill(made.pid, signal.SIGKILL)
    os.waitpid(made.pid, 0)


@pytest.mark.parametrize("name", ["fork", "pipe", "pidfd_open"])
def test_a_host_that_has_no_process_or_file_to_spare(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As when an earlier probe has used up what there is; no file stays open, nothing runs on."""

    def full(*_: object) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    born: list[int] = []
    fork = os.fork

    def counted() -> int:
        born.append(fork())
        return born[-1]

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(os, name, full)
    ended = child.run(child.program([SH, "-c", "sleep 600"]), 5)
    assert ended.status is None
    assert ended.reason == "it cannot be started: resource temporarily unavailable"
    assert len(born) == (name == "pidfd_open")
    assert not any(Path(f"/proc/{pid}").exists() for pid in born)


def test_a_defect_in_a_body_is_told() -> None:
    def body() -> int:
        raise KeyError("x")

    assert child.run(body, 5).reason == "a defect of this program: KeyError"


def test_many_run_side_by_side(tmp_path: Path) -> None:
    """Two of them wait for each other, so none of them ends where one is asked after the other."""
    os.mkfifo(tmp_path / "fifo")
    there, back = f"echo 2 >{tmp_path}/fifo; exit 2", f"read number <{tmp_path}/fifo; echo $number"
    scripts = [back, "sleep 600", there, "sleep 600"]
    ends = child.attend([child.Child(child.program([SH, "-c", s])) for s in scripts], 4.0)
    assert [e.status for e in ends] == [0, None, 2, None]
    assert ends[0].out == b"2\n"


def test_nobody_to_attend() -> None:
    assert child.attend([], 1) == []


@root_only
def test_rights_are_dropped_for_good() -> None:
    script = (
        "import os\nprint(os.getresuid(), os.getresgid(), os.getgroups())\n"
        "try:\n os.setuid(0)\nexcept PermissionError:\n print('no')\n"
        "print([l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm'))])"
    )
    account = child.Account("nobody", 65534, 65534)
    ended = child.run(child.program(["/usr/bin/python3", "-c", script], account), 20)
    three = "(65534, 65534, 65534)"
    lines = ended.out.decode().splitlines()
    assert lines[:2] == [f"{three} {three} []", "no"], ended
    assert lines[2].count("0000000000000000") == 2


def test_confined_children_leave_nothing_behind() -> None:
    """In a process like the gate's: what escapes its group is ended, nothing gets new rights."""
    script = (
        "from codex_agent.probe import ask, child\n"
        "ask.confine()\n"
        "sh = 'sleep 600 & echo $!; sleep 0.2; grep NoNewPrivs /proc/self/status'\n"
        "argv = ['/usr/bin/setsid', '--fork', '/bin/sh', '-c', sh]\n"
        "argv = ['/bin/sh', '-c', '\"$@\"; sleep 0.6', 'sh', *argv]\n"
        "ended = child.run(child.program(argv), 10)\n"
        "print(ended.out.decode())\n"
        "ask.end_strays()\n"
        "print('left', ask._children())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    words = done.stdout.split()
    assert words[1:] == ["NoNewPrivs:", "1", "left", "[]"], done
    assert gone(int(words[0]))
