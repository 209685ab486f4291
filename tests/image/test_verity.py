# SPDX-License-Identifier: Apache-2.0
"""The UKI demands exactly this root, and any change of it is found."""

from pathlib import Path

import pytest

from tests.support import disk, erofs, gpt, programs, verity
from tests.support.artefacts import Artefacts
from tests.support.gpt import Partition


def test_intact_root_verifies(root_partition: Path, hash_partition: Path, root_hash: str) -> None:
    assert verity.verifies(root_partition, hash_partition, root_hash)


def test_partition_names_derive_from_the_root_hash(
    partitions: list[Partition], root_hash: str
) -> None:
    names = tuple(gpt.only(partitions, kind).uuid for kind in (gpt.ROOT, gpt.ROOT_VERITY))
    assert names == verity.partition_uuids(root_hash)


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0], ids=["first", "middle", "last"])
def test_one_flipped_bit_in_the_root_is_found(
    root_partition: Path, hash_partition: Path, root_hash: str, part: float
) -> None:
    offset = int((erofs.used_bytes(root_partition) - 1) * part)
    disk.flip_bit(root_partition, offset)
    try:
        assert not verity.verifies(root_partition, hash_partition, root_hash)
    finally:
        disk.flip_bit(root_partition, offset)
    assert verity.verifies(root_partition, hash_partition, root_hash)


def test_one_flipped_bit_in_the_hashes_is_found(
    root_partition: Path, hash_partition: Path, root_hash: str
) -> None:
    """The superblock is 4096 bytes; the hash tree begins behind it, its top first."""
    disk.flip_bit(hash_partition, 4096)
    try:
        assert not verity.verifies(root_partition, hash_partition, root_hash)
    finally:
        disk.flip_bit(hash_partition, 4096)


def test_a_wrong_root_hash_is_refused(
    root_partition: Path, hash_partition: Path, root_hash: str
) -> None:
    wrong = f"{int(root_hash[0], 16) ^ 1:x}" + root_hash[1:]
    assert not verity.verifies(root_partition, hash_partition, wrong)


@pytest.fixture(scope="module")
def signature(artefacts: Artefacts, partitions: list[Partition], scratch: Path) -> verity.Signature:
    """Content of slot A's signature partition."""
    partition = gpt.only(partitions, gpt.ROOT_VERITY_SIGNATURE)
    return verity.read_signature(disk.extract(artefacts.disk, partition, scratch / "root.sig"))


def test_signed_root_hash_is_the_one_of_the_uki(
    signature: verity.Signature, root_hash: str
) -> None:
    assert signature.root_hash == root_hash


def test_root_hash_signature_verifies_with_our_certificate(
    signature: verity.Signature, root_hash: str, artefacts: Artefacts, tmp_path: Path
) -> None:
    certificate = artefacts.verity_certificate
    assert verity.signature_verifies(signature.pkcs7, root_hash, certificate, tmp_path)


def test_root_hash_signature_covers_nothing_else(
    signature: verity.Signature, root_hash: str, artefacts: Artefacts, tmp_path: Path
) -> None:
    other = root_hash[::-1]
    assert other != root_hash
    certificate = artefacts.verity_certificate
    assert not verity.signature_verifies(signature.pkcs7, other, certificate, tmp_path)


def test_fingerprint_is_that_of_our_certificate(
    signature: verity.Signature, artefacts: Artefacts
) -> None:
    listing = programs.text(
        "openssl", "x509", "-in", artefacts.verity_certificate, "-noout", "-fingerprint", "-sha256"
    )
    fingerprint = listing.partition("=")[2].strip().replace(":", "").lower()
    assert signature.certificate_fingerprint == fingerprint
