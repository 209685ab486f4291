# SPDX-License-Identifier: Apache-2.0
"""Running programs, and what is said when they fail."""

import subprocess
import time
from pathlib import Path

import pytest
from builder import command, log
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree, mounted_below

from tests.unit.builder.conftest import InChild, Programs


def test_output_goes_to_the_log_behind_the_command(tmp_path: Path, programs: Programs) -> None:
    programs.add("tool", "echo out; echo err >&2")
    logfile = tmp_path / "logs/x.log"
    command.run(["tool", "a b"], log=logfile)
    command.run(["tool"], log=logfile)
    assert logfile.read_text() == "+ tool 'a b'\nout\nerr\n+ tool\nout\nerr\n"


def test_failure_shows_hint_path_and_end_of_the_log(tmp_path: Path, programs: Programs) -> None:
    programs.add("tool", "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line-$i; done; exit 7")
    with pytest.raises(BuildError) as caught:
        command.run(["tool"], log=tmp_path / "x.log", hint="Look at the mirror.")
    error = caught.value
    assert error.message == "tool ended with status 7."
    assert error.hint.startswith(f"Look at the mirror. The whole log is {tmp_path / 'x.log'}")
    assert error.hint.splitlines()[-command.TAIL_LINES :] == [
        f"line-{n}" for n in range(101 - command.TAIL_LINES, 101)
    ]


def test_failure_in_the_tree_names_the_program_and_not_the_way_in(paths: Paths) -> None:
    (paths.root / "images/builder").mkdir()
    script = paths.root / "images/builder/in-tree"
    script.write_text("#!/bin/sh\nexit 5\n")
    script.chmod(0o755)
    words = Tree(paths).command(["mkosi", "build"])[4:]
    with pytest.raises(BuildError, match=r"^mkosi ended with status 5\.$"):
        command.run(words, log=paths.logs / "x.log")


def test_signal_has_a_name(tmp_path: Path, programs: Programs) -> None:
    programs.add("tool", "kill -9 $$")
    with pytest.raises(BuildError, match=r"tool was ended by SIGKILL\."):
        command.run(["tool"], log=tmp_path / "x.log")


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"The program nix-da is not there\.") as error:
        command.run(["nix-da"], log=tmp_path / "x.log", hint="Install it.")
    assert error.value.hint == "Install it."
    with pytest.raises(BuildError, match="is not there"):
        command.output(["nix-da"])
    with pytest.raises(BuildError, match="is not there"):
        command.stream(["nix-da"], cwd=tmp_path, env={}, hint="x")


def test_folder_that_is_not_there_is_not_taken_for_the_program(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"true cannot be started: .*nowhere"):
        command.run(["true"], log=tmp_path / "x.log", cwd=tmp_path / "nowhere")


def test_program_that_may_not_run(tmp_path: Path, programs: Programs) -> None:
    (programs.folder / "tool").write_text("")
    with pytest.raises(BuildError, match="tool cannot be started"):
        command.output([programs.folder / "tool"])


def test_output_and_its_failure(programs: Programs) -> None:
    programs.add("tool", "printf 'a\\377'; echo because >&2; exit $1")
    assert command.output(["tool", "0"]) == "a\ufffd"
    with pytest.raises(BuildError, match="tool ended with status 2") as error:
        command.output(["tool", "2"])
    assert error.value.hint == "because"


def test_environment_is_added_or_whole(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTER", "1")
    assert "OUTER=1" in command.output(["env"], env={"INNER": "2"})
    found = command.output(["/usr/bin/env"], env={"INNER": "2"}, clean=True)
    assert found == "INNER=2\n"


def test_tail_of_nothing_and_of_bytes(tmp_path: Path) -> None:
    assert command.tail(tmp_path / "none") == ""
    (tmp_path / "x").write_bytes(b"a\nb\xff\nc\n")
    assert command.tail(tmp_path / "x", 2) == "b\ufffd\nc"


STOPPED = """
import sys
from pathlib import Path
from builder import command
command.GRACE_SECONDS = float(sys.argv[2])
command.run(["tool"], log=Path(sys.argv[1]))
"""


@pytest.mark.parametrize("deaf", [False, True])
def test_interrupted_program_may_clean_up_and_is_gone_afterwards(
    tmp_path: Path, programs: Programs, in_child: InChild, deaf: bool
) -> None:
    left = tmp_path / "cleaned"
    trap = "trap '' TERM" if deaf else f"trap 'touch {left}; exit 1' TERM"
    programs.add("tool", f"{trap}; echo $$ >{tmp_path}/pid; while :; do sleep 0.1; done")
    # A program that does clean up gets the time that a busy machine takes for it.
    argv = in_child.argv(STOPPED, tmp_path / "log", "1" if deaf else "10")
    child = subprocess.Popen(argv, env=in_child.environment(), stderr=subprocess.PIPE)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(2)
    _, said = child.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    assert left.exists() != deaf
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


@pytest.mark.parametrize(
    ("mount", "below"),
    [
        ("/a/tools", True),
        ("/a/tools/proc", True),
        ("/a/tools-old", False),
        ("/a", False),
        ("/b\\040c/tools/x", False),
    ],
)
def test_mount_below_a_folder(tmp_path: Path, mount: str, below: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"proc /proc proc rw 0 0\nnone {mount} tmpfs rw 0 0\n")
    assert mounted_below(Path("/a/tools"), mounts) == below
    assert mounted_below(Path("/b c/tools"), mounts) == ("040c" in mount)


def test_step_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with log.step("Doing it"):
        log.plain("inside")
    with pytest.raises(KeyboardInterrupt), log.step("Failing"):
        raise KeyboardInterrupt
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("] ")[2] or line for line in lines] == [
        "Doing it …",
        "inside",
        "Doing it: done in 0:00",
        "Failing …",
        "Failing: stopped after 0:00",
    ]


ON_TERMINAL = """
import time
from builder import log
with log.step("x" * 200):
    time.sleep(1.2)
    log.say("milestone")
with log.step("streams", quiet=False):
    print("output")
    time.sleep(1.2)
"""


def test_running_clock_on_a_terminal_keeps_lines_whole(in_child: InChild, tmp_path: Path) -> None:
    done = subprocess.run(
        ["script", "-qec", " ".join(in_child.argv(ON_TERMINAL)), "/dev/null"],
        env={**in_child.environment(), "TERM": "xterm", "COLUMNS": "80"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=60,
    ).stdout.decode()
    # What a terminal shows: everything behind the last erasure of each line.
    shown = [line.rpartition("\x1b[K")[2].rstrip("\r") for line in done.split("\n")]
    words = [line.partition("] ")[2] or line for line in shown if line]
    assert words[:2] == ["milestone", f"{'x' * 200}: done in 0:01"]
    assert words[2:] == ["streams …", "output", "streams: done in 0:01"]
    # A clock ran, and it never wrapped.
    ticks = [part for part in done.split("\x1b[K") if part.startswith("[") and "xxx" in part]
    assert any("done" not in tick and len(tick.rstrip("\r\n")) == 79 for tick in ticks)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (3725, "62:05")])
def test_clock(seconds: float, text: str) -> None:
    assert log.clock(seconds) == text
