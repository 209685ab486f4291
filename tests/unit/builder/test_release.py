# SPDX-License-Identifier: Apache-2.0
"""Releases of small images, made by the real programs and judged by the library of the host."""

import dataclasses
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from builder import disk, sandbox, update_key
from builder.errors import BuildError
from builder.paths import Paths
from builder.publish import LIMIT
from builder.release import CHUNKED, ENDINGS, Parts, Release, beside

from codex_agent.update import index, names, sums
from codex_agent.update import release as description
from tests.unit.builder import images
from tests.unit.builder.conftest import HostTree

ONE, TWO = "0.1.7", "0.1.8"
INDEX_OF: dict[names.Role, names.Role] = {"uki": "uki-index", "reset": "reset-index"}

pytestmark = pytest.mark.skipif(bool(images.MISSING), reason=f"no {', '.join(images.MISSING)}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, one file apart."""
    folder = tmp_path_factory.mktemp("image")
    images.build(folder, ONE, changed=3)
    images.build(folder, TWO, changed=300)
    return folder


@pytest.fixture(name="steps")
def _steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> images.Beside:
    found = images.Beside(tmp_path / "shown")
    monkeypatch.setattr(sandbox, "run", found)
    monkeypatch.delenv("SUDO_UID", raising=False)
    return found


@pytest.fixture
def release(paths: Paths, tree: HostTree, built: Path, steps: images.Beside) -> Release:
    shutil.copytree(built, paths.image_dir)
    paths.keys.mkdir(mode=0o700)
    update_key.ensure(paths)
    steps.steps.clear()
    return Release(paths, tree)


def _contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _judge(paths: Paths, *versions: str) -> None:
    """Check a release as a host does, and that nothing else lies there."""
    folder, keyring = paths.release, paths.keys / "update.pub"
    images.run("gpgv", "--keyring", keyring, "SHA256SUMS.gpg", "SHA256SUMS", cwd=folder)
    listed = sums.parse((folder / "SHA256SUMS").read_bytes())
    assert sums.offered(listed, "x86-64") == set(versions)
    chunks: set[str] = set()
    for version in versions:
        path = folder / names.of(version, "x86-64", names.RELEASE)
        found = description.parse(path.read_bytes())
        assert (found.version, found.flavour, found.kernel) == (version, "general", images.KERNEL)
        assert found.built_at == images.CREATED
        assert set(found.files) == set(names.ROLES)
        for file in found.files.values():
            content = (folder / file.name).read_bytes()
            assert (len(content), _sha256(content)) == (file.bytes, file.sha256)
            assert listed[file.name] == file.sha256
        assert listed[found.name(names.UNPACKED_ROOT)] == found.root_sha256
        sizes: dict[names.Role, int] = {
            its: found.files[role].bytes for role, its in INDEX_OF.items()
        }
        sizes["root-index"] = found.root_bytes
        for role, size in sizes.items():
            table = index.parse((folder / found.files[role].name).read_bytes())
            assert table.size == size
            chunks |= set(table.chunks)
        _put_together(folder, found)
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    wanted = {name for name in listed if not name.endswith(names.UNPACKED_ROOT)}
    assert there == {*wanted, names.SUMS, names.SIGNATURE, *map(names.chunk, chunks)}


def _put_together(folder: Path, found: description.Release) -> None:
    """Both ways to root and UKIs lead to those that were signed, and verity agrees."""
    scratch = folder.with_name("scratch")
    scratch.mkdir()
    place = {role: folder / file.name for role, file in found.files.items()}
    images.run("zstd", "-q", "-d", place["root"], "-o", scratch / "whole")
    store = f"--store={folder / 'store'}"
    images.run("casync", "extract", store, place["root-index"], scratch / "chunks")
    for name in ("whole", "chunks"):
        assert _sha256((scratch / name).read_bytes()) == found.root_sha256
    for role, its in INDEX_OF.items():
        images.run("casync", "extract", store, place[its], scratch / role)
        assert _sha256((scratch / role).read_bytes()) == found.files[role].sha256
    images.run("veritysetup", "verify", scratch / "whole", place["verity"], found.root_hash)
    shutil.rmtree(scratch)


def test_names_are_those_that_a_host_takes() -> None:
    assert dict(names.ENDINGS) == ENDINGS
    assert dict(INDEX_OF) == CHUNKED
    assert sums.LIMIT == LIMIT


def test_release_is_what_a_host_takes(release: Release, steps: images.Beside) -> None:
    made = release.make(ONE)
    assert (made.chunks, made.new_chunks) == (made.new_chunks, made.chunks)
    _judge(release.paths, ONE)
    modes = {path.stat().st_mode & 0o777 for path in release.paths.release.rglob("*")}
    assert modes == {0o644, 0o755}
    # The step that signs is given one file and one key.
    assert steps.steps == [
        (["sign", "SHA256SUMS"], ["update-key", "update.key"], ["SHA256SUMS"]),
    ]


def test_second_version_leaves_the_first_as_it_is(release: Release) -> None:
    release.make(ONE)
    before = _contents(release.paths.release)
    made = release.make(TWO)
    assert 0 < made.new_chunks < made.chunks // 2
    after = _contents(release.paths.release)
    changed = {name for name, content in before.items() if after[name] != content}
    assert changed == {"SHA256SUMS", "SHA256SUMS.gpg"}
    _judge(release.paths, ONE, TWO)


def test_older_version_leaves_with_all_that_only_it_needs(release: Release) -> None:
    release.make(TWO)
    alone = set(_contents(release.paths.release))
    shutil.rmtree(release.paths.release)
    release.make(ONE)
    Release(release.paths, release.tree, keep=1).make(TWO)
    _judge(release.paths, TWO)
    assert set(_contents(release.paths.release)) == alone


def test_same_image_gives_the_same_bytes(release: Release) -> None:
    release.make(ONE)
    first = _contents(release.paths.release)
    # Again, in the same place: nothing is signed anew.
    assert release.make(ONE).new_chunks == 0
    assert _contents(release.paths.release) == first
    shutil.rmtree(release.paths.release)
    release.make(ONE)
    second = _contents(release.paths.release)
    assert second.keys() == first.keys()
    assert {name for name in first if first[name] != second[name]} <= {"SHA256SUMS.gpg"}


def test_lost_chunk_comes_back(release: Release) -> None:
    release.make(ONE)
    before = _contents(release.paths.release)
    lost, spoilt = sorted((release.paths.release / "store").rglob("*.cacnk"))[:2]
    lost.unlink()
    spoilt.write_bytes(b"x")
    assert release.make(ONE).new_chunks == 1
    assert _contents(release.paths.release) == before


def _parts(release: Release, folder: Path) -> Parts:
    """Return the files of the first version, cut out of its disk."""
    folder.mkdir()
    image = release.paths.image(ONE, ".raw")
    slot = disk.cut(release.tree, image, ONE, folder, log=release.log)
    return Parts(ONE, slot, beside(release.paths, ONE))


def test_parts_without_a_disk_make_the_same_release(release: Release, tmp_path: Path) -> None:
    parts = _parts(release, tmp_path / "parts")
    before = _contents(tmp_path / "parts")
    elsewhere = tmp_path / "elsewhere"
    assert Release(release.paths, release.tree, elsewhere).offer(parts).folder == elsewhere
    assert not release.paths.release.exists()
    assert _contents(tmp_path / "parts") == before
    release.make(ONE)
    offered, made = _contents(elsewhere), _contents(release.paths.release)
    assert offered.keys() == made.keys()
    assert {name for name in made if made[name] != offered[name]} <= {"SHA256SUMS.gpg"}


def test_parts_that_do_not_belong_together(release: Release, tmp_path: Path) -> None:
    parts = _parts(release, tmp_path / "parts")
    other = dataclasses.replace(parts, slot=dataclasses.replace(parts.slot, root_hash="ab" * 32))
    with pytest.raises(BuildError, match="their root hashes differ"):
        release.offer(other)
    assert list(release.paths.release.iterdir()) == []


def _refused(release: Release, version: str) -> str:
    before = _contents(release.paths.release)
    with pytest.raises(BuildError) as caught:
        release.make(version)
    assert caught.value.hint
    assert _contents(release.paths.release) == before
    return caught.value.message


def test_other_image_of_the_same_version(release: Release, built: Path) -> None:
    release.make(ONE)
    path = release.paths.image(ONE, ".manifest")
    path.write_text('{"packages": []}')
    assert "this build of it is another" in _refused(release, ONE)
    _judge(release.paths, ONE)


def test_other_keyring_of_the_same_version(release: Release) -> None:
    """Hosts of that number would never take it, and the next key would lock them out."""
    release.make(ONE)
    key = (release.paths.keys / "update.pub").read_bytes()
    (release.paths.keys / "update-next.pub").write_bytes(key)
    assert "with other keys of updates" in _refused(release, ONE)
    # What was released is not forgotten with build/.
    shutil.rmtree(release.paths.release)
    release.paths.release.mkdir()
    assert "with other keys of updates" in _refused(release, ONE)
    release.make(TWO)
    _judge(release.paths, TWO)
    (release.paths.keys / "update-next.pub").unlink()
    release.make(ONE)
    _judge(release.paths, ONE, TWO)


@pytest.mark.parametrize("content", ["", "[]", '{"0.1.7"'])
def test_list_of_keyrings_that_cannot_be_read(release: Release, content: str) -> None:
    (release.paths.keys / update_key.RELEASED).write_text(content)
    with pytest.raises(BuildError, match="does not say with which keys"):
        release.make(ONE)
    assert not release.paths.release.exists()


@pytest.mark.parametrize("version", ["", "../x", "0.1_7", "0.1+7", "v1", "0.1.7\n"])
def test_version_that_no_host_could_take(release: Release, version: str) -> None:
    with pytest.raises(BuildError, match="no version that a host could take"):
        release.make(version)


def test_uki_of_another_build(release: Release) -> None:
    images.uki(release.paths.image_dir, ONE, "ab" * 32)
    assert "their root hashes differ" in _refused(release, ONE)


def test_uki_of_another_version(release: Release) -> None:
    images.uki(release.paths.image_dir, ONE, "ab" * 32, said=TWO)
    assert "is not the UKI of codex-os 0.1.7" in _refused(release, ONE)


def test_uki_without_a_root_hash(release: Release) -> None:
    images.uki(release.paths.image_dir, ONE, "no hash")
    assert "does not say its root hash" in _refused(release, ONE)


@pytest.mark.parametrize("word", ["", " codex.shell", " codex.factory_reset=ask more"])
def test_entry_for_a_reset_with_other_words(release: Release, word: str) -> None:
    """It may differ from the version's own by one word, which is known."""
    folder, entry = release.paths.image_dir, release.paths.entry("codex-os-reset", ONE)
    images.entry(folder, ONE, "ab" * 32)
    assert "of another build than the UKI" in _refused(release, ONE)
    (root_hash,) = re.findall(
        rb"roothash=([0-9a-f]{64})", release.paths.image(ONE, ".efi").read_bytes()
    )
    images.entry(folder, ONE, root_hash.decode(), word=word)
    assert f"{entry.name} is of another build" in _refused(release, ONE)
    images.entry(folder, ONE, root_hash.decode())
    release.make(ONE)
    _judge(release.paths, ONE)


def test_entry_for_a_reset_that_is_another_uki(release: Release) -> None:
    entry = release.paths.entry("codex-os-reset", ONE)
    shutil.copy(release.paths.image(ONE, ".efi"), entry)
    assert f"{entry.name} is not the UKI of codex-os-reset 0.1.7" in _refused(release, ONE)
    shutil.copy(release.paths.entry("codex-os-reset", TWO), entry)
    assert f"{entry.name} is not the UKI of codex-os-reset 0.1.7" in _refused(release, ONE)


@pytest.mark.parametrize("role", ["", "uki", "reset", "sbom"])
def test_garbage_in_place_of_an_artefact(release: Release, role: str) -> None:
    files = beside(release.paths, ONE)
    files.get(role, release.paths.image(ONE, ".raw")).write_bytes(os.urandom(100_000))
    release.make(TWO)
    assert _refused(release, ONE)
    _judge(release.paths, TWO)


def test_chunks_that_do_not_make_the_root(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = HostTree.output

    def wrong(self: HostTree, argv: list[str], **options: object) -> str:
        return "0" * 64 if argv[:2] == ["casync", "digest"] else output(self, argv)

    monkeypatch.setattr(HostTree, "output", wrong)
    assert "do not make codex-os_0.1.7_x86-64.root.erofs again" in _refused(release, ONE)


def test_description_holds_nothing_of_the_machine(release: Release) -> None:
    release.make(ONE)
    path = release.paths.release / release.name(ONE, names.RELEASE)
    text = path.read_text()
    assert str(release.paths.root) not in text
    assert json.loads(text)["minimum_from"] is None


def test_minimum_to_update_from(release: Release) -> None:
    release.make(TWO, minimum_from=ONE)
    path = release.paths.release / release.name(TWO, names.RELEASE)
    assert description.parse(path.read_bytes()).minimum_from == ONE
    _judge(release.paths, TWO)


@pytest.mark.parametrize("minimum", [ONE, TWO, "0.1.10"])
def test_minimum_that_no_older_version_fulfils(release: Release, minimum: str) -> None:
    with pytest.raises(BuildError, match=f"MINIMUM_FROM={minimum} is not older than {ONE}"):
        release.make(ONE, minimum_from=minimum)
    assert not release.paths.release.exists()
