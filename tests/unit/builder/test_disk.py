# SPDX-License-Identifier: Apache-2.0
"""Partitions of small disks that systemd-repart made, and of what is no disk of ours."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from builder import disk
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder import images
from tests.unit.builder.conftest import HostTree

VERSION = "0.1.7"

pytestmark = pytest.mark.skipif(bool(images.MISSING), reason=f"no {', '.join(images.MISSING)}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    images.build(folder, VERSION, changed=3)
    return folder / f"codex-os_{VERSION}.raw"


@pytest.fixture
def raw(built: Path, tmp_path: Path) -> Path:
    """Return a disk of the test's own."""
    return Path(shutil.copy(built, tmp_path))


def _with_esp(path: Path, count: int = 1) -> Path:
    """Make a disk with so many ESPs, each with the folder for UKIs."""
    path.write_bytes(b"")
    os.truncate(path, (1 + 34 * count + 1) << 20)
    lines = "".join(f"start={1 + 34 * n}MiB, size=34MiB, type=uefi\n" for n in range(count))
    subprocess.run(["sfdisk", "--quiet", path], input=f"label: gpt\n{lines}", text=True, check=True)
    for number in range(count):
        where = f"{path}@@{(1 + 34 * number) << 20}"
        images.run("mformat", "-i", where, "-F", "-T", str(34 << 11), "::")
        images.run("mmd", "-i", where, "::/EFI", "::/EFI/Linux")
    return path


@pytest.mark.skipif(shutil.which("mformat") is None, reason="no mtools")
def test_file_on_the_esp(tree: HostTree, tmp_path: Path) -> None:
    raw = _with_esp(tmp_path / "disk.raw")
    entry = tmp_path / "codex-os-reset_0.1.7.efi"
    for content in (images.noise(3 << 20, 1), images.noise(2 << 20, 2)):
        entry.write_bytes(content)
        disk.add_to_esp(tree, raw, entry, "/EFI/Linux", log=tmp_path / "log")
        copy = tmp_path / "copy"
        images.run("mcopy", "-n", "-i", f"{raw}@@{1 << 20}", f"::/EFI/Linux/{entry.name}", copy)
        assert copy.read_bytes() == content
    entry.write_bytes(images.noise(35 << 20, 3))
    with pytest.raises(BuildError, match="mcopy ended with status"):
        disk.add_to_esp(tree, raw, entry, "/EFI/Linux", log=tmp_path / "log")


@pytest.mark.skipif(shutil.which("mformat") is None, reason="no mtools")
def test_disk_with_no_esp_or_two(tree: HostTree, raw: Path, tmp_path: Path) -> None:
    two = _with_esp(tmp_path / "two.raw", 2)
    for path, said in ((raw, "no ESPs"), (two, "2 ESPs")):
        with pytest.raises(BuildError, match=said) as caught:
            disk.add_to_esp(tree, path, raw, "/EFI/Linux", log=tmp_path / "log")
        assert caught.value.hint.startswith("Build it again")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "work"
    found.mkdir()
    return found


def _cut(tree: HostTree, raw: Path, folder: Path, version: str = VERSION) -> disk.Slot:
    return disk.cut(tree, raw, version, folder, log=folder.parent / "log")


def _refused(tree: HostTree, raw: Path, folder: Path, version: str = VERSION) -> str:
    with pytest.raises(BuildError) as caught:
        _cut(tree, raw, folder, version)
    assert caught.value.hint.startswith("Build it again")
    return caught.value.message


def test_partitions_are_cut_to_what_is_in_use(tree: HostTree, raw: Path, folder: Path) -> None:
    found = disk.partitions(tree, raw, VERSION)
    slot = _cut(tree, raw, folder)
    sizes = {role: path.stat().st_size for role, path in slot.files.items()}
    assert 1_600_000 < sizes["root"] < found["root"].size == 8 << 20
    assert 4096 < sizes["verity"] < found["verity"].size == 1 << 20
    # Whole: written over a longer one, its zeros end it.
    assert sizes["signature"] == found["signature"].size == 16384
    assert slot.files["root"].read_bytes()[1024:1028] == bytes.fromhex("e2e1f5e0")
    assert slot.uuids["root"].replace("-", "") + slot.uuids["verity"].replace("-", "") == (
        slot.root_hash
    )


def test_other_version(tree: HostTree, raw: Path, folder: Path) -> None:
    said = _refused(tree, raw, folder, "0.1.70")
    assert said == f"{raw.name} has no partitions codex-os_0.1.70."


def test_slot_that_is_there_twice(tree: HostTree, raw: Path, folder: Path) -> None:
    images.run("sfdisk", "--part-label", raw, "6", f"codex-os_{VERSION}")
    assert "has 2 partitions" in _refused(tree, raw, folder)


@pytest.mark.parametrize("content", [b"", b"x" * 4096, bytes(1 << 20), os.urandom(1 << 20)])
def test_garbage(tree: HostTree, tmp_path: Path, folder: Path, content: bytes) -> None:
    path = tmp_path / "garbage.raw"
    path.write_bytes(content)
    assert "no partition table" in _refused(tree, path, folder)


def test_table_of_another_kind(tree: HostTree, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "dos.raw"
    path.write_bytes(bytes(8 << 20))
    images.run("sh", "-c", f"echo 'label: dos\n,1M' | sfdisk -q {path}")
    assert "is not GPT" in _refused(tree, path, folder)


def test_disk_that_was_truncated(tree: HostTree, raw: Path, folder: Path) -> None:
    found = disk.partitions(tree, raw, VERSION)["root"]
    os.truncate(raw, found.offset + found.size // 8)
    assert raw.name in _refused(tree, raw, folder)


@pytest.mark.parametrize(("role", "at", "clause"), [
    ("root", 1_000_000, "does not fit its hash tree"),
    ("root", 0, "does not fit its hash tree"),
    ("verity", 8192, "does not fit its hash tree"),
    ("verity", 0, "no hash tree that veritysetup can read"),
    ("signature", 0, "no signature of its root hash"),
    ("signature", 20, "that its root hash does not name"),
])  # fmt: skip
def test_changed_byte(
    tree: HostTree, raw: Path, folder: Path, role: str, at: int, clause: str
) -> None:
    partition = disk.partitions(tree, raw, VERSION)[role]
    with raw.open("r+b") as stream:
        stream.seek(partition.offset + at)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        # Still a digit of the root hash, where it was one.
        stream.write(b"1" if byte == ord("0") else b"0")
    assert clause in _refused(tree, raw, folder)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"rootHash":7}', b'{"rootHash":"ab"}'])
def test_signature_of_nothing(tree: HostTree, raw: Path, folder: Path, text: bytes) -> None:
    partition = disk.partitions(tree, raw, VERSION)["signature"]
    with raw.open("r+b") as stream:
        stream.seek(partition.offset)
        stream.write(text.ljust(partition.size, b"\0"))
    assert "signature of" in _refused(tree, raw, folder)


def test_no_sfdisk(
    paths: Paths, tree: HostTree, raw: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(BuildError):
        _cut(tree, raw, folder)
