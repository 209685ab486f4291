# SPDX-License-Identifier: Apache-2.0
"""The disk has both slots from the first day, and names say which version is where."""

import pytest

from tests.support import gpt
from tests.support.artefacts import Artefacts
from tests.support.gpt import Partition

SLOT = [gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIGNATURE]


def test_partition_types_and_numbers(partitions: list[Partition]) -> None:
    kinds = sorted(str(partition.type) for partition in partitions)
    assert kinds == sorted(str(kind) for kind in [gpt.ESP, *SLOT, *SLOT])


@pytest.mark.parametrize("kind", SLOT, ids=["root", "hashes", "signature"])
def test_slot_a_is_labelled_with_the_version(
    partitions: list[Partition], artefacts: Artefacts, kind: object
) -> None:
    filled = next(p for p in partitions if p.type == kind)
    assert filled.label.startswith(f"codex-os_{artefacts.version}")
    assert len(filled.label) <= 36


@pytest.mark.parametrize("kind", SLOT, ids=["root", "hashes", "signature"])
def test_slot_b_is_empty_and_as_large_as_slot_a(partitions: list[Partition], kind: object) -> None:
    first, second = (p for p in partitions if p.type == kind)
    assert second.label == gpt.EMPTY
    assert second.size >= first.size


def test_filled_slot_is_marked_read_only(partitions: list[Partition]) -> None:
    assert all(gpt.only(partitions, kind).read_only for kind in (gpt.ROOT, gpt.ROOT_VERITY))


def test_esp_has_room_for_three_ukis(partitions: list[Partition], artefacts: Artefacts) -> None:
    """Two versions installed and one being written."""
    assert gpt.only(partitions, gpt.ESP).size > 3 * artefacts.uki.stat().st_size
