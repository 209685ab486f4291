# SPDX-License-Identifier: Apache-2.0
"""Partition table of a raw disk."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.support import programs

# Discoverable Partitions Specification, x86-64.
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
ROOT = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
ROOT_VERITY = uuid.UUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")
ROOT_VERITY_SIGNATURE = uuid.UUID("41092b05-9fc8-4523-994f-2def0408b176")
VAR = uuid.UUID("4d21b016-b534-45c2-a9fb-5c16e091fd2d")

#: Label of a slot that holds nothing.
EMPTY = "_empty"


@dataclass(frozen=True)
class Partition:
    """One partition; ``offset`` and ``size`` in bytes."""

    number: int
    type: uuid.UUID
    uuid: uuid.UUID
    label: str
    offset: int
    size: int
    read_only: bool


def read(disk: Path) -> list[Partition]:
    """Partitions of ``disk`` in the order of their numbers."""
    table = json.loads(programs.text("sfdisk", "--json", disk))["partitiontable"]
    sector = int(table.get("sectorsize", 512))
    partitions = [
        Partition(
            number=int(entry["node"].removeprefix(str(disk)).lstrip("p")),
            type=uuid.UUID(entry["type"]),
            uuid=uuid.UUID(entry["uuid"]),
            label=entry.get("name", ""),
            offset=int(entry["start"]) * sector,
            size=int(entry["size"]) * sector,
            # Bit 60 is "read-only" for the types of the specification.
            read_only="60" in entry.get("attrs", "").removeprefix("GUID:").split(","),
        )
        for entry in table["partitions"]
    ]
    return sorted(partitions, key=lambda partition: partition.number)


def only(partitions: list[Partition], kind: uuid.UUID, *, empty: bool = False) -> Partition:
    """Return the one partition of type ``kind`` that is filled (or, with ``empty``, is not)."""
    found = [p for p in partitions if p.type == kind and (p.label == EMPTY) == empty]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} partitions of type {kind} (empty={empty}), expected 1")
    return found[0]
