# SPDX-License-Identifier: Apache-2.0
"""What was there comes back, what was changed since stays; no ledger makes root write elsewhere."""

from __future__ import annotations

import importlib.util
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("ledger", ROLES / "ledger/files/ledger.py")
assert _SPEC is not None
assert _SPEC.loader is not None
ledger: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ledger)

PATHS = ["/etc/a", "/etc/new", "/etc/new/b", "/etc/link", "/usr/lib/codex", "/usr/lib/codex/c"]


def files(base: Path) -> dict[str, str]:
    found = {}
    for path in sorted(base.rglob("*")):
        status = path.lstat()
        text = f"{status.st_mode:o} {status.st_uid} {status.st_gid} "
        text += str(path.readlink()) if path.is_symlink() else ""
        text += path.read_text() if path.is_file() and not path.is_symlink() else ""
        found[str(path.relative_to(base))] = text
    return found


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A host with a file and a link where the roles will write."""
    for name in ("etc", "usr/lib", "var/lib"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/a").write_text("of the operator\n")
    (tmp_path / "etc/a").chmod(0o640)
    (tmp_path / "etc/link").symlink_to("a")
    return tmp_path


def provision(base: Path) -> None:
    """What roles do between keep and seal."""
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    (base / "etc/a").write_text("of a role\n")
    (base / "etc/a").chmod(0o644)
    (base / "etc/link").unlink()
    (base / "etc/link").write_text("a file now\n")
    for folder in ("etc/new", "usr/lib/codex"):
        (base / folder).mkdir()
    (base / "etc/new/b").write_text("new\n")
    (base / "usr/lib/codex/c").write_text("new\n")
    assert ledger.main(["seal", *PATHS], str(base)) == 0


def outcome(
    base: Path, capsys: pytest.CaptureFixture[str], command: str, *more: str
) -> dict[str, Any]:
    capsys.readouterr()
    assert ledger.main([command, *more], str(base)) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    if command == "restore":
        assert ledger.main(["forget"], str(base)) == 0
    return found


def test_everything_comes_back(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(base)
    provision(base)
    between = files(base)
    assert set(outcome(base, capsys, "would-restore")["paths"]) == set(PATHS)
    assert files(base) == between
    assert outcome(base, capsys, "restore")["stays"] == {}
    assert files(base) == before


def test_a_second_run_of_the_roles_keeps_the_first_state(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(base)
    provision(base)
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    (base / "etc/a").write_text("of a newer role\n")
    assert ledger.main(["seal", *PATHS], str(base)) == 0
    outcome(base, capsys, "restore")
    assert files(base) == before


def test_what_the_operator_changed_since_stays(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provision(base)
    (base / "etc/a").write_text("of the operator again\n")
    (base / "etc/new/mine").write_text("put there since\n")
    (base / "usr/lib/codex/c").chmod(0o600)
    stays = outcome(base, capsys, "restore")["stays"]
    assert set(stays) == {"/etc/a", "/etc/new", "/usr/lib/codex", "/usr/lib/codex/c"}
    assert (base / "etc/a").read_text() == "of the operator again\n"
    assert not (base / "etc/new/b").exists()
    # Told again, and done once the operator has made room.
    (base / "etc/new/mine").unlink()
    assert outcome(base, capsys, "restore")["paths"] == ["/etc/new"]


def test_a_run_that_did_not_end_is_put_back_by_nobody(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    (base / "etc/a").write_text("half\n")
    assert set(outcome(base, capsys, "restore")["stays"]) == {"/etc/a"}


def test_a_dry_run_writes_nothing(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(base)
    assert set(outcome_keep(base, capsys, "would-keep")) == set(PATHS)
    assert files(base) == before


def outcome_keep(base: Path, capsys: pytest.CaptureFixture[str], command: str) -> list[str]:
    assert ledger.main([command, *PATHS], str(base)) == 0
    found: list[str] = json.loads(capsys.readouterr().out)["paths"]
    return found


def test_nothing_to_restore(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(base)
    nothing = {"paths": [], "stays": {}, "unfinished": False, "torn": False}
    assert outcome(base, capsys, "restore") == nothing
    assert files(base) == before


def altered(base: Path, change: Any) -> None:
    """Rewrite the index as an attacker with a hole in it would."""
    index = base / "var/lib/codex-ledger/index.json"
    data = json.loads(index.read_text())
    change(data)
    index.write_text(json.dumps(data))


def entry(data: Any, path: str, **was: Any) -> None:
    data["entries"][path] = {"was": was, "left": {"kind": "absent"}}


FILE = {"kind": "file", "mode": 0o644, "uid": 0, "gid": 0, "sum": "0" * 64}
HOSTILE: dict[str, Any] = {
    "elsewhere": lambda data: entry(data, "/root/.ssh/authorized_keys", kind="absent"),
    "dots": lambda data: entry(data, "/etc/../root/x", kind="absent"),
    "relative": lambda data: entry(data, "etc/a", kind="absent"),
    "whole-place": lambda data: entry(data, "/etc", kind="absent"),
    "place": lambda data: entry(data, "/usr/lib", kind="absent"),
    "slashes": lambda data: entry(data, "//etc/x", kind="absent"),
    "newline": lambda data: entry(data, "/etc/x\ny", kind="absent"),
    "setuid": lambda data: entry(data, "/etc/x", **{**FILE, "mode": 0o4755}),
    "negative": lambda data: entry(data, "/etc/x", **{**FILE, "uid": -1}),
    "truth": lambda data: entry(data, "/etc/x", **{**FILE, "uid": True}),
    "sum": lambda data: entry(data, "/etc/x", **{**FILE, "sum": "../../../etc/shadow"}),
    "lost": lambda data: entry(data, "/etc/x", **FILE),
    "kind": lambda data: entry(data, "/etc/x", kind="device"),
    "more": lambda data: entry(data, "/etc/x", kind="absent", run="sh"),
    "target": lambda data: entry(data, "/etc/x", kind="link", target=3),
    "no-entry": lambda data: data["entries"].update({"/etc/x": []}),
    "schema": lambda data: data.update(schema=2),
    "list": lambda data: data.update(entries=[]),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_ledger_is_refused_before_a_change(
    base: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    provision(base)
    altered(base, HOSTILE[name])
    before = files(base)
    assert ledger.main(["restore"], str(base)) == 3
    assert "Nothing was changed." in capsys.readouterr().err
    assert files(base) == before


@pytest.mark.parametrize("name", ["", "was", "index.json"])
def test_a_ledger_that_others_may_write_is_refused(base: Path, name: str) -> None:
    provision(base)
    place = base / "var/lib/codex-ledger" / name
    place.chmod(0o777)
    assert ledger.main(["restore"], str(base)) == 3
    place.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(place, 65534, 65534)
        assert ledger.main(["restore"], str(base)) == 3
        os.chown(place, 0, 0)
    assert ledger.main(["restore"], str(base)) == 0


def test_a_ledger_behind_a_link_is_refused(base: Path) -> None:
    provision(base)
    (base / "var/lib/codex-ledger").rename(base / "elsewhere")
    (base / "var/lib/codex-ledger").symlink_to(base / "elsewhere")
    assert ledger.main(["restore"], str(base)) == 3


def test_a_kept_file_that_was_altered_is_refused(base: Path) -> None:
    provision(base)
    (kept,) = (base / "var/lib/codex-ledger/was").iterdir()
    kept.write_text("of an attacker\n")
    before = files(base)
    assert ledger.main(["restore"], str(base)) == 3
    assert files(base) == before


def test_a_path_that_leads_out_by_a_link_is_refused(base: Path) -> None:
    """Somebody put a link where a folder of the roles was: root must not follow it."""
    provision(base)
    victim = base / "root"
    victim.mkdir()
    (victim / "b").write_text("new\n")
    (base / "etc/new/b").unlink()
    (base / "etc/new").rmdir()
    (base / "etc/new").symlink_to(victim)
    assert ledger.main(["restore"], str(base)) == 3
    assert (victim / "b").exists()
    assert ledger.main(["keep", "/etc/new/z"], str(base)) == 3


def test_a_link_in_the_place_of_a_file_is_not_followed(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provision(base)
    victim = base / "etc/victim"
    victim.write_text("of a role\n")
    (base / "etc/a").unlink()
    (base / "etc/a").symlink_to("victim")
    assert "/etc/a" in outcome(base, capsys, "restore")["stays"]
    assert victim.read_text() == "of a role\n"


def test_kinds_that_changed_come_back(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a folder was, a folder where a file was."""
    (base / "etc/new").mkdir()
    before = files(base)
    paths = ["/etc/a", "/etc/new"]
    assert ledger.main(["keep", *paths], str(base)) == 0
    (base / "etc/a").unlink()
    (base / "etc/a").mkdir()
    (base / "etc/new").rmdir()
    (base / "etc/new").write_text("file\n")
    assert ledger.main(["seal", *paths], str(base)) == 0
    assert outcome(base, capsys, "restore")["stays"] == {}
    assert files(base) == before


