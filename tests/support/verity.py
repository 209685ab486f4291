# SPDX-License-Identifier: Apache-2.0
"""dm-verity: root hash, partition names and the signature over the hash."""

import base64
import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.support import programs


def root_hash(command_line: str) -> str:
    """Root hash (64 hexadecimal digits) that a kernel command line demands."""
    values = re.findall(r"(?:^|\s)roothash=([0-9a-f]{64})(?=\s|$)", command_line)
    if len(values) != 1:
        raise AssertionError(f"expected one roothash= in the command line: {command_line!r}")
    return str(values[0])


def partition_uuids(digest: str) -> tuple[uuid.UUID, uuid.UUID]:
    """UUIDs of the data and the hash partition: first and last 128 bits of the root hash."""
    return uuid.UUID(digest[:32]), uuid.UUID(digest[-32:])


def verifies(data: Path, hashes: Path, digest: str) -> bool:
    """Tell whether all of ``data`` agrees with the hash tree, and the tree with ``digest``."""
    done = programs.run("veritysetup", "verify", data, hashes, digest, accept=(0, 1, 2))
    return done.returncode == 0


@dataclass(frozen=True)
class Signature:
    """Content of a root-verity-sig partition."""

    root_hash: str
    certificate_fingerprint: str
    pkcs7: bytes


def read_signature(partition: Path) -> Signature:
    """Parse the JSON text that fills the partition up to its first NUL."""
    content = json.loads(partition.read_bytes().split(b"\0", 1)[0])
    return Signature(
        content["rootHash"],
        content["certificateFingerprint"],
        base64.b64decode(content["signature"], validate=True),
    )


def signature_verifies(signature: bytes, digest: str, certificate: Path, scratch: Path) -> bool:
    """Check a detached PKCS #7 signature (DER) over the hexadecimal root hash."""
    blob, text = scratch / "root-hash.p7s", scratch / "root-hash.txt"
    blob.write_bytes(signature)
    text.write_text(digest, encoding="ascii")
    done = programs.run(
        "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", blob, "-content", text,
        "-CAfile", certificate, "-certfile", certificate, "-purpose", "any", "-partial_chain",
        "-out", scratch / "verified",
        accept=(0, 4),
    )  # fmt: skip
    return done.returncode == 0
