# SPDX-License-Identifier: Apache-2.0
"""``codex update``: words for a person, JSON for a program, and the exit status of each end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.cli import main
from codex_agent.cli import update as command
from codex_agent.config.window import zone
from codex_agent.update import known
from codex_agent.update.exits import Exit
from codex_agent.update.program import Done
from tests.unit.agent.update.hosts import OLD, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture
def codex(
    machine: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command on the machine; returns exit status and both outputs."""
    monkeypatch.setattr(command, "System", lambda: machine.system)

    def run(*words: str) -> tuple[int, str, str]:
        status = main.main(["update", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


Run = Any


def test_usage() -> None:
    for words in ((), ("eat",), ("apply", "--nonsense"), ("rollback", "--to")):
        done = subprocess.run(
            [sys.executable, "-m", "codex_agent", "update", *words], text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True,
        )  # fmt: skip
        assert done.returncode == Exit.USAGE
        assert len(done.stderr.splitlines()) == 2


def test_help_names_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["update", "--help"])
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in ("check", "apply", "status", "rollback"))


def test_check(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW, seed=4)
    packages = "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n"
        for name, version in (("base", "1"), ("openssl", "3.0"), ("old", "1"))
    )
    machine.put("/usr/lib/sysimage/dpkg/status", packages.encode())
    status, out, err = codex("check", "--source", str(folder.path))
    assert (status, err) == (Exit.OFFERED, "")
    assert f"Offered          {NEW}, newer" in out
    assert "Changes          old  1 → removed" in out
    assert "openssl  3.0 → 3.4" in out
    status, out, _ = codex("check", "--source", str(folder.path), "--json")
    data = json.loads(out)
    assert (status, data["version"], data["refused"]) == (Exit.OFFERED, NEW, None)
    assert data["changes"][1] == {"package": "openssl", "before": "3.0", "after": "3.4"}


