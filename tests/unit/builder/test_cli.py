# SPDX-License-Identifier: Apache-2.0
"""The one door: what leaves it, and that two builds do not meet."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builder import cli, preflight, run
from builder.errors import BuildError
from builder.guest import Guest
from builder.image import Image
from builder.paths import Paths

from tests.unit.builder.conftest import InChild, Programs

if TYPE_CHECKING:
    from builder.settings import Settings

pytestmark = pytest.mark.usefixtures("same_signals")


@pytest.fixture
def door(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The builder of a repository that is not the one it lies in, as root on a good machine."""
    monkeypatch.setattr(Paths, "find", classmethod(lambda cls: paths))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "host", lambda paths: None)
    monkeypatch.delenv(cli.VARIABLES, raising=False)
    return paths


def _raising(error: BaseException) -> Callable[..., None]:
    def work(*_: object) -> None:
        raise error

    return work


def test_error_is_a_sentence_a_hint_and_a_status(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = BuildError("It broke.", hint="Mend it.", code=3)
    monkeypatch.setattr(cli, "_work", _raising(error))
    assert cli.main(["image"]) == 3
    assert capsys.readouterr().err == "\nerror: It broke.\nhint:  Mend it.\n"


def test_unexpected_error_is_one_sentence_with_a_way_to_more(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_work", _raising(ValueError("first\nsecond")))
    assert cli.main(["image"]) == 70
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[0] == "error: ValueError: first second"
    assert lines[1].startswith("hint:  ")
    assert str(door.logs) in lines[1]
    assert "DEBUG=1" in lines[1]
    assert len(lines) == 2


@pytest.mark.parametrize("error", [BuildError("It broke."), OSError(28, "No space left")])
@pytest.mark.parametrize("debug", [True, False])
def test_traceback_only_when_it_is_asked_for(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    error: Exception, debug: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(cli, "_work", _raising(error))
    assert cli.main(["image", *(["DEBUG=1"] if debug else [])]) != 0
    assert ("Traceback" in capsys.readouterr().err) == debug


def test_interruption(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_work", _raising(KeyboardInterrupt()))
    assert cli.main(["image"]) == 130
    assert "Stopped." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nix"], "There is no target nix."),
        (["image", "PROT=1"], "There is no variable PROT."),
        (["image", "FLAVOUR=x"], "There is no flavour 'x'."),
    ],
)
def test_request_that_is_not_understood(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(cli, "_as_root", _raising(AssertionError("asked for a password")))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(words) == 2
    assert f"error: {sentence}" in capsys.readouterr().err


def test_no_root_and_no_sudo(
    door: Paths, programs: Programs, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(programs.folder))
    assert cli.main(["image"]) == 1
    assert "there is no sudo here" in capsys.readouterr().err


def test_sudo_gets_target_and_variables(
    door: Paths, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("sudo")
    called: list[list[str]] = []

    def execvp(program: str, words: list[str]) -> None:
        called.append([program, *words])
        raise SystemExit(0)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "execvp", execvp)
    monkeypatch.setenv(cli.VARIABLES, "PORT=4000")
    with pytest.raises(SystemExit):
        cli.main(["run"])
    ((*_, keep, front_door, target),) = called
    assert cli.VARIABLES in keep
    assert front_door == str(door.root / "images/builder/front-door")
    assert target == "run"


def test_variables_of_make_are_read(door: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Settings] = []
    monkeypatch.setattr(cli, "_work", lambda target, paths, chosen: seen.append(chosen))
    monkeypatch.setenv(cli.VARIABLES, r"TESTS=tests/unit\ tests/host PORT=4000")
    assert cli.main(["test"]) == 0
    assert (seen[0].tests, seen[0].port) == ("tests/unit tests/host", 4000)


def test_taken_port_is_told_before_the_build(
    door: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "port_taken", lambda number: number == 3030)
    monkeypatch.setattr(Image, "ensure", _raising(AssertionError("built")))
    assert cli.main(["run"]) == 1
    assert "Port 3030 on 127.0.0.1 is already taken." in capsys.readouterr().err


def test_ports_of_our_own_guest_are_no_hindrance(
    door: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(preflight, "port_taken", lambda number: True)
    monkeypatch.setattr(Guest, "attach", classmethod(lambda cls, name, paths: cls(paths, name)))
    monkeypatch.setattr(Image, "ensure", lambda self: "0.1.2")
    monkeypatch.setattr(run, "start", lambda paths, chosen, version: started.append(version))
    assert cli.main(["run"]) == 0
    assert started == ["0.1.2"]


HOLDING = """
import sys, time
from pathlib import Path
from builder import cli
from builder.paths import Paths
with cli._alone(Paths(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""
WITH_CHILD = """
import os, sys
from pathlib import Path
from builder import cli, command
from builder.paths import Paths
with cli._alone(Paths(Path(sys.argv[1]))):
    command.run(["sh", "-c", "kill -9 $PPID; echo $$ >$0; exec sleep 60", sys.argv[2]],
                log=Path(sys.argv[2] + ".log"))
"""


def test_second_make_is_told_who_works(
    door: Paths, in_child: InChild, capsys: pytest.CaptureFixture[str]
) -> None:
    words = in_child.argv(HOLDING, door.root)
    with subprocess.Popen(words, env=in_child.environment(), stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        assert cli.main(["image"]) == 1
        said = capsys.readouterr().err
        assert "Another make works in this folder" in said
        assert f"its process id is {first.pid}." in said
        first.kill()
    with cli._alone(door):
        pass


def test_program_that_outlives_a_killed_build_still_holds_the_lock(
    door: Paths, in_child: InChild, tmp_path: Path
) -> None:
    pid_file = tmp_path / "orphan"
    assert in_child(WITH_CHILD, door.root, pid_file).returncode == -signal.SIGKILL
    while not pid_file.exists() or not pid_file.read_text():
        time.sleep(0.02)
    with pytest.raises(BuildError, match="or a program of one that was killed"), cli._alone(door):
        pass
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with cli._alone(door):
                return
        except BuildError:
            time.sleep(0.02)
    pytest.fail("the lock was not set free")


TERMINATED = """
import os, signal, sys
from pathlib import Path
from builder import cli, preflight
from builder.paths import Paths
Paths.find = classmethod(lambda cls: Paths(Path(sys.argv[1])))
preflight.host = lambda paths: None
os.geteuid = lambda: 0
cli._work = lambda *_: os.kill(os.getpid(), int(sys.argv[2])) or signal.pause()
sys.exit(cli.main(["image"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_polite_signal_stops_alike(door: Paths, in_child: InChild, number: int) -> None:
    done = in_child(TERMINATED, door.root, str(int(number)))
    assert done.returncode == 130
    assert "Stopped." in done.stderr
    assert "Traceback" not in done.stderr


def test_reader_that_goes_away_is_no_error(in_child: InChild) -> None:
    code = "import sys\nfrom builder.cli import main\nsys.exit(main(['help']))\n"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        in_child.argv(code), env=in_child.environment(), stdout=writing, stderr=subprocess.PIPE,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.fixture
def built(door: Paths) -> Paths:
    """Everything that a build leaves."""
    for name in (
        "tools",
        "cache",
        "archive",
        "archive-bookworm",
        "stamps",
        "venv",
        "release",
        "image",
        "guests/run",
        "logs",
    ):
        (door.build / name).mkdir(parents=True)
    for name in ("image", "agent", "tools", "page"):
        (door.stamps / name).write_text("x")
    (door.build / "accelerator").write_text("x")
    (door.build / "link").symlink_to("/")
    (door.root / "codex_agent/web/dist").mkdir(parents=True)
    door.keys.mkdir()
    (door.keys / "db.key").write_text("secret")
    return door


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "host", _raising(BuildError("The disk is full.")))


@pytest.mark.usefixtures("full")
def test_clean_works_where_nothing_else_does_and_keeps_what_is_dear(built: Paths) -> None:
    assert cli.main(["clean"]) == 0
    assert {path.name for path in built.build.iterdir()} == cli.KEPT_BY_CLEAN
    assert {path.name for path in built.stamps.iterdir()} == {"tools", "page"}
    assert (built.keys / "db.key").read_text() == "secret"
    assert (built.root / "codex_agent/web/dist").exists()


@pytest.mark.usefixtures("full")
def test_distclean_leaves_the_keys(built: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["distclean"]) == 0
    assert [path.name for path in built.build.iterdir()] == ["lock"]
    assert (built.keys / "db.key").read_text() == "secret"
    assert not (built.root / "codex_agent/web/dist").exists()
    assert "keys/ stays" in capsys.readouterr().out


def test_clean_refuses_what_is_mounted(
    built: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "mounted_below", lambda folder: folder.name == "guests")
    assert cli.main(["clean"]) == 1
    assert f"Something is mounted below {built.build / 'guests'}." in capsys.readouterr().err
    assert (built.build / "guests/run").exists()
