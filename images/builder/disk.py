# SPDX-License-Identifier: Apache-2.0
"""The partitions of a disk image that are one version, cut to what is in use.

sfdisk reads the partition table and veritysetup the head of the hash tree; nothing here knows
either format.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import BuildError
from builder.tree import Tree

# Types by the Discoverable Partitions Specification, and what follows the version in the label.
TYPES = {
    "root": ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", ""),
    "verity": ("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "_verity"),
    "signature": ("41092b05-9fc8-4523-994f-2def0408b176", "_sig"),
}
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
HEX = re.compile(r"[0-9a-f]{64}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HINT = "Build it again with `make image`."


@dataclass(frozen=True)
class Partition:
    """A piece of the disk, in bytes, and the UUID by which a host finds it."""

    offset: int
    size: int
    uuid: str


@dataclass(frozen=True)
class Slot:
    """What was cut out: the files by the partition's role, their UUIDs, and the root hash."""

    files: dict[str, Path]
    uuids: dict[str, str]
    root_hash: str


def partitions(tree: Tree, disk: Path, version: str) -> dict[str, Partition]:
    """Return the partitions of a version by their role; BuildError when not each is there once."""
    table = _table(tree, disk)
    found: dict[str, Partition] = {}
    for role, (kind, ending) in TYPES.items():
        label = f"codex-os_{version}{ending}"
        ours = [p for p in table if p.name == label and p.kind == kind]
        if len(ours) != 1:
            raise _damaged(disk, f"has {len(ours) or 'no'} partitions {label}")
        found[role] = ours[0].partition
        if found[role].offset + found[role].size > disk.stat().st_size:
            raise _damaged(disk, f"ends before its partition {label} does")
    return found


def add_to_esp(tree: Tree, disk: Path, file: Path, folder: str, *, log: Path) -> None:
    """Copy a file into a folder of the disk's ESP."""
    found = [entry.partition for entry in _table(tree, disk) if entry.kind == ESP]
    if len(found) != 1:
        raise _damaged(disk, f"has {len(found) or 'no'} ESPs")
    # mtools, as systemd-repart fills it: nothing has to be mounted.
    where = f"{disk}@@{found[0].offset}"
    tree.run(["mcopy", "-o", "-i", where, file, f"::{folder}/{file.name}"], log=log)


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: str
    partition: Partition


def _table(tree: Tree, disk: Path) -> list[_Entry]:
    try:
        table: dict[str, Any] = json.loads(tree.output(["sfdisk", "--json", disk]))
        table = table["partitiontable"]
        sector = int(table["sectorsize"])
        entries = [
            _Entry(
                str(p.get("name", "")),
                str(p["type"]).lower(),
                Partition(
                    int(p["start"]) * sector, int(p["size"]) * sector, str(p["uuid"]).lower()
                ),
            )
            for p in table["partitions"]
        ]
    except BuildError as error:
        raise _damaged(disk, "has no partition table that sfdisk can read", error.hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(disk, "has a partition table that is not GPT") from error
    if any(UUID.fullmatch(entry.partition.uuid) is None for entry in entries):
        raise _damaged(disk, "has a partition without a UUID")
    return entries


def cut(tree: Tree, disk: Path, version: str, folder: Path, *, log: Path) -> Slot:
    """Copy the partitions of a version to ``folder``, each cut to what is in use.

    Root and hash tree are compared block by block before anybody is offered them. The signature's
    partition stays whole: written over an older and longer one, its zeros end it.
    """
    found = partitions(tree, disk, version)
    files = {role: folder / f"{role}.raw" for role in found}
    _copy(disk, found["verity"], files["verity"])
    _copy(disk, found["signature"], files["signature"])
    data, hashes = _in_use(tree, files["verity"], disk)
    if data > found["root"].size or hashes > found["verity"].size:
        raise _damaged(disk, "has a hash tree for a larger root than its own")
    os.truncate(files["verity"], hashes)
    root = found["root"]
    _copy(disk, Partition(root.offset, data, root.uuid), files["root"])
    root_hash = _root_hash(files["signature"], disk)
    uuids = {role: partition.uuid for role, partition in found.items()}
    for role, half in (("root", root_hash[:32]), ("verity", root_hash[32:])):
        if uuids[role].replace("-", "") != half:
            raise _damaged(disk, f"has a {role} partition that its root hash does not name")
    argv: list[str | Path] = ["veritysetup", "verify", files["root"], files["verity"], root_hash]
    try:
        tree.run(argv, log=log)
    except BuildError as error:
        raise _damaged(disk, "has a root that does not fit its hash tree", error.hint) from error
    return Slot(files, uuids, root_hash)


def _copy(disk: Path, partition: Partition, target: Path) -> None:
    with disk.open("rb") as source, target.open("wb") as out:
        left, at = partition.size, partition.offset
        while left:
            # On the same file system this shares the blocks instead of copying them.
            moved = os.copy_file_range(source.fileno(), out.fileno(), left, at)
            if moved == 0:
                raise _damaged(disk, "became shorter while it was read")
            left, at = left - moved, at + moved


def _in_use(tree: Tree, hashes: Path, disk: Path) -> tuple[int, int]:
    """Return how many bytes of root and of hash tree are in use, by the head of the tree."""
    try:
        text = tree.output(["veritysetup", "dump", hashes])
    except BuildError as error:
        raise _damaged(disk, "has no hash tree that veritysetup can read", error.hint) from error
    numbers = dict(re.findall(r"^([A-Z][a-z ]+):\s+([0-9]+)(?: \[bytes\])?$", text, re.MULTILINE))
    try:
        data = int(numbers["Data blocks"]) * int(numbers["Data block size"])
        return data, int(numbers["Hash device size"])
    except KeyError as error:
        raise _damaged(disk, f"has a hash tree of which veritysetup tells no {error}") from error


def _root_hash(signature: Path, disk: Path) -> str:
    """Return the root hash that is signed, in the JSON that systemd-repart wrote."""
    try:
        text = str(json.loads(signature.read_bytes().rstrip(b"\0"))["rootHash"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(disk, "has no signature of its root hash") from error
    if HEX.fullmatch(text) is None:
        raise _damaged(disk, "has a signature of something that is no root hash")
    return text


def _damaged(disk: Path, clause: str, detail: str = "") -> BuildError:
    return BuildError(f"{disk.name} {clause}.", hint=f"{HINT} {detail}".strip())
