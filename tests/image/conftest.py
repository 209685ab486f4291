# SPDX-License-Identifier: Apache-2.0
"""Unpacks the image once: nothing here boots it or mounts it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import cpio, disk, erofs, gpt, uki, verity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.artefacts import Artefacts


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder for what is unpacked; emptied at the end, because a root file system is large."""
    import shutil

    folder = tmp_path_factory.mktemp("image")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def partitions(artefacts: Artefacts) -> list[gpt.Partition]:
    """Partition table of the raw disk."""
    return gpt.read(artefacts.disk)


@pytest.fixture(scope="session")
def root_partition(artefacts: Artefacts, partitions: list[gpt.Partition], scratch: Path) -> Path:
    """File with the content of slot A's root partition."""
    return disk.extract(artefacts.disk, gpt.only(partitions, gpt.ROOT), scratch / "root.erofs")


@pytest.fixture(scope="session")
def hash_partition(artefacts: Artefacts, partitions: list[gpt.Partition], scratch: Path) -> Path:
    """File with the content of slot A's hash partition."""
    partition = gpt.only(partitions, gpt.ROOT_VERITY)
    return disk.extract(artefacts.disk, partition, scratch / "root.verity")


@pytest.fixture(scope="session")
def root(root_partition: Path, scratch: Path) -> Path:
    """Unpacked root file system."""
    return erofs.extract(root_partition, scratch / "root")


@pytest.fixture(scope="session")
def initrd(artefacts: Artefacts, scratch: Path) -> list[cpio.Member]:
    """Members of all archives of the UKI's initrd."""
    return list(cpio.members(uki.section(artefacts.uki, ".initrd", scratch / "initrd")))


@pytest.fixture(scope="session")
def command_line(artefacts: Artefacts, scratch: Path) -> str:
    """Kernel command line that is sealed into the UKI."""
    return uki.text_section(artefacts.uki, ".cmdline", scratch / "cmdline").strip()


@pytest.fixture(scope="session")
def root_hash(command_line: str) -> str:
    """Root hash that the UKI demands."""
    return verity.root_hash(command_line)


@pytest.fixture(scope="session")
def esp(artefacts: Artefacts, partitions: list[gpt.Partition], scratch: Path) -> dict[str, Path]:
    """Files of the ESP: path in the partition to unpacked copy."""
    partition = gpt.only(partitions, gpt.ESP)
    folder = scratch / "esp"
    folder.mkdir()
    return {
        path: disk.fat_read(
            artefacts.disk, partition, path, folder / path.strip("/").replace("/", "+")
        )
        for path in disk.fat_list(artefacts.disk, partition)
    }


@pytest.fixture(scope="session")
def budgets() -> dict[str, Any]:
    """Size limits in bytes."""
    return tomllib.loads((Path(__file__).parent / "budgets.toml").read_text(encoding="utf-8"))
