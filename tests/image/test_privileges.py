# SPDX-License-Identifier: Apache-2.0
"""Nobody gains rights, and nobody changes what root runs."""

import tomllib
from pathlib import Path

import pytest

from tests.support import cpio, tree

EXPECTED = tomllib.loads((Path(__file__).parent / "privileged_files.toml").read_text("utf-8"))
#: Directories that everybody may write, and that the sticky bit protects.
STICKY = ["/tmp", "/var/tmp"]
#: Folders whose files root's processes read as instructions.
INSTRUCTIONS = [
    "/etc/dbus-1", "/etc/modprobe.d", "/etc/pam.d", "/etc/ssh", "/etc/sudoers.d", "/etc/systemd",
    "/etc/tmpfiles.d", "/etc/udev", "/usr/lib/codex", "/usr/lib/codex-agent", "/usr/lib/modprobe.d",
    "/usr/lib/sysctl.d", "/usr/lib/systemd", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d",
    "/usr/lib/udev",
]  # fmt: skip


@pytest.fixture(scope="module")
def entries(root: Path) -> list[tree.Entry]:
    """All files of the root."""
    return list(tree.walk(root))


def test_setuid_and_setgid_files_are_exactly_the_expected(root: Path) -> None:
    expected = {**EXPECTED["setuid"], **EXPECTED["setgid"]}
    assert tree.privileged(root) == {path: entry["mode"] for path, entry in expected.items()}


def test_initrd_has_exactly_the_expected(initrd: list[cpio.Member]) -> None:
    found = {
        member.path: f"{member.mode & 0o7777:04o}"
        for member in initrd
        if member.is_file and member.mode & 0o6000
    }
    assert found == {path: entry["mode"] for path, entry in EXPECTED["initrd"].items()}


def test_every_expected_file_has_a_reason() -> None:
    for kind in ("setuid", "setgid", "capabilities", "initrd"):
        for path, entry in EXPECTED[kind].items():
            assert entry["why"], path


def test_file_capabilities_are_exactly_the_expected(root: Path) -> None:
    assert tree.capabilities(root) == list(EXPECTED["capabilities"])


def test_nothing_is_world_writable(root: Path) -> None:
    assert tree.world_writable(root) == []


def test_shared_directories_are_the_usual_ones(root: Path) -> None:
    assert set(tree.sticky_directories(root)) <= set(STICKY)


def test_usr_belongs_to_root(entries: list[tree.Entry]) -> None:
    inside = [entry for entry in entries if entry.path.startswith("/usr/")]
    assert len(inside) > 1000
    assert [e.path for e in inside if e.status.st_uid != 0] == []


def test_usr_is_written_by_its_owner_only(entries: list[tree.Entry]) -> None:
    assert [
        entry.path
        for entry in entries
        if entry.path.startswith("/usr/") and not entry.is_link and entry.mode & 0o022
    ] == []


@pytest.mark.parametrize("folder", INSTRUCTIONS)
def test_instructions_of_root_are_written_by_root_only(
    entries: list[tree.Entry], folder: str
) -> None:
    """Covers /etc too, where /usr's test above does not look."""
    inside = [e for e in entries if e.path == folder or e.path.startswith(folder + "/")]
    wrong = [
        entry.path
        for entry in inside
        if not entry.is_link and (entry.status.st_uid != 0 or entry.mode & 0o022)
    ]
    assert wrong == []


def test_units_are_no_programs(entries: list[tree.Entry]) -> None:
    """An executable unit file is a sign of a careless copy; systemd warns about it at each boot."""
    suffixes = (".service", ".socket", ".timer", ".mount", ".target", ".path", ".conf", ".network")
    units = [
        entry
        for entry in entries
        if entry.is_file
        and entry.path.startswith(("/usr/lib/systemd/", "/etc/systemd/"))
        and entry.path.endswith(suffixes)
    ]
    assert len(units) > 100
    assert [entry.path for entry in units if entry.mode & 0o111] == []
