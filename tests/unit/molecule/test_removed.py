# SPDX-License-Identifier: Apache-2.0
"""What a removal has left, found file by file; and that the declared rest hides nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.molecule import removed
from tests.support import listing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("etc/a", "usr/bin/b", "var/lib/c", "proc/d", "var/cache/e"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "etc/link").symlink_to("a")
    return root


def _changed(tree: Path, before: dict[str, str]) -> dict[str, str]:
    return listing.differences(before, listing.listing(str(tree)))


def test_nothing_done_is_nothing_found(tree: Path) -> None:
    before = listing.listing(str(tree))
    assert {"/etc/a", "/usr/bin/b", "/var/lib/c", "/etc/link"} <= set(before)
    assert "/proc/d" not in before
    assert "/var/cache/e" not in before
    assert _changed(tree, before) == {}


def test_every_kind_of_change_is_found(tree: Path) -> None:
    before = listing.listing(str(tree))
    (tree / "etc/new").write_text("x")
    (tree / "usr/bin/b").chmod(0o755)
    (tree / "var/lib/c").write_text("var/lib/C")
    (tree / "etc/a").unlink()
    (tree / "etc/link").unlink()
    (tree / "etc/link").symlink_to("b")
    (tree / "etc/empty").mkdir()
    found = {path: said.partition(":")[0] for path, said in _changed(tree, before).items()}
    assert found == {
        "/etc/a": "missing",
        "/etc/empty": "added",
        "/etc/link": "changed",
        "/etc/new": "added",
        "/usr/bin/b": "changed",
        "/var/lib/c": "changed",
    }


def test_settings_written_anew_with_the_same_content_are_the_same(tree: Path) -> None:
    before = listing.listing(str(tree))
    (tree / "etc/a").write_text("etc/a")
    assert _changed(tree, before) == {}


def test_what_is_explained_is_that_path_and_kind_only() -> None:
    allowed = [removed.Remains("/etc/group-", ("changed",), "a copy that programs keep")]
    before = {"/etc/group-": "1", "/etc/group": "1"}
    after = {"/etc/group-": "2", "/etc/group": "2"}
    assert set(removed.unexplained(before, after, allowed)) == {"/etc/group"}
    assert set(removed.unexplained({}, {"/etc/group-": "1"}, allowed)) == {"/etc/group-"}


def test_declared_rest_hides_nothing_of_ours() -> None:
    ours = [
        "/usr/lib/codex/agent.toml", "/usr/lib/systemd/system/codex-agent.service",
        "/etc/ssh/sshd_config.d/10-codex.conf", "/etc/systemd/system/codex.service",
        "/usr/lib/modules/6.12/updates/dkms/ai_mem.ko.xz", "/usr/src/codex-kernel-0.1.1/Kbuild",
        "/var/lib/codex/ca/ca.key", "/etc/modprobe.d/codex-kernel.conf", "/etc/group",
        "/var/lib/dkms/codex-kernel/0.1.1/source", "/usr/lib/sysctl.d/60-codex.conf",
    ]  # fmt: skip
    after = dict.fromkeys(ours, "added")
    assert set(removed.unexplained({}, after, removed.declared())) == set(ours)


@pytest.mark.parametrize(
    "entry",
    ["kinds = []\nwhy = 'long enough it is'", "kinds = ['changed']\nwhy = ''",
     "kinds = ['moved']\nwhy = 'long enough it is'"],
)  # fmt: skip
def test_entry_without_kind_or_reason_is_refused(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "remaining.toml"
    path.write_text(f"[[remains]]\npaths = '/x'\n{entry}\n")
    with pytest.raises(ValueError, match="is not an entry"):
        removed.declared(path)


def _left(folder: Path, before: dict[str, str], after: dict[str, str]) -> None:
    for name, found in (("before", before), ("after", after)):
        (folder / f"{name}.json").write_text(json.dumps(found))


def test_program_tells_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEX_LEFT", str(tmp_path))
    host = {f"/usr/{number}": "x" for number in range(2000)}
    _left(tmp_path, host, {**host, "/usr/lib/codex/x": "y"})
    assert removed.main() == 1
    assert "/usr/lib/codex/x added: y" in capsys.readouterr().out
    _left(tmp_path, host, host)
    assert removed.main() == 0


def test_empty_listing_from_before_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_LEFT", str(tmp_path))
    _left(tmp_path, {}, {})
    assert removed.main() == 1
