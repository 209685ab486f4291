# SPDX-License-Identifier: Apache-2.0
"""Packages and accounts that came with the roles are known from those that were there."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.apply import ROLES, have

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not have("dpkg-query"), reason="dpkg is not there")

_SPEC = importlib.util.spec_from_file_location("system", ROLES / "ledger/files/system.py")
assert _SPEC is not None
assert _SPEC.loader is not None
program: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(program)


def host(base: Path, *packages: str, users: str = "", root: str = "$y$x") -> None:
    """Write what a host has; a package that begins with = is held."""
    for folder in ("etc", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    entries = [
        f"Package: {name.lstrip('=')}\nStatus: {'hold' if name[0] == '=' else 'install'} ok "
        "installed\nMaintainer: x <x@example.org>\nArchitecture: all\nVersion: 1\nDescription: x\n"
        for name in packages
    ]
    (base / "var/lib/dpkg/status").write_text("\n".join(entries))
    pairs = [name.partition("=")[::2] for name in ["root", *users.split()]]
    lines = "".join(f"{name}:x:{number or 1}:\n" for name, number in pairs)
    (base / "etc/passwd").write_text(lines)
    (base / "etc/group").write_text(lines)
    (base / "etc/shadow").write_text(f"root:{root}:1:0:99999:7:::\n")


def run(
    base: Path, command: str, capsys: pytest.CaptureFixture[str], *packages: str
) -> dict[str, list[str]]:
    assert program.main([command, *packages], str(base)) == 0
    found: dict[str, list[str]] = json.loads(capsys.readouterr().out)
    return {kind: names for kind, names in found.items() if names}


def test_what_is_new_is_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host(tmp_path, "vim", "=nano")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "=vim", "=nano", "chrony", users="codex", root="!$y$x")
    (tmp_path / "var/lib/codex").mkdir()
    ours = {"packages": ["chrony"], "holds": ["vim"], "users": ["codex"], "groups": ["codex"],
            "locks": ["root"], "folders": ["/var/lib/codex"]}  # fmt: skip
    assert run(tmp_path, "seal", capsys) == ours
    assert run(tmp_path, "ours", capsys) == ours


def test_what_came_between_two_runs_is_not_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", "chrony")
    run(tmp_path, "seal", capsys)
    host(tmp_path, "vim", "chrony", "of-the-operator")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", "chrony", "of-the-operator", "newer")
    assert run(tmp_path, "seal", capsys) == {"packages": ["chrony", "newer"]}


def test_what_is_gone_is_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", "chrony")
    run(tmp_path, "seal", capsys)
    host(tmp_path, "vim")
    assert run(tmp_path, "ours", capsys) == {}


def test_a_run_that_did_not_end_stays_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", "chrony")
    run(tmp_path, "keep", capsys, "chrony")
    assert run(tmp_path, "seal", capsys) == {"packages": ["chrony"]}


def test_what_people_installed_before_a_run_was_completed_is_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run ended in its middle on Monday; on Tuesday somebody installed tmux."""
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys, "chrony")
    host(tmp_path, "vim", "chrony", "libtomcrypt", "tmux")
    states = tmp_path / "var/lib/apt/extended_states"
    states.parent.mkdir()
    states.write_text("Package: libtomcrypt\nArchitecture: amd64\nAuto-Installed: 1\n\n")
    run(tmp_path, "keep", capsys, "chrony")
    assert run(tmp_path, "seal", capsys) == {"packages": ["chrony", "libtomcrypt"]}


def test_what_came_with_a_run_that_did_not_end_is_ours_by_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or a removal would leave it, and nobody would know any more whose it is."""
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys, "chrony")
    host(tmp_path, "vim", "chrony", "libtomcrypt", "tmux", users="codex")
    states = tmp_path / "var/lib/apt/extended_states"
    states.parent.mkdir()
    states.write_text("Package: libtomcrypt\nArchitecture: amd64\nAuto-Installed: 1\n\n")
    assert run(tmp_path, "ours", capsys) == {}
    ours = {"packages": ["chrony", "libtomcrypt"], "users": ["codex"], "groups": ["codex"]}
    assert run(tmp_path, "ours", capsys, "adopt") == ours
    # It only tells: the run can still be ended.
    assert run(tmp_path, "ours", capsys) == {}
    run(tmp_path, "keep", capsys, "chrony")
    assert run(tmp_path, "seal", capsys) == ours


def test_no_kernel_is_ever_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Removed with the roles, it could be the only one that the host has left."""
    host(tmp_path, "linux-image-6.12.1-amd64")
    run(tmp_path, "keep", capsys)
    kernels = ["linux-image-6.12.9-amd64", "linux-image-amd64", "linux-modules-6.8.0-31-generic"]
    host(tmp_path, *kernels, "linux-headers-6.12.9-amd64")
    assert run(tmp_path, "seal", capsys) == {"packages": ["linux-headers-6.12.9-amd64"]}


@pytest.mark.parametrize("mark", ["Essential", "Protected", "Important"])
def test_no_essential_package_and_nothing_that_it_needs_is_ever_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    """Found on a host: apt refuses to take it away, and with it all others."""
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", "e2fsprogs", "libss2", "libcom-err2", "libother", "logsave", "chrony")
    status = tmp_path / "var/lib/dpkg/status"
    text = status.read_text().replace(
        "Package: e2fsprogs\n",
        f"Package: e2fsprogs\n{mark}: yes\nPre-Depends: libss2 (>= 1.38), nothing | libother:any\n"
        "Depends: logsave\n",
    )
    text = text.replace("Package: libss2\n", "Package: libss2\nDepends: libcom-err2 (>= 1)\n")
    status.write_text(text)
    assert run(tmp_path, "seal", capsys) == {"packages": ["chrony"]}


def test_accounts_of_people_are_never_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host(tmp_path, "vim")
    run(tmp_path, "keep", capsys)
    host(tmp_path, "vim", users="codex=600 alice=1000")
    assert run(tmp_path, "seal", capsys) == {"users": ["codex"], "groups": ["codex"]}


def test_without_a_ledger_nothing_is_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host(tmp_path, "vim")
    assert run(tmp_path, "ours", capsys) == {}
    assert not (tmp_path / "var/lib/codex-ledger").exists()


NONE: dict[str, list[str]] = {kind: [] for kind in program.KINDS}


@pytest.mark.parametrize(
    "data",
    [[], {}, {"before": None}, {"before": None, "ours": {}}, "x",
     {"before": None, "ours": {**NONE, "folders": ["/home"]}},
     {"before": None, "ours": {**NONE, "locks": ["operator"]}},
     {"before": None, "ours": {**NONE, "packages": ["a\nb"]}},
     {"before": None, "ours": {**NONE, "users": [3]}},
     {"before": NONE, "ours": NONE, "names": [3]}],
)  # fmt: skip
def test_a_hostile_ledger_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Any
) -> None:
    host(tmp_path, "vim")
    place = tmp_path / "var/lib/codex-ledger/system.json"
    place.parent.mkdir()
    place.write_text(json.dumps(data))
    for command in ("keep", "seal", "ours"):
        assert program.main([command], str(tmp_path)) == 3
    assert "Nothing was changed." in capsys.readouterr().err
    assert json.loads(place.read_text()) == data


def test_a_ledger_behind_a_link_is_refused(tmp_path: Path) -> None:
    host(tmp_path, "vim")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "var/lib/codex-ledger").symlink_to(tmp_path / "elsewhere")
    assert program.main(["keep"], str(tmp_path)) == 3
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_wrong_usage(tmp_path: Path) -> None:
    assert program.main(["forget"], str(tmp_path)) == 64
