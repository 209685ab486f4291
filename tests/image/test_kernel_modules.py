# SPDX-License-Identifier: Apache-2.0
"""Kernel modules: signed, and none that would take a GPU from its own driver."""

import lzma
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import cpio, programs, tree
from tests.support.artefacts import Artefacts

_SIGNATURE = b"~Module signature appended~\n"
_UNWANTED = re.compile(r"(nouveau|nova([-_][a-z0-9_-]+)?)\.ko(\.(xz|zst|gz))?")
#: What the initrd must be able to drive to find and verify a root: modules or built-ins.
INITRD = {
    "virtio_blk", "virtio_scsi", "nvme", "ahci", "sd_mod", "dm-mod", "dm-verity", "erofs", "ext4",
    "virtio_pci",
}  # fmt: skip


def _is_module(path: str) -> bool:
    return re.search(r"\.ko(\.(xz|zst|gz))?$", path) is not None


def _content(name: str, data: bytes) -> bytes:
    if name.endswith(".ko"):
        return data
    if name.endswith(".xz"):
        return lzma.decompress(data)
    if name.endswith(".zst"):
        return programs.run("zstd", "-dcq", stdin=data).stdout
    raise AssertionError(f"unknown compression: {name}")


def _modules(root: Path, initrd: list[cpio.Member]) -> Iterator[tuple[str, bytes]]:
    for entry in tree.walk(root / "usr/lib/modules"):
        if entry.is_file and _is_module(entry.path):
            yield entry.path, entry.real.read_bytes()
    for member in initrd:
        if member.is_file and _is_module(member.path):
            yield f"initrd:/{member.path}", member.data


def test_every_module_is_signed(root: Path, initrd: list[cpio.Member]) -> None:
    def unsigned(module: tuple[str, bytes]) -> str | None:
        return None if _content(*module).endswith(_SIGNATURE) else module[0]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(unsigned, _modules(root, initrd)))
    assert len(results) > 500
    assert [path for path in results if path] == []


def test_ours_are_signed_by_us_and_only_they(root: Path, artefacts: Artefacts) -> None:
    folder = root / "usr/lib/modules"
    ours = {path.name for path in folder.glob("*/updates/codex/*.ko")}
    assert ours == {"ai_mem.ko", "ai_gpu.ko"}
    subject = ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in"]
    text = programs.run(*subject, str(artefacts.modules_certificate)).stdout.decode()
    found = re.search(r"commonName\s*= (.*)", text)
    assert found
    for path in [*folder.glob("*/updates/**/*.ko*")]:
        signer = programs.run("modinfo", "-F", "signer", str(path)).stdout.decode().strip()
        assert signer == found[1], path


def test_ours_do_not_say_where_they_were_made(root: Path) -> None:
    for path in (root / "usr/lib/modules").glob("*/updates/codex/*.ko"):
        assert re.findall(rb"/(?:mnt|build|home|root|tmp)/[^\0]*", path.read_bytes()) == [], path


def test_ours_are_for_the_kernel_that_is_there(root: Path) -> None:
    for path in (root / "usr/lib/modules").glob("*/updates/codex/*.ko"):
        magic = programs.run("modinfo", "-F", "vermagic", str(path)).stdout.decode().split()
        assert magic[0] == path.parents[2].name


def test_ours_are_loaded_by_name_and_by_alias(root: Path) -> None:
    loaded = (root / "usr/lib/modules-load.d/codex-kernel.conf").read_text().splitlines()
    assert "ai_mem" in loaded
    [folder] = (root / "usr/lib/modules").iterdir()
    aliases = (folder / "modules.alias").read_text("ascii").splitlines()
    assert "alias pci:v00001234d000011E8sv*sd*bc*sc*i* ai_gpu" in aliases
    # A device that others drive, or that nobody asked for, is never taken.
    assert [line for line in aliases if line.endswith(" ai_gpu")] == [
        "alias pci:v00001234d000011E8sv*sd*bc*sc*i* ai_gpu"
    ]


def test_no_open_nvidia_driver_in_root_or_initrd(root: Path, initrd: list[cpio.Member]) -> None:
    paths = [entry.path for entry in tree.walk(root)] + [member.path for member in initrd]
    assert [path for path in paths if _UNWANTED.fullmatch(path.rpartition("/")[2])] == []


def test_no_open_nvidia_driver_is_built_in(root: Path) -> None:
    [listing] = (root / "usr/lib/modules").glob("*/modules.builtin")
    names = [line.rpartition("/")[2] for line in listing.read_text("ascii").splitlines()]
    assert [name for name in names if _UNWANTED.fullmatch(name)] == []


@pytest.mark.parametrize("name", sorted(INITRD))
def test_initrd_can_reach_the_root(root: Path, initrd: list[cpio.Member], name: str) -> None:
    [listing] = (root / "usr/lib/modules").glob("*/modules.builtin")
    builtin = {_plain(line) for line in listing.read_text("ascii").splitlines()}
    shipped = {_plain(member.path) for member in initrd if _is_module(member.path)}
    assert name.replace("-", "_") in builtin | shipped


def test_module_index_is_complete(root: Path) -> None:
    """Every module is in modules.dep and the other way round; else modprobe fails on the host."""
    [folder] = (root / "usr/lib/modules").iterdir()
    listing = (folder / "modules.dep").read_text("ascii").splitlines()
    indexed = {line.partition(":")[0] for line in listing}
    present = {
        entry.path.lstrip("/")
        for entry in tree.walk(folder)
        if entry.is_file and _is_module(entry.path)
    }
    assert indexed == present


def _plain(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
