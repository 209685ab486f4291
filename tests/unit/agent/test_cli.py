# SPDX-License-Identifier: Apache-2.0
"""The command line: exit statuses, one door for errors, text that a person can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import codex_agent
from codex_agent.cli import config as config_command
from codex_agent.cli import main, render, status
from codex_agent.errors import CodexError
from codex_agent.host import asking
from codex_agent.host.checks import outcome
from codex_agent.host.root import Root
from codex_agent.host.snapshot import Judgement, take
from codex_agent.provision.run import places, provision
from tests.unit.agent import trees
from tests.unit.agent.running import Running, running

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from codex_agent.host.snapshot import Sample
    from tests.unit.agent.trees import Tree

REPOSITORY = Path(__file__).resolve().parents[3]


def codex(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CODEX_")}
    return subprocess.run(
        [sys.executable, "-m", "codex_agent", *arguments],
        env={**kept, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_version() -> None:
    found = codex("--version")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"codex {codex_agent.__version__}")


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == codex_agent.__version__


def test_help_names_every_command() -> None:
    found = codex("--help")
    assert found.returncode == 0
    for command in ("status", "serve", "provision", "token", "config"):
        assert f"  {command}" in found.stdout
        assert codex(command, "--help").returncode == 0


HEAVY = ("fastapi", "pydantic", "cryptography", "uvicorn", "jeepney", "ssl", "asyncio", "json")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy(argument: str) -> None:
    script = (
        "import sys\n"
        "from codex_agent.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, argument],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(found.stderr.split())
    assert "codex_agent.cli.main" in loaded
    assert not loaded & set(HEAVY)


def test_status_and_config_do_not_load_the_service() -> None:
    script = (
        "import sys\n"
        "from codex_agent.cli.main import main\n"
        "main(['status']); main(['config', 'show'])\n"
        "print('LOADED', *sorted(sys.modules))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(found.stdout.rpartition("LOADED")[2].split())
    assert not loaded & {"fastapi", "pydantic", "cryptography", "uvicorn"}


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("nonsense",), ("status", "--nonsense"), ("status", "--timeout", "0"),
        ("status", "--timeout", "nan"), ("status", "--timeout", "x"), ("token",),
        ("token", "eat"), ("config", "set"),
    ],
)  # fmt: skip
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    found = codex(*arguments)
    assert found.returncode == main.EXIT_USAGE
    assert found.stdout == ""
    lines = found.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("codex: ")
    assert lines[1].startswith("hint: Try: codex")


def test_status_here_is_json_or_text() -> None:
    """On whatever runs the tests: the exit status is that of the verdict that is printed."""
    found = codex("status", "--json")
    data = json.loads(found.stdout)
    assert found.returncode == status.EXIT[data["verdict"]["state"]]
    assert found.stderr == ""
    found = codex("status")
    assert found.stdout.startswith("Verdict  ")
    assert "\x1b" not in found.stdout


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tree: Tree) -> Callable[..., Tree]:
    """Let the command see the host of a tree."""

    def collect(root: Root, *, settled: bool = False) -> Sample:
        return tree.sample(settled=settled)

    def use(build: Callable[[Tree], Tree]) -> Tree:
        build(tree)
        monkeypatch.setattr(status, "collect", collect)
        monkeypatch.setattr(status, "Root", lambda: tree.root)
        return tree

    return use


@pytest.mark.parametrize(
    ("build", "state", "code"),
    [
        (trees.image_secure_boot, "healthy", 0),
        (lambda tree: trees.failing(trees.image(tree), "x.service"), "degraded", 1),
        (trees.corrupted, "failed", 2),
        (trees.base_host, "unknown", 3),
    ],
)
def test_exit_status_of_status(
    on: Callable[..., Tree],
    capsys: pytest.CaptureFixture[str],
    build: Callable[[Tree], Tree],
    state: str,
    code: int,
) -> None:
    on(build)
    assert main.main(["status"]) == code
    assert capsys.readouterr().out.splitlines()[0].split() == ["Verdict", state]
    assert main.main(["status", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["verdict"]["state"] == state


def test_every_null_is_explained_in_the_text(tree: Tree) -> None:
    text = render.text(tree.sample().shown(tree.clock.monotonic()))
    assert "None" not in text
    assert text.count("unavailable (") >= 25
    assert "Secure Boot      unavailable (this system was not started by EFI firmware)" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_text_of_an_image(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    trees.gpu(tree, "0000:01:00.0", "0x030200", "0x10de", "0x2330")
    text = render.text(tree.sample().shown(tree.clock.monotonic()))
    for line in (
        "Verdict          healthy",
        "Image            codex-os 0.1.57, flavour general, commit 0a1b2c3d",
        "Slot             A",
        "Up for           12 s",
        f"Root hash        {trees.HASH}",
        "Secure Boot      on",
        "Signed modules   yes",
        "Memory           1.9 GiB total, 1.5 GiB available",
    ):
        assert line in text.splitlines(), line
    assert "10de:2330  driver unavailable (no driver is bound)" in text
    assert "/var  ext4 rw  4.0 GiB of 10.0 GiB available" in text


def test_colour_only_where_asked(tree: Tree) -> None:
    host = trees.image_secure_boot(tree).sample().shown(tree.clock.monotonic())
    assert "\x1b[32mhealthy\x1b[0m" in render.text(host, colour=True)
    assert "\x1b" not in render.text(host, colour=False)


def test_names_cannot_write_to_the_terminal(tree: Tree) -> None:
    trees.failing(trees.image(tree), "evil\x1b[2J\x07.service")
    text = render.text(tree.sample().shown(tree.clock.monotonic()))
    assert "\x1b" not in text
    assert "evil?[2J?.service" in text


class Terminal:
    """Standard output that says it is a terminal."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("variable", "coloured"), [(None, True), ("", True), ("1", False)])
