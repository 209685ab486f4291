# SPDX-License-Identifier: Apache-2.0
"""Versions that are not what was signed: firmware, loader or kernel refuse them."""

from tests.support import disk
from tests.support.versions import slots
from tests.support.versions.kind import SILENT, Broken
from tests.support.versions.make import Change, Made
from tests.support.versions.signing import Pair


def wrong_verity_signature(foreign: Pair) -> Broken:
    """Another key has signed the root hash."""
    what = "The root hash is signed by a key that the firmware does not hold."
    return Broken("wrong-verity-signature", what, "refused", SILENT,
                  Change(verity_sign_with=foreign))  # fmt: skip


def wrong_uki_signature(foreign: Pair | None) -> Broken:
    """Another key has signed the UKI, or nobody has."""
    if foreign is None:
        return Broken("unsigned-uki", "Nobody has signed the UKI.", "refused", SILENT,
                      Change(unsigned=True))  # fmt: skip
    what = "The UKI is signed by a key that the firmware does not hold."
    return Broken("foreign-uki", what, "refused", SILENT, Change(sign_with=foreign))


def flipped_uki() -> Broken:
    """One bit of the UKI was flipped after it was signed."""

    def flip(made: Made) -> None:
        disk.flip_bit(made.uki, made.uki.stat().st_size // 2)

    what = "A bit of the UKI is another one than was signed."
    return Broken("flipped-uki", what, "refused", SILENT, Change(afterwards=flip))


def flipped_root() -> Broken:
    """One bit of the root is another one than was hashed; hash tree and signature are right."""

    def flip(made: Made) -> None:
        disk.flip_bit(made.root, slots.in_file(made.root))

    what = "A block of the root that every boot reads is not the one that was hashed."
    return Broken("flipped-root", what, "resets", SILENT, Change(afterwards=flip))