def test_check_as_anybody(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    machine.uid = 1000
    (machine.base / "efi").rename(machine.base / "closed")
    status, out, _ = codex("check", "--source", str(folder.path))
    assert status == Exit.OFFERED
    assert "Changes          unavailable" in out
    assert not (machine.base / "var/lib/codex/update").exists()


def test_check_of_what_is_refused(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW, flavour="nvidia")
    status, out, _ = codex("check", "--source", str(folder.path))
    assert status == Exit.FLAVOUR
    assert f"Offered          {NEW}, refused" in out
    assert "hint: Use the source for this flavour." in out
    status, out, _ = codex("check", "--json", "--source", str(folder.path))
    assert json.loads(out)["refused"]["exit_code"] == status == Exit.FLAVOUR


def test_check_of_nothing_newer(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(RUNNING)
    assert codex("check", "--source", str(folder.path))[0] == Exit.DONE


def test_apply_status_rollback(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    status, out, err = codex("apply", "--source", str(folder.path))
    assert status == Exit.DONE
    assert out.splitlines()[0] == f"Version {NEW} is written and starts at the next restart."
    assert "came from the running root" in out
    # No file of this small update is worth a line in a log.
    assert err == f"Version {NEW} is being written into the other slot.\n"
    status, out, _ = codex("status")
    assert status == Exit.DONE
    assert f"{NEW}, counted, 3 tries left, starts next" in out
    assert f"{RUNNING}, good, running" in out
    machine.restart(NEW, blessed=True)
    status, out, _ = codex("rollback")
    assert (status, out) == (0, f"Version {RUNNING} starts from the next restart on.\n")


def test_json_is_alone_on_its_output(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    status, out, err = codex("apply", "--json", "--source", str(folder.path))
    assert (status, err) == (0, "")
    assert json.loads(out)["version"] == NEW
    status, out, _ = codex("status", "--json")
    data = json.loads(out)
    assert data["progress"]["stage"] == "written"
    assert [entry["version"] for entry in data["versions"]] == [RUNNING, NEW]
    assert data["policy"]["mode"] == "notify"


@pytest.mark.parametrize(("words", "kind"), [
    (("apply",), Exit.UNREACHABLE), (("apply", "--source", "http://h/"), Exit.BY_POLICY),
    (("apply", "--source", "x"), Exit.USAGE),
    (("rollback", "--to", "9"), Exit.NOTHING_TO_ROLL_BACK),
])  # fmt: skip
def test_a_refusal_is_one_sentence_and_one_hint(
    codex: Run, words: tuple[str, ...], kind: Exit
) -> None:
    status, out, err = codex(*words)
    assert (status, out) == (kind, "")
    first, second = err.splitlines()
    assert first.startswith("codex: ")
    assert first.endswith(".")
    assert second.startswith("hint: ")


def test_not_root(codex: Run, machine: Host, folder: Folder) -> None:
    machine.uid = 1000
    for words in (("apply", "--source", str(folder.path)), ("rollback",)):
        assert codex(*words)[0] == Exit.DENIED
    assert codex("status")[0] == Exit.DONE


def test_a_policy_with_a_mistake(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    machine.put("/etc/codex/update.toml", b"[update]\nmode = 5\n")
    status, _, err = codex("apply", "--scheduled")
    assert status == Exit.BY_POLICY
    assert "the policy of this host has a mistake" in err
    assert codex("apply", "--source", str(folder.path))[0] == Exit.DONE


def test_by_policy(codex: Run, machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    text = f'[update]\nsource = "{folder.path}"\nmode = "download"\n'
    machine.put("/etc/codex/update.toml", text.encode())
    status, out, _ = codex("apply", "--scheduled")
    assert (status, out.splitlines()[0]) == (
        0,
        f"Version {NEW} is fetched; codex update apply writes it.",
    )


def test_a_window_is_shown_with_its_zone(codex: Run, machine: Host) -> None:
    text = b'[update]\nsource = "/srv"\nmode = "apply"\nwindow = "Sat 02:00-04:00"\n'
    machine.put("/etc/codex/update.toml", text)
    _, out, _ = codex("status")
    assert f"Policy           apply in Sat 02:00-04:00 {zone()}, from /srv" in out
    codex("status", "--keep")
    written = json.loads((machine.base / known.PLACE.lstrip("/")).read_text())
    assert written["standing"]["policy"]["window"] == f"Sat 02:00-04:00 {zone()}"


def test_a_policy_that_never_restarts_says_so_and_ends_a_drain(codex: Run, machine: Host) -> None:
    text = b'[update]\nsource = "/srv"\nmode = "apply"\ndrain_after = [["/opt/hook", "undrain"]]\n'
    machine.put("/etc/codex/update.toml", text)
    with machine.updater().alone() as turn:
        turn.note(drained=True)
    status, out, _ = codex("status")
    assert (status, 'has mode = "apply" and no window' in out) == (Exit.DONE, True)
    status, _, err = codex("apply", "--scheduled")
    assert status == Exit.BY_POLICY
    assert 'hint: Set window in /etc/codex/update.toml, such as "Sat 02:00-04:00"' in err
    assert machine.started("hook") == [["/opt/hook", "undrain"]]


def test_what_others_say_cannot_write_to_the_terminal(codex: Run, machine: Host) -> None:
    machine.before["systemd-sysupdate"] = lambda _argv: Done(1, "", "evil\x1b[2J\n")
    _, out, _ = codex("status")
    assert "\x1b" not in out
    assert "evil?[2J" in out


def test_a_mutable_host(codex: Run, machine: Host) -> None:
    machine.put("/etc/os-release", b"ID=debian\n")
    assert codex("apply")[0] == Exit.NO_IMAGE
    status, out, _ = codex("status")
    assert status == Exit.DONE
    assert "Running          unavailable" in out
    assert OLD in out


def test_exit_statuses_are_one_table() -> None:
    assert len({int(entry) for entry in Exit}) == len(Exit)
    assert (main.EXIT_USAGE, main.EXIT_DEFECT) == (Exit.USAGE, 70)
    assert 70 not in {int(entry) for entry in Exit}