def test_no_color(
    on: Callable[..., Tree],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    coloured: bool,
) -> None:
    on(trees.image)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    main.main(["status"])
    assert ("\x1b[" in capsys.readouterr().out) is coloured


def fail(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def raising(_arguments: argparse.Namespace) -> int:
        raise error

    return raising


@pytest.mark.parametrize(
    ("command", "error", "code"),
    [
        (["config", "show"], CodexError("One sentence.", hint="One hint."), 1),
        (["config", "show"], CodexError("One sentence.", exit_code=7), 7),
        (["config", "show"], RuntimeError("boom"), main.EXIT_DEFECT),
        (["config", "show"], KeyboardInterrupt(), main.EXIT_INTERRUPTED),
        # Not to find out is "unknown", never "degraded" or "failed".
        (["status"], CodexError("One sentence.", hint="One hint."), 3),
        (["status"], RuntimeError("boom"), 3),
        (["--debug", "status"], CodexError("One sentence.", hint="One hint."), None),
    ],
)
def test_one_door_for_errors(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    error: BaseException,
    code: int | None,
) -> None:
    monkeypatch.setattr(status, "run", fail(error))
    monkeypatch.setattr(config_command, "run", fail(error))
    if code is None:
        with pytest.raises(type(error)):
            main.main(command)
        return
    assert main.main(command) == code
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    if isinstance(error, CodexError):
        assert errors.startswith("codex: One sentence.\n")
        assert ("hint: One hint." in errors) == (error.hint is not None)


def test_config_show_and_check(tmp_path: Path) -> None:
    home = tmp_path / ".config" / "codex"
    home.mkdir(parents=True)
    found = codex("config", "show", CODEX_LOG_LEVEL="debug")
    assert found.returncode == 0
    assert 'log.level                     "debug"  environment CODEX_LOG_LEVEL' in found.stdout
    assert "built in" in found.stdout
    found = codex("config", "check", CODEX_LOG_LEVL="debug")
    assert found.returncode == 1
    assert "CODEX_LOG_LEVL is not known" in found.stderr
    assert "hint: Did you mean CODEX_LOG_LEVEL?" in found.stderr


def test_a_pipe_that_closes_is_no_traceback() -> None:
    command = f"{sys.executable} -m codex_agent status | head -c 1"
    found = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr


def test_provision_command(tmp_path: Path) -> None:
    found = codex("provision", "--root", str(tmp_path))
    assert found.returncode == 0, found.stderr
    assert "made a token" in found.stdout
    again = codex("provision", "--root", str(tmp_path))
    assert again.returncode == 0
    assert "all is there and valid" in again.stdout
    (tmp_path / "var/lib/codex/agent/token").chmod(0o644)
    wrong = codex("provision", "--root", str(tmp_path))
    assert wrong.returncode == 1
    assert "token has mode 0644" in wrong.stderr
    assert "hint: chmod 0600" in wrong.stderr


def test_token_is_private_to_its_output(tmp_path: Path) -> None:
    found = codex("provision", "--root", str(tmp_path))
    value = (tmp_path / "var/lib/codex/agent/token").read_text().strip()
    assert value not in found.stdout + found.stderr


@pytest.fixture
def live(tree: Tree, tmp_path: Path) -> Any:
    trees.image(tree)
    with running(tree, tmp_path) as found:
        yield found


def test_asking_the_service(live: Running) -> None:
    check = asking.ask(str(live.ca), ("127.0.0.1", live.port), 30)
    assert (check.name, check.state) == ("agent", "ok")


def test_asking_a_service_of_another_authority(live: Running, tmp_path: Path) -> None:
    other = places(str(tmp_path / "other"))
    provision(other, live.tree.root)
    check = asking.ask(str(other.public), ("127.0.0.1", live.port), 30)
    assert check.state == "failed"
    assert "certificate" in check.message


def test_asking_nobody(live: Running) -> None:
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        check = asking.ask(str(live.ca), unused.getsockname(), 30)
        assert (check.state, check.message) == (
            "failed", "The service does not answer: Connection refused."
        )  # fmt: skip
        unused.listen()
        check = asking.ask(str(live.ca), unused.getsockname(), 0.1)
        assert check.state == "failed"
        assert "did not answer within" in check.message


def test_asking_where_nothing_is_set_up(tree: Tree) -> None:
    assert asking.check(tree.root).state == "skipped"
    tree.put("/var/lib/codex/ca.crt", "x")
    check = asking.check(tree.root)
    assert check.state == "unknown"
    assert "system bus" in check.message


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:3030", ("127.0.0.1", 3030)),
        ("0.0.0.0:3030", ("127.0.0.1", 3030)),
        ("[::]:3030", ("::1", 3030)),
        ("10.0.0.1:8443", ("10.0.0.1", 8443)),
    ],
)
def test_where_to_ask(listen: str, expected: tuple[str, int]) -> None:
    assert asking.target(listen) == expected


@pytest.mark.parametrize("listen", ["/run/x.sock", "", "a:b", "1.2.3.4:0"])
def test_where_nobody_can_be_asked(listen: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        asking.target(listen)


def test_snapshot_of_this_machine_is_whole() -> None:
    """The real files of whatever runs the tests, unprivileged or not."""
    root = Root()
    sample = take(root, Judgement(5.0, [], outcome("skipped", "not asked")))
    json.dumps(status.EXIT[sample.host.verdict.state])
    assert sample.host.kernel.release == os.uname().release
    assert sample.host.cpu.count is not None
