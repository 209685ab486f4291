# SPDX-License-Identifier: Apache-2.0
"""Lock files and what is said when archive and lock differ."""

from pathlib import Path

import pytest
from builder import lock
from builder.archive import Archive, Package
from builder.errors import BuildError

from tests.unit.builder.conftest import Programs

GIT = Package("git", "1:2.47.3-0+deb13u1", "amd64", "a" * 64)
ZSTD = Package("zstd", "1.5.7", "amd64", "b" * 64)


def _stanza(package: Package, sha256: str | None = None) -> str:
    return (
        f"Package: {package.name}\nVersion: {package.version}\nArchitecture: amd64\n"
        f"SHA256: {sha256 or package.sha256}\nDescription: x\n Package: no\n\n"
    )


@pytest.fixture
def archive(tmp_path: Path, programs: Programs) -> Archive:
    """Archive that has both packages as they are locked."""
    _offer(programs, _stanza(GIT) + _stanza(ZSTD))
    return Archive(tmp_path / "archive", tmp_path / "log")


def _offer(programs: Programs, text: str) -> None:
    listing = programs.folder.parent / "show"
    listing.write_text(text)
    programs.add("apt-cache", f"cat {listing}")


def _locked() -> dict[str, Package]:
    return {package.name: package for package in (GIT, ZSTD)}


def test_round_trip_is_sorted_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "lock" / "x.lock"
    lock.write(path, [ZSTD, GIT])
    assert lock.read(path) == _locked()
    assert [line.split()[0] for line in path.read_text().splitlines()[2:]] == ["git", "zstd"]
    assert list(path.parent.iterdir()) == [path]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is missing") as error:
        lock.read(tmp_path / "x.lock")
    assert "make lock" in error.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "git 1 amd64",
        f"git 1 amd64 {'a' * 63}",
        f"git 1 amd64 {'g' * 64}",
        f"git 1 amd64 {'a' * 64} more",
        "<<<<<<< HEAD",
        f"zstd 1 amd64 {'a' * 64}",
        "\udcff",
    ],
)
def test_line_that_is_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.lock"
    lock.write(path, [ZSTD])
    path.write_bytes(path.read_bytes() + line.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(BuildError, match="line 4, is not a line of a lock file"):
        lock.read(path)


def test_package_without_a_hash_is_not_locked(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no SHA-256 for git"):
        lock.write(tmp_path / "x.lock", [Package("git", "1", "amd64", "")])
    assert not (tmp_path / "x.lock").exists()


def test_archive_that_has_all(archive: Archive) -> None:
    lock.check_archive(_locked(), archive)


def test_archive_may_have_other_versions_too(archive: Archive, programs: Programs) -> None:
    newer = Package("git", "1:2.48", "amd64", "c" * 64)
    _offer(programs, _stanza(newer) + _stanza(GIT) + _stanza(ZSTD))
    lock.check_archive(_locked(), archive)


def test_archive_that_moved_on_names_packages_and_versions(
    archive: Archive, programs: Programs
) -> None:
    _offer(programs, _stanza(Package("git", "1:2.48", "amd64", "c" * 64)))
    with pytest.raises(BuildError, match=r"moved on from the lock in 2 package") as error:
        lock.check_archive(_locked(), archive)
    assert "make lock" in error.value.hint
    assert "git: locked 1:2.47.3-0+deb13u1, the archive has 1:2.48" in error.value.hint
    assert "zstd: locked 1.5.7, the archive has nothing" in error.value.hint


def test_other_content_of_a_locked_version_is_no_reason_to_move_the_lock(
    archive: Archive, programs: Programs
) -> None:
    _offer(programs, _stanza(GIT, "d" * 64) + _stanza(ZSTD))
    with pytest.raises(BuildError, match="other content for 1 package") as error:
        lock.check_archive(_locked(), archive)
    assert "git 1:2.47.3-0+deb13u1" in error.value.hint
    assert "make lock" not in error.value.hint


def test_result_that_differs() -> None:
    lock.check_result(_locked(), {"git": GIT.version}, "The image")
    with pytest.raises(BuildError, match="The image holds packages") as error:
        lock.check_result(_locked(), {"git": "2", "vim": "9"}, "The image")
    assert f"git 2 (locked: {GIT.version})" in error.value.hint
    assert "vim 9 (locked: not at all)" in error.value.hint


def test_preferences_choose_the_locked_versions() -> None:
    text = lock.preferences([GIT, ZSTD])
    assert text.split("\n\n")[0] == f"Package: git\nPin: version {GIT.version}\nPin-Priority: 1001"
    assert text.count("Pin-Priority") == 2


def test_mirror_that_is_silent_is_said(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = "http://m/debian\tDebian\tDebian\nhttp://m/debian-security\tDebian\tDebian-Security"
    programs.add("apt-get", f"case $1 in indextargets) echo '{row}';;"
                 " *) echo 'E: no route to m'; exit 100;; esac")  # fmt: skip
    archive = Archive(tmp_path / "archive", tmp_path / "log")
    with pytest.raises(BuildError, match="could not be fetched") as error:
        archive.refresh()
    assert "E: no route to m" in error.value.hint
    assert "Check the network" in error.value.hint


def test_state_of_the_host_is_not_touched(archive: Archive, programs: Programs) -> None:
    archive.show(["git"])
    (call,) = programs.calls("apt-cache")
    for name in ("Dir::State=", "Dir::Cache=", "Dir::Etc::sourceparts=", "Dir::State::status="):
        assert f"{name}{archive.folder}" in call
