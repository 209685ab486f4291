# SPDX-License-Identifier: Apache-2.0
"""Versions made of a small planted one, with the real programs."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.paths import Paths

from tests.support import cpio, disk, erofs, programs, uki, verity
from tests.support.artefacts import Artefacts
from tests.support.cpio import Member
from tests.support.versions import broken, edits, kernel_image, make, root, signing, slots
from tests.support.versions.kernel_image import Section
from tests.support.versions.make import Change
from tests.support.versions.source import HashTree, Source, open_source
from tests.unit.builder import images
from tests.unit.builder.conftest import HostTree

STUB = Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
PROGRAMS = (*images.PROGRAMS, "ukify", "sbsign", "sbverify", "fsck.erofs", "objdump", "mformat")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
MISSING += [] if STUB.exists() else ["systemd-boot-efi"]
ONE, TWO = "0.1.7", "0.1.8"
INITRD = cpio.archive([Member("init", stat.S_IFLNK | 0o777, b"usr/lib/systemd/systemd")])

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="owners are kept by root only"),
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("db", "verity"):
        programs.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}/",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt",
        )  # fmt: skip
    return folder


def _plant(tree: Path) -> None:
    """Leave what roots have that is easily lost."""
    for name in ("usr/lib/systemd/system", "usr/lib/systemd/boot/efi", "etc", "var", "srv"):
        (tree / name).mkdir(parents=True)
    for path in (STUB, STUB.with_name(kernel_image.ADDON)):
        shutil.copy(path, tree / "usr/lib/systemd/boot/efi")
    (tree / "usr/lib/os-release").write_text(f'ID=x\nIMAGE_VERSION="{ONE}"\nVARIANT_ID=general\n')
    (tree / "etc/os-release").symlink_to("../usr/lib/os-release")
    (tree / "usr/lib/systemd/systemd").write_bytes(images.noise(60_000, 1))
    (tree / "etc/shadow").write_text("root:*\n")
    os.chown(tree / "etc/shadow", 0, 42)
    (tree / "etc/shadow").chmod(0o640)
    os.link(tree / "etc/shadow", tree / "etc/shadow-")
    program = tree / "usr/ping"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o4755)
    # File capabilities of version 2: effective, cap_net_raw.
    os.setxattr(program, "security.capability", bytes.fromhex("0100000200200000" + "00" * 12))
    (tree / "srv").chmod(0o1777)
    os.chown(tree / "srv", 7, 8)
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, ns=(10**18, 10**18), follow_symlinks=False)


def _metadata(tree: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in [tree, *tree.rglob("*")]:
        status = path.lstat()
        names = os.listxattr(path, follow_symlinks=False)
        found[str(path.relative_to(tree))] = (
            oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns,
            status.st_nlink if path.is_file() else 0,
            str(path.readlink()) if path.is_symlink() else path.is_file() and path.read_bytes(),
            {name: os.getxattr(path, name, follow_symlinks=False) for name in names},
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Source:
    folder = tmp_path_factory.mktemp("source")
    _plant(folder / "tree")
    artefacts = Artefacts(ONE, folder, keys)
    artefacts.manifest.write_text('{"config": {}, "packages": [{"name": "a", "version": "1"}]}')
    artefacts.sbom.write_text('{"creationInfo": {"created": "2026-11-22T09:00:00Z"}}')
    sections = [
        Section(".osrel", f'ID=x\nIMAGE_ID="codex-os"\nIMAGE_VERSION="{ONE}"\n'.encode()),
        Section(".cmdline", f"roothash={'ab' * 32} systemd.crash_action=reboot\0".encode()),
        Section(".uname", b"7.3.4"),
        Section(".linux", STUB.read_bytes()),
        Section(".initrd", INITRD + b"\1\0\0"),
    ]
    hashes = HashTree(root.identifier("x"), "sha256", 4096, 4096, "ab" * 32)
    sizes = {"root": 8 << 20, "verity": 1 << 20, "signature": 16384}
    return Source(artefacts, folder / "tree", hashes, sizes, sections)


def _made(source: Source, folder: Path, *changes: edits.Edit, **named: object) -> make.Made:
    return make.make_version(source, TWO, folder, Change(edits=changes, **named))  # type: ignore[arg-type]


def _unpacked(made: make.Made, target: Path) -> Path:
    return erofs.extract(made.root, target)


def test_whole_version(source: Source, tmp_path: Path) -> None:
    before = _metadata(source.tree)
    made = _made(source, tmp_path / "made", packages={"a": "2"})
    assert sorted(path.name for path in made.folder.iterdir()) == [
        f"codex-os-reset_{TWO}.efi", f"codex-os_{TWO}.efi", f"codex-os_{TWO}.manifest",
        f"codex-os_{TWO}.spdx.json", "root.raw", "signature.raw", "verity.raw",
    ]  # fmt: skip
    assert verity.verifies(made.root, made.verity, made.root_hash)
    assert verity.partition_uuids(made.root_hash)[0].hex == made.uuids["root"].replace("-", "")
    signed = verity.read_signature(made.signature)
    assert (signed.root_hash, made.signature.stat().st_size) == (made.root_hash, 16384)
    keys = source.artefacts.keys
    assert verity.signature_verifies(signed.pkcs7, made.root_hash, keys / "verity.crt", tmp_path)
    assert uki.verifies(made.uki, keys / "db.crt")
    assert '"version": "2"' in made.manifest.read_text()
    old, new = (
        {s.name: s.content for s in sections}
        for sections in (source.sections, kernel_image.read(made.uki))
    )
    assert old.keys() == new.keys()
    assert {name for name in old if old[name] != new[name]} == {".osrel", ".cmdline"}
    assert new[".osrel"] == old[".osrel"].replace(ONE.encode(), TWO.encode())
    assert new[".cmdline"] == old[".cmdline"].replace(b"ab" * 32, made.root_hash.encode())
    assert _metadata(source.tree) == before
    assert uki.verifies(made.reset, keys / "db.crt")
    entry = {s.name: s.content for s in kernel_image.read(made.reset)}
    assert {name for name in new if new[name] != entry[name]} == {".osrel", ".cmdline"}
    assert entry[".cmdline"] == new[".cmdline"].rstrip(b"\0") + b" codex.factory_reset=ask"
    assert b"IMAGE_ID=codex-os-reset" in entry[".osrel"]


def test_nothing_is_lost_on_the_way(source: Source, tmp_path: Path) -> None:
    made = _made(source, tmp_path / "made")
    found, wanted = _metadata(_unpacked(made, tmp_path / "tree")), _metadata(source.tree)
    changed = {name for name in wanted if found.get(name) != wanted[name]}
    # The edit of the version gives its file and folder the time of all that is built.
    assert (changed, found.keys()) == ({"usr/lib", "usr/lib/os-release"}, wanted.keys())
    text = (tmp_path / "tree/usr/lib/os-release").read_text()
    assert text == f'ID=x\nIMAGE_VERSION="{TWO}"\nVARIANT_ID=general\n'


def test_same_edits_give_the_same_root(source: Source, tmp_path: Path) -> None:
    change = edits.unit("x.service", "[Unit]\n")
    one, two = (_made(source, tmp_path / name, change) for name in ("one", "two"))
    assert one.root_hash == two.root_hash
    assert one.signature.read_bytes() == two.signature.read_bytes()
    assert _made(source, tmp_path / "other").root_hash != one.root_hash


@pytest.mark.parametrize("compression", [root.FAST, root.AS_BUILT])
def test_compression(source: Source, tmp_path: Path, compression: str) -> None:
    made = make.make_version(source, TWO, tmp_path / "made", compression=compression)
    listing = programs.text("dump.erofs", "-s", made.root)
    assert compression == root.FAST or re.search(r"compr_algs:\s+zstd", listing)


def test_slot_that_is_too_small(source: Source, tmp_path: Path) -> None:
    noise = images.noise(9 << 20, 3)
    with pytest.raises(BuildError, match="root of this version has") as caught:
        _made(source, tmp_path / "made", edits.write("/big", noise))
    assert caught.value.hint


def test_initrd_gets_an_archive(source: Source, tmp_path: Path) -> None:
    made = _made(source, tmp_path / "made", initrd_extra=broken.panic().change.initrd_extra)
    content = next(s.content for s in kernel_image.read(made.uki) if s.name == ".initrd")
    before = len(source.sections[-1].content)
    extra = content[before + -before % 4 :]
    (init,) = cpio.members(extra)
    assert (init.path, oct(init.mode)) == ("init", "0o100755")
    assert init.data.startswith(b"#!/bin/sh\n")


def test_signatures_of_others(source: Source, tmp_path: Path) -> None:
    keys, foreign = source.artefacts.keys, signing.foreign(tmp_path / "foreign")
    kinds = {
        kind.name: make.make_version(source, TWO, tmp_path / kind.name, kind.change)
        for kind in (
            broken.wrong_uki_signature(foreign), broken.wrong_uki_signature(None),
            broken.flipped_uki(), broken.wrong_verity_signature(foreign),
        )
    }  # fmt: skip
    trusted = {name: uki.verifies(made.uki, keys / "db.crt") for name, made in kinds.items()}
    assert trusted == {
        "foreign-uki": False, "unsigned-uki": False, "flipped-uki": False,
        "wrong-verity-signature": True,
    }  # fmt: skip
    assert uki.verifies(kinds["foreign-uki"].uki, foreign.certificate)
    assert uki.signers(kinds["unsigned-uki"].uki) == []
    made = kinds["wrong-verity-signature"]
    signed = verity.read_signature(made.signature)
    for certificate, good in ((keys / "verity.crt", False), (foreign.certificate, True)):
        assert good == verity.signature_verifies(
            signed.pkcs7, made.root_hash, certificate, tmp_path
        )


def test_flipped_root(source: Source, tmp_path: Path) -> None:
    made = make.make_version(source, TWO, tmp_path / "made", broken.flipped_root().change)
    assert not verity.verifies(made.root, made.verity, made.root_hash)


def test_boot_menu_entries_are_kept_apart(source: Source, tmp_path: Path) -> None:
    entry = [
        Section(".profile", b"ID=main\n"),
        Section(".profile", b"ID=reset\nTITLE=Reset\n"),
        Section(".cmdline", f"roothash={'ab' * 32} codex.reset".encode()),
    ]
    efi = kernel_image.build(
        [*source.sections, *entry], source.stub, tmp_path / "a.efi", tmp_path / "scratch", None
    )
    sections = kernel_image.read(efi)
    new = kernel_image.renew(sections, version=TWO, root_hash="cd" * 32)
    again = kernel_image.build(new, source.stub, tmp_path / "b.efi", tmp_path / "again", None)
    found = kernel_image.read(again)
    assert [section.name for section in found] == [section.name for section in sections]
    assert found == new
    lines = [section.text for section in found if section.name == ".cmdline"]
    assert lines == [f"roothash={'cd' * 32} systemd.crash_action=reboot",
                     f"roothash={'cd' * 32} codex.reset"]  # fmt: skip


def test_unknown_sections_are_errors(source: Source, tmp_path: Path) -> None:
    efi = tmp_path / "x.efi"
    (tmp_path / "part").write_bytes(b"x")
    programs.run("objcopy", f"--add-section=.new={tmp_path / 'part'}",
                 "--set-section-flags=.new=data,readonly", source.stub, efi)  # fmt: skip
    with pytest.raises(AssertionError, match=r"\.new"):
        kernel_image.read(efi)


def test_a_disk_is_taken_apart_once(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    images.build(folder, ONE, changed=3)
    built = Artefacts(ONE, folder, source.artefacts.keys)
    signed = verity.read_signature(_partition(built.disk, "signature", tmp_path))
    sections = kernel_image.renew(source.sections, version=ONE, root_hash=signed.root_hash)
    kernel_image.build(sections, source.stub, built.uki, tmp_path / "uki", None)
    tree = HostTree(Paths(tmp_path))
    opened = open_source(built, tmp_path / "cache", tree)
    assert opened.sizes == {"root": 8 << 20, "verity": 1 << 20, "signature": 16384}
    assert sorted(path.name for path in (opened.tree / "usr").iterdir()) == list("01234567")
    marked = opened.tree / "usr/0"
    marked.write_bytes(b"found again")
    assert open_source(built, tmp_path / "cache", tree).tree / "usr/0" == marked
    assert marked.read_bytes() == b"found again"
    # A version of it has the same parameters: its hash tree over the same root is the same.
    cut = _partition(built.disk, "root", tmp_path)
    os.truncate(cut, erofs.used_bytes(cut))
    assert root.hash_tree(cut, tmp_path / "hashes", opened.hash_tree) == signed.root_hash


def _partition(raw: Path, role: slots.Role, folder: Path) -> Path:
    return disk.extract(raw, slots.partition(raw, ONE, role), folder / role)


def test_bits_of_slots(source: Source, tmp_path: Path) -> None:
    images.build(tmp_path, ONE, changed=3)
    raw = tmp_path / f"codex-os_{ONE}.raw"
    whole = _partition(raw, "root", tmp_path)
    before = raw.read_bytes()
    flip = slots.corrupt_slot(raw, ONE, whole, "/usr/5")
    after = raw.read_bytes()
    assert [at for at in range(len(before)) if before[at] != after[at]] == [flip.offset]
    programs.run("sh", "-c", flip.shell(str(raw)))
    assert raw.read_bytes() == before
    found = slots.spread(raw, ONE, "verity", 4096, 3)
    start = slots.partition(raw, ONE, "verity").offset
    assert [bit.offset - start for bit in found] == [0, 2047, 4095]
    with pytest.raises(AssertionError, match="is not in the partition"):
        slots.bit(raw, ONE, "signature", 16384)
    with pytest.raises(AssertionError, match="0 partitions"):
        slots.bit(raw, TWO, "signature", 0)