def test_what_is_no_file_is_not_kept(base: Path) -> None:
    os.mkfifo(base / "etc/pipe")
    assert ledger.main(["keep", "/etc/pipe"], str(base)) == 3
    assert not (base / "var/lib/codex-ledger").exists()


def test_a_program_with_the_rights_of_its_owner_is_not_kept(base: Path) -> None:
    (base / "etc/a").chmod(0o4755)
    assert ledger.main(["keep", "/etc/a"], str(base)) == 3


def test_nothing_is_sealed_that_was_not_kept(base: Path) -> None:
    assert ledger.main(["seal", "/etc/a"], str(base)) == 3


def unfinished(base: Path, capsys: pytest.CaptureFixture[str]) -> bool:
    return bool(outcome(base, capsys, "would-keep")["unfinished"])


def test_a_run_that_did_not_end_is_told_to_the_next(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its handlers had still to do, the next run does."""
    assert not unfinished(base, capsys)
    provision(base)
    assert not unfinished(base, capsys)
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    assert unfinished(base, capsys)
    assert ledger.main(["seal", *PATHS], str(base)) == 0
    assert not unfinished(base, capsys)


def test_a_removal_that_did_not_end_is_told_to_the_next(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provision(base)
    assert ledger.main(["restore"], str(base)) == 0
    assert outcome(base, capsys, "would-restore") == {
        "paths": [], "stays": {}, "unfinished": True, "torn": False,
    }  # fmt: skip
    assert ledger.main(["forget"], str(base)) == 0
    assert not (base / "var/lib/codex-ledger").exists()


def test_what_a_run_left_that_did_not_end_goes_only_by_request(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows what it wrote, and what an operator wrote there since."""
    before = files(base)
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    (base / "etc/a").write_text("of a role, or of the operator\n")
    without = outcome(base, capsys, "would-restore")
    assert (without["paths"], without["torn"]) == ([], True)
    assert "/etc/a" in without["stays"]
    assert outcome(base, capsys, "would-restore", "adopt")["paths"] == ["/etc/a"]
    assert outcome(base, capsys, "restore", "adopt")["stays"] == {}
    assert files(base) == before
    # From here on it is a removal, which a second one ends.
    assert outcome(base, capsys, "would-restore")["torn"] is False


def test_a_later_run_that_did_not_end_is_one_too(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(base)
    provision(base)
    assert ledger.main(["keep", *PATHS], str(base)) == 0
    (base / "etc/a").write_text("newer\n")
    told = outcome(base, capsys, "would-restore")
    assert told["torn"] is True
    assert "/etc/a" in told["stays"]
    assert outcome(base, capsys, "restore", "adopt")["stays"] == {}
    assert files(base) == before


@pytest.mark.parametrize("argv", [[], ["forget", "/etc/a"], ["restore", "/etc/a"]])
def test_wrong_usage(base: Path, argv: list[str]) -> None:
    assert ledger.main(argv, str(base)) == 64
